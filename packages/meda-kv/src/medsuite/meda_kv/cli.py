"""`medsuite meda-kv`: look at a model, time its decoding, ask it questions behind smaller caches, draw what is kept."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Smaller multimodal KV caches for decoders in transformers (MEDA).", no_args_is_help=True)

MODEL = "A packaged name such as smollm2-135m, a folder, or a hub id."
OWN_MODEL = f"{MODEL} Left out: the task's own."
Methods = Annotated[str, typer.Option(help="Methods to compare, separated by commas.")]
Peer = Annotated[str, typer.Option(help="kvpress: run its own form of the methods that both have, in the same run.")]


@app.command()
def inspect(
    model: Annotated[str, typer.Argument(help=MODEL)],
    methods: Methods = "snapkv,meda",
    ratio: Annotated[float, typer.Option(help="Kept share of the cache, in (0, 1].")] = 0.28,
    prompt_tokens: Annotated[int, typer.Option(help="Length of the text that shows what is kept; 0 for none.")] = 512,
) -> None:
    """Show a model's layers and heads, what a token costs, and what methods would keep of a text."""
    from medsuite.meda_kv.inspection import inspection_text

    typer.echo(inspection_text(model, _names(methods), ratio, prompt_tokens))


@app.command()
def bench(
    model: Annotated[str, typer.Argument(help=MODEL)] = "smollm2-135m",
    prompt_tokens: Annotated[int, typer.Option(help="Length of the prompt.")] = 2048,
    methods: Methods = "snapkv,meda",
    ratio: Annotated[float, typer.Option(help="Kept share of the cache, in (0, 1].")] = 0.28,
    new_tokens: Annotated[int, typer.Option(help="Tokens generated per round.")] = 16,
    peer: Peer = "",
) -> None:
    """Time decoding behind the full cache and behind smaller ones, in one run, and kvpress beside them if asked for."""
    from medsuite.meda_kv.evaluate.tables import bench_table, peer_table

    _check_peer(peer)
    typer.echo(bench_table(model, prompt_tokens, _names(methods), ratio, new_tokens))
    if peer:
        typer.echo("\n" + peer_table(model, prompt_tokens, _names(methods), ratio, new_tokens))


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help=OWN_MODEL)] = "",
    task: Annotated[str, typer.Option(help="What is asked; `tasks` lists them.")] = "passkey",
    data: Annotated[Path | None, typer.Option(help="Folder or file of a released benchmark.")] = None,
    dataset: Annotated[list[str] | None, typer.Option(help="Data set of it; may be repeated; all if left out.")] = None,
    questions: Annotated[int, typer.Option(help="Number of questions; 0 for all of a released benchmark.")] = 20,
    context: Annotated[int, typer.Option(help="Tokens of each text that is made here.")] = 500,
    needles: Annotated[int, typer.Option(help="Needles of a text that hides several.")] = 3,
    longest: Annotated[
        int | None, typer.Option(help="Most tokens of a prompt; longer texts lose their middle.")
    ] = None,
    frames: Annotated[int, typer.Option(help="Frames shown of a video, pictures of numbered-pictures.")] = 8,
    methods: Methods = "snapkv,h2o,meda",
    ratio: Annotated[str, typer.Option(help="Kept shares in (0, 1], separated by commas.")] = "0.4,0.2",
    seed: Annotated[int, typer.Option(help="Seed of texts, keys, pictures and depths.")] = 0,
    sampled: Annotated[bool, typer.Option(help="Observe a sample of the query rows, which is faster.")] = False,
    peer: Peer = "",
    out: Annotated[Path | None, typer.Option(help="Run folder: resumed if stopped, with report.html.")] = None,
) -> None:
    """Ask questions behind smaller caches, inside the compressed prompt and after it: accuracy against kept share."""
    from medsuite.meda_kv.evaluate.command import run
    from medsuite.meda_kv.evaluate.evaluation import Plan
    from medsuite.meda_kv.evaluate.tasks import Scope

    _check_peer(peer)
    scope = Scope(questions, context, needles, seed, data, tuple(dataset or ()), longest, frames)
    plan = Plan(task, model, tuple(_names(methods)), _shares(ratio), scope, not sampled, bool(peer))
    typer.echo(run(plan, out))


@app.command()
def tasks() -> None:
    """List what `evaluate` can ask."""
    from medsuite.meda_kv.evaluate.tasks import TASKS

    for task in TASKS.values():
        typer.echo(f"{task.name:<20}{task.summary}; {task.model or 'name a vision-language model'}")


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A folder that evaluate --out wrote.")],
    output: Annotated[Path | None, typer.Option(help="Where to write; report.html in the folder if left out.")] = None,
) -> None:
    """Write the HTML report of an evaluation: quality against kept share, layers, and what was kept of the prompts."""
    from medsuite.meda_kv.evaluate.html import write_report

    typer.echo(str(write_report(run, output)))


def _names(methods: str) -> list[str]:
    return [name.strip() for name in methods.split(",") if name.strip()]


def _shares(text: str) -> tuple[float, ...]:
    from medsuite.core.errors import InputError

    try:
        return tuple(dict.fromkeys(float(part) for part in _names(text)))
    except ValueError as error:
        raise InputError(f"--ratio {text}", expected="numbers separated by commas, such as 0.4,0.2") from error


def _check_peer(peer: str) -> None:
    if not peer:
        return
    from medsuite.core.errors import unknown_name

    if peer != "kvpress":
        raise unknown_name("peer", peer, ["kvpress"])
    from medsuite.meda_kv.evaluate.peer import check_installed

    check_installed()
