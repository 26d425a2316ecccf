"""A progress bar over jobs of known expected cost, with the time left."""

from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bar

from medsuite.core.claims.worker import Task
from medsuite.core.reporting.page import duration

TRUST = 60.0
"""Seconds of work that the expected costs are trusted for, before what has been measured outweighs them."""


class Progress:
    """Show one bar in a terminal, and one line per finished job anywhere else.

    The time left is the expected cost of what is left, scaled by how the finished jobs compared with their expectation.
    The first minute counts with the expectation, so that one slow start does not foretell a slow day. Jobs that run
    beside others cost their share of the worker processes only.

    Args:
        console: Where to write.
        processes: Worker processes.
    """

    def __init__(self, console: Console, processes: int = 1) -> None:
        self._console, self._processes = console, processes
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[left]}"),
        )
        self._bar = Bar(*columns, console=console, disable=not console.is_terminal, transient=True)
        self._row = self._bar.add_task("reproduce", total=1.0, left="")
        self._costs: dict[str, float] = {}
        self._expected_done = 0.0
        self._began = monotonic()
        self._count = 0

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def begin(self, pending: Sequence[Task], done: int) -> None:
        """Take the costs of what is left and say how much there is."""
        self._costs = {task.key: self._cost(task) for task in pending}
        self._began = monotonic()
        resumed = f", {done} finished earlier" if done else ""
        expected = duration(sum(self._costs.values()))
        jobs = f"{len(pending)} job{'' if len(pending) == 1 else 's'}"
        self._console.print(f"{jobs} to run{resumed}; about {expected}", highlight=False)

    def _cost(self, task: Task) -> float:
        return task.job.seconds / (1 if task.job.exclusive else self._processes)

    def started(self, task: Task) -> None:
        """Name the job that has begun."""
        self._bar.update(self._row, description=f"{task.claim} {task.job.name}")

    def running(self, fractions: dict[str, float]) -> None:
        """Move the bar."""
        total = sum(self._costs.values()) or 1.0
        running = sum(self._costs[key] * fraction for key, fraction in fractions.items())
        self._bar.update(self._row, completed=(self._expected_done + running) / total, left=self._left(running))

    def ended(self, task: Task, record: dict[str, Any]) -> None:
        """Print what came of a job."""
        self._count += 1
        self._expected_done += self._costs[task.key]
        outcome = f"failed: {record['error']}" if "error" in record else f"{len(record['rows'])} rows"
        line = f"[{self._count}/{len(self._costs)}] {task.claim} {task.job.name}: {outcome}"
        took = duration(record["seconds"])
        self._console.print(f"{line} in {took}, {self._left(0.0)}", markup=False, highlight=False, soft_wrap=True)
        self.running({})

    def _left(self, running: float) -> str:
        """Estimate the time left; empty until a job or a part of one is done."""
        done = self._expected_done + running
        if not done:
            return ""
        pace = (TRUST + monotonic() - self._began) / (TRUST + done)
        return f"{duration(pace * max(0.0, sum(self._costs.values()) - done))} left"
