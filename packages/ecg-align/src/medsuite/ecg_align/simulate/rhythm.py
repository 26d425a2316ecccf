"""When the heart beats, apart from what a beat looks like."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from medsuite.ecg_align.simulate.findings import COLUMN
from medsuite.ecg_align.simulate.state import State


@dataclass(frozen=True)
class Beats:
    """Times and kinds of the beats.

    Attributes:
        times: R peaks in seconds; the first may lie before the record and the last behind it.
        interval: Mean RR interval in seconds.
        pr: P to R in seconds.
        normal: Beats that come from above.
        ectopic: Beats that come from a ventricle.
        atrial: Beats with a P wave before them.
    """

    times: Float[np.ndarray, "record beat"]
    interval: Float[np.ndarray, "record"]
    pr: Float[np.ndarray, "record"]
    normal: Bool[np.ndarray, "record beat"]
    ectopic: Bool[np.ndarray, "record beat"]
    atrial: Bool[np.ndarray, "record beat"]


def beats(state: State) -> Beats:
    """Return the beats: sinus rhythm, fibrillation with gamma-distributed intervals, and one premature beat."""
    fibrillating = _has(state, "atrial fibrillation")
    rate = 58 + 34 * state.rate
    rate = np.where(_has(state, "tachycardia"), 110 + 30 * state.rate, rate)
    rate = np.where(_has(state, "bradycardia"), 36 + 12 * state.rate, rate)
    rate = np.where(fibrillating, 65 + 50 * state.rate, rate)
    interval = 60 / rate
    relative = np.where(fibrillating[:, None], state.irregular, 1 + 0.03 * state.jitter)
    times = (state.start[:, None] - 1) * interval[:, None] + np.cumsum(relative, axis=1) * interval[:, None]
    ectopic = _premature(state, times)
    early = np.roll(times, 1, axis=1) + 0.6 * interval[:, None]
    pr = 0.16 + 0.010 * state.pr + 0.12 * _has(state, "AV block I") - 0.055 * _has(state, "WPW")
    return Beats(
        times=np.where(ectopic, early, times),
        interval=interval,
        pr=pr,
        normal=~ectopic,
        ectopic=ectopic,
        atrial=~ectopic & ~fibrillating[:, None],
    )


def _premature(state: State, times: Float[np.ndarray, "record beat"]) -> Bool[np.ndarray, "record beat"]:
    """Mark one beat well inside the record as ectopic where there is a premature one."""
    inside = (times > 0.9) & (times < state.seconds - 0.3)
    inside[:, 0] = False
    rank = np.cumsum(inside, axis=1) - 1
    wanted = np.floor(state.ectopic_place * inside.sum(axis=1)).astype(int)
    return _has(state, "PVC")[:, None] & inside & (rank == wanted[:, None])


def _has(state: State, name: str) -> Bool[np.ndarray, "record"]:
    return state.present[:, COLUMN[name]]
