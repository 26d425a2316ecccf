"""Commands of medsuite grounding."""

import typer

app = typer.Typer()
