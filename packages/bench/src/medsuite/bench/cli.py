"""The command `medsuite bench`."""

import typer

from medsuite.bench.clinical.cli import app as clinical
from medsuite.bench.finance.cli import app as finance

app = typer.Typer(help="Benchmarks of language models, with honest baselines.", no_args_is_help=True)
app.add_typer(clinical, name="clinical", help="ClinicalBench: classical and language models in clinical prediction.")
app.add_typer(finance, name="finance", help="MME-Finance: pictures of the market, in English and Chinese.")
