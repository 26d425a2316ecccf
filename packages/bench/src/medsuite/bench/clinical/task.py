"""Prediction tasks as data: the paper's definitions, and the same tasks with their faults mended."""

from dataclasses import dataclass
from typing import Literal, get_args

from medsuite.core.errors import InputError, unknown_name

Outcome = Literal["mortality", "length", "readmission"]
View = Literal["retrospective", "landmark"]
Preset = Literal["paper", "fixed"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
VIEWS: tuple[View, ...] = get_args(View)
LONGEST_HOURS = 24 * 366
LABELS = {"mortality": (0, 1), "length": (1, 2, 3), "readmission": (0, 1)}


@dataclass(frozen=True)
class Task:
    """What is predicted, for whom, and from what.

    Attributes:
        outcome: `mortality` in hospital; `length` of stay: 1 up to 7 days, 2 up to 14, 3 more, days rounded down;
            `readmission`.
        preset: `paper` follows the released code to the letter, `fixed` mends what its reference calls faults.
        view: `retrospective` shows all codes of the stay, most of them assigned after its end; `landmark` what was
            known `hours` after admission.
        hours: Prediction time of the landmark view.
        outcome_codes: Whether codes that exist because of the outcome are features.
        age_by_birthday: Age by a birthday on 4 September (paper), or by the year alone (fixed).
        age_cap: Highest age, None for no limit.
        needs_codes: Whether a stay without a diagnosis, a procedure or a drug is left out.
        readmission_from: Whether the days until the next stay are counted from admission or from discharge.
        readmission_days: Less than this many days, rounded down, are a readmission.
        needs_return: Whether patients who never came back are left out (paper) or negative (fixed).
        survivors_only: Whether a patient who died in the stay is left out of readmission.
    """

    outcome: Outcome
    preset: Preset
    view: View = "retrospective"
    hours: float = 24.0
    outcome_codes: bool = True
    age_by_birthday: bool = False
    age_cap: int | None = 91
    needs_codes: bool = False
    readmission_from: Literal["admission", "discharge"] = "discharge"
    readmission_days: int = 14
    needs_return: bool = False
    survivors_only: bool = True

    @property
    def labels(self) -> tuple[int, ...]:
        """All labels in order; the last one is the positive class of an AUROC."""
        return LABELS[self.outcome]

    @property
    def name(self) -> str:
        """The task in words that always name the view, since scores of two views must not be compared."""
        codes = "" if self.outcome_codes or self.view == "landmark" else ", without outcome codes"
        view = "retrospective" if self.view == "retrospective" else f"first {self.hours:g} h"
        return f"{self.outcome} ({self.preset}, {view}{codes})"


def make_task(
    outcome: str,
    preset: str = "fixed",
    view: str = "retrospective",
    hours: float = 24.0,
    outcome_codes: bool = True,
) -> Task:
    """Build a task from names.

    Args:
        outcome: `mortality`, `length` or `readmission`.
        preset: `paper` or `fixed`.
        view: `retrospective` or `landmark`.
        hours: Prediction time of the landmark view, in hours after admission.
        outcome_codes: Whether codes that exist because of the outcome are features.

    Raises:
        InputError: A name is unknown, the hours are not positive or more than a year, or the paper's preset is asked
            for a view that the paper does not have.
    """
    for kind, given, known in (
        ("task", outcome, OUTCOMES),
        ("preset", preset, get_args(Preset)),
        ("view", view, VIEWS),
    ):
        if given not in known:
            raise unknown_name(kind, given, known)
    if not 0 < hours <= LONGEST_HOURS:
        raise InputError(f"{hours:g} hours after admission", expected=f"more than 0 and at most {LONGEST_HOURS}")
    if preset == "fixed":
        return Task(outcome, "fixed", view, hours, outcome_codes)  # type: ignore[arg-type]
    if view != "retrospective":
        raise InputError("the paper has no landmark view", expected="preset fixed for it")
    return Task(
        outcome,  # type: ignore[arg-type]
        "paper",
        outcome_codes=outcome_codes,
        age_by_birthday=True,
        age_cap=None,
        needs_codes=True,
        readmission_from="admission",
        readmission_days=15,
        needs_return=True,
        survivors_only=False,
    )
