"""The latent scene: one patient with findings, independent of how it is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from medsuite.core.errors import InputError, unknown_name
from medsuite.core.phantom.anatomy import Anatomy, sample_anatomy
from medsuite.core.phantom.body import Disease
from medsuite.core.phantom.disease import CHANGES
from medsuite.core.phantom.findings import Finding
from medsuite.core.phantom.shapes import SHAPES
from medsuite.core.phantom.templates import LABELS, Request, sample_finding

_ANATOMY, _FINDINGS, _NOISE = range(3)


@dataclass(frozen=True)
class Scene:
    """A patient with findings.

    Attributes:
        anatomy: The patient.
        findings: What there is to see.
        seed: Of the quantum noise and the exposure of its films.
    """

    anatomy: Anatomy
    findings: tuple[Finding, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        for finding in self.findings:
            if finding.shape not in SHAPES:
                raise unknown_name("shape", finding.shape, SHAPES)
            if finding.shape in CHANGES:
                CHANGES[finding.shape].check(finding)

    def without(self, index: int) -> "Scene":
        """Return the same patient without one of the findings."""
        return replace(self, findings=self.findings[:index] + self.findings[index + 1 :])

    def disease(self) -> Disease:
        """Return what the findings do to large organs; of two that change the same one the later counts."""
        changing = [finding for finding in self.findings if finding.shape in CHANGES]
        changes = [CHANGES[finding.shape].parameters(finding, self.anatomy) for finding in changing]
        return Disease(**{name: value for change in changes for name, value in change.items()})

    def noise(self) -> np.random.Generator:
        """Return the generator of the noise of its films, the same at each call."""
        return np.random.default_rng([self.seed, _NOISE])


def sample_scene(seed: int, findings: Sequence[str | Request] | None = None, variation: float = 1.0) -> Scene:
    """Draw a scene; it depends on its arguments alone.

    The patient depends on the seed and the variation only, so the same patient can be drawn with and without findings.

    Args:
        seed: Any integer of at least 0.
        findings: Labels, or requests that fix some attributes; without it none to three labels, all equally likely.
        variation: Spread of the anatomy; see `sample_anatomy`.

    Raises:
        InputError: The seed is negative or a label is unknown.
    """
    if seed < 0:
        raise InputError(f"seed {seed}", expected="an integer of at least 0")
    anatomy = sample_anatomy(np.random.default_rng([seed, _ANATOMY]), variation)
    rng = np.random.default_rng([seed, _FINDINGS])
    if findings is None:
        names = list(LABELS)
        findings = [names[place] for place in rng.permutation(len(names))[: rng.integers(4)]]
    requests = [Request(entry) if isinstance(entry, str) else entry for entry in findings]
    return Scene(anatomy, tuple(sample_finding(request, anatomy, rng) for request in requests), seed)
