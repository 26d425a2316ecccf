"""The patient: every parameter of the thorax, in millimetres, and how it varies between people."""

from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any

import numpy as np

from medsuite.core.errors import InputError


def _length(mean: float, deviation: float) -> Any:
    """Declare a length in mm, which also grows with the patient's size."""
    return field(default=mean, metadata={"deviation": deviation, "scales": True})


def _number(mean: float, deviation: float) -> Any:
    """Declare a parameter that does not grow with the patient's size."""
    return field(default=mean, metadata={"deviation": deviation, "scales": False})


@dataclass(frozen=True)
class Anatomy:
    """The parameters of one healthy thorax; the defaults are the mean adult.

    Axes: x to the patient's left (to the right of the image), y to the front, z to the head; origin in the middle of
    the chest. Lengths are in mm, angles in degrees, attenuation in 1/mm. "Half" means half of a diameter.
    """

    lung_apex: float = _length(140.0, 5.0)
    lung_base: float = _length(-146.0, 5.0)
    lung_lateral_right: float = _length(136.0, 5.0)
    lung_lateral_left: float = _length(134.0, 5.0)
    lung_half_depth: float = _length(84.0, 5.0)
    lung_attenuation: float = _number(0.0052, 0.0005)
    wall_lateral: float = _length(30.0, 7.0)
    wall_depth: float = _length(24.0, 5.0)
    breast_depth: float = _length(14.0, 14.0)
    shoulder: float = _length(150.0, 6.0)
    dome_right: float = _length(-60.0, 7.0)
    dome_left_below_right: float = _length(13.0, 5.0)
    dome_sag: float = _length(64.0, 6.0)
    mediastinum_half_width: float = _length(23.0, 2.0)
    mediastinum_half_depth: float = _length(70.0, 4.0)
    aortic_knob: float = _length(39.0, 3.0)
    pulmonary_trunk: float = _length(36.0, 2.5)
    vena_cava: float = _length(30.0, 2.5)
    right_atrium: float = _length(40.0, 2.5)
    heart_x: float = _length(20.0, 3.0)
    heart_y: float = _length(22.0, 3.0)
    heart_z: float = _length(-36.0, 5.0)
    heart_half_length: float = _length(68.0, 3.5)
    heart_half_breadth: float = _length(50.0, 2.5)
    heart_half_depth: float = _length(50.0, 4.0)
    heart_axis: float = _number(38.0, 5.0)
    hilum_x: float = _length(36.0, 2.0)
    hilum_right: float = _length(24.0, 4.0)
    hilum_left_above_right: float = _length(10.0, 3.0)
    vessel_radius: float = _length(7.4, 0.5)
    trachea_x: float = _length(-3.0, 1.5)
    trachea_radius: float = _length(8.5, 0.7)
    carina: float = _length(58.0, 4.0)
    spine_half_width: float = _length(17.0, 1.2)
    spine_curve: float = _length(0.0, 3.0)
    vertebra_first: float = _length(130.0, 4.0)
    vertebra_pitch: float = _length(22.5, 0.7)
    rib_half_height: float = _length(6.4, 0.5)
    rib_half_depth: float = _length(3.7, 0.3)
    rib_drop: float = _length(92.0, 9.0)
    bone_density: float = _number(1.0, 0.1)
    clavicle: float = _length(94.0, 5.0)
    clavicle_rise: float = _length(34.0, 8.0)
    scapula_x: float = _length(150.0, 7.0)
    gastric_bubble: float = _length(20.0, 6.0)
    shift_x: float = _number(0.0, 4.0)
    shift_z: float = _number(0.0, 5.0)
    vessel_seed: int = 0

    def __post_init__(self) -> None:
        if not self.lung_base < self.dome_right < self.lung_apex:
            raise InputError(
                f"diaphragm at {self.dome_right} mm with lungs from {self.lung_base} to {self.lung_apex} mm",
                expected="lung_base < dome_right < lung_apex",
            )


@cache
def _spread() -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Return names, means, deviations and which of them scale, of the parameters that vary."""
    varying = [entry for entry in fields(Anatomy) if entry.metadata]
    columns = [(entry.default, entry.metadata["deviation"], entry.metadata["scales"]) for entry in varying]
    means, deviations, scales = np.array(columns, dtype=float).T
    return tuple(entry.name for entry in varying), means, deviations, scales


def sample_anatomy(rng: np.random.Generator, variation: float = 1.0) -> Anatomy:
    """Draw a patient: each parameter normal around its mean, cut at two deviations, times a common body size.

    Args:
        rng: Source of the 50 numbers that make the patient.
        variation: Multiplies all deviations: 1 is the spread of adults, 0 the mean adult with another vessel tree.

    Raises:
        InputError: `variation` is negative, not finite or over 1.5, where organs would leave the chest.
    """
    if not 0 <= variation <= 1.5:
        raise InputError(f"variation {variation}", expected="a number from 0 to 1.5")
    names, means, deviations, scales = _spread()
    draws = np.clip(rng.standard_normal(len(names) + 1), -2, 2) * variation
    size = 1 + 0.03 * draws[-1]
    values = (means + deviations * draws[:-1]) * np.where(scales > 0, size, 1.0)
    parameters: dict[str, Any] = dict(zip(names, values.tolist(), strict=True))
    parameters["breast_depth"] = max(0.0, parameters["breast_depth"])
    return replace(Anatomy(**parameters), vessel_seed=int(rng.integers(2**32)))
