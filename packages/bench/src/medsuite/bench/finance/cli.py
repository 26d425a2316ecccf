"""The command `medsuite bench finance`."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)
data = typer.Typer(no_args_is_help=True)
app.add_typer(data, name="data", help="Make and check question sets.")


class LanguageName(StrEnum):
    """Languages of a question set."""

    en = "en"
    cn = "cn"


class ToleranceName(StrEnum):
    """How close an estimate must be."""

    axis = "axis"
    released = "released"


Table = Annotated[Path, typer.Argument(help="A question set: TSV in the released layout.")]
Images = Annotated[Path | None, typer.Option(help="Folder of the pictures; the TSV's own when left out.")]


@data.command()
def make(
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    pictures: Annotated[int, typer.Option(min=1, help="Pictures per type; there are six types.")] = 2,
    style: Annotated[list[str] | None, typer.Option(help="screen, square, light, medium or heavy; repeat it.")] = None,
    seed: Annotated[int, typer.Option(help="Decides everything.")] = 0,
) -> None:
    """Draw pictures with computed answers, on screen and photographed."""
    from medsuite.bench.finance.sets import make_set

    for language, path in make_set(out, pictures, style or ["screen", "medium"], seed).items():
        typer.echo(f"{language}: {path}")


@data.command()
def validate(table: Table, images: Images = None) -> None:
    """List everything that is wrong with a question set."""
    from medsuite.bench.finance.tsv import validate as find_problems

    problems = find_problems(table, images)
    for problem in problems:
        typer.echo(str(problem))
    typer.echo(f"{len(problems)} problems" if problems else "no problems")
    raise typer.Exit(2 if problems else 0)


@app.command()
def predict(
    table: Table,
    out: Annotated[Path, typer.Argument(help="File of replies to write: JSON lines.")],
    language: Annotated[LanguageName, typer.Option(help="Language of the questions.")] = LanguageName.en,
    images: Images = None,
) -> None:
    """Answer a generated set by OCR and rules."""
    from medsuite.bench.finance.baselines.run import answer_set
    from medsuite.bench.finance.sets import read_set

    stored, questions = read_set(table, language.value, images)
    replies = answer_set(stored, questions)
    rows = ({"index": q.index, "reply": reply} for q, reply in zip(questions, replies, strict=True))
    out.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")
    typer.echo(f"{len(questions)} replies: {out}")


@app.command()
def evaluate(
    table: Table,
    replies: Annotated[Path, typer.Argument(help="Replies: JSON lines with index and reply.")],
    language: Annotated[LanguageName, typer.Option(help="Language of the questions.")] = LanguageName.en,
    tolerance: Annotated[
        ToleranceName, typer.Option(help="axis: 2 % of it; released: 10 % of the value.")
    ] = ToleranceName.axis,
    images: Images = None,
) -> None:
    """Score replies by rules and print averages with intervals over pictures."""
    from rich.console import Console

    from medsuite.bench.finance.evaluate import evaluate_replies, score_table
    from medsuite.bench.finance.sets import read_replies, read_set

    _, questions = read_set(table, language.value, images)
    scores = evaluate_replies(questions, read_replies(replies, questions), tolerance.value)
    Console().print(score_table(scores))


@app.command()
def published(
    language: Annotated[LanguageName, typer.Argument(help="Which published table.")] = LanguageName.en,
) -> None:
    """Recompute the published averages from the published cells and list what does not fit."""
    from medsuite.bench.finance.published import check_table

    for problem in check_table(language.value):
        typer.echo(f"{problem.model}, {problem.column}: {problem.printed:.2f} {problem.what}")
