"""The rows of a run on disk: one journal per claim, one line per finished job."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from medsuite.core.claims.model import Job, Measurement
from medsuite.core.runs import JsonLines, RunFolder


@dataclass(frozen=True)
class Journal:
    """What is known of one claim in a run folder."""

    lines: JsonLines

    @classmethod
    def of(cls, folder: RunFolder, claim_id: str) -> "Journal":
        """Return the journal of a claim in a run folder."""
        return cls(JsonLines(folder.path / "claims" / f"{claim_id.replace('/', '-')}.jsonl"))

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a finished job; it is on the disk when this returns."""
        self.lines.append(record)

    def records(self, jobs: Mapping[str, Job]) -> dict[str, dict[str, Any]]:
        """Return the latest record of each job that belongs to the grid, by job key.

        Records of other grids (an older version, other settings) stay in the file and are passed over.
        """
        return {record["job"]: record for record in self.lines if record["job"] in jobs}


def finished(records: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Keep the records of jobs that measured something."""
    return {key: record for key, record in records.items() if "rows" in record}


def measurements(jobs: Mapping[str, Job], records: Mapping[str, Mapping[str, Any]]) -> Sequence[Measurement]:
    """Collect the rows of all finished jobs in grid order, whatever order they finished in."""
    return [from_record(row) for key in jobs if key in records for row in records[key].get("rows", ())]


def to_record(row: Measurement) -> dict[str, Any]:
    """Return a row as JSON values, with null for a number that JSON does not know."""
    return asdict(row) | {"value": float(row.value) if math.isfinite(row.value) else None}


def from_record(record: Mapping[str, Any]) -> Measurement:
    """Return the row of a record, with NaN for null."""
    value = math.nan if record["value"] is None else record["value"]
    return Measurement(record["arm"], record["seed"], record["unit"], record["metric"], value)
