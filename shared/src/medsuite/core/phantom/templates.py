"""The usual chest labels: from which attributes each is drawn, and where in a patient."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from medsuite.core.errors import InputError, unknown_name
from medsuite.core.phantom import placement
from medsuite.core.phantom.anatomy import Anatomy
from medsuite.core.phantom.findings import Finding, Margin, Side, Texture, Zone
from medsuite.core.phantom.materials import replacing

Option = TypeVar("Option")


@dataclass(frozen=True)
class Template:
    """Ranges from which the findings of one label are drawn, each value equally likely.

    Attributes:
        place: Chooses the position.
        shapes: Shapes.
        size_mm: Smallest and largest size.
        attenuation: Smallest and largest change of attenuation, 1/mm.
        sides: Sides.
        zones: Zones.
        margins: Margins.
        textures: Textures.
    """

    place: Callable[[placement.Spot], placement.Point]
    shapes: tuple[str, ...]
    size_mm: tuple[float, float]
    attenuation: tuple[float, float]
    sides: tuple[Side, ...] = ("right", "left")
    zones: tuple[Zone, ...] = ("upper", "middle", "lower")
    margins: tuple[Margin, ...] = ("sharp",)
    textures: tuple[Texture, ...] = ("homogeneous",)


_SOFT = replacing("soft tissue", "lung")
_STONE = replacing("calcification", "lung")
_GAS = replacing("air", "lung")
_BONE = replacing("cortical bone", "soft tissue")
_METAL = replacing("metal", "soft tissue")
_POLYMER = replacing("barium polymer", "soft tissue")

LABELS: Mapping[str, Template] = MappingProxyType(
    {
        "cardiomegaly": Template(
            place=placement.at_heart,
            shapes=("enlarged heart",),
            size_mm=(28.0, 55.0),
            attenuation=(_SOFT, _SOFT),
            sides=("midline",),
            zones=("lower",),
        ),
        "pleural effusion": Template(
            place=placement.at_base,
            shapes=("meniscus",),
            size_mm=(30.0, 110.0),
            attenuation=(_SOFT, _SOFT),
            zones=("lower",),
        ),
        "pneumothorax": Template(
            place=placement.at_apex,
            shapes=("pleural air",),
            size_mm=(22.0, 70.0),
            attenuation=(_GAS, _GAS),
            zones=("upper",),
        ),
        "nodule": Template(
            place=placement.in_lung,
            shapes=("round", "oval"),
            size_mm=(10.0, 30.0),
            attenuation=(0.8 * _SOFT, _SOFT),
            margins=("sharp", "ill-defined", "spiculated"),
        ),
        "mass": Template(
            place=placement.in_lung,
            shapes=("round", "lobulated"),
            size_mm=(32.0, 65.0),
            attenuation=(0.8 * _SOFT, _SOFT),
            margins=("sharp", "spiculated"),
        ),
        "consolidation": Template(
            place=placement.in_lung,
            shapes=("cloud", "wedge"),
            size_mm=(55.0, 105.0),
            attenuation=(0.6 * _SOFT, _SOFT),
            margins=("ill-defined",),
            textures=("patchy",),
        ),
        "cavity": Template(
            place=placement.in_lung,
            shapes=("ring",),
            size_mm=(28.0, 60.0),
            attenuation=(0.9 * _SOFT, _SOFT),
            zones=("upper", "middle"),
        ),
        "interstitial lines": Template(
            place=placement.in_lung,
            shapes=("net",),
            size_mm=(110.0, 190.0),
            attenuation=(_SOFT, _SOFT),
            sides=("both",),
            zones=("lower", "middle"),
            margins=("ill-defined",),
        ),
        "plate atelectasis": Template(
            place=placement.in_lung,
            shapes=("plate",),
            size_mm=(45.0, 95.0),
            attenuation=(0.8 * _SOFT, _SOFT),
            zones=("lower", "middle"),
        ),
        "rib fracture": Template(
            place=placement.on_rib,
            shapes=("fracture",),
            size_mm=(5.0, 11.0),
            attenuation=(-_BONE, -_BONE),
        ),
        "pacemaker": Template(
            place=placement.under_skin,
            shapes=("generator",),
            size_mm=(42.0, 52.0),
            attenuation=(_METAL, _METAL),
            zones=("upper",),
        ),
        "central line": Template(
            place=placement.in_vena_cava,
            shapes=("catheter",),
            size_mm=(2.2, 3.0),
            attenuation=(_POLYMER, _POLYMER),
            zones=("upper",),
        ),
        "calcified granuloma": Template(
            place=placement.in_lung,
            shapes=("round",),
            size_mm=(6.0, 12.0),
            attenuation=(0.9 * _STONE, 1.2 * _STONE),
        ),
        "hilar enlargement": Template(
            place=placement.at_hilum,
            shapes=("lobulated",),
            size_mm=(36.0, 58.0),
            attenuation=(_SOFT, _SOFT),
            sides=("right", "left", "both"),
            zones=("middle",),
        ),
        "endotracheal tube": Template(
            place=placement.in_trachea,
            shapes=("tracheal tube",),
            size_mm=(9.0, 11.0),
            attenuation=(_POLYMER, _POLYMER),
            sides=("midline",),
            zones=("upper",),
        ),
        "aortic enlargement": Template(
            place=placement.at_aorta,
            shapes=("wide aorta",),
            size_mm=(10.0, 24.0),
            attenuation=(_SOFT, _SOFT),
            sides=("left",),
            zones=("middle",),
        ),
        "emphysema": Template(
            place=placement.at_base,
            shapes=("hyperinflation",),
            size_mm=(16.0, 34.0),
            attenuation=(0.3 * _GAS, 0.3 * _GAS),
            sides=("both",),
            zones=("all",),
        ),
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

    Raises:
        InputError: The label is unknown, or does not occur on that side or in that zone.
    """

    label: str
    side: str | None = None
    zone: str | None = None
    size_mm: float | None = None
    contrast: float = 1.0

    def __post_init__(self) -> None:
        if self.label not in LABELS:
            raise unknown_name("finding", self.label, LABELS)
        template = LABELS[self.label]
        sides = {*template.sides, "both"} if {"right", "left"} <= {*template.sides} else {*template.sides}
        zones = {"upper", "middle", "lower"} if template.place is placement.in_lung else {*template.zones}
        for name, given, allowed in (("side", self.side, sides), ("zone", self.zone, zones)):
            if given is not None and given not in allowed:
                raise unknown_name(f"{name} of {self.label}", given, allowed)
        if not 0 < self.contrast <= 10:
            raise InputError(f"contrast {self.contrast} of {self.label}", expected="above 0, at most 10")


def sample_finding(request: Request, anatomy: Anatomy, rng: np.random.Generator) -> Finding:
    """Draw a finding in a patient from the template of its label.

    Args:
        request: The label, and the attributes that are already chosen.
        anatomy: The patient.
        rng: Source of all that is open.
    """
    template = LABELS[request.label]
    side = _pick(rng, template.sides) if request.side is None else request.side
    zone = _pick(rng, template.zones) if request.zone is None else request.zone
    size = rng.uniform(*template.size_mm) if request.size_mm is None else request.size_mm
    return Finding(
        label=request.label,
        shape=_pick(rng, template.shapes),
        side=side,
        zone=zone,
        size_mm=size,
        attenuation=rng.uniform(*template.attenuation) * request.contrast,
        position=template.place(placement.Spot(anatomy, side, zone, size, rng)),
        margin=_pick(rng, template.margins),
        texture=_pick(rng, template.textures),
        seed=int(rng.integers(2**32)),
    )


def _pick(rng: np.random.Generator, options: Sequence[Option]) -> Option:
    return options[int(rng.integers(len(options)))]
