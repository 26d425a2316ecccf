"""A tiny distribution with a command and claims, found by the real entry points in this process and in its workers."""

import importlib
import sys
from pathlib import Path

import pytest

TOY = '''
"""Coins and other things that can go wrong."""

import os, signal, time
from dataclasses import dataclass

import typer

from medsuite.core.claims import Arm, Claim, Drawing, Job, Measurement, Paper, Published, Verdict
from medsuite.core.errors import InputError

app = typer.Typer(add_completion=False)


@app.command()
def toss(sides: int) -> None:
    """Toss a coin."""
    if sides < 2:
        raise InputError(f"a coin with {sides} sides", expected="at least 2")
    typer.echo("heads")


@dataclass(frozen=True)
class Settings:
    tosses: int = 8
    seeds: int = 3
    bias: float = 0.0
    pause: float = 0.0


def jobs(settings):
    seeds = range(settings.seeds)
    return [Job(f"seed={seed}", seed, {"bias": settings.bias}, seconds=settings.seeds - seed) for seed in seeds]


def measure(job, context):
    import numpy as np

    def fill(folder):
        (folder / "coin.txt").write_text(str(os.getpid()))

    coin = context.artefact("coin", fill)
    context.progress(0.5)
    time.sleep(context.settings.pause)
    rng = np.random.default_rng(job.seed)
    heads = rng.random(context.settings.tosses) < 0.5 + job.settings["bias"]
    (coin.parent / f"ran-{job.seed}-{os.getpid()}-{time.monotonic_ns()}").touch()
    return [Measurement("coin", job.seed, f"toss {i}", "heads", float(side)) for i, side in enumerate(heads)]


def decide(rows):
    share = sum(row.value for row in rows) / len(rows)
    return [Verdict("The coin is biased <b>", "supported" if share > 0.9 else "not supported", share, share, share, "",
                    "90 %", len(rows), "exact", controls="fair coin 0.5")]


def draw(rows):
    from matplotlib.figure import Figure

    figure = Figure()
    figure.subplots().plot([row.value for row in rows], label="heads")
    return [Drawing("Tosses", "Each toss.", figure)]


def crash(job, context):
    if job.seed == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return measure(job, context)


def fail(job, context):
    if job.seed == 1:
        raise ZeroDivisionError("no such coin")
    return measure(job, context)


def undecided(rows):
    raise KeyError("tails")


def claim(name, run=measure, decide=decide, scales=None):
    scales = scales or {"smoke": Settings(), "laptop": Settings(tosses=20, bias=0.5)}
    return Claim(f"toy/{name}", Paper("On coins", 1999, "arXiv:0000.00000"), "Coins are biased.",
                 (Published("90 %", "share of heads", "Table 1"),), "simulated coins", scales,
                 (Arm("coin", "treatment", "the coin"), Arm("fair", "control")), jobs, run, decide, draw)


CLAIMS = (
    claim("coin"),
    claim("crash", run=crash),
    claim("fail", run=fail),
    claim("undecided", decide=undecided),
    claim("slow", scales={"smoke": Settings(seeds=4, pause=0.02)}),
)
'''


@pytest.fixture(scope="session")
def toy_distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed distribution `medsuite-toy`."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "medsuite_toy-1.2.3.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: medsuite-toy\nVersion: 1.2.3\nSummary: Toys.\n")
    points = "[medsuite.claims]\ntoy = medsuite_toy:CLAIMS\n[medsuite.commands]\ntoy = medsuite_toy:app\n"
    (info / "entry_points.txt").write_text(points)
    (folder / "medsuite_toy.py").write_text(TOY)
    return folder


@pytest.fixture
def toy(toy_distribution: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install the toy distribution for one test, also for the processes that it starts."""
    monkeypatch.syspath_prepend(str(toy_distribution))
    monkeypatch.setenv("PYTHONPATH", str(toy_distribution))
    importlib.invalidate_caches()
    from medsuite.core import cli

    cli.available.cache_clear()
    yield toy_distribution
    sys.modules.pop("medsuite_toy", None)
    cli.available.cache_clear()
