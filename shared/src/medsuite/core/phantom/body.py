"""A batch of patients as one structured array: anatomy, and what structural disease does to it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from medsuite.core.phantom.anatomy import Anatomy


@dataclass(frozen=True)
class Disease:
    """Changes of large organs; the defaults are health.

    Attributes:
        heart_growth: Growth of the transverse diameter of the heart, mm.
        aorta_growth: Growth of the aortic knob to the left, mm.
        effusion_right: Height of pleural fluid above the diaphragm, mm.
        effusion_left: The same on the left.
        collapse_right: Width of the pleural air at the apex, mm.
        collapse_left: The same on the left.
        hyperinflation: Descent and flattening of the diaphragm by emphysema, mm.
        fracture_rib: Number of the broken rib, 1 to 12; 0 for none.
        fracture_left: 1 for the left side, 0 for the right.
        fracture_at: Angle along the rib in degrees: 0 is the spine, 90 the lateral wall, 180 the sternum.
        fracture_gap: Distance of the fragments, mm.
        fracture_step: Downward displacement of the distal fragment, mm.
    """

    heart_growth: float = 0.0
    aorta_growth: float = 0.0
    effusion_right: float = 0.0
    effusion_left: float = 0.0
    collapse_right: float = 0.0
    collapse_left: float = 0.0
    hyperinflation: float = 0.0
    fracture_rib: float = 0.0
    fracture_left: float = 0.0
    fracture_at: float = 45.0
    fracture_gap: float = 0.0
    fracture_step: float = 0.0


_ANATOMY = tuple(entry.name for entry in fields(Anatomy) if entry.name != "vessel_seed")
_BODY = np.dtype([(name, np.float32) for name in (*_ANATOMY, *(entry.name for entry in fields(Disease)))])


def stack_bodies(anatomies: Sequence[Anatomy], diseases: Sequence[Disease]) -> np.ndarray:
    """Stack patients into a structured float32 array of shape `(film,)`, one field a parameter.

    Reshape it to `(film, 1, 1)` to broadcast against the pixels of a batch, or index one patient for points.

    Args:
        anatomies: One for each film.
        diseases: One for each film.
    """
    pairs = zip(anatomies, diseases, strict=True)
    rows = [(*(vars(anatomy)[name] for name in _ANATOMY), *vars(disease).values()) for anatomy, disease in pairs]
    return np.array(rows, dtype=_BODY)
