"""A finished picture together with everything that was drawn on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, UInt8

from medsuite.bench.finance.draw.axes import Axis
from medsuite.bench.finance.draw.canvas import DrawnText
from medsuite.bench.finance.draw.market import Bars
from medsuite.bench.finance.schema import ImageType, Language


@dataclass(frozen=True)
class PriceFacts:
    """What a price chart shows.

    Attributes:
        bars: The visible bars.
        overlays: Lines over the candles by name, such as `MA10`.
        panes: Lines of each pane below by pane name, then by line name.
        header: The values of the last day are printed above each pane.
        code: Code of the instrument.
    """

    bars: Bars
    overlays: Mapping[str, Float[np.ndarray, " bars"]]
    panes: Mapping[str, Mapping[str, Float[np.ndarray, " bars"]]]
    header: bool
    code: str

    @property
    def last(self) -> dict[str, float]:
        """Value of every named line on the last day."""
        lines = {**self.overlays, **{name: line for pane in self.panes.values() for name, line in pane.items()}}
        return {name: float(line[-1]) for name, line in lines.items()}


@dataclass(frozen=True)
class TableFacts:
    """A table of numbers: bars of a statistical chart by series and period, or cells of a table by column and row.

    Attributes:
        rows: Names of the rows (or periods).
        columns: Values of each column (or series), as printed.
        unlabelled: Rows whose value is drawn but not printed.
    """

    rows: tuple[str, ...]
    columns: Mapping[str, tuple[str, ...]]
    unlabelled: tuple[str, ...] = ()


@dataclass(frozen=True)
class DocumentFacts:
    """A page of a report.

    Attributes:
        company: Who issued it.
        sections: Titles of the sections in their order.
        amounts: Printed amount of each item in each year.
    """

    company: str
    sections: tuple[str, ...]
    amounts: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Chart:
    """A picture with its strings, axes and facts; the facts are what the questions are computed from."""

    picture: UInt8[np.ndarray, "height width 3"]
    image_type: ImageType
    language: Language
    texts: tuple[DrawnText, ...]
    facts: tuple[PriceFacts | TableFacts | DocumentFacts, ...]
    axes: Mapping[str, Axis] = field(default_factory=dict)
