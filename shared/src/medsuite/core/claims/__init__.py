"""Executable claims: data, registry, runner and report. See `medsuite.core.claims.model.Claim`."""

from medsuite.core.claims.model import (
    SCALES,
    Arm,
    Claim,
    Context,
    Drawing,
    Job,
    Measurement,
    Outcome,
    Paper,
    Published,
    Role,
    Scale,
    Verdict,
)

__all__ = [
    "SCALES",
    "Arm",
    "Claim",
    "Context",
    "Drawing",
    "Job",
    "Measurement",
    "Outcome",
    "Paper",
    "Published",
    "Role",
    "Scale",
    "Verdict",
]
