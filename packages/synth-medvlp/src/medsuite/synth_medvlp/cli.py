"""The commands of `medsuite synth-medvlp`: parse, call the library, print."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Vision-language pre-training on synthetic chest films (SynCXR). Not a medical device.",
)
data = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Make pairs, look at them, sort bad films out.")
app.add_typer(data, name="data")


class Level(StrEnum):
    """Levels of dirt."""

    CLEAN = "clean"
    MILD = "mild"
    HARSH = "harsh"


class LossChoice(StrEnum):
    """Losses."""

    CLIP = "clip"
    CONVIRT = "convirt"
    GLORIA = "gloria"


Folder = Annotated[Path, typer.Argument(help="Folder of WebDataset shards with manifest.jsonl.")]


@data.command()
def generate(
    folder: Annotated[Path, typer.Argument(help="New folder, or one whose generation was interrupted.")],
    pairs: Annotated[int, typer.Option(help="Number of pairs.")] = 1000,
    size: Annotated[int, typer.Option(help="Pixels on a side.")] = 64,
    gap: Annotated[float, typer.Option(help="0 for the degraded domain, 1 for the clean synthetic one.")] = 1.0,
    tail: Annotated[float | None, typer.Option(help="Zipf exponent of the findings; balanced without it.")] = None,
    dirt: Annotated[Level, typer.Option(help="Bad films, wrong reports, swapped pairs.")] = Level.CLEAN,
    shard: Annotated[int, typer.Option(help="Pairs in a shard.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed.")] = 0,
) -> None:
    """Make films and verified reports as WebDataset shards; the same command goes on where it was killed."""
    from medsuite.synth_medvlp.generation import Recipe, generate

    generate(folder, Recipe(pairs, size, gap, tail, dirt.value, shard, seed), report=typer.echo)


@data.command()
def check(folder: Folder) -> None:
    """Verify all shards, parse the reports again, and count findings, tail and bad films."""
    from medsuite.synth_medvlp.datacard import DataCard
    from medsuite.synth_medvlp.pretraining import LoadedPairs

    for line in DataCard.of(LoadedPairs.read(folder)).lines():
        typer.echo(line)


@data.command()
def curate(
    folder: Folder,
    reference: Annotated[Path, typer.Option(help="Shards whose films are known to be good or bad.")],
    out: Annotated[Path, typer.Option(help="File for the keys that are kept, one a line.")],
    allowed: Annotated[float, typer.Option(help="Share of good films that each test may reject.")] = 0.01,
) -> None:
    """Sort bad films out with thresholds chosen on looked-at films; the shards stay as they are."""
    from medsuite.synth_medvlp.sorting import sort_out

    for line in sort_out(folder, reference, out, allowed):
        typer.echo(line)


@data.command()
def tail(
    folder: Annotated[Path, typer.Argument(help="ecgen-radiology of Open-i, the Indiana University reports.")],
) -> None:
    """Show how unequally real reports name the findings: counts, slope, Gini, effective number."""
    from medsuite.synth_medvlp.openi import describe_tail

    for line in describe_tail(folder):
        typer.echo(line)


@data.command()
def entities(report: Annotated[str, typer.Argument(help="An English report.")]) -> None:
    """Show the findings that a report affirms, denies and leaves open."""
    from medsuite.synth_medvlp.entities import extract

    for entity in extract(report):
        typer.echo(f"{entity.status:<9} {entity.concept}  ({entity.text!r} at {entity.start})")


@app.command()
def train(
    folder: Folder,
    out: Annotated[Path, typer.Option(help="Folder for the model.")],
    loss: Annotated[LossChoice, typer.Option(help="Loss.")] = LossChoice.CLIP,
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 500,
    batch: Annotated[int, typer.Option(help="Pairs in a step.")] = 64,
    seed: Annotated[int, typer.Option(help="Seed.")] = 0,
    keep: Annotated[Path | None, typer.Option(help="Train on these keys alone, as `data curate` writes them.")] = None,
) -> None:
    """Pre-train a small dual encoder on pairs."""
    from medsuite.synth_medvlp.pretraining import train_on
    from medsuite.synth_medvlp.training import Schedule

    fitted = train_on(folder, out, loss.value, Schedule(steps, batch), seed, keep=keep)
    typer.echo(f"loss {fitted.first:.3f} -> {fitted.last:.3f}; one direction at chance: {fitted.chance:.3f}")
    typer.echo(out)


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(help="Folder that `train` wrote.")],
    folder: Folder,
    out: Annotated[Path | None, typer.Option(help="Write all numbers there as JSON.")] = None,
) -> None:
    """Ask a model for every finding in words: AUROC, and its spread over six pairs of prompts."""
    import json

    from medsuite.core.errors import InputError
    from medsuite.core.runs import write_atomically
    from medsuite.synth_medvlp.pretraining import evaluate_on, to_json

    if out and out.is_dir():
        raise InputError(f"{out} is a folder", expected="a JSON file to write")
    result = evaluate_on(model, folder)
    for name, value, single in zip(result.classes, result.ensemble, result.single.T, strict=True):
        typer.echo(f"{value:.3f}  {single.min():.3f} to {single.max():.3f}  {name}")
    low, high = result.spread
    typer.echo(
        f"{result.macro:.3f}  {low:.3f} to {high:.3f}  mean; {result.worst:.3f} with each finding's worst prompts"
    )
    if result.undefined:
        typer.echo(f"not in the mean, without positive or negative films: {', '.join(result.undefined)}")
    if out:
        write_atomically(out, json.dumps(to_json(result), indent=2) + "\n")


@app.command()
def report(folder: Folder, out: Annotated[Path, typer.Option(help="HTML file.")] = Path("data-card.html")) -> None:
    """Write the data card: what the set is made of, what is in it, and examples."""
    from medsuite.synth_medvlp.datacard import write_card

    write_card(folder, out)
    typer.echo(out)
