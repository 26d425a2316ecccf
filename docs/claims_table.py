"""A Sphinx directive that lists the registered claims beside the last committed run of `medsuite reproduce`."""

import json
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

from medsuite.core.claims.registry import find_claims
from medsuite.core.reporting import number

COLUMNS = ("Claim", "Published", "Measured at laptop scale", "Verdict", "Data")
WIDTHS = (36, 18, 26, 10, 10)
RUN = Path(__file__).with_name("results-laptop.json")


class ClaimsTable(Directive):
    """`{claims-table}` lists all claims of the installed packages, or those of the packages that it names."""

    optional_arguments = 8

    def run(self):
        self.state.document.settings.env.note_dependency(str(RUN))
        measured = {claim["id"]: claim for claim in json.loads(RUN.read_text(encoding="utf-8"))["claims"]}
        rows = [_cells(registered.claim, measured) for registered in find_claims(self.arguments)]
        group = nodes.tgroup(cols=len(COLUMNS))
        group += [nodes.colspec(colwidth=width) for width in WIDTHS]
        group += nodes.thead("", _row(COLUMNS))
        group += nodes.tbody("", *map(_row, rows))
        return [nodes.table("", group)]


def _cells(claim, measured):
    published = "; ".join(figure.text for figure in claim.published) or "no figure"
    figure, outcome = _headline(measured.get(claim.id))
    name = [claim.id, claim.statement, f"{claim.paper.title}, {claim.paper.year}"]
    return name, [published], figure, [outcome], [claim.data.split(":")[0]]


def _headline(result):
    """The figure with what it is, and the outcome, of a claim's first verdict."""
    if result is None or not result["verdicts"]:
        return ["not in the last run"], "–"
    first = result["verdicts"][0]
    ends = [float("nan") if first[end] is None else first[end] for end in ("estimate", "low", "high")]
    estimate, low, high = map(number, ends)
    return [f"{estimate} [{low}, {high}] {first['unit']}", first["statement"]], first["outcome"]


def _row(cells):
    """A row; each cell is a list of paragraphs, or one text for a heading."""
    texts = [[cell] if isinstance(cell, str) else cell for cell in cells]
    return nodes.row("", *[nodes.entry("", *[nodes.paragraph(text=text) for text in cell]) for cell in texts])


def setup(app):
    app.add_directive("claims-table", ClaimsTable)
    return {"parallel_read_safe": True}
