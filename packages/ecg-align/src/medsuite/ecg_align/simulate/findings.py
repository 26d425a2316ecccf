"""The findings that the simulator can put in: twenty-five compositions of a wall and a change, and thirteen others."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.errors import unknown_name

WALLS: dict[str, tuple[float, float, float]] = {
    "inferior": (0.0, 1.0, 0.0),
    "anterior": (0.15, 0.1, -1.0),
    "lateral": (1.0, 0.15, 0.1),
    "high lateral": (0.75, -0.65, 0.0),
    "septal": (-0.6, 0.0, -0.8),
}
"""Direction from the heart's centre to each wall: X left, Y foot, Z back."""

CHANGES = ("ST elevation", "ST depression", "T inversion", "tall T", "Q wave")
OPPOSITES = (("ST elevation", "ST depression"), ("T inversion", "tall T"))
GROUPS: dict[str, tuple[str, ...]] = {
    "conduction": ("LBBB", "RBBB", "LAFB", "WPW"),
    "rhythm": ("atrial fibrillation", "tachycardia", "bradycardia"),
    "voltage": ("LVH", "low voltage"),
    "QT": ("long QT", "short QT"),
    "AV": ("AV block I",),
    "ectopy": ("PVC",),
}
"""Findings of one group exclude each other."""


@dataclass(frozen=True)
class Finding:
    """A cause that the simulator puts in.

    Attributes:
        name: Unique name, such as `"inferior ST elevation"`.
        wall: The wall of a composition, else empty.
        change: The change of a composition, else the finding's own name.
    """

    name: str
    wall: str
    change: str

    @property
    def direction(self) -> Float[np.ndarray, "3"]:
        """Unit vector to the wall."""
        vector = np.array(WALLS[self.wall])
        return vector / np.linalg.norm(vector)


FINDINGS: tuple[Finding, ...] = (
    *(Finding(f"{wall} {change}", wall, change) for wall in WALLS for change in CHANGES),
    *(Finding(name, "", name) for group in GROUPS.values() for name in group),
)
"""All findings, in the order of the label columns."""

COLUMN = {entry.name: column for column, entry in enumerate(FINDINGS)}
"""Label column of each finding."""


def finding(name: str) -> Finding:
    """Look a finding up.

    Raises:
        InputError: There is none of that name.
    """
    if name not in COLUMN:
        raise unknown_name("finding", name, COLUMN)
    return FINDINGS[COLUMN[name]]
