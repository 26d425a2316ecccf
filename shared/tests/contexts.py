"""The context of a claim's job for tests that run the job without a runner."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class FakeContext:
    """A context for claims that share no step between their jobs; it notes the progress that it hears of."""

    settings: Any
    scale: str = "smoke"
    data: Path | None = None
    fractions: list[float] = field(default_factory=list)

    def artefact(self, name, build):
        raise AssertionError("no claim of this package shares a step")

    def progress(self, fraction):
        self.fractions.append(fraction)
