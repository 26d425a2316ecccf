"""The command `medsuite bench finance`."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

Item = TypeVar("Item")
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


class ScorerName(StrEnum):
    """Who decides where both a rule and a judge can."""

    rules = "rules"
    judge = "judge"


Language = Annotated[LanguageName, typer.Option(help="Language of the questions.")]
Server = Annotated[str | None, typer.Option(help="An OpenAI-compatible server, such as http://localhost:8000/v1.")]
Key = Annotated[str | None, typer.Option(envvar="MEDSUITE_API_KEY", help="The server's key; better in the variable.")]
Blind = Annotated[bool, typer.Option("--blind", help="Ask without the pictures.")]
Concurrency = Annotated[int, typer.Option(min=1, help="The most requests under way at the server.")]
Prices = Annotated[
    tuple[float, float] | None, typer.Option(help="US dollars for a million tokens of prompts and of answers.")
]
Most = Annotated[float | None, typer.Option(min=0, help="The most US dollars to spend in this run; needs --price.")]
Extra = Annotated[
    str | None, typer.Option(help='More fields of each request, null to leave one out: {"max_tokens": null}')
]
Replies = Annotated[Path, typer.Argument(help="Replies: JSON lines with index and reply.")]
Table = Annotated[Path, typer.Argument(help="A question set: TSV in the released layout.")]
Images = Annotated[Path | None, typer.Option(help="Folder of the pictures; the TSV's own when left out.")]


@data.command()
def make(
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    pictures: Annotated[int, typer.Option(min=1, help="Pictures per type; there are six types.")] = 2,
    style: Annotated[list[str] | None, typer.Option(help="screen, square, light, medium or heavy; repeat it.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides everything.")] = 0,
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
    language: Language = LanguageName.en,
    images: Images = None,
) -> None:
    """Answer a generated set by OCR and rules."""
    from medsuite.bench.finance.baselines.run import answer_set
    from medsuite.bench.finance.sets import read_set, write_rows
    from medsuite.bench.output import check_file

    check_file(out)
    stored, questions = read_set(table, language.value, images)
    replies = answer_set(stored, questions)
    write_rows(out, ({"index": q.index, "reply": reply} for q, reply in zip(questions, replies, strict=True)))
    typer.echo(f"{len(questions)} replies: {out}")


@app.command()
def ask(
    table: Table,
    out: Annotated[Path, typer.Argument(help="File of replies to write: JSON lines.")],
    model: Annotated[str, typer.Option(help="Its name at --server, or a local model.")],
    language: Language = LanguageName.en,
    images: Images = None,
    server: Server = None,
    key: Key = None,
    blind: Blind = False,
    concurrency: Concurrency = 16,
    price: Prices = None,
    most: Most = None,
    extra: Extra = None,
    max_tokens: Annotated[int, typer.Option(min=1, help="The most tokens of an answer.")] = 512,
) -> None:
    """Answer a set by a language model.

    Answers are kept in OUT.sqlite as they come: the same command again asks what is still open.
    """
    from medsuite.bench.finance.asking import ask_questions, fields_of, open_client, price_of, reply_rows, summary
    from medsuite.bench.finance.sets import read_set, write_rows
    from medsuite.bench.output import check_file
    from medsuite.core.llm import AnswerStore, Sampling

    check_file(out)
    stored, questions = read_set(table, language.value, images)
    costs, fields = price_of(price, most), fields_of(extra)
    client = open_client(model, server, key, blind=blind, concurrency=concurrency, price=costs, extra=fields)
    with AnswerStore(_store_of(out)) as store:
        picture = None if blind else stored.picture
        asked = ask_questions(client, store, questions, picture, Sampling(max_tokens=max_tokens))
        answers = list(_track(asked, len(questions), "questions"))
    write_rows(out, reply_rows(questions, answers))
    typer.echo(f"{len(questions)} replies: {out} ({summary(answers, costs)})")


@app.command()
def judge(
    table: Table,
    replies: Replies,
    out: Annotated[Path, typer.Argument(help="File of judgements to write: JSON lines.")],
    model: Annotated[str, typer.Option(help="The judge: its name at --server, or a local model.")],
    language: Language = LanguageName.en,
    images: Images = None,
    server: Server = None,
    key: Key = None,
    blind: Blind = False,
    concurrency: Concurrency = 16,
    price: Prices = None,
    most: Most = None,
    extra: Extra = None,
    repeats: Annotated[int, typer.Option(min=1, help="Judgements of each answer.")] = 1,
    temperature: Annotated[float, typer.Option(min=0, help="0 for the judge's most probable words.")] = 0.0,
    every: Annotated[bool, typer.Option("--every", help="Also judge the answers that rules can score.")] = False,
) -> None:
    """Have a language model judge the answers that rules cannot score, and print how far to trust it."""
    from rich.console import Console

    from medsuite.bench.finance.asking import fields_of, open_client, price_of
    from medsuite.bench.finance.evaluate import card_table, for_a_judge
    from medsuite.bench.finance.judging import Judge, judge_answers, judge_card, judgement_rows
    from medsuite.bench.finance.sets import read_replies, read_set, write_rows
    from medsuite.bench.output import check_file
    from medsuite.core.llm import AnswerStore

    check_file(out)
    stored, questions = read_set(table, language.value, images)
    said = read_replies(replies, questions)
    places = list(range(len(questions))) if every else for_a_judge(questions, said)
    chosen = [questions[place] for place in places]
    costs, fields = price_of(price, most), fields_of(extra)
    client = open_client(model, server, key, blind=blind, concurrency=concurrency, price=costs, extra=fields)
    with AnswerStore(_store_of(out)) as store:
        picture = None if blind else lambda number: stored.picture(places[number])
        grader = Judge(client, store, temperature=temperature)
        judged = judge_answers(grader, chosen, [said[place] for place in places], picture, repeats)
        rows = list(_track(judged, len(chosen), "answers"))
    write_rows(out, judgement_rows(chosen, rows))
    Console().print(card_table(judge_card(rows)))
    typer.echo(f"{len(rows)} answers judged: {out}")


@app.command()
def evaluate(
    table: Table,
    replies: Replies,
    language: Language = LanguageName.en,
    judgements: Annotated[Path | None, typer.Option(help="A judge's file: scores answers that rules cannot.")] = None,
    prefer: Annotated[ScorerName, typer.Option(help="Who decides where rules and the judge can.")] = ScorerName.rules,
    tolerance: Annotated[
        ToleranceName, typer.Option(help="axis: 2 % of it; released: 10 % of the value.")
    ] = ToleranceName.axis,
    images: Images = None,
) -> None:
    """Score replies by rules and a judge's file, and print averages with intervals over pictures."""
    from rich.console import Console

    from medsuite.bench.finance.evaluate import evaluate_replies, score_table
    from medsuite.bench.finance.sets import read_judgements, read_replies, read_set

    _, questions = read_set(table, language.value, images)
    judged = read_judgements(judgements) if judgements is not None else {}
    said = read_replies(replies, questions)
    scores = evaluate_replies(questions, said, tolerance.value, judged, prefer_judge=prefer is ScorerName.judge)
    Console().print(score_table(scores))


@app.command()
def published(
    language: Annotated[LanguageName, typer.Argument(help="Which published table.")] = LanguageName.en,
) -> None:
    """Recompute the published averages from the published cells and list what does not fit."""
    from medsuite.bench.finance.published import check_table

    for problem in check_table(language.value):
        typer.echo(f"{problem.model}, {problem.column}: {problem.printed:.2f} {problem.what}")


def _store_of(out: Path) -> Path:
    return out.with_name(f"{out.name}.sqlite")


def _track(items: Iterable[Item], total: int, what: str) -> Iterable[Item]:
    from rich.console import Console
    from rich.progress import track

    return track(items, what, total, console=Console(stderr=True))
