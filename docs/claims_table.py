"""A Sphinx directive that lists the registered claims: what the papers say, and what is tested."""

from docutils import nodes
from docutils.parsers.rst import Directive

from medsuite.core.claims.registry import find_claims

COLUMNS = ("Claim", "Statement", "Published", "Data")


class ClaimsTable(Directive):
    """`{claims-table}` lists all claims of the installed packages, or those of the packages that it names."""

    optional_arguments = 8

    def run(self):
        rows = [_cells(registered.claim) for registered in find_claims(self.arguments)]
        group = nodes.tgroup(cols=len(COLUMNS))
        group += [nodes.colspec(colwidth=width) for width in (15, 40, 20, 25)]
        group += nodes.thead("", _row(COLUMNS))
        group += nodes.tbody("", *map(_row, rows))
        return [nodes.table("", group)]


def _cells(claim):
    published = "; ".join(f"{figure.text}: {figure.measured}" for figure in claim.published)
    paper = f"{claim.statement} ({claim.paper.title}, {claim.paper.year})"
    return claim.id, paper, published, claim.data


def _row(cells):
    return nodes.row("", *[nodes.entry("", nodes.paragraph(text=cell)) for cell in cells])


def setup(app):
    app.add_directive("claims-table", ClaimsTable)
    return {"parallel_read_safe": True}
