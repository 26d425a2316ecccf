"""The heart's dipole over time: beats at the times of a rhythm, each beat a sum of Gaussian waves and plateaus.

v(t) = sum over waves w and beats b of d_w k_w(t - t_b), with the kernel k_w(s) = exp(-(s - c_w)^2 / (2 sigma_w^2)) of a
wave or the plateau of an ST segment. Findings change directions, widths and delays; what is drawn at random is drawn
before, and the same with and without a finding, so that two renderings differ by the finding alone.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from medsuite.ecg_align.simulate.findings import COLUMN, FINDINGS
from medsuite.ecg_align.simulate.rhythm import Beats, beats
from medsuite.ecg_align.simulate.state import State

Vector = Float[np.ndarray, "record 3"]


@dataclass(frozen=True)
class Waves:
    """Shape of a normal beat of every record: directions in mV, delays and widths in seconds after the R peak."""

    septal: Vector
    main: Vector
    basal: Vector
    t: Vector
    qrs_width: Float[np.ndarray, "record"]
    qt: Float[np.ndarray, "record"]


def dipole(state: State, times: Float[np.ndarray, "sample"]) -> Float[np.ndarray, "record sample 3"]:
    """Return the dipole in mV along X (left), Y (foot) and Z (back). O(records x beats x samples).

    Args:
        state: All that was drawn for the records.
        times: Times in seconds.
    """
    rhythm = beats(state)
    waves = _waves(state, rhythm)
    # Kernels in single precision are twice as fast and right to a nanovolt; leads are formed in double.
    since = (times[None, None] - rhythm.times[:, :, None]).astype(np.float32)
    normal = since, rhythm.normal
    value = _depolarisation(state, waves, normal) + _repolarisation(state, waves, normal)
    value += _atria(state, rhythm, times) + _ectopic(rhythm, since)
    return value * np.where(_has(state, "low voltage"), 0.3, 1.0)[:, None, None]


def _has(state: State, name: str) -> Bool[np.ndarray, "record"]:
    return state.present[:, COLUMN[name]]


def _waves(state: State, rhythm: Beats) -> Waves:
    """Return each record's beat with all findings that change a normal wave."""
    count = len(state.present)
    left, lvh = _has(state, "LBBB"), _has(state, "LVH")
    main = np.tile(1.25 * _unit(0.75, 0.6, 0.35), (count, 1))
    frontal = np.hypot(main[:, 0], main[:, 1])
    upward = np.stack([frontal * 0.5, -frontal * np.sqrt(0.75), main[:, 2]], axis=1)
    main = np.where(_has(state, "LAFB")[:, None], upward, main)
    main = np.where(lvh[:, None], 1.75 * main + [0, 0, 0.5], main)
    t_wave = np.where(left[:, None], -1, 1) * 0.38 * _unit(0.65, 0.55, -0.35)
    factor = 1 + 0.28 * _has(state, "long QT") - 0.28 * _has(state, "short QT")
    waves = Waves(
        septal=np.where(left[:, None], -1, 1) * 0.30 * _unit(-0.5, -0.1, -0.8),
        main=main,
        basal=np.tile(0.28 * _unit(-0.2, -0.6, 0.75), (count, 1)),
        t=t_wave,
        qrs_width=np.where(left, 1.75, 1.0),
        qt=0.4 * np.sqrt(rhythm.interval) * factor,
    )
    return _with_walls(state, waves)


def _with_walls(state: State, waves: Waves) -> Waves:
    """Take the R wave from infarcted walls and turn or raise the T wave of ischaemic ones."""
    main, t_wave = waves.main.copy(), waves.t.copy()
    for column, entry in enumerate(FINDINGS):
        if not entry.wall:
            continue
        wall, size = entry.direction, (state.present * state.size)[:, column, None]
        along_main, along_t = (waves.main @ wall)[:, None], (waves.t @ wall)[:, None]
        if entry.change == "Q wave":
            main -= size * 0.55 * np.maximum(along_main, 0) * wall
        elif entry.change == "T inversion":
            t_wave -= size * (0.9 * along_t + 0.3) * wall
        elif entry.change == "tall T":
            t_wave += size * 0.5 * wall
    return replace(waves, main=main, t=t_wave)


Beating = tuple[Float[np.ndarray, "record beat sample"], Bool[np.ndarray, "record beat"]]


def _depolarisation(state: State, waves: Waves, normal: Beating) -> Float[np.ndarray, "record sample 3"]:
    width = waves.qrs_width
    early = (state.present * state.size)[:, _columns("Q wave")] @ -_directions("Q wave")
    right = _has(state, "RBBB")[:, None] * 0.7 * np.array([-0.85, -0.05, -0.75])
    delta = _has(state, "WPW")[:, None] * 0.35 * waves.main
    value = _place(waves.septal, _gaussian(normal, -0.028 * width, 0.009 * width))
    value += _place(waves.main, _gaussian(normal, 0 * width, 0.0115 * width))
    value += _place(waves.basal, _gaussian(normal, 0.028 * width, 0.010 * width))
    for vector, centre, spread in ((0.6 * early, -0.022, 0.010), (right, 0.062, 0.016), (delta, -0.045, 0.014)):
        chosen = np.asarray(vector.any(axis=1))
        value[chosen] += _place(vector[chosen], _gaussian(_rows(normal, chosen), centre, spread))
    return value


