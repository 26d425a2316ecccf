"""From the rows of a run to results: what each claim's rows say, redone at any time without running anything."""

import json
import math
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from medsuite.core.claims.journal import Journal, finished, measurements
from medsuite.core.claims.model import Measurement, Scale, Verdict
from medsuite.core.claims.registry import RegisteredClaim
from medsuite.core.runs import RunFolder, write_atomically


@dataclass(frozen=True)
class Result:
    """Everything that a run knows about one claim.

    Attributes:
        registered: The claim and its distribution.
        verdicts: Empty while jobs are missing.
        rows: All measurements in grid order.
        failures: One line per job that failed, and one if the decision itself did.
        traceback: Of the last failure that was no user's mistake.
        jobs: Number of jobs in the grid.
        done: Number of jobs with rows.
        seconds: Time that the finished jobs took.
        seeds: Seeds of the grid.
    """

    registered: RegisteredClaim
    verdicts: tuple[Verdict, ...]
    rows: tuple[Measurement, ...]
    failures: tuple[str, ...]
    traceback: str
    jobs: int
    done: int
    seconds: float
    seeds: tuple[int, ...]

    @property
    def status(self) -> str:
        """The headline's outcome, or `failed` or `incomplete` where there is none."""
        if self.verdicts:
            return self.verdicts[0].outcome
        return "failed" if self.failures else "incomplete"


def decide(registered: RegisteredClaim, scale: Scale, folder: RunFolder) -> Result:
    """Read a claim's rows from a run folder and apply its decision rule.

    An exception in the rule is recorded as a failure of this claim, so that the others still get their report.
    """
    claim = registered.claim
    jobs = claim.job_keys(scale, registered.version)
    records = Journal.of(folder, claim.id).records(jobs)
    done = finished(records)
    failed = [record for key, record in records.items() if key not in done]
    failures = [f"{record['name']}: {record['error']}" for record in failed]
    trace = next((record["traceback"] for record in reversed(failed) if "traceback" in record), "")
    rows = measurements(jobs, done)
    verdicts: tuple[Verdict, ...] = ()
    if len(done) == len(jobs):
        try:
            verdicts = _verdicts(registered, scale, rows)
        except Exception as error:
            failures.append(f"the decision: {type(error).__name__}: {error}")
            trace = traceback.format_exc()
    return Result(
        registered=registered,
        verdicts=verdicts,
        rows=tuple(rows),
        failures=tuple(failures),
        traceback=trace,
        jobs=len(jobs),
        done=len(done),
        seconds=sum(record["seconds"] for record in done.values()),
        seeds=tuple(sorted({job.seed for job in jobs.values()})),
    )


def _verdicts(registered: RegisteredClaim, scale: Scale, rows: Sequence[Measurement]) -> tuple[Verdict, ...]:
    """Apply the rule; the smoke scale shows that the wiring works and can support nothing."""
    verdicts = tuple(registered.claim.decide(rows))
    if scale != "smoke":
        return verdicts
    reason = "the smoke scale is too small to mean anything"
    return tuple(replace(verdict, outcome="no verdict", reason=reason) for verdict in verdicts)


def write_results(results: Sequence[Result], folder: RunFolder) -> None:
    """Write `results.json`: the manifest's provenance and each claim's verdicts, for other programs and the docs."""
    manifest = folder.manifest()
    content = {
        "config": manifest["config"],
        "started": manifest["started"],
        "environment": manifest["environment"],
        "claims": [_summary(result) for result in results],
    }
    write_atomically(folder.path / "results.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def _summary(result: Result) -> dict[str, Any]:
    claim = result.registered.claim
    return {
        "id": claim.id,
        "distribution": result.registered.distribution,
        "version": result.registered.version,
        "paper": asdict(claim.paper),
        "statement": claim.statement,
        "published": [asdict(figure) for figure in claim.published],
        "data": claim.data,
        "status": result.status,
        "verdicts": [_finite(asdict(verdict)) for verdict in result.verdicts],
        "failures": list(result.failures),
        "jobs": result.jobs,
        "done": result.done,
        "seeds": list(result.seeds),
        "seconds": round(result.seconds, 1),
    }


def _finite(fields: dict[str, Any]) -> dict[str, Any]:
    """Replace numbers that JSON does not know by null."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value for key, value in fields.items()
    }
