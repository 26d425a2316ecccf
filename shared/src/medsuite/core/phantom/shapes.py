"""All shapes that a finding can have."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from medsuite.core.phantom.anatomy import Anatomy
from medsuite.core.phantom.devices import DEVICES
from medsuite.core.phantom.disease import CHANGES
from medsuite.core.phantom.findings import Finding
from medsuite.core.phantom.lesions import LESIONS, Lesion, Parts

SOLID: Mapping[str, Callable[[Lesion], Parts]] = MappingProxyType({**LESIONS, **DEVICES})
"""Shapes that are solids added to the anatomy."""

SHAPES = (*SOLID, *CHANGES)
"""All shapes.

Lesions in the lung: round, oval, lobulated (these follow margin and texture), ring, cloud, wedge, plate, net.
Devices: generator, catheter, tracheal tube. Changes of organs, whose attenuation is their own: enlarged heart,
wide aorta, meniscus (fluid), pleural air, hyperinflation, fracture.
"""


def build(finding: Finding, anatomy: Anatomy, film: int, slot: int) -> Parts:
    """Return the solids of a finding; twice, mirrored, where its side is "both".

    Args:
        finding: With a shape in `SOLID`.
        anatomy: The patient.
        film: Index of the film in the batch.
        slot: Index of the finding in the batch, -1 to leave its difference unrecorded.
    """
    centre = np.array(finding.position, dtype=float)
    mirrored = [centre, centre * [-1, 1, 1]] if finding.side == "both" else [centre]
    rng = np.random.default_rng(finding.seed)
    builder = SOLID[finding.shape]
    return [part for place in mirrored for part in builder(Lesion(finding, anatomy, place, film, slot, rng))]