def _repolarisation(state: State, waves: Waves, normal: Beating) -> Float[np.ndarray, "record sample 3"]:
    peak = 0.74 * waves.qt
    value = _place(
        0.55 * waves.t, _gaussian(normal, peak - 0.020, 0.055 * 1.15) + _gaussian(normal, peak + 0.015, 0.044)
    )
    amount = state.present * state.size
    shift = amount[:, _columns("ST elevation")] @ _directions("ST elevation")
    shift -= amount[:, _columns("ST depression")] @ _directions("ST depression")
    chosen = np.asarray(shift.any(axis=1))
    value[chosen] += _place(0.2 * shift[chosen], _plateau(_rows(normal, chosen), 0.05, peak[chosen]))
    return value


def _atria(state: State, rhythm: Beats, times: Float[np.ndarray, "sample"]) -> Float[np.ndarray, "record sample 3"]:
    """P waves before the ventricles, or fibrillation: four sinusoids of 5 to 9 Hz along random directions."""
    since = (times[None, None] - (rhythm.times - rhythm.pr[:, None])[:, :, None]).astype(np.float32)
    value = _place(
        np.tile(0.13 * _unit(0.45, 0.8, -0.1), (len(since), 1)), _gaussian((since, rhythm.atrial), 0.0, 0.022)
    )
    chosen = _has(state, "atrial fibrillation")
    phase = 2 * np.pi * (state.flutter[chosen, :, 0, None] * times + state.flutter[chosen, :, 1, None])
    value[chosen] += np.einsum("bwt,bwd->btd", np.sin(phase), 0.04 * state.flutter[chosen, :, 2:])
    return value


def _ectopic(rhythm: Beats, since: Float[np.ndarray, "record beat sample"]) -> Float[np.ndarray, "record sample 3"]:
    """A wide beat from a ventricle with a T wave against it."""
    value = np.zeros((len(since), since.shape[2], 3))
    chosen = np.asarray(rhythm.ectopic.any(axis=1))
    beating = _rows((since, rhythm.ectopic), chosen)
    vector = np.tile(1.6 * _unit(-0.6, 0.7, 0.4), (int(chosen.sum()), 1))
    value[chosen] = _place(vector, _gaussian(beating, 0.0, 0.034) - 0.35 * _gaussian(beating, 0.30, 0.070))
    return value


def _gaussian(
    beating: Beating, centre: Float[np.ndarray, "record"] | float, width: Float[np.ndarray, "record"] | float
) -> Float[np.ndarray, "record sample"]:
    since, active = beating
    inverse = np.sqrt(0.5) / np.broadcast_to(width, len(since))
    offset = np.broadcast_to(centre, len(since)) * inverse
    scaled = since * inverse[:, None, None].astype(np.float32) - offset[:, None, None].astype(np.float32)
    return _over_beats(np.exp(-scaled * scaled), active)


def _plateau(beating: Beating, start: float, stop: Float[np.ndarray, "record"]) -> Float[np.ndarray, "record sample"]:
    """An ST segment: up at `start` within 10 ms and down at `stop` within 30 ms, with logistic edges."""
    since, active = beating
    rise = 1 + np.tanh((since - np.float32(start)) * np.float32(1 / 0.020))
    fall = 1 + np.tanh((stop.astype(np.float32)[:, None, None] - since) * np.float32(1 / 0.060))
    return _over_beats(rise * fall / 4, active)


def _over_beats(
    kernel: Float[np.ndarray, "record beat sample"], active: Bool[np.ndarray, "record beat"]
) -> Float[np.ndarray, "record sample"]:
    return (active[:, None].astype(kernel.dtype) @ kernel)[:, 0].astype(np.float64)


def _place(vector: Vector, course: Float[np.ndarray, "record sample"]) -> Float[np.ndarray, "record sample 3"]:
    return course[:, :, None] * vector[:, None, :]


def _rows(
    beating: tuple[Float[np.ndarray, "all beat sample"], Bool[np.ndarray, "all beat"]], chosen: Bool[np.ndarray, "all"]
) -> Beating:
    return beating[0][chosen], beating[1][chosen]


def _columns(change: str) -> list[int]:
    return [column for column, entry in enumerate(FINDINGS) if entry.wall and entry.change == change]


def _directions(change: str) -> Float[np.ndarray, "wall 3"]:
    return np.stack([FINDINGS[column].direction for column in _columns(change)])


def _unit(*components: float) -> Float[np.ndarray, "3"]:
    return np.array(components) / np.linalg.norm(components)
