"""The usual chest labels, each with the template that its findings are drawn from."""

from collections.abc import Mapping
from types import MappingProxyType

from medsuite.core.phantom import placement
from medsuite.core.phantom.materials import replacing
from medsuite.core.phantom.templates import Template

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
