"""Patients with one lesion in the lung, as films and as coronal slices of the same attenuation."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import InputError
from medsuite.core.phantom import (
    Acquisition,
    Anatomy,
    Finding,
    Request,
    Scene,
    Template,
    attenuation,
    draw,
    in_lung,
    sample_anatomy,
    sample_finding,
)
from medsuite.core.phantom.materials import replacing
from medsuite.core.phantom.placement import Point, Spot
from medsuite.med_r1.simulation.contrast import Slice, render_ct, render_mr

Pictures = Float[np.ndarray, "picture height width"]

PLANE_MM = -4.0
"""Where the slice is cut, from the middle of the chest to the front: all lesions have their centre in it."""
TILES = 4
"""The slice is computed in this many tiles a side: each looks at the bones and vessels near it only."""
RIM_MM = 10.0
"""How far around a lesion the slice is computed anew."""
LUNG_LIMIT = 0.012
"""Attenuation in 1/mm below which a point of a healthy slice is aerated lung, half way to soft tissue."""
SHOWN = 0.5
"""Share of a lesion's cross-section that lies in aerated lung."""
PLACES = 200
"""Places that are tried for a lesion."""
SIZES_MM = {"small": (26.0, 36.0), "large": (62.0, 80.0)}
"""Diameters of the two size classes."""


def _in_plane(spot: Spot) -> Point:
    """Choose a place in the lung, in the plane of the slice."""
    x, _, z = in_lung(spot)
    return x, PLANE_MM, z


def _template(material: str) -> Template:
    change = replacing(material, "lung")
    return Template(_in_plane, ("round",), (26.0, 80.0), (change, change), zones=("upper", "lower"))


LESIONS = {
    "solid": _template("soft tissue"),
    "fatty": _template("fat"),
    "calcified": _template("calcification"),
    "gas": _template("air"),
}
"""Kinds of lesion by what they are made of."""


@dataclass(frozen=True)
class Difficulty:
    """How noisy the pictures are.

    Attributes:
        photons_per_mm2: Of the film.
        noise_hu: Of the CT slice.
        noise_mr: Of the MR slice, in units of water's signal.
    """

    photons_per_mm2: float
    noise_hu: float
    noise_mr: float


DIFFICULTIES = {
    "easy": Difficulty(photons_per_mm2=40000.0, noise_hu=40.0, noise_mr=0.02),
    "hard": Difficulty(photons_per_mm2=300.0, noise_hu=160.0, noise_mr=0.07),
}


class Clinic:
    """A pool of patients whose healthy slices are computed once.

    Args:
        patients: How many there are.
        side: Pixels along a picture's side.
        rng: Source of the patients.
    """

    def __init__(self, patients: int, side: int, rng: np.random.Generator) -> None:
        self.side = side
        self.anatomies: list[Anatomy] = [sample_anatomy(rng) for _ in range(patients)]
        self._healthy: dict[int, Slice] = {}
        self._pitch = Acquisition().field_of_view_mm / side

    def admit(self, patient: int, request: Request, rng: np.random.Generator) -> Scene:
        """Give a patient a lesion that the slice shows.

        A place is drawn until enough of the lesion lies in aerated lung: behind the heart it would change nothing.

        Raises:
            InputError: The patient has no room for it.
        """
        anatomy = self.anatomies[patient]
        for _ in range(PLACES):
            finding = sample_finding(request, anatomy, rng, LESIONS)
            if self._aerated(patient, finding) >= SHOWN:
                return Scene(anatomy, (finding,), int(rng.integers(2**31)))
        raise InputError(f"no room for a lesion of {request.size_mm:.0f} mm in the {request.zone} {request.side} lung")

    def healthy(self, patient: int) -> Slice:
        """Return the attenuation of a patient's slice without a lesion, computed once."""
        if patient not in self._healthy:
            self._healthy[patient] = self._whole(Scene(self.anatomies[patient]))
        return self._healthy[patient]

    def _aerated(self, patient: int, finding: Finding) -> float:
        """Return the share of a lesion's cross-section in which the healthy slice shows lung."""
        x, _, z = finding.position
        along = (np.arange(self.side) + 0.5 - 0.5 * self.side) * self._pitch
        inside = np.hypot(along[None] - x, along[:, None] + z) <= max(0.5 * finding.size_mm, self._pitch)
        return float(np.mean(self.healthy(patient)[inside] < LUNG_LIMIT))

    def attenuation(self, patient: int, scene: Scene) -> Slice:
        """Return the attenuation in 1/mm on the coronal plane, in radiological display: the right is on the left.

        Args:
            patient: Whose healthy slice the lesion is put into.
            scene: That patient with the lesion.
        """
        plane = self.healthy(patient).copy()
        rows, columns = self._around(scene.findings[0])
        plane[rows, columns] = attenuation(scene, self._points(rows, columns)).reshape(plane[rows, columns].shape)
        return plane

    def _whole(self, scene: Scene) -> Slice:
        plane = np.empty((self.side, self.side))
        edges = np.linspace(0, self.side, TILES + 1).astype(int)
        spans = [slice(start, stop) for start, stop in pairwise(edges)]
        for rows in spans:
            for columns in spans:
                shape = plane[rows, columns].shape
                plane[rows, columns] = attenuation(scene, self._points(rows, columns)).reshape(shape)
        return plane

    def _around(self, finding: Finding) -> tuple[slice, slice]:
        """Return rows and columns that the lesion can reach."""
        x, _, z = finding.position
        reach = 0.5 * finding.size_mm + RIM_MM
        middle = 0.5 * self.side
        ends = [
            np.clip(
                np.array([middle + (centre - reach) / self._pitch, middle + (centre + reach) / self._pitch]),
                0,
                self.side,
            )
            for centre in (-z, x)
        ]
        rows, columns = (slice(int(low), int(np.ceil(high))) for low, high in ends)
        return rows, columns

    def _points(self, rows: slice, columns: slice) -> Float[np.ndarray, "point 3"]:
        along = (np.arange(self.side) + 0.5 - 0.5 * self.side) * self._pitch
        z, x = np.meshgrid(-along[rows], along[columns], indexing="ij")
        return np.stack([x.ravel(), np.full(x.size, PLANE_MM), z.ravel()], axis=1)


def films(scenes: Sequence[Scene], side: int, difficulty: Difficulty) -> Pictures:
    """Draw scenes as chest radiographs, 0 to 1."""
    return draw(scenes, side, Acquisition(photons_per_mm2=difficulty.photons_per_mm2)).image


def ct(planes: Sequence[Slice], difficulty: Difficulty, rng: np.random.Generator) -> Pictures:
    """Draw slices of attenuation as CT, 0 to 1."""
    return np.stack([render_ct(plane, difficulty.noise_hu, rng) for plane in planes])


def mr(planes: Sequence[Slice], difficulty: Difficulty, rng: np.random.Generator) -> Pictures:
    """Draw slices of attenuation as MR, 0 to 1."""
    return np.stack([render_mr(plane, difficulty.noise_mr, rng) for plane in planes])
