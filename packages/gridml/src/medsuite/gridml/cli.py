"""The `medsuite gridml` commands: parse, call the library, print."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Surrogates on unstructured grids, measured against the solver.", no_args_is_help=True)
data = typer.Typer(help="Make, convert and inspect cases.", no_args_is_help=True)
app.add_typer(data, name="data")

Out = Annotated[Path, typer.Option("--out", help="What to write.")]
Seed = Annotated[int, typer.Option(min=0, help="Fixes all random numbers.")]


@data.command("simulate")
def simulate_command(
    problem: Annotated[str, typer.Argument(help="poisson or darcy.")],
    out: Out,
    cases: Annotated[int, typer.Option(help="How many.")] = 200,
    spacing: Annotated[float, typer.Option(help="Distance of neighbouring nodes; domains have radius one.")] = 0.115,
    seed: Seed = 0,
) -> None:
    """Solve random problems on random domains and write one VTU file each."""
    from medsuite.gridml.files import write_cases
    from medsuite.gridml.simulation import simulate

    write_cases(out, simulate(problem, cases=cases, seed=seed, spacing=spacing))
    typer.echo(f"{cases} {problem} cases in {out}")


@data.command()
def inspect(path: Annotated[Path, typer.Argument(help="A mesh, such as a .vtu file.")]) -> None:
    """Print a mesh's sizes, its smallest angle and how far its nodes are from each other in hops."""
    from medsuite.gridml.graph import hop_diameter
    from medsuite.gridml.io.vtu import read_mesh

    mesh = read_mesh(path)
    for name, value in {**mesh.report(), "diameter in hops": hop_diameter(mesh)}.items():
        typer.echo(f"{name:18} {value:.6g}")


@data.command("import-meshgraphnets")
def import_meshgraphnets(
    path: Annotated[Path, typer.Argument(help="A .tfrecord file with its meta.json beside it.")],
    out: Out,
    step: Annotated[int, typer.Option(help="Which time to write.")] = 0,
    limit: Annotated[int, typer.Option(help="How many trajectories.")] = 10,
) -> None:
    """Write one time of each trajectory of a MeshGraphNets data set as VTU files."""
    from medsuite.gridml.io.convert import trajectory_cases

    names = trajectory_cases(path, out, step=step, limit=limit)
    typer.echo(f"{len(names)} trajectories in {out}")


@app.command()
def train(
    cases: Annotated[Path, typer.Argument(help="Folder of solved cases (.vtu).")],
    out: Out,
    family: Annotated[str, typer.Option(help="Such as transolver; an unknown name lists all.")] = "transolver",
    steps: Annotated[int, typer.Option(help="Optimiser steps.")] = 1000,
    seed: Seed = 0,
) -> None:
    """Fit a family to solved cases and write the surrogate."""
    from medsuite.gridml import store
    from medsuite.gridml.files import check_place, read_cases, write_whole
    from medsuite.gridml.models import base, registry

    check_place(out)
    kind = registry.family(family)
    surrogate = kind.fit(read_cases(cases), base.Budget(steps=steps), seed)
    write_whole(out, lambda path: store.save_surrogate(surrogate, path))
    typer.echo(f"{family} in {out}")


@app.command()
def predict(
    surrogate: Annotated[Path, typer.Argument(help="A file written by train.")],
    case: Annotated[Path, typer.Argument(help="A case (.vtu); its solution is not used.")],
    out: Out,
) -> None:
    """Predict a case and write it with the prediction as point data `prediction`."""
    from medsuite.gridml.files import write_whole
    from medsuite.gridml.io.vtu import read_case, write_case
    from medsuite.gridml.store import load_surrogate

    given = read_case(case)
    predicted = load_surrogate(surrogate).predict(given)
    write_whole(out, lambda path: write_case(path, given, {"prediction": predicted}))
    typer.echo(f"prediction in {out}")


@app.command()
def evaluate(
    surrogate: Annotated[Path, typer.Argument(help="A file written by train.")],
    cases: Annotated[Path, typer.Argument(help="Folder of solved cases (.vtu).")],
) -> None:
    """Print median, 90th centile and worst case of the relative error in each norm."""
    from medsuite.gridml.evaluate import evaluate_surrogate
    from medsuite.gridml.files import read_cases
    from medsuite.gridml.store import load_surrogate

    table = evaluate_surrogate(load_surrogate(surrogate), read_cases(cases))
    typer.echo(f"{'norm':12} {'median':>9} {'90 %':>9} {'worst':>9}  worst case")
    for row in table:
        typer.echo(f"{row.norm:12} {row.median:9.4f} {row.high:9.4f} {row.worst:9.4f}  {row.worst_case}")
