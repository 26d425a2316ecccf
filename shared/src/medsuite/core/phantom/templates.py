"""From which ranges of attributes a kind of finding is drawn, and what a caller can ask for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from medsuite.core.errors import InputError, unknown_name
from medsuite.core.phantom import placement
from medsuite.core.phantom.anatomy import Anatomy
from medsuite.core.phantom.findings import Finding, Margin, Side, Texture, Zone

Option = TypeVar("Option")


@dataclass(frozen=True)
class Template:
    """Ranges from which the findings of one label are drawn, each value equally likely.

    Own classes for experiments are templates too::

        rings = Template(in_lung, ("ring",), (20.0, 40.0), (0.010, 0.015), textures=("stippled",))
        scene = sample_scene(7, ["wug"], labels={"wug": rings})

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


@dataclass(frozen=True)
class Request:
    """What a caller wants of a finding; what is left open is drawn from the template of its label.

    Attributes:
        label: A key of `LABELS`, or of the caller's own table of templates.
        side: Side of the patient.
        zone: Zone of the lung.
        size_mm: Size, with the meaning of `Finding.size_mm`.
        contrast: Multiplies the attenuation of a lesion; organs keep theirs.
    """

    label: str
    side: str | None = None
    zone: str | None = None
    size_mm: float | None = None
    contrast: float = 1.0


def sample_finding(
    request: Request, anatomy: Anatomy, rng: np.random.Generator, labels: Mapping[str, Template]
) -> Finding:
    """Draw a finding in a patient from the template of its label.

    Args:
        request: The label, and the attributes that are already chosen.
        anatomy: The patient.
        rng: Source of all that is open.
        labels: Templates by label, such as `LABELS`.

    Raises:
        InputError: The label is unknown, or does not occur on that side or in that zone.
    """
    if request.label not in labels:
        raise unknown_name("finding", request.label, labels)
    template = labels[request.label]
    _check(request, template)
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


def _check(request: Request, template: Template) -> None:
    """Refuse what the template cannot be asked for; lesions of the lung occur in every zone."""
    sides = {*template.sides, "both"} if {"right", "left"} <= {*template.sides} else {*template.sides}
    zones = {"upper", "middle", "lower"} if template.place is placement.in_lung else {*template.zones}
    for name, given, allowed in (("side", request.side, sides), ("zone", request.zone, zones)):
        if given is not None and given not in allowed:
            raise unknown_name(f"{name} of {request.label}", given, allowed)
    if not 0 < request.contrast <= 10:
        raise InputError(f"contrast {request.contrast} of {request.label}", expected="above 0, at most 10")


def _pick(rng: np.random.Generator, options: Sequence[Option]) -> Option:
    return options[int(rng.integers(len(options)))]
