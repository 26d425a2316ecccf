"""The commands of `medsuite med-r1`: parse, call the library, print."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Reinforcement learning for medical VQA, with its controls (MedVLM-R1). Not a medical device.",
)
data = typer.Typer(no_args_is_help=True, help="Read, audit and simulate question sets.")
app.add_typer(data, name="data")

File = Annotated[Path, typer.Argument(help="Question file, or a folder for omnimedvqa.")]
Layout = Annotated[str, typer.Option("--format", help="huatuo (the released test file) or omnimedvqa.")]
Images = Annotated[Path, typer.Option(help="Folder that the image paths start from.")]
Model = Annotated[str, typer.Option(help="Folder of a vision-language model, or a hub id.")]
Style = Annotated[str, typer.Option(help="Prompt: clean, paper, paper-test or compact.")]
NewTokens = Annotated[int, typer.Option(help="Longest completion.")]
Batch = Annotated[int, typer.Option(help="Completions generated together.")]
Seed = Annotated[int, typer.Option(help="Seed.")]


@data.command()
def audit(file: File, layout: Layout = "huatuo", seed: Seed = 0) -> None:
    """Tell how far a question set can be answered from its options alone; exit code 1 if it can."""
    from medsuite.med_r1.auditing import audit as run_audit
    from medsuite.med_r1.data import read
    from medsuite.med_r1.seeds import generator

    result = run_audit(read(file, layout), generator(seed))
    typer.echo(str(result))
    if not result.usable:
        raise typer.Exit(1)


@data.command()
def simulate(
    out: Annotated[Path, typer.Option(help="New folder for questions.json and its images.")],
    count: Annotated[int, typer.Option(help="Questions of each modality.")] = 100,
    modality: Annotated[list[str], typer.Option(help="MR, CT or film; may be repeated.")] = ["MR"],  # noqa: B006
    shortcut: Annotated[float, typer.Option(help="Share of questions whose options give the answer away.")] = 0.0,
    difficulty: Annotated[str, typer.Option(help="easy or hard.")] = "hard",
    side: Annotated[int, typer.Option(help="Pixels along a picture's side.")] = 56,
    seed: Seed = 0,
) -> None:
    """Write simulated questions in the layout of the released test file."""
    from medsuite.med_r1.data.huatuo import write_huatuo
    from medsuite.med_r1.seeds import generator
    from medsuite.med_r1.simulation import simulate as make

    rng = generator(seed)
    sets = [make(count, name, rng, shortcut=shortcut, difficulty=difficulty, side=side) for name in modality]
    path = write_huatuo(sets, out)
    typer.echo(f"{sum(len(each) for each in sets)} questions in {path}")


@app.command()
def probe(
    reward: Annotated[list[str], typer.Option(help="Reward; may be repeated.")] = ["format", "accuracy"],  # noqa: B006
    options: Annotated[int, typer.Option(help="Options of the question, 2 to 10.")] = 4,
) -> None:
    """Show what each reward pays for completions without thought; exit code 1 if one is worth an honest guess."""
    from medsuite.med_r1.rewards import find_rewards
    from medsuite.med_r1.rewards import probe as run_probe
    from medsuite.med_r1.rewards.probes import example_question

    table = run_probe(find_rewards(reward), example_question(options))
    typer.echo(str(table))
    typer.echo(f"an honest guess is paid {table.guess:.2f}")
    if table.holes:
        typer.echo(f"paid as much or more: {', '.join(table.holes)}")
        raise typer.Exit(1)


@app.command()
def train(
    file: File,
    images: Images,
    model: Model,
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and the trained model.")],
    arm: Annotated[str, typer.Option(help="grpo, letter, empty-think or own-samples.")] = "grpo",
    layout: Layout = "huatuo",
    subset: Annotated[str | None, typer.Option(help="Train on this subset alone.")] = None,
    style: Style = "clean",
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 300,
    learning_rate: Annotated[float, typer.Option(help="Peak rate.")] = 1e-6,
    prompts: Annotated[int, typer.Option(help="Questions a step.")] = 2,
    generations: Annotated[int, typer.Option(help="Completions of each question, grpo alone.")] = 4,
    beta: Annotated[float, typer.Option(help="Weight of the divergence from the base, grpo alone.")] = 0.04,
    new_tokens: NewTokens = 512,
    save_every: Annotated[int, typer.Option(help="Steps between checkpoints.")] = 50,
    seed: Seed = 0,
) -> None:
    """Train a model by GRPO or by supervised fine-tuning; run again with the same words to go on where it stopped."""
    from medsuite.med_r1.runs import TrainingRun

    run = TrainingRun(
        file=file, layout=layout, images=images, subset=subset, model=model, arm=arm, style=style, steps=steps,
        learning_rate=learning_rate, prompts=prompts, generations=generations, beta=beta, new_tokens=new_tokens,
        save_every=save_every, seed=seed,
    )  # fmt: skip
    typer.echo(run.describe())
    typer.echo(f"trained model in {run.start(out)}")


@app.command()
def predict(
    file: File,
    images: Images,
    model: Model,
    out: Annotated[Path, typer.Option(help="JSON-lines file of answers; one that is there is completed.")],
    layout: Layout = "huatuo",
    style: Style = "clean",
    new_tokens: NewTokens = 512,
    batch: Batch = 16,
) -> None:
    """Ask a model every question once, greedily."""
    from medsuite.med_r1.data import read
    from medsuite.med_r1.runs import predict_file

    asked = predict_file(model, read(file, layout, images), out, style, new_tokens, batch)
    typer.echo(f"{asked} questions asked, answers in {out}")


@app.command()
def evaluate(
    file: File,
    images: Images,
    model: Model,
    layout: Layout = "huatuo",
    style: Style = "clean",
    new_tokens: NewTokens = 512,
    batch: Batch = 16,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Write all completions and numbers there as JSON.")] = None,
) -> None:
    """Measure a model with its controls: blank and swapped images, options alone, rotated options."""
    import json

    from medsuite.core.errors import InputError
    from medsuite.core.runs import write_atomically
    from medsuite.med_r1.data import read
    from medsuite.med_r1.policy import load_policy
    from medsuite.med_r1.runs import evaluate_policy

    if out and out.is_dir():
        raise InputError(f"{out} is a folder", expected="a JSON file to write")
    result = evaluate_policy(load_policy(model), read(file, layout, images), style, new_tokens, batch, seed)
    typer.echo(result.table())
    for name, value in result.answers.summary().items():
        typer.echo(f"{name:<11} {value:.3f}")
    for outcome, number in result.answers.outcomes().items():
        typer.echo(f"{number:5d}  {outcome}")
    if out:
        write_atomically(out, json.dumps(result.to_json(), indent=2, ensure_ascii=False) + "\n")


@app.command()
def report(
    answers: Annotated[Path, typer.Argument(help="JSON lines that predict wrote.")],
    file: File,
    layout: Layout = "huatuo",
) -> None:
    """Score written answers under the three extractors, with an interval for each subset."""
    from medsuite.med_r1.data import read
    from medsuite.med_r1.runs import read_answers

    typer.echo(read_answers(answers, read(file, layout)).report())
