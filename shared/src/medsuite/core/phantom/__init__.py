"""Chest radiographs from physics: a latent patient with findings, drawn at any size, with masks and boxes.

For example::

    scenes = [sample_scene(seed, ["nodule", Request("pleural effusion", side="left")]) for seed in range(100)]
    films = draw(scenes, 224)
    for mark in films.marks(0):
        print(mark.finding.label, mark.finding.size_mm, mark.visible, mark.box)

A `Scene` is a patient (`Anatomy`, lengths in mm) with `Finding`s, each described by physical attributes: shape, side,
zone, size, attenuation, margin, texture, position. It is made from a seed and knows nothing of pixels. An
`Acquisition` says how films are taken. Films are in radiological display: the patient's right is on the left.

**Geometry.** The thorax is made of analytic shapes in three dimensions: torso, lungs, mediastinum, heart and diaphragm
as stacks of cross-sections, bones, vessels, airways and lesions as ellipsoids and tubes. Rays are parallel, from back
to front. Every shape is convex along a ray, so its part of the line integral ∫μ dy is a chord in closed form, at any
resolution; where organs displace lung, intervals of depth are subtracted. `attenuation` evaluates the same patient
point by point in space and shares no integral with the films. Small solids add up where they overlap.

**Physics.** Beer-Lambert at 60 keV, with the spectrum to second order: I = exp(-(L - h L²/2)) for the line integral L
and the variance h of the relative attenuation over the spectrum. Then scatter (a blur of the forward-scatter source),
the detector's blur, Poisson noise, logarithm, dynamic range compression and window; see `Acquisition`.

**What a mask is.** The film's log signal with the finding minus that without it, where it exceeds a threshold. Scatter
dilutes that difference behind dense organs, so a nodule behind the heart, or in a patient whose exposure is low, can
be present and not `visible`.

**What it is not.** No magnification, rotation, lateral view, motion or grid lines; one adult body plan; findings look
as they were modelled. It tests mechanisms, not clinical accuracy.
"""

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
