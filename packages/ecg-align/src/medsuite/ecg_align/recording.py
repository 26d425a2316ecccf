"""A recording: voltages in millivolt, lead names, sampling rate and the mask of the samples that are valid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from medsuite.core.errors import InputError
from medsuite.ecg_align import units as voltage
from medsuite.ecg_align.leads import canonical_names, positions
from medsuite.ecg_align.resampling import resample


@dataclass(frozen=True, eq=False)
class Recording:
    """An electrocardiogram whose leads are known by name and never reordered silently.

    Attributes:
        signal: Voltages in mV; NaN or anything else where `valid` is False.
        leads: Canonical names, in the order of the signal's rows.
        rate: Sampling rate in Hz.
        valid: False for samples that were lost.
        meta: What the file said besides: comments, statements, measurements, warnings.
        source: The file or the call that it comes from.
    """

    signal: Float[np.ndarray, "lead sample"]
    leads: tuple[str, ...]
    rate: float
    valid: Bool[np.ndarray, "lead sample"]
    meta: Mapping[str, Any] = field(default_factory=dict)
    source: str = "array"

    @classmethod
    def from_array(
        cls,
        signal: Shaped[np.ndarray, "lead sample"],
        leads: Sequence[str],
        rate: float,
        *,
        units: str = "mV",
        source: str = "array",
    ) -> "Recording":
        """Make a recording of an array; samples that are not finite become invalid.

        Args:
            signal: One row per lead, in `units`.
            leads: Names of the rows in any usual spelling.
            rate: Sampling rate in Hz.
            units: `"V"`, `"mV"`, `"uV"` or `"nV"`.
            source: Where the array comes from, for messages.

        Raises:
            InputError: Names and rows differ in number, a lead comes twice, the unit is unknown, the rate is not
                positive, there is no sample, or the voltages cannot be in that unit.
        """
        names = canonical_names(leads, source)
        values = np.asarray(signal, dtype=np.float64) * voltage.factor(units)
        if values.ndim != 2 or len(values) != len(names) or not values.size:
            raise InputError(
                f"{source}: {len(names)} lead names for an array of shape {values.shape}",
                expected="one row per lead and at least one sample",
            )
        if not (np.isfinite(rate) and rate > 0):
            raise InputError(f"{source}: sampling rate {rate}", expected="a positive number in Hz")
        voltage.check_plausible(values, source)
        return cls(values, names, float(rate), np.isfinite(values), {}, source)

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.signal.shape[1] / self.rate

    @property
    def times(self) -> Float[np.ndarray, "sample"]:
        """Time of each sample in seconds from the first."""
        return np.arange(self.signal.shape[1]) / self.rate

    def select(self, leads: Sequence[str]) -> "Recording":
        """Return the named leads, in the order in which they are named.

        Raises:
            InputError: A lead is not in the recording.
        """
        rows = positions(leads, self.leads)
        names = tuple(self.leads[row] for row in rows)
        return replace(self, signal=self.signal[rows], valid=self.valid[rows], leads=names)

    def window(self, start: float, stop: float) -> "Recording":
        """Return the samples from `start` up to, not including, `stop`, both in seconds.

        Raises:
            InputError: The window is empty or reaches beyond the recording.
        """
        first, last = round(start * self.rate), round(stop * self.rate)
        if not 0 <= first < last <= self.signal.shape[1]:
            raise InputError(
                f"{self.source}: window from {start} to {stop} s", expected=f"part of 0 to {self.seconds:g} s"
            )
        return replace(self, signal=self.signal[:, first:last], valid=self.valid[:, first:last])

    def derive_limb(self) -> "Recording":
        """Add the limb leads that are missing, from I and II by Einthoven's and Goldberger's identities.

        III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2, aVF = II - I / 2. Leads that are present stay as they
        are, also where they contradict the identities (`limb_residual` tells). The names of those that were added
        are `meta["derived"]`.

        Raises:
            InputError: I or II is not in the recording.
        """
        first, second = self.select(["I", "II"]).signal
        both = self.select(["I", "II"]).valid.all(axis=0)
        made = {name: row for name, row in augmented(first, second).items() if name not in self.leads}
        if not made:
            return self
        return replace(
            self,
            signal=np.vstack([self.signal, *made.values()]),
            valid=np.vstack([self.valid, *[both] * len(made)]),
            leads=(*self.leads, *made),
            meta={**self.meta, "derived": tuple(made)},
        )

    def limb_residual(self) -> dict[str, float]:
        """Return, for each of III, aVR, aVL and aVF that is present, the root mean square of its defect in µV.

        A defect is the difference from what I and II demand. Rounding to the converter's steps explains a few µV;
        more than 30 is a swapped, mislabelled or differently filtered lead. NaN where no sample is valid in all.

        Raises:
            InputError: I or II is not in the recording.
        """
        demanded = augmented(*self.select(["I", "II"]).signal)
        return {name: self._defect(name, demanded[name]) for name in demanded if name in self.leads}

    def _defect(self, name: str, demanded: Float[np.ndarray, "sample"]) -> float:
        involved = self.select(["I", "II", name])
        valid = involved.valid.all(axis=0)
        if not valid.any():
            return float("nan")
        return 1e3 * float(np.sqrt(np.mean((involved.signal[2] - demanded)[valid] ** 2)))

    def resample(self, rate: float) -> "Recording":
        """Return the recording at another sampling rate; see `medsuite.ecg_align.resampling.resample`.

        Lost samples are bridged by straight lines first, and what lies nearest to one of them stays invalid.

        Raises:
            InputError: The rate is not positive, or a lead has no valid sample.
        """
        if not (np.isfinite(rate) and rate > 0):
            raise InputError(f"sampling rate {rate}", expected="a positive number in Hz")
        if rate == self.rate:
            return self
        signal = resample(_bridged(self), self.rate, rate)
        nearest = np.rint(np.arange(signal.shape[1]) * self.rate / rate).astype(int)
        valid = self.valid[:, np.minimum(nearest, self.valid.shape[1] - 1)]
        return replace(self, signal=signal, valid=valid, rate=float(rate))


def augmented(
    first: Float[np.ndarray, "*sample"], second: Float[np.ndarray, "*sample"]
) -> dict[str, Float[np.ndarray, "*sample"]]:
    """Return III, aVR, aVL and aVF from the leads I and II."""
    return {
        "III": second - first,
        "aVR": -(first + second) / 2,
        "aVL": first - second / 2,
        "aVF": second - first / 2,
    }


def _bridged(recording: Recording) -> Float[np.ndarray, "lead sample"]:
    if recording.valid.all():
        return recording.signal
    positions_of_samples = np.arange(recording.signal.shape[1])
    rows = []
    for name, row, valid in zip(recording.leads, recording.signal, recording.valid, strict=True):
        if not valid.any():
            raise InputError(f"{recording.source}: lead {name} has no valid sample", fix="select the others")
        rows.append(np.interp(positions_of_samples, positions_of_samples[valid], row[valid]))
    return np.stack(rows)
