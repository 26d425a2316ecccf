"""`medsuite meda-kv`: look at a model, time its decoding, ask it questions behind smaller caches."""

from typing import Annotated

import typer

app = typer.Typer(help="Smaller multimodal KV caches for decoders in transformers (MEDA).", no_args_is_help=True)

Model = Annotated[str, typer.Argument(help="A packaged name such as smollm2-135m, a folder, or a hub id.")]
Methods = Annotated[str, typer.Option(help="Methods to compare, separated by commas.")]
Ratio = Annotated[float, typer.Option(help="Kept share of the cache, in (0, 1].")]


@app.command()
def inspect(model: Model) -> None:
    """Show a model's layers, what a token costs in its cache, and whether it can be compressed."""
    from medsuite.core.models import load
    from medsuite.meda_kv.inspection import inspect_model

    typer.echo(str(inspect_model(load(model, "causal-lm").model)))


@app.command()
def bench(
    model: Model = "smollm2-135m",
    prompt_tokens: Annotated[int, typer.Option(help="Length of the prompt.")] = 2048,
    methods: Methods = "snapkv,meda",
    ratio: Ratio = 0.28,
    new_tokens: Annotated[int, typer.Option(help="Tokens generated per round.")] = 16,
) -> None:
    """Time decoding behind the full cache and behind smaller ones, in one run."""
    from medsuite.meda_kv.evaluate.tables import bench_table

    typer.echo(bench_table(model, prompt_tokens, _names(methods), ratio, new_tokens))


@app.command()
def evaluate(
    model: Model = "smollm2-135m",
    context: Annotated[int, typer.Option(help="Tokens of each text.")] = 500,
    questions: Annotated[int, typer.Option(help="Number of questions.")] = 10,
    methods: Methods = "snapkv,h2o,meda",
    ratio: Ratio = 0.4,
    seed: Annotated[int, typer.Option(help="Seed of texts, keys and depths.")] = 0,
) -> None:
    """Ask for a pass key in long texts, with the question inside the compressed prompt and after it."""
    from medsuite.meda_kv.evaluate.tables import passkey_table

    typer.echo(passkey_table(model, context, questions, _names(methods), ratio, seed))


def _names(methods: str) -> list[str]:
    return [name.strip() for name in methods.split(",") if name.strip()]
