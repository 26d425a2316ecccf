"""Findings as physical attributes."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from medsuite.core.errors import InputError, unknown_name

Side = Literal["right", "left", "both", "midline"]
Zone = Literal["upper", "middle", "lower", "all"]
Margin = Literal["sharp", "ill-defined", "spiculated"]
Texture = Literal["homogeneous", "patchy", "stippled"]


@dataclass(frozen=True)
class Finding:
    """One abnormality or device, described by what a report could say of it.

    The drawing follows from the attributes alone; the label is free, so meaningless classes can be made of any
    combination of shape, density, margin, texture and place.

    Attributes:
        label: Its name.
        shape: A key of `medsuite.core.phantom.SHAPES`.
        side: A `Side` of the patient; the right one is on the left of the film, "both" repeats a lesion mirrored.
        zone: A `Zone`: third of the lung height between apex and diaphragm.
        size_mm: Largest extent of a lesion; for organs the growth, for fluid the height above the diaphragm, for
            pleural air its width at the apex, for a fracture the gap, for tubes the diameter.
        attenuation: Change against the tissue that it replaces, 1/mm; its sign says whether the mask is where the film
            gets brighter or darker.
        position: x, y, z of the centre in mm (see `Anatomy` for the axes).
        margin: A `Margin`: sharp, ill-defined (fading over the outer half) or spiculated; see `SHAPES`.
        texture: A `Texture`, of the inside; see `SHAPES`.
        seed: Of the random detail in its shape.
    """

    label: str
    shape: str
    side: str
    zone: str
    size_mm: float
    attenuation: float
    position: tuple[float, float, float]
    margin: str = "sharp"
    texture: str = "homogeneous"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, values in (("side", Side), ("zone", Zone), ("margin", Margin), ("texture", Texture)):
            if getattr(self, name) not in get_args(values):
                raise unknown_name(name, getattr(self, name), get_args(values))
        if not 0 < self.size_mm < 400:
            raise InputError(f"size_mm {self.size_mm} of {self.label}", expected="a size between 0 and 400 mm")
        if not -0.1 <= self.attenuation <= 10 or self.attenuation == 0:
            raise InputError(f"attenuation {self.attenuation} of {self.label}", expected="-0.1 to 10 per mm, not 0")
        if not all(math.isfinite(value) for value in self.position):
            raise InputError(f"position {self.position} of {self.label}", expected="three finite numbers in mm")

    @property
    def density(self) -> str:
        """The word for the attenuation: lucent, faint, soft tissue, calcified or metal."""
        bounds = {"lucent": 0.0, "faint": 0.009, "soft tissue": 0.022, "calcified": 0.11}
        return next((word for word, bound in bounds.items() if self.attenuation < bound), "metal")
