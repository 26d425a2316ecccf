"""Shapes that change large organs: each turns the attributes of a finding into a change of `Disease`."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from medsuite.core.errors import InputError
from medsuite.core.phantom.anatomy import Anatomy
from medsuite.core.phantom.body import Disease, stack_bodies
from medsuite.core.phantom.findings import Finding
from medsuite.core.phantom.skeleton import rib_angles, rib_points


def _enlarged_heart(disease: Disease, finding: Finding, _anatomy: Anatomy) -> Disease:
    return replace(disease, heart_growth=finding.size_mm)


def _wide_aorta(disease: Disease, finding: Finding, _anatomy: Anatomy) -> Disease:
    return replace(disease, aorta_growth=finding.size_mm)


def _in_pleura(disease: Disease, finding: Finding, prefix: str) -> Disease:
    sides = {"both": ("right", "left"), "right": ("right",), "left": ("left",)}.get(finding.side)
    if sides is None:
        raise InputError(f"{finding.label} on side {finding.side!r}", expected="right, left or both")
    return replace(disease, **{f"{prefix}_{side}": finding.size_mm for side in sides})


def _meniscus(disease: Disease, finding: Finding, _anatomy: Anatomy) -> Disease:
    return _in_pleura(disease, finding, "effusion")


def _pleural_air(disease: Disease, finding: Finding, _anatomy: Anatomy) -> Disease:
    return _in_pleura(disease, finding, "collapse")


def _hyperinflation(disease: Disease, finding: Finding, _anatomy: Anatomy) -> Disease:
    return replace(disease, hyperinflation=finding.size_mm)


def nearest_rib(position: tuple[float, float, float], anatomy: Anatomy) -> tuple[int, int, float]:
    """Return side (0 right, 1 left), number (1 to 12) and angle in degrees of the rib point nearest to a position."""
    body = stack_bodies([anatomy], [Disease()])
    angles = rib_angles(body, points=64)
    distance = np.linalg.norm(rib_points(body, angles)[0] - position, axis=-1)
    side, rib, place = np.unravel_index(np.argmin(distance), distance.shape)
    return int(side), int(rib) + 1, float(np.rad2deg(angles[0, side, rib, place]))


def _fracture(disease: Disease, finding: Finding, anatomy: Anatomy) -> Disease:
    side, rib, angle = nearest_rib(finding.position, anatomy)
    return replace(
        disease,
        fracture_rib=float(rib),
        fracture_left=float(side),
        fracture_at=angle,
        fracture_gap=finding.size_mm,
        fracture_step=0.8 * finding.size_mm,
    )


CHANGES: Mapping[str, Callable[[Disease, Finding, Anatomy], Disease]] = MappingProxyType(
    {
        "enlarged heart": _enlarged_heart,
        "wide aorta": _wide_aorta,
        "meniscus": _meniscus,
        "pleural air": _pleural_air,
        "hyperinflation": _hyperinflation,
        "fracture": _fracture,
    }
)
"""Builders of the shapes that change organs; their `attenuation` follows from the organ and is not read."""
