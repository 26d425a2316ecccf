"""Where in a patient the findings of a label occur."""

from dataclasses import dataclass

import numpy as np

from medsuite.core.phantom import organs
from medsuite.core.phantom.anatomy import Anatomy
from medsuite.core.phantom.body import Disease, stack_bodies
from medsuite.core.phantom.skeleton import rib_points

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Spot:
    """What is known of a finding before it has a position.

    Attributes:
        anatomy: The patient.
        side: Side of the patient.
        zone: Zone of the lung.
        size_mm: Size of the finding.
        rng: Source of the rest.
    """

    anatomy: Anatomy
    side: str
    zone: str
    size_mm: float
    rng: np.random.Generator

    def sign(self) -> float:
        """Return the sign of x on this side; either one, at random, where the side does not say."""
        return {"right": -1.0, "left": 1.0}.get(self.side) or float(self.rng.choice([-1.0, 1.0]))


def zone_heights(anatomy: Anatomy, zone: str) -> tuple[float, float]:
    """Return the lowest and the highest z of a zone in mm: thirds of the way from the diaphragm to the apex."""
    low, high = anatomy.dome_right, anatomy.lung_apex
    third = (high - low) / 3
    start = {"lower": 0, "middle": 1, "upper": 2, "all": 0}[zone]
    return low + start * third, low + (3 if zone == "all" else start + 1) * third


def in_lung(spot: Spot) -> Point:
    """Choose a point in the lung whose lesion stays mostly within zone, chest wall and mediastinum."""
    low, high = zone_heights(spot.anatomy, spot.zone)
    ease = min(0.5 * spot.size_mm, 0.42 * (high - low))
    z, sign = spot.rng.uniform(low + ease, high - ease), spot.sign()
    inner, outer = _lung_edges(spot.anatomy, sign, z)
    inner, outer = inner + 0.4 * spot.size_mm, outer - 0.45 * spot.size_mm - 3
    x = sign * (spot.rng.uniform(inner, outer) if inner < outer else 0.5 * (inner + outer))
    body = stack_bodies([spot.anatomy], [Disease()])
    reach = organs.lung(body, np.array([x]), np.array([z])).reach(np.array([x])).item()
    return x, -4 + spot.rng.uniform(-0.6, 0.6) * max(reach - 0.5 * spot.size_mm, 0.0), z


def _lung_edges(anatomy: Anatomy, sign: float, z: float) -> tuple[float, float]:
    """Return |x| of the mediastinal and of the lateral edge of a lung at a height."""
    body, height = stack_bodies([anatomy], [Disease()]), np.array([z])
    cavity, middle = organs.lung(body, np.array([sign]), height), organs.mediastinum(body, height)
    inner = np.abs(middle.centre_x + sign * middle.half_width)
    return inner.item(), (np.abs(cavity.centre_x) + cavity.half_width).item()


def at_hilum(spot: Spot) -> Point:
    """Choose the root of the lung."""
    z = spot.anatomy.hilum_right + (spot.anatomy.hilum_left_above_right if spot.side == "left" else 0.0)
    return spot.sign() * (spot.anatomy.hilum_x + 0.28 * spot.size_mm), -6.0, z


def on_rib(spot: Spot) -> Point:
    """Choose a point on the lateral part of a rib at the height of the zone."""
    body = stack_bodies([spot.anatomy], [Disease()])
    angle = np.deg2rad(spot.rng.uniform(48, 74))
    points = rib_points(body, np.full((1, 2, 12, 1), angle))[0, :, :, 0]
    ribs = points[0 if spot.sign() < 0 else 1, 2:9]
    low, high = zone_heights(spot.anatomy, spot.zone)
    inside = ribs[(ribs[:, 2] >= low) & (ribs[:, 2] <= high)]
    x, y, z = spot.rng.choice(inside if len(inside) else ribs).tolist()
    return x, y, z


def under_skin(spot: Spot) -> Point:
    """Choose a point below the clavicle, where pacemakers lie."""
    return spot.sign() * spot.rng.uniform(92, 108), spot.anatomy.lung_half_depth + 6, spot.rng.uniform(72, 90)


def in_vena_cava(spot: Spot) -> Point:
    """Choose where the tip of a central line lies."""
    return -0.75 * spot.anatomy.vena_cava, 4.0, spot.anatomy.carina - spot.rng.uniform(5, 40)


def in_trachea(spot: Spot) -> Point:
    """Choose where the tip of an endotracheal tube lies, above the carina."""
    return spot.anatomy.trachea_x, -11.0, spot.anatomy.carina + spot.rng.uniform(18, 55)


def at_aorta(spot: Spot) -> Point:
    """Return the aortic knob."""
    return spot.anatomy.aortic_knob, 0.0, spot.anatomy.carina + 18


def at_heart(spot: Spot) -> Point:
    """Return the middle of the heart."""
    return spot.anatomy.heart_x, spot.anatomy.heart_y, spot.anatomy.heart_z


def at_base(spot: Spot) -> Point:
    """Return the middle of what lies on the diaphragm."""
    return spot.sign() * 75.0, 0.0, spot.anatomy.dome_right + 0.5 * spot.size_mm


def at_apex(spot: Spot) -> Point:
    """Return a point under the apex of the lung."""
    return spot.sign() * 55.0, 0.0, spot.anatomy.lung_apex - 0.5 * spot.size_mm
