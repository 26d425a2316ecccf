"""The command `medsuite doctor`: what is installed, what is missing, and what each package could use."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

import typer
from packaging.requirements import Requirement
from rich.console import Console
from rich.table import Table

from medsuite.core.models import packaged

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's table; `fix` is empty where nothing is missing."""

    subject: str
    state: str
    fix: str = ""


@app.command()
def doctor() -> None:
    """Show Python, devices, disk, each package's requirements and optional extras, and how to mend what is missing."""
    table = Table(box=None, pad_edge=False)
    for column in ("What", "State"):
        table.add_column(column, overflow="fold")
    table.add_column("To mend", no_wrap=True)  # a command that can be copied
    installed = installed_distributions()
    for finding in [*machine(), *packages(installed), *weights(installed)]:
        table.add_row(finding.subject, finding.state, finding.fix)
    Console().print(table, markup=False)


def machine() -> Iterator[Finding]:
    """Describe Python, cores, disk and accelerator."""
    version = platform.python_version()
    yield Finding("Python", version, "" if sys.version_info >= (3, 11) else "install Python 3.11 or newer")
    yield Finding("cores", str(os.cpu_count()))
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    yield Finding("free disk here", f"{free:.0f} GB", "" if free > 2 else "free some: a run folder needs about 1 GB")
    yield Finding("accelerator", accelerator())


def accelerator() -> str:
    """Name the device that torch would use."""
    try:
        import torch
    except ImportError:
        return "none: torch is not installed"
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()} (CUDA {torch.version.cuda})"
    return "Apple GPU" if torch.backends.mps.is_available() else "none: runs on the CPU"


def installed_distributions() -> dict[str, Distribution]:
    """Return all installed distributions by their name in lower case."""
    return {dist.metadata["Name"].lower(): dist for dist in distributions() if dist.metadata["Name"]}


def packages(installed: Mapping[str, Distribution]) -> Iterator[Finding]:
    """Describe each installed medsuite distribution and its extras."""
    for name in sorted(installed):
        if name.startswith("medsuite-"):
            yield from _requirements(installed[name], installed)


def _requirements(dist: Distribution, installed: Mapping[str, Distribution]) -> Iterator[Finding]:
    missing: dict[str, list[str]] = {"": []}
    for text in dist.requires or ():
        requirement = Requirement(text)
        extra = _extra(requirement, dist)
        found = installed.get(requirement.name.lower())
        satisfied = found is not None and requirement.specifier.contains(found.version, prereleases=True)
        missing.setdefault(extra, [])
        if not satisfied:
            missing[extra].append(f"{requirement.name}{requirement.specifier}")
    for extra, names in missing.items():
        subject = f"{dist.metadata['Name']}[{extra}]" if extra else f"{dist.metadata['Name']} {dist.version}"
        state = f"missing {', '.join(names)}" if names else "complete"
        target = f"{dist.metadata['Name']}[{extra}]" if extra else dist.metadata["Name"]
        yield Finding(subject, state, f"pip install '{target}'" if names else "")


def _extra(requirement: Requirement, dist: Distribution) -> str:
    """Return the extra that asks for a requirement, or nothing if the package always does."""
    if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
        return ""
    extras = dist.metadata.get_all("Provides-Extra") or []
    return next((extra for extra in extras if requirement.marker.evaluate({"extra": extra})), "")


def weights(installed: Mapping[str, Distribution]) -> Iterator[Finding]:
    """Describe the packages that carry real weights, of which only the files are read."""
    for model in packaged():
        present = model.distribution in installed
        state = f"{'present' if present else 'absent'}: {model.title}, a {model.kind}"
        yield Finding(model.distribution, state, "" if present else model.install)
