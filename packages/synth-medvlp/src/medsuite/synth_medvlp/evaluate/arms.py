"""The arms of the experiment as data: which cohorts, how dirty, how much of each."""

from dataclasses import dataclass

from medsuite.synth_medvlp.dirt import CLEAN, HARSH, MILD, Dirt
from medsuite.synth_medvlp.why import CELLS, Cell


@dataclass(frozen=True)
class Source:
    """One cohort's part in an arm.

    Attributes:
        balanced: Balanced findings, or a long tail.
        dirt: What is wrong with films, reports and pairing.
        synthetic: Share of the full gap between the domains: 0 real, 1 synthetic.
        stream: 1 for the second, independent cohort of the same kind.
        share: Share of the cohort that is taken.
    """

    balanced: bool
    dirt: Dirt
    synthetic: float
    stream: int = 0
    share: float = 1.0


def cell_name(cell: Cell) -> str:
    """Name a cell of the 2 x 2 x 2 experiment."""
    balance, cleanliness, domain = cell
    words = (("tailed", "balanced")[balance], ("dirty", "clean")[cleanliness], ("real", "synthetic")[domain])
    return " ".join(words)


REAL, SYNTHETIC, CEILING = cell_name((0, 0, 0)), cell_name((1, 1, 1)), cell_name((1, 1, 0))
SHUFFLED = "shuffled"


def _cell(cell: Cell) -> Source:
    balance, cleanliness, domain = cell
    return Source(bool(balance), CLEAN if cleanliness else HARSH, float(domain))


_REAL, _SYNTHETIC = _cell((0, 0, 0)), _cell((1, 1, 1))

SOURCES: dict[str, tuple[Source, ...]] = {cell_name(cell): (_cell(cell),) for cell in CELLS} | {
    "mild real": (Source(False, MILD, 0.0),),
    "half gap": (Source(True, CLEAN, 0.5),),
    SHUFFLED: (_SYNTHETIC,),
    "mixed": (Source(False, HARSH, 0.0, share=0.5), Source(True, CLEAN, 1.0, share=0.5)),
    "mixed double": (_REAL, _SYNTHETIC),
    "real double": (_REAL, Source(False, HARSH, 0.0, stream=1)),
}
"""What each arm is trained on."""

GROUPS: dict[str, tuple[str, ...]] = {
    "real cells": tuple(cell_name(cell) for cell in CELLS if not cell[2]),
    "synthetic cells": tuple(cell_name(cell) for cell in CELLS if cell[2]),
    "mixtures": ("mixed", "mixed double", "real double"),
    "levels": ("mild real", "half gap", SHUFFLED),
}
"""Arms that one job trains."""
