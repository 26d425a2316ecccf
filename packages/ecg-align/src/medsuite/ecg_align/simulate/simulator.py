"""The simulator: records with labels, pairs with and without a finding, and which leads a finding can be seen in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from medsuite.core.errors import InputError
from medsuite.ecg_align.leads import LEADS12, positions
from medsuite.ecg_align.recording import Recording
from medsuite.ecg_align.simulate.fields import LEAD_MATRIX, electrode_fields
from medsuite.ecg_align.simulate.findings import COLUMN, FINDINGS, finding
from medsuite.ecg_align.simulate.heart import dipole
from medsuite.ecg_align.simulate.state import State, draw_state

_CHUNK = 64


@dataclass(frozen=True, eq=False)
class SimulatedBatch:
    """Simulated records.

    Attributes:
        signal: The twelve standard leads in mV, noise included.
        labels: The causes put in, in the order of `FINDINGS`.
        state: What was drawn, from which the records can be rendered again with or without a finding.
        rate: Sampling rate in Hz.
    """

    signal: Float[np.ndarray, "record 12 sample"]
    labels: Bool[np.ndarray, "record finding"]
    state: State
    rate: float

    def recording(self, index: int) -> Recording:
        """Return one record, its causes by name in `meta["findings"]`."""
        signal = self.signal[index]
        names = tuple(entry.name for entry, is_present in zip(FINDINGS, self.labels[index], strict=True) if is_present)
        meta = {"findings": names, "simulated": True}
        return Recording(signal, LEADS12, self.rate, np.isfinite(signal), meta, f"simulated record {index}")


@dataclass(frozen=True)
class Simulator:
    """A dipole in a body, recorded through noisy electrodes.

    Noise enters at the nine electrodes and the leads are formed afterwards, so that Einthoven's and Goldberger's
    identities hold with noise, to rounding.

    Attributes:
        rate: Sampling rate in Hz.
        seconds: Length of a record.
        noise: Standard deviation of each electrode's white noise in mV.
        wander: Largest amplitude of each electrode's slow drift in mV.
        spread: Relative standard deviation of the chest leads' fields between people.
    """

    rate: float = 100.0
    seconds: float = 5.0
    noise: float = 0.020
    wander: float = 0.05
    spread: float = 0.25

    def __post_init__(self) -> None:
        for name in ("rate", "seconds", "noise", "wander", "spread"):
            value = getattr(self, name)
            positive = name in {"rate", "seconds"}
            if not np.isfinite(value) or value < 0 or (positive and value == 0):
                expected = "a positive number" if positive else "zero or a positive number"
                raise InputError(f"Simulator({name}={value})", expected=expected)
        if round(self.rate * self.seconds) < 1:
            raise InputError(f"Simulator(rate={self.rate:g}, seconds={self.seconds:g})", expected="at least one sample")

    def draw(self, records: int, rng: np.random.Generator, *, forbid: Collection[str] = ()) -> SimulatedBatch:
        """Draw records.

        Args:
            records: Number of records.
            rng: Source of randomness.
            forbid: Findings that none may have.

        Raises:
            InputError: The number is not positive, or a forbidden finding is unknown.
        """
        if records < 1:
            raise InputError(f"{records} records were asked for", expected="at least one")
        state = draw_state(records, self.seconds, rng, forbid=forbid, spread=self.spread)
        signal = self.clean(state) + LEAD_MATRIX @ self._electrode_noise(records, rng)
        return SimulatedBatch(signal, state.present, state, self.rate)

    def clean(self, state: State) -> Float[np.ndarray, "record 12 sample"]:
        """Render the twelve leads in mV without noise."""
        times = np.arange(round(self.rate * self.seconds)) / self.rate
        chunks = [state.rows(slice(start, start + _CHUNK)) for start in range(0, len(state.present), _CHUNK)]
        leads = [
            LEAD_MATRIX @ (electrode_fields(chunk.fields) @ dipole(chunk, times).transpose(0, 2, 1)) for chunk in chunks
        ]
        return np.concatenate(leads)

    def visible(
        self, state: State, name: str, leads: Sequence[str] = LEADS12, *, deviations: float = 3.0
    ) -> Bool[np.ndarray, "record"]:
        """Tell in which records a finding can be seen in some of the leads.

        The record is rendered with and without the finding, all else equal; it is visible where the two differ
        anywhere by more than `deviations` standard deviations of the lead's white noise.

        Args:
            state: The records.
            name: The finding.
            leads: The leads that are given.
            deviations: Threshold in standard deviations.

        Returns:
            False as well where the finding is not present.

        Raises:
            InputError: The finding or a lead is unknown.
        """
        rows = positions(leads, LEADS12)
        result = state.present[:, COLUMN[finding(name).name]].copy()
        if not result.any():
            return result
        chosen = state.rows(result)
        change = np.abs(self.clean(chosen) - self.clean(chosen.without(name)))[:, rows].max(axis=2)
        threshold = deviations * self.noise * np.linalg.norm(LEAD_MATRIX[rows], axis=1)
        result[result] = (change > threshold).any(axis=1)
        return result

    def _electrode_noise(self, records: int, rng: np.random.Generator) -> Float[np.ndarray, "record 9 sample"]:
        samples = round(self.rate * self.seconds)
        shape = (records, LEAD_MATRIX.shape[1], 1)
        times = np.arange(samples) / self.rate
        drift = rng.uniform(0, self.wander, shape) * np.sin(
            2 * np.pi * (rng.uniform(0.1, 0.4, shape) * times + rng.uniform(0, 1, shape))
        )
        return drift + self.noise * rng.standard_normal((records, LEAD_MATRIX.shape[1], samples))
