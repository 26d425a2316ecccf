"""Shapes that change large organs: each turns the attributes of a finding into parameters of `Disease`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from medsuite.core.errors import InputError, unknown_name
from medsuite.core.phantom.anatomy import Anatomy
from medsuite.core.phantom.body import Disease, stack_bodies
from medsuite.core.phantom.findings import Finding
from medsuite.core.phantom.skeleton import rib_angles, rib_points

_SIDES = {"right": ("right",), "left": ("left",), "both": ("right", "left")}


@dataclass(frozen=True)
class Change:
    """How one shape changes organs.

    Attributes:
        largest_mm: Largest size for which the organs keep a sensible shape.
        sides: Sides on which it can be.
        parameters: Returns values of `Disease` for a finding in a patient.
    """

    largest_mm: float
    sides: tuple[str, ...]
    parameters: Callable[[Finding, Anatomy], dict[str, float]]

    def check(self, finding: Finding) -> None:
        """Refuse sizes and sides that the organ cannot have.

        Raises:
            InputError: The finding is too large or on another side.
        """
        if finding.size_mm > self.largest_mm:
            expected = f"at most {self.largest_mm} mm for the shape {finding.shape!r}"
            raise InputError(f"size_mm {finding.size_mm} of {finding.label}", expected=expected)
        if finding.side not in self.sides:
            raise unknown_name(f"side of {finding.label}", finding.side, self.sides)


def _of_organ(name: str) -> Callable[[Finding, Anatomy], dict[str, float]]:
    return lambda finding, _anatomy: {name: finding.size_mm}


def _of_pleura(name: str) -> Callable[[Finding, Anatomy], dict[str, float]]:
    return lambda finding, _anatomy: {f"{name}_{side}": finding.size_mm for side in _SIDES[finding.side]}


def nearest_rib(position: tuple[float, float, float], anatomy: Anatomy) -> tuple[int, int, float]:
    """Return side (0 right, 1 left), number (1 to 12) and angle in degrees of the rib point nearest to a position."""
    body = stack_bodies([anatomy], [Disease()])
    angles = rib_angles(body, points=64)
    distance = np.linalg.norm(rib_points(body, angles)[0] - position, axis=-1)
    side, rib, place = np.unravel_index(np.argmin(distance), distance.shape)
    return int(side), int(rib) + 1, float(np.rad2deg(angles[0, side, rib, place]))


def _of_rib(finding: Finding, anatomy: Anatomy) -> dict[str, float]:
    side, rib, angle = nearest_rib(finding.position, anatomy)
    gap = {"fracture_gap": finding.size_mm, "fracture_step": 0.8 * finding.size_mm}
    return {"fracture_rib": float(rib), "fracture_left": float(side), "fracture_at": angle} | gap


CHANGES: Mapping[str, Change] = MappingProxyType(
    {
        "enlarged heart": Change(90.0, ("midline",), _of_organ("heart_growth")),
        "wide aorta": Change(50.0, ("left", "midline"), _of_organ("aorta_growth")),
        "meniscus": Change(300.0, tuple(_SIDES), _of_pleura("effusion")),
        "pleural air": Change(130.0, tuple(_SIDES), _of_pleura("collapse")),
        "hyperinflation": Change(40.0, ("both", "midline"), _of_organ("hyperinflation")),
        "fracture": Change(20.0, ("right", "left"), _of_rib),
    }
)
"""Shapes that change organs. Their attenuation follows from the organ; only the sign of the finding's is read."""
