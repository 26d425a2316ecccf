"""The command `medsuite bench clinical`."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)

Source = Annotated[Path, typer.Argument(help="Folder of MIMIC-IV that holds hosp/, or hosp/ itself.")]
Out = Annotated[Path, typer.Argument(help="File of predictions to write.")]
TaskName = Annotated[str, typer.Option("--task", help="mortality, length or readmission.")]
Preset = Annotated[str, typer.Option(help="paper: the released definitions; fixed: their faults mended.")]
View = Annotated[str, typer.Option(help="retrospective: the whole stay; landmark: what is known after --hours.")]
Hours = Annotated[float, typer.Option(help="Prediction time of the landmark view.")]
OutcomeCodes = Annotated[bool, typer.Option(help="Whether codes that exist because of the outcome are shown.")]
DrugMap = Annotated[Path | None, typer.Option(help="CSV with ndc, atc, name; ndc_atc.csv in the folder if left out.")]
Seed = Annotated[int, typer.Option(min=0, help="Decides the split; the same seed gives the same test patients.")]
Unit = Annotated[str, typer.Option(help="What stays on one side of the split.")]


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="A new folder.")],
    patients: Annotated[int, typer.Option(help="How many patients.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="Decides the hospital and its patients.")] = 0,
    noise_codes: Annotated[int, typer.Option(min=0, help="Diagnosis codes that mean nothing.")] = 300,
    outcome_codes: Annotated[float, typer.Option(min=0, max=2, help="Scale of their rates; 0: no leak.")] = 1.0,
) -> None:
    """Write a simulated hospital in the layout of MIMIC-IV, with the best possible predictions beside it."""
    from medsuite.bench.clinical.simulate.hospital import simulate_hospital
    from medsuite.bench.clinical.simulate.world import Dials

    dials = Dials(noise_codes=noise_codes, outcome_codes=outcome_codes)
    for path in simulate_hospital(out, patients, seed, dials):
        typer.echo(str(path))


@app.command()
def cohort(
    source: Source,
    task: TaskName = "mortality",
    preset: Preset = "fixed",
    view: View = "retrospective",
    hours: Hours = 24.0,
    outcome_codes: OutcomeCodes = True,
    drug_map: DrugMap = None,
    flow: Annotated[Path | None, typer.Option(help="CSV of the flow chart to write.")] = None,
    fingerprint: Annotated[bool, typer.Option(help="Count all rows and name the version.")] = False,
) -> None:
    """Build a cohort and print who was left out and why."""
    from rich.console import Console

    from medsuite.bench.clinical.report import build, describe_cohort, describe_source, write_flow

    found = build(source, task, preset, view, hours, outcome_codes, drug_map)
    Console().print(describe_cohort(found))
    if fingerprint:
        typer.echo(describe_source(source, drug_map))
    if flow is not None:
        write_flow(flow, found)
        typer.echo(f"flow chart: {flow}")


@app.command()
def classical(
    source: Source,
    out: Annotated[Path, typer.Argument(help="Folder of predictions to write.")],
    model: Annotated[list[str] | None, typer.Option(help="One of the eleven; repeat it. All when left out.")] = None,
    configurations: Annotated[int, typer.Option(min=1, help="Settings tried for each model; 1: the paper's.")] = 1,
    restarts: Annotated[int, typer.Option(min=1, help="Seeds of tree, forest, perceptron; paper: 20.")] = 1,
    task: TaskName = "mortality",
    preset: Preset = "fixed",
    view: View = "retrospective",
    hours: Hours = 24.0,
    outcome_codes: OutcomeCodes = True,
    drug_map: DrugMap = None,
    seed: Seed = 0,
    unit: Unit = "patient",
) -> None:
    """Fit classical models and write their predictions for the test patients."""
    from medsuite.bench.clinical.report import build
    from medsuite.bench.clinical.run_classical import predict_classical
    from medsuite.bench.clinical.splits import split_patients

    found = build(source, task, preset, view, hours, outcome_codes, drug_map)
    split = split_patients(found, seed=seed, unit=unit)
    for path, fitted in predict_classical(found, split, out, model, configurations, restarts, seed):
        typer.echo(f"{fitted.name}: validation AUROC {fitted.validation:.3f}, {fitted.tried} fits: {path}")


@app.command()
def ask(
    source: Source,
    out: Out,
    model: Annotated[str, typer.Option(help="A folder, a packaged model, or the name at the server.")] = "smollm2-135m",
    server: Annotated[str | None, typer.Option(help="OpenAI-compatible server, up to and with /v1.")] = None,
    key: Annotated[str | None, typer.Option(envvar="MEDSUITE_API_KEY", help="The server's key; better there.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="The most requests under way at the server.")] = 16,
    mode: Annotated[str, typer.Option(help="ORI, ICL, RP, COT or SR.")] = "ORI",
    wording: Annotated[str, typer.Option(help="names or codes.")] = "names",
    words: Annotated[bool, typer.Option(help="Read the answer out of words instead of scoring options.")] = False,
    chat: Annotated[bool, typer.Option(help="Use the model's chat template; the paper does not.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Ask about that many test patients.")] = None,
    name: Annotated[str | None, typer.Option(help="Name in tables; the model's when left out.")] = None,
    task: TaskName = "mortality",
    preset: Preset = "fixed",
    view: View = "retrospective",
    hours: Hours = 24.0,
    outcome_codes: OutcomeCodes = True,
    drug_map: DrugMap = None,
    seed: Seed = 0,
    unit: Unit = "patient",
) -> None:
    """Ask a language model about the test patients; the same command goes on where it was cut off."""
    from medsuite.bench.clinical.report import build
    from medsuite.bench.clinical.run_ask import AskOptions, ask_test_patients
    from medsuite.bench.clinical.splits import split_patients

    found = build(source, task, preset, view, hours, outcome_codes, drug_map)
    split = split_patients(found, seed=seed, unit=unit)
    options = AskOptions(
        model=model,
        server=server,
        key=key,
        concurrency=concurrency,
        mode=mode,
        wording=wording,
        route="words" if words else "options",
        chat=chat,
        limit=limit,
        name=name,
        seed=seed,
    )
    for line in ask_test_patients(found, split, out, options):
        typer.echo(line)


@app.command()
def score(
    files: Annotated[list[Path], typer.Argument(help="Files of predictions, of one task and view.")],
    baseline: Annotated[str | None, typer.Option(help="Compare with this model; the first when left out.")] = None,
    failures: Annotated[str, typer.Option(help="survivors, majority or worst.")] = "majority",
) -> None:
    """Score models, and compare each with a baseline in pairs of patients."""
    from rich.console import Console

    from medsuite.bench.clinical.predictions import read_predictions
    from medsuite.bench.clinical.score import score as score_models
    from medsuite.bench.clinical.score import score_table

    read = [read_predictions(path) for path in files]
    scores = score_models(read, baseline or read[0].model, failures)
    Console().print(score_table(scores, f"{read[0].task}, failures as {failures}"))
