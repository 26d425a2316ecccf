"""All that is drawn at random for a batch of records, before anything is rendered."""

import math
from collections.abc import Collection
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Bool, Float

from medsuite.ecg_align.simulate.fields import personal_fields
from medsuite.ecg_align.simulate.findings import COLUMN, FINDINGS, GROUPS, OPPOSITES, WALLS, finding

COMPOSITION_PREVALENCE = 0.085
GROUP_PREVALENCE = 0.09
FASTEST = 140.0
"""Beats a minute; fixes how many beats are drawn."""


@dataclass(frozen=True)
class State:
    """Random numbers of a batch, the same with and without a finding.

    Attributes:
        present: Findings that are put in, in the order of `FINDINGS`.
        size: Strength of each finding, 0.75 to 1.3.
        fields: Lead fields of the person: rows I, II, V1 to V6 per mV along X, Y, Z.
        rate: Position of the heart rate in its range, 0 to 1.
        start: Phase of the first beat.
        jitter: Standard normal deviation of each sinus interval.
        irregular: Relative RR intervals in fibrillation, gamma-distributed with mean 1.
        pr: Standard normal deviation of the PR interval.
        ectopic_place: Where the premature beat comes, 0 to 1.
        flutter: Frequency, phase and direction of each fibrillatory wave.
        seconds: Length of the records.
    """

    present: Bool[np.ndarray, "record finding"]
    size: Float[np.ndarray, "record finding"]
    fields: Float[np.ndarray, "record 8 3"]
    rate: Float[np.ndarray, "record"]
    start: Float[np.ndarray, "record"]
    jitter: Float[np.ndarray, "record beat"]
    irregular: Float[np.ndarray, "record beat"]
    pr: Float[np.ndarray, "record"]
    ectopic_place: Float[np.ndarray, "record"]
    flutter: Float[np.ndarray, "record 4 5"]
    seconds: float

    def rows(self, chosen: Bool[np.ndarray, "record"] | slice) -> "State":
        """Return the state of some of the records."""
        arrays = {entry.name: getattr(self, entry.name) for entry in fields(self) if entry.name != "seconds"}
        return replace(self, **{name: array[chosen] for name, array in arrays.items()})

    def without(self, name: str) -> "State":
        """Return the same records without a finding.

        Raises:
            InputError: There is no such finding.
        """
        present = self.present.copy()
        present[:, COLUMN[finding(name).name]] = False
        return replace(self, present=present)


def draw_state(
    records: int, seconds: float, rng: np.random.Generator, *, forbid: Collection[str] = (), spread: float = 0.25
) -> State:
    """Draw the random numbers of a batch.

    Args:
        records: Number of records.
        seconds: Length of each.
        rng: Source of randomness.
        forbid: Findings that no record may have.
        spread: Relative standard deviation of the chest leads' fields between people.

    Raises:
        InputError: A forbidden finding is unknown.
    """
    count = math.ceil(seconds * FASTEST / 60) + 3
    direction = rng.standard_normal((records, 4, 3))
    waves = [rng.uniform(5, 9, (records, 4, 1)), rng.uniform(0, 1, (records, 4, 1))]
    return State(
        present=_present(records, rng, forbid),
        size=rng.uniform(0.75, 1.3, (records, len(FINDINGS))),
        fields=personal_fields(rng, records, spread=spread),
        rate=rng.uniform(size=records),
        start=rng.uniform(size=records),
        jitter=rng.standard_normal((records, count)),
        irregular=np.clip(rng.gamma(16, 1 / 16, (records, count)), 0.45, 2),
        pr=rng.standard_normal(records),
        ectopic_place=rng.uniform(size=records),
        flutter=np.concatenate([*waves, direction / np.linalg.norm(direction, axis=2, keepdims=True)], axis=2),
        seconds=float(seconds),
    )


def _present(records: int, rng: np.random.Generator, forbid: Collection[str]) -> Bool[np.ndarray, "record finding"]:
    """Draw findings: about two compositions a record, one of each group at most, no opposites on one wall."""
    present = rng.uniform(size=(records, len(FINDINGS))) < COMPOSITION_PREVALENCE
    for members in GROUPS.values():
        place = np.floor(rng.uniform(size=records) / GROUP_PREVALENCE)
        for index, name in enumerate(members):
            present[:, COLUMN[name]] = place == index
    for wall in WALLS:
        for change, opposite in OPPOSITES:
            first, second = COLUMN[f"{wall} {change}"], COLUMN[f"{wall} {opposite}"]
            dropped = np.where(rng.uniform(size=records) < 0.5, first, second)
            both = present[:, first] & present[:, second]
            present[both, dropped[both]] = False
    # Neither fibrillating atria nor an accessory pathway have a long PR interval.
    present[:, COLUMN["AV block I"]] &= ~(present[:, COLUMN["atrial fibrillation"]] | present[:, COLUMN["WPW"]])
    for name in forbid:
        present[:, COLUMN[finding(name).name]] = False
    return present
