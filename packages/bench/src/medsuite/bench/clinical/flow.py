"""The flow chart of exclusions: who was left out of a cohort, why, and in which order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from medsuite.core.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class FlowStep:
    """One step of a flow chart.

    Attributes:
        reason: Why stays leave here; for the last step, who is left.
        stays: Number of stays that leave, or that are left.
        patients: Number of patients among them; a patient with several stays may leave in several steps.
        condition: The SQL condition of leaving, as it was run.
    """

    reason: str
    stays: int
    patients: int
    condition: str = ""


@dataclass(frozen=True)
class Flow:
    """All steps from the admissions of a database to a cohort.

    Attributes:
        start: All admissions.
        steps: Exclusions in their order.
        end: The cohort.
    """

    start: FlowStep
    steps: tuple[FlowStep, ...]
    end: FlowStep

    def __post_init__(self) -> None:
        left = self.start.stays - sum(step.stays for step in self.steps)
        if left != self.end.stays:
            raise InputError(
                f"the flow chart does not add up: {left} stays should be left, the cohort has {self.end.stays}",
                fix="report this: an exclusion was counted twice or not at all",
            )

    @property
    def after(self) -> tuple[int, ...]:
        """Number of stays after each exclusion."""
        left, counts = self.start.stays, []
        for step in self.steps:
            left -= step.stays
            counts.append(left)
        return tuple(counts)


def flow_table(flow: Flow, title: str) -> "Table":
    """Lay a flow chart out for a terminal."""
    from rich.table import Table

    table = Table(title=title)
    for column in ("step", "stays", "patients", "left"):
        table.add_column(column, justify="left" if column == "step" else "right")
    table.add_row(flow.start.reason, f"{flow.start.stays:,}", f"{flow.start.patients:,}", f"{flow.start.stays:,}")
    for step, left in zip(flow.steps, flow.after, strict=True):
        table.add_row(f"- {step.reason}", f"{step.stays:,}", f"{step.patients:,}", f"{left:,}")
    table.add_row(flow.end.reason, f"{flow.end.stays:,}", f"{flow.end.patients:,}", f"{flow.end.stays:,}")
    return table


def flow_rows(flow: Flow) -> Sequence[tuple[str, int, int, int, str]]:
    """Return the flow chart as rows of step, stays, patients, stays left and condition, for a CSV."""
    rows = [(flow.start.reason, flow.start.stays, flow.start.patients, flow.start.stays, "")]
    for step, left in zip(flow.steps, flow.after, strict=True):
        rows.append((step.reason, step.stays, step.patients, left, step.condition))
    return [*rows, (flow.end.reason, flow.end.stays, flow.end.patients, flow.end.stays, "")]
