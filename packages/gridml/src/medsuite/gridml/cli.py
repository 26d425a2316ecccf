"""The `medsuite gridml` commands: parse, call the library, print."""

import typer

app = typer.Typer(help="Surrogates on unstructured grids, measured against the solver.", no_args_is_help=True)
