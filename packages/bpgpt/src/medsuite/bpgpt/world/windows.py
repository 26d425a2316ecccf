"""Windows of 20 s from the micro-world, with their texts."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medsuite.bpgpt.world.cortex import SENTENCES, Cortex
from medsuite.bpgpt.world.grammar import SLOTS, Grammar, write_sentence
from medsuite.bpgpt.world.oracle import Posterior, posterior


@dataclass(frozen=True)
class Windows:
    """Windows of one listener.

    Attributes:
        slots: The words that were heard, by number.
        bold: The measured response, in units of the noise.
    """

    slots: Int[np.ndarray, "window slot"]
    bold: Float[np.ndarray, "window row voxel"]

    @property
    def texts(self) -> list[str]:
        """The words that were heard, written out."""
        return [write_window(row) for row in self.slots]


@dataclass(frozen=True)
class MicroWorld:
    """A grammar and a listener, drawn together from a seed.

    Attributes:
        grammar: Where the words come from.
        cortex: Who hears them.
    """

    grammar: Grammar
    cortex: Cortex

    @classmethod
    def random(cls, voxels: int, rng: np.random.Generator) -> "MicroWorld":
        """Draw a world with that many voxels."""
        return cls(Grammar.random(rng), Cortex.random(voxels, rng))

    def windows(self, count: int, snr: float, rng: np.random.Generator) -> Windows:
        """Let the listener hear `count` new windows."""
        slots = self.grammar.sample(count * SENTENCES, rng).reshape(count, SENTENCES * SLOTS)
        return Windows(slots, self.cortex.bold(slots, snr, rng))

    def decode(self, windows: Windows, snr: float) -> Posterior:
        """Decode windows as well as possible: see `medsuite.bpgpt.world.oracle`."""
        return posterior(windows.bold, self.cortex, self.grammar, snr)


def write_window(slots: Int[np.ndarray, "slot"]) -> str:
    """Write a window's sentences out, one after the other."""
    return " ".join(write_sentence(sentence) for sentence in slots.reshape(-1, SLOTS))
