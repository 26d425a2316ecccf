"""What happens in a worker process: one job at a time, with the context that the job may use."""

import os
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path
from time import perf_counter
from typing import Any

from filelock import FileLock

from medsuite.core.claims.journal import to_record
from medsuite.core.claims.model import Claim, Job, Scale
from medsuite.core.claims.registry import GROUP
from medsuite.core.errors import MedsuiteError
from medsuite.core.runs import RunFolder, write_atomically


@dataclass(frozen=True)
class Task:
    """A job as it is sent to a worker: names only, since functions of a claim need not pickle."""

    claim: str
    key: str
    job: Job
    scale: Scale
    folder: Path
    data: Path | None


@dataclass(frozen=True)
class RunningContext:
    """The `Context` of one job, see `medsuite.core.claims.model.Context`."""

    settings: Any
    scale: Scale
    data: Path | None
    folder: RunFolder
    package: str
    key: str

    def artefact(self, name: str, build: Callable[[Path], None]) -> Path:
        """Build a shared step once, whoever comes first; a build that was killed is begun again.

        The name is the artefact's identity among all claims of a package: put into it all that the content depends on.
        """
        target = self.folder.artefact(f"{self.package}-{name}")
        done = target / ".complete"
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_suffix(".lock")):
            if not done.exists():
                target.mkdir(exist_ok=True)
                build(target)
                write_atomically(done, "")
        return target

    def progress(self, fraction: float) -> None:
        """Leave the fraction where the runner looks for it."""
        write_atomically(progress_path(self.folder, self.key), f"{min(max(fraction, 0.0), 1.0):.4f}")


def progress_path(folder: RunFolder, key: str) -> Path:
    """Return the file through which a running job tells its progress."""
    return folder.path / ".progress" / key


def prepare(threads: int) -> None:
    """Initialise a worker process: its share of the cores, and an end when the parent ends, however it does.

    Bars of libraries are switched off: the runner shows its own.
    """
    os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = os.environ["TQDM_DISABLE"] = "1"
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent.sentinel,), daemon=True).start()


def _follow(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


def execute(task: Task) -> dict[str, Any]:
    """Run one job and return the record of its journal line: rows and seconds, or the error with its traceback."""
    begin = perf_counter()
    record: dict[str, Any] = {"job": task.key, "name": task.job.name, "seed": task.job.seed}
    try:
        claim = _load(task.claim)
        settings = claim.settings(task.scale)
        context = RunningContext(settings, task.scale, task.data, RunFolder(task.folder), _package(claim.id), task.key)
        record["rows"] = [to_record(row) for row in claim.run(task.job, context)]
    except MedsuiteError as error:
        record["error"] = str(error)
    except Exception as error:
        record["error"] = f"{type(error).__name__}: {error}"
        record["traceback"] = traceback.format_exc()
    finally:
        progress_path(RunFolder(task.folder), task.key).unlink(missing_ok=True)
    record["seconds"] = round(perf_counter() - begin, 3)
    return record


def _load(claim_id: str) -> Claim:
    """Import one claim by its entry point, without importing the other packages."""
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name != _package(claim_id)):
        for claim in point.load():
            if claim.id == claim_id:
                return claim
    raise MedsuiteError(f"claim {claim_id} is not registered any more", fix="reinstall its package")


def _package(claim_id: str) -> str:
    return claim_id.partition("/")[0]
