"""What a folder of shards holds: numbers for the terminal, and a page with examples."""

import base64
import io
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medsuite.core.errors import InputError
from medsuite.core.reporting import Page, render
from medsuite.synth_medvlp.entities import extract
from medsuite.synth_medvlp.generation import read_recipe
from medsuite.synth_medvlp.pool import Tail, measure_tail
from medsuite.synth_medvlp.pretraining import LoadedPairs
from medsuite.synth_medvlp.shards import Sample
from medsuite.synth_medvlp.vocabulary import FINDINGS

EXAMPLES = 12


@dataclass(frozen=True)
class FindingCount:
    """How many films show a finding and how many reports affirm it."""

    name: str
    films: int
    reports: int


@dataclass(frozen=True)
class DataCard:
    """The numbers of a data set.

    Attributes:
        pairs: Number of pairs.
        accepted: Reports that affirm what the film shows and nothing else.
        findings: Counts of each finding.
        tail: Tail of what the films show; None where all are normal.
        faults: Films of each kind, good and bad.
    """

    pairs: int
    accepted: int
    findings: tuple[FindingCount, ...]
    tail: Tail | None
    faults: dict[str, int]

    @classmethod
    def of(cls, pairs: LoadedPairs) -> "DataCard":
        """Count a data set; the reports are parsed again.

        Raises:
            InputError: A sample does not say what is in its film.
        """
        labels = pairs.labels
        affirmed = np.array([_affirmed(sample) for sample in pairs.samples])
        counted = zip(FINDINGS, labels.sum(0).tolist(), affirmed.sum(0).tolist(), strict=True)
        return cls(
            len(labels),
            int((labels == affirmed).all(1).sum()),
            tuple(FindingCount(*entry) for entry in counted),
            measure_tail(labels.sum(0)) if labels.any() else None,
            dict(Counter(str(sample.meta.get("fault", "unknown")) for sample in pairs.samples).most_common()),
        )

    def lines(self) -> list[str]:
        """Return the card as lines of text."""
        head = f"{self.pairs} pairs; {self.accepted} reports say what the film shows and nothing else"
        counts = [f"  {entry.films:6d} films {entry.reports:6d} reports  {entry.name}" for entry in self.findings]
        faults = ", ".join(f"{count} {name}" for name, count in self.faults.items())
        tail = self.tail or "no film shows a finding"
        return [head, f"tail: {tail}", *counts, f"films: {faults}"]


def write_card(folder: Path, out: Path) -> None:
    """Write the page of a data set.

    Args:
        folder: Data set.
        out: HTML file.

    Raises:
        InputError: The data set cannot be read, or `out` is a folder.
    """
    from medsuite.core.runs import write_atomically

    if out.is_dir():
        raise InputError(f"{out} is a folder", expected="a file to write, such as card.html")
    pairs = LoadedPairs.read(folder)
    card, recipe = DataCard.of(pairs), read_recipe(folder)
    page = render(
        "data-card.html.jinja",
        Page(f"Data card of {folder.resolve().name}", f"{card.pairs} pairs of films and reports"),
        package="medsuite.synth_medvlp",
        card=card,
        made_of=[*_UPSTREAM, *((name, "balanced" if value is None else value) for name, value in recipe.items())],
        examples=[_example(sample) for sample in pairs.samples[:EXAMPLES]],
    )
    write_atomically(out, page)


_UPSTREAM = (
    ("films", "medsuite.core.phantom: stated physics and geometry, trained on nothing"),
    ("reports", "medsuite.synth_medvlp.reports: a grammar, trained on nothing"),
    ("licence", "Apache-2.0"),
)
"""Where everything comes from, with what it was trained on: what is called synthetic often is not independent."""


def _affirmed(sample: Sample) -> list[bool]:
    present = {entity.concept for entity in extract(sample.report) if entity.status == "present"}
    return [name in present for name in FINDINGS]


def _example(sample: Sample) -> dict[str, str]:
    from PIL import Image

    picture = io.BytesIO()
    Image.fromarray(sample.film).save(picture, "PNG")
    source = "data:image/png;base64," + base64.b64encode(picture.getvalue()).decode()
    return {"picture": source, "key": sample.key, "report": sample.report}
