"""The usual chest labels: from which attributes each is drawn, and where in a patient."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from medsuite.core.errors import unknown_name
from medsuite.core.phantom import organs
from medsuite.core.phantom.anatomy import Anatomy
from medsuite.core.phantom.body import Disease, stack_bodies
from medsuite.core.phantom.findings import Finding, Margin, Side, Texture, Zone
from medsuite.core.phantom.materials import replacing
from medsuite.core.phantom.skeleton import rib_points

Point = tuple[float, float, float]


@dataclass(frozen=True)
class Template:
    """Ranges from which the findings of one label are drawn, each value equally likely.

    Attributes:
        place: Chooses a position for anatomy, side, zone, size in mm and random numbers.
        shapes: Shapes.
        size_mm: Smallest and largest size.
        attenuation: Smallest and largest change of attenuation, 1/mm.
        sides: Sides.
        zones: Zones.
        margins: Margins.
        textures: Textures.
    """

    place: Callable[[Anatomy, str, str, float, np.random.Generator], Point]
    shapes: tuple[str, ...]
    size_mm: tuple[float, float]
    attenuation: tuple[float, float]
    sides: tuple[Side, ...] = ("right", "left")
    zones: tuple[Zone, ...] = ("upper", "middle", "lower")
    margins: tuple[Margin, ...] = ("sharp",)
    textures: tuple[Texture, ...] = ("homogeneous",)


def zone_heights(anatomy: Anatomy, zone: str) -> tuple[float, float]:
    """Return the lowest and the highest z of a zone in mm: thirds of the way from the diaphragm to the apex."""
    low, high = anatomy.dome_right, anatomy.lung_apex
    third = (high - low) / 3
    start = {"lower": 0, "middle": 1, "upper": 2, "all": 0}[zone]
    return low + start * third, low + (3 if zone == "all" else start + 1) * third


def _sign(side: str, rng: np.random.Generator) -> float:
    return {"right": -1.0, "left": 1.0}.get(side) or float(rng.choice([-1.0, 1.0]))


def _in_lung(anatomy: Anatomy, side: str, zone: str, size_mm: float, rng: np.random.Generator) -> Point:
    """Choose a point in the lung whose lesion stays mostly within zone, chest wall and mediastinum."""
    low, high = zone_heights(anatomy, zone)
    ease = min(0.5 * size_mm, 0.42 * (high - low))
    z = np.array([rng.uniform(low + ease, high - ease)])
    sign = _sign(side, rng)
    body = stack_bodies([anatomy], [Disease()])
    cavity = organs.lung(body, np.array([sign]), z)
    middle = organs.mediastinum(body, z)
    inner = float((np.abs(middle.centre_x + sign * middle.half_width)).item()) + 0.4 * size_mm
    outer = float((np.abs(cavity.centre_x) + cavity.half_width).item()) - 0.45 * size_mm - 3
    x = rng.uniform(inner, outer) if inner < outer else 0.5 * (inner + outer)
    reach = float(cavity.reach(np.array([sign * x])).item())
    return sign * x, -4 + rng.uniform(-0.6, 0.6) * max(reach - 0.5 * size_mm, 0), float(z.item())


def _at_hilum(anatomy: Anatomy, side: str, zone: str, size_mm: float, rng: np.random.Generator) -> Point:
    z = anatomy.hilum_right + (anatomy.hilum_left_above_right if side == "left" else 0.0)
    return _sign(side, rng) * (anatomy.hilum_x + 0.28 * size_mm), -6.0, z


def _on_rib(anatomy: Anatomy, side: str, zone: str, size_mm: float, rng: np.random.Generator) -> Point:
    """Choose a point on the lateral half of a rib at the height of the zone."""
    body = stack_bodies([anatomy], [Disease()])
    angle = np.deg2rad(rng.uniform(48, 74))
    points = rib_points(body, np.full((1, 2, 12, 1), angle))[0, :, :, 0]
    low, high = zone_heights(anatomy, zone)
    ribs = points[0 if _sign(side, rng) < 0 else 1, 2:9]
    inside = ribs[(ribs[:, 2] >= low) & (ribs[:, 2] <= high)]
    x, y, z = rng.choice(inside if len(inside) else ribs)
    return float(x), float(y), float(z)


def _under_skin(anatomy: Anatomy, side: str, zone: str, size_mm: float, rng: np.random.Generator) -> Point:
    return _sign(side, rng) * rng.uniform(92, 108), anatomy.lung_half_depth + 6, rng.uniform(72, 90)


def _in_vena_cava(anatomy: Anatomy, side: str, zone: str, size_mm: float, rng: np.random.Generator) -> Point:
    return -0.75 * anatomy.vena_cava, 4.0, anatomy.carina - rng.uniform(5, 40)


def _in_trachea(anatomy: Anatomy, side: str, zone: str, size_mm: float, rng: np.random.Generator) -> Point:
    return anatomy.trachea_x, -11.0, anatomy.carina + rng.uniform(18, 55)


def _at_aorta(anatomy: Anatomy, side: str, zone: str, size_mm: float, rng: np.random.Generator) -> Point:
    return anatomy.aortic_knob, 0.0, anatomy.carina + 18


def _at_heart(anatomy: Anatomy, side: str, zone: str, size_mm: float, rng: np.random.Generator) -> Point:
    return anatomy.heart_x, anatomy.heart_y, anatomy.heart_z


def _at_base(anatomy: Anatomy, side: str, zone: str, size_mm: float, rng: np.random.Generator) -> Point:
    return _sign(side, rng) * 75.0, 0.0, anatomy.dome_right + 0.5 * size_mm


def _at_apex(anatomy: Anatomy, side: str, zone: str, size_mm: float, rng: np.random.Generator) -> Point:
    return _sign(side, rng) * 55.0, 0.0, anatomy.lung_apex - 0.5 * size_mm


_SOFT = replacing("soft tissue", "lung")
_STONE = replacing("calcification", "lung")
_GAS = replacing("air", "lung")
_BONE = replacing("cortical bone", "soft tissue")
_METAL = replacing("metal", "soft tissue")
_POLYMER = replacing("barium polymer", "soft tissue")

LABELS: Mapping[str, Template] = MappingProxyType(
    {
        "cardiomegaly": Template(_at_heart, ("enlarged heart",), (28, 55), (_SOFT,) * 2, ("midline",), ("lower",)),
        "pleural effusion": Template(_at_base, ("meniscus",), (30, 110), (_SOFT,) * 2, zones=("lower",)),
        "pneumothorax": Template(_at_apex, ("pleural air",), (22, 70), (_GAS,) * 2, zones=("upper",)),
        "nodule": Template(
            _in_lung, ("round", "oval"), (10, 30), (0.8 * _SOFT, _SOFT), margins=("sharp", "ill-defined", "spiculated")
        ),
        "mass": Template(
            _in_lung, ("round", "lobulated"), (32, 65), (0.8 * _SOFT, _SOFT), margins=("sharp", "spiculated")
        ),
        "consolidation": Template(
            _in_lung, ("cloud", "wedge"), (55, 105), (0.6 * _SOFT, _SOFT), margins=("ill-defined",), textures=("patchy",)
        ),
        "cavity": Template(_in_lung, ("ring",), (28, 60), (0.9 * _SOFT, _SOFT), zones=("upper", "middle")),
        "interstitial lines": Template(
            _in_lung, ("net",), (110, 190), (_SOFT,) * 2, ("both",), ("lower", "middle"), textures=("stippled",)
        ),
        "plate atelectasis": Template(_in_lung, ("plate",), (45, 95), (0.8 * _SOFT, _SOFT), zones=("lower", "middle")),
        "rib fracture": Template(_on_rib, ("fracture",), (5, 11), (-_BONE,) * 2),
        "pacemaker": Template(_under_skin, ("generator",), (42, 52), (_METAL,) * 2, zones=("upper",)),
        "central line": Template(_in_vena_cava, ("catheter",), (2.2, 3.0), (_POLYMER,) * 2, zones=("upper",)),
        "calcified granuloma": Template(_in_lung, ("round",), (6, 12), (0.9 * _STONE, 1.2 * _STONE)),
        "hilar enlargement": Template(
            _at_hilum, ("lobulated",), (36, 58), (_SOFT,) * 2, ("right", "left", "both"), ("middle",)
        ),
        "endotracheal tube": Template(
            _in_trachea, ("tracheal tube",), (9, 11), (_POLYMER,) * 2, ("midline",), ("upper",)
        ),
        "aortic enlargement": Template(_at_aorta, ("wide aorta",), (10, 24), (_SOFT,) * 2, ("left",), ("middle",)),
        "emphysema": Template(_at_base, ("hyperinflation",), (16, 34), (0.3 * _GAS,) * 2, ("both",), ("all",)),
    }
)
"""The chest labels that the simulator knows, each with its template."""


@dataclass(frozen=True)
class Request:
    """What a caller wants of a finding; what is left open is drawn from the template of its label.

    Attributes:
        label: A key of `LABELS`.
        side: Side of the patient.
        zone: Zone of the lung.
        size_mm: Size, with the meaning of `Finding.size_mm`.
        contrast: Multiplies the attenuation of a lesion; organs keep theirs.
    """

    label: str
    side: Side | None = None
    zone: Zone | None = None
    size_mm: float | None = None
    contrast: float = 1.0

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise unknown_name("finding", self.label, LABELS)


def sample_finding(request: Request, anatomy: Anatomy, rng: np.random.Generator) -> Finding:
    """Draw a finding in a patient from the template of its label.

    Args:
        request: The label, and the attributes that are already chosen.
        anatomy: The patient.
        rng: Source of all that is open.
    """
    template = LABELS[request.label]
    drawn = {
        name: options[rng.integers(len(options))]
        for name, options in (
            ("side", template.sides),
            ("zone", template.zones),
            ("shape", template.shapes),
            ("margin", template.margins),
            ("texture", template.textures),
        )
    }
    size, strength = rng.uniform(*template.size_mm), rng.uniform(*template.attenuation)
    side, zone = request.side or drawn["side"], request.zone or drawn["zone"]
    size = size if request.size_mm is None else request.size_mm
    return Finding(
        label=request.label,
        shape=drawn["shape"],
        side=side,
        zone=zone,
        size_mm=size,
        attenuation=strength * request.contrast,
        position=template.place(anatomy, side, zone, size, rng),
        margin=drawn["margin"],
        texture=drawn["texture"],
        seed=int(rng.integers(2**32)),
    )
