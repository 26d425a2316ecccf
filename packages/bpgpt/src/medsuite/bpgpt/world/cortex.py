"""From words to BOLD: word patterns, the haemodynamic response, and voxels of unequal quality."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medsuite.bpgpt.world.grammar import SLOTS, WORDS
from medsuite.core.errors import InputError

TR = 2.0
"""Repetition time in seconds."""
TAPS = 5
"""Length of the response in TRs. As long as a sentence has slots: five neighbouring words then hold all that
overlaps, and the Bayes decoder stays exact (see `medsuite.bpgpt.world.oracle`)."""
SENTENCES = 2
"""Sentences in a window of 20 s; each word is heard in a TR of its own."""
WINDOW_SLOTS = SENTENCES * SLOTS
ROWS = WINDOW_SLOTS + TAPS
"""TRs of a window with the delay that the last word's response needs."""


def hemodynamic_response(taps: int = TAPS, tr: float = TR) -> Float[np.ndarray, "tap"]:
    """Sample the positive lobe of the haemodynamic response, h(t) = t^5 exp(-t) / 5!, one tap a TR, at unit energy.

    The gamma density of Glover's double-gamma model (Glover 1999) that peaks at 5 s; its undershoot is left out. Tap n
    is the response n + 1 TRs after the word.

    Args:
        taps: Number of taps.
        tr: Repetition time in seconds.
    """
    times = tr * np.arange(1, taps + 1)
    response = times**5 * np.exp(-times)
    return response / np.linalg.norm(response)


@dataclass(frozen=True)
class Cortex:
    """A simulated listener.

    Attributes:
        patterns: One table per slot: the pattern over voxels that each word evokes.
        explainable: Each voxel's share of variance that words explain at `snr` 1, f ~ Beta(1.2, 3), mean 0.29.
    """

    patterns: tuple[Float[np.ndarray, "_word voxel"], ...]
    explainable: Float[np.ndarray, "voxel"]

    @classmethod
    def random(cls, voxels: int, rng: np.random.Generator) -> "Cortex":
        """Draw a listener: independent normal patterns, explainable shares from Beta(1.2, 3).

        Raises:
            InputError: There is no voxel.
        """
        if voxels < 1:
            raise InputError(f"a cortex of {voxels} voxels", expected="at least 1")
        patterns = tuple(rng.standard_normal((len(words), voxels)) for words in WORDS)
        return cls(patterns, rng.beta(1.2, 3.0, voxels))

    def gain(self, snr: float) -> Float[np.ndarray, "voxel"]:
        """Signal amplitude of each voxel over its noise's standard deviation, sqrt(snr f / (1 - f)).

        Args:
            snr: Factor on the ratio of signal variance to noise variance; 0 leaves noise alone.
        """
        return np.sqrt(snr * self.explainable / (1 - self.explainable))

    def templates(self, snr: float) -> list[Float[np.ndarray, "_word voxel"]]:
        """The patterns of each slot's words in units of the noise."""
        return [pattern * self.gain(snr) for pattern in self.patterns]

    def bold(
        self, slots: Int[np.ndarray, "window slot"], snr: float, rng: np.random.Generator
    ) -> Float[np.ndarray, "window row voxel"]:
        """Measure the response to windows of words: y[t] = sum_j h[t - j - 1] w(z_j) + e[t], e ~ N(0, 1).

        Args:
            slots: Word numbers, `SENTENCES` sentences one after the other.
            snr: See `gain`.
            rng: Source of the noise.

        Returns:
            BOLD in units of the noise, `ROWS` rows of 2 s from the onset of the first word.
        """
        templates = self.templates(snr)
        neural = np.stack([templates[j % SLOTS][slots[:, j]] for j in range(slots.shape[1])], axis=1)
        clean = np.einsum("rj,njv->nrv", convolution(), neural, optimize=True)
        return (clean + rng.standard_normal(clean.shape)).astype(np.float32)


def convolution() -> Float[np.ndarray, "row slot"]:
    """The matrix that convolves a window's words with the response: H[t, j] = h[t - j - 1]."""
    response = hemodynamic_response()
    matrix = np.zeros((ROWS, WINDOW_SLOTS))
    for slot in range(WINDOW_SLOTS):
        matrix[slot + 1 : slot + 1 + TAPS, slot] = response
    return matrix
