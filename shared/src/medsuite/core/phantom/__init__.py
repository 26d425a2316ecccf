"""A chest radiograph simulator."""

from medsuite.core.phantom.anatomy import Anatomy, sample_anatomy
from medsuite.core.phantom.detector import Acquisition
from medsuite.core.phantom.field import attenuation
from medsuite.core.phantom.films import Films, draw
from medsuite.core.phantom.findings import Finding
from medsuite.core.phantom.marks import Mark
from medsuite.core.phantom.materials import MATERIALS
from medsuite.core.phantom.scene import Scene, sample_scene
from medsuite.core.phantom.shapes import SHAPES
from medsuite.core.phantom.sheet import contact_sheet
from medsuite.core.phantom.templates import LABELS, Request, sample_finding

__all__ = [
    "LABELS",
    "MATERIALS",
    "SHAPES",
    "Acquisition",
    "Anatomy",
    "Films",
    "Finding",
    "Mark",
    "Request",
    "Scene",
    "attenuation",
    "contact_sheet",
    "draw",
    "sample_anatomy",
    "sample_finding",
    "sample_scene",
]
