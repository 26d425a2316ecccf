"""Run the grids of claims in worker processes: shortest first, resumable, one failure never stops the rest."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from medsuite.core.claims.journal import Journal, finished
from medsuite.core.claims.model import Scale
from medsuite.core.claims.registry import RegisteredClaim
from medsuite.core.claims.worker import Task, execute, prepare, progress_path
from medsuite.core.runs import RunFolder

MOST_PROCESSES = 8
"""Worker processes unless more are asked for: each holds a framework and its models."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@runtime_checkable
class Watcher(Protocol):
    """Hears what the runner does; the command line draws its progress bar from it."""

    def begin(self, pending: Sequence[Task], done: int) -> None:
        """The tasks that are left, and the number of jobs that an earlier run finished."""

    def started(self, task: Task) -> None:
        """A task has been given to a worker."""

    def running(self, fractions: dict[str, float]) -> None:
        """Called about twice a second with the progress of each running task, by key."""

    def ended(self, task: Task, record: dict[str, Any]) -> None:
        """A task has ended and its record is on the disk."""


class Silence:
    """A watcher that says nothing."""

    def begin(self, pending: Sequence[Task], done: int) -> None:
        """Say nothing."""

    def started(self, task: Task) -> None:
        """Say nothing."""

    def running(self, fractions: dict[str, float]) -> None:
        """Say nothing."""

    def ended(self, task: Task, record: dict[str, Any]) -> None:
        """Say nothing."""


@dataclass(frozen=True)
class Plan:
    """What to run: claims at one scale into one folder."""

    claims: Sequence[RegisteredClaim]
    scale: Scale
    folder: RunFolder
    data: Path | None = None

    def pending(self) -> list[Task]:
        """List the jobs without rows: cheapest claim first, and within a claim the cheapest job first."""
        by_claim = [self._pending(claim) for claim in self.claims]
        by_claim.sort(key=lambda tasks: sum(task.job.seconds for task in tasks))
        return [task for tasks in by_claim for task in sorted(tasks, key=lambda task: task.job.seconds)]

    def _pending(self, registered: RegisteredClaim) -> list[Task]:
        claim = registered.claim
        jobs = claim.job_keys(self.scale, registered.version)
        done = finished(Journal.of(self.folder, claim.id).records(jobs))
        return [
            Task(claim.id, key, job, self.scale, self.folder.path, self.data)
            for key, job in jobs.items()
            if key not in done
        ]

    def job_count(self) -> int:
        """Return the number of jobs in all grids, finished or not."""
        return sum(len(claim.claim.jobs(claim.claim.settings(self.scale))) for claim in self.claims)


@dataclass
class _Slot:
    """One worker process, replaced when it dies, so that a crash costs the job it was in and no other."""

    threads: int
    pool: ProcessPoolExecutor | None = field(default=None)

    def submit(self, task: Task) -> "Future[dict[str, Any]]":
        if self.pool is None:
            context = get_context("spawn")
            self.pool = ProcessPoolExecutor(1, mp_context=context, initializer=prepare, initargs=(self.threads,))
        try:
            return self.pool.submit(execute, task)
        except BrokenProcessPool:
            self.pool = None
            return self.submit(task)

    def result(self, task: Task, future: "Future[dict[str, Any]]") -> dict[str, Any]:
        try:
            return future.result()
        except BrokenProcessPool:
            self.pool = None
            error = "the worker process died, as when memory runs out"
            return {"job": task.key, "name": task.job.name, "seed": task.job.seed, "seconds": 0.0, "error": error}

    def close(self) -> None:
        if self.pool is not None:
            self.pool.shutdown(wait=False, cancel_futures=True)


def run(plan: Plan, *, processes: int = 1, watcher: Watcher | None = None) -> None:
    """Run what is pending of a plan and append each finished job to its claim's journal.

    A killed run is resumed by calling this again: finished jobs are not repeated, and those that failed are tried anew.

    Args:
        plan: Claims, scale and folder.
        processes: Worker processes; each gets its share of the cores. Exclusive jobs run with nothing beside them.
        watcher: Hears of the progress.

    Raises:
        ResumeError: Another process runs in the folder.
    """
    watcher = watcher or Silence()
    threads = max(1, cores() // processes)
    slots = [_Slot(threads) for _ in range(processes)]
    with plan.folder.locked():
        pending = plan.pending()
        watcher.begin(pending, plan.job_count() - len(pending))
        shared = [task for task in pending if not task.job.exclusive]
        try:
            for tasks, crew in _rounds(pending, shared, slots):
                for task, record in _drain(plan, tasks, crew, watcher):
                    Journal.of(plan.folder, task.claim).append(record)
                    watcher.ended(task, record)
        finally:
            for slot in slots:
                slot.close()


def _rounds(pending: list[Task], shared: list[Task], slots: list[_Slot]) -> Iterator[tuple[list[Task], list[_Slot]]]:
    """Split the queue: with one process everything in order, otherwise the exclusive jobs alone before the others."""
    if len(slots) == 1:
        yield pending, slots
        return
    yield [task for task in pending if task.job.exclusive], slots[:1]
    yield shared, slots


def _drain(
    plan: Plan, tasks: list[Task], slots: list[_Slot], watcher: Watcher
) -> Iterator[tuple[Task, dict[str, Any]]]:
    """Keep the slots busy and yield each task with its record as it ends."""
    queue, free = list(tasks), list(slots)
    running: dict[Future[dict[str, Any]], tuple[Task, _Slot]] = {}
    while queue or running:
        while queue and free:
            task, slot = queue.pop(0), free.pop()
            watcher.started(task)
            running[slot.submit(task)] = (task, slot)
        ended, _ = wait(running, timeout=0.5, return_when=FIRST_COMPLETED)
        for future in ended:
            task, slot = running.pop(future)
            free.append(slot)
            yield task, slot.result(task, future)
        watcher.running({task.key: _fraction(plan.folder, task.key) for task, _ in running.values()})


def _fraction(folder: RunFolder, key: str) -> float:
    try:
        return float(progress_path(folder, key).read_text())
    except (OSError, ValueError):
        return 0.0
