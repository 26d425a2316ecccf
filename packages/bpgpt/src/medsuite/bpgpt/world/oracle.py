"""The Bayes decoder of the micro-world: exact posteriors of every word, from the true patterns and the grammar.

The likelihood of a window is Gaussian with unit noise, so that

    log p(y | z) = sum_j b_j(z_j) - 1/2 sum_jk G_jk <w(z_j), w(z_k)> + const,   b_j(z) = <w(z), (H'y)_j>,   G = H'H.

Responses overlap (G_jk is not 0 for |j - k| < 5), so words are not independent given the data. But no overlap is longer
than five words and five neighbouring words are one of each slot: a forward-backward pass over tables of
8 x 12 x 12 x 12 x 8 = 110,592 entries is exact. O(10 x 110,592) a window.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medsuite.bpgpt.world.cortex import TAPS, WINDOW_SLOTS, Cortex, convolution
from medsuite.bpgpt.world.grammar import SLOTS, Grammar

Table = Float[np.ndarray, "_adjective _agent _verb _object _place"]


@dataclass(frozen=True)
class Posterior:
    """What can be known about the words of windows.

    Attributes:
        slots: One table per position in the window: p(word | BOLD).
    """

    slots: tuple[Float[np.ndarray, "window _word"], ...]

    @property
    def best(self) -> Int[np.ndarray, "window slot"]:
        """The most probable word of each position: no decoder has a higher expected slot accuracy."""
        return np.stack([table.argmax(axis=1) for table in self.slots], axis=1)

    @property
    def expected_accuracy(self) -> float:
        """Expected slot accuracy of `best`: the mean of the largest probabilities."""
        return float(np.mean([table.max(axis=1) for table in self.slots]))


def posterior(bold: Float[np.ndarray, "window row voxel"], cortex: Cortex, grammar: Grammar, snr: float) -> Posterior:
    """Compute p(z_j | y) for every position j by forward-backward over five neighbouring positions.

    Args:
        bold: Windows as `Cortex.bold` gives them.
        cortex: The listener that was measured.
        grammar: The grammar that the words came from.
        snr: The signal-to-noise ratio of the measurement.
    """
    chain = _Chain(cortex, grammar, snr)
    per_window = [chain.marginals(window) for window in bold.astype(np.float64)]
    return Posterior(tuple(np.stack(tables) for tables in zip(*per_window, strict=True)))


class _Chain:
    """The factors of one listener, and the two passes over them. Axes are always slots, whatever the position."""

    def __init__(self, cortex: Cortex, grammar: Grammar, snr: float) -> None:
        self.matrix = convolution()
        self.templates = cortex.templates(snr)
        self.sizes = grammar.sizes
        overlap = self.matrix.T @ self.matrix
        inner = [[left @ right.T for right in self.templates] for left in self.templates]
        with np.errstate(divide="ignore"):
            prior = [np.log(grammar.initial), *(np.log(step) for step in grammar.transitions)]
        self.own = [
            -overlap[j, j] / 2 * np.diag(inner[j % SLOTS][j % SLOTS]) + (prior[0] if j % SLOTS == 0 else 0.0)
            for j in range(WINDOW_SLOTS)
        ]
        # Position j takes the pairs with the four positions before it, and its transition from the previous word.
        self.pairs = [self._pairs(j, overlap, inner, prior) for j in range(WINDOW_SLOTS)]

    def marginals(self, window: Float[np.ndarray, "row voxel"]) -> list[Float[np.ndarray, "_word"]]:
        """Posterior of every position of one window."""
        factors = self._factors(window)
        forward = [factors[0]]
        for position in range(1, WINDOW_SLOTS):
            leaving = position % SLOTS
            kept = _log_sum(forward[-1], leaving) if position >= SLOTS else forward[-1]
            forward.append(kept + factors[position])
        backward: Table | float = 0.0
        marginals: list[Float[np.ndarray, word]] = []
        for position in reversed(range(WINDOW_SLOTS)):
            marginals.append(self._marginal(forward[position] + backward, position))
            entering = position % SLOTS
            message = factors[position] + backward
            backward = _log_sum(message, entering)
        return marginals[::-1]

    def _factors(self, window: Float[np.ndarray, "row voxel"]) -> list[Table]:
        matched = self.matrix.T @ window
        return [
            _along(self.templates[j % SLOTS] @ matched[j] + self.own[j], (j % SLOTS,)) + self.pairs[j]
            for j in range(WINDOW_SLOTS)
        ]

    def _pairs(self, j: int, overlap: np.ndarray, inner: list[list[np.ndarray]], prior: list[np.ndarray]) -> Table:
        table = np.zeros((1,) * SLOTS)
        for before in range(max(0, j - TAPS + 1), j):
            first, second = before % SLOTS, j % SLOTS
            term = -overlap[before, j] * inner[first][second]
            if before == j - 1 and second != 0:
                term = term + prior[second]
            table = table + _along(term, (first, second))
        return table

    def _marginal(self, table: Table, position: int) -> Float[np.ndarray, "word"]:
        slot = position % SLOTS
        others = tuple(axis for axis in range(SLOTS) if axis != slot)
        weights = np.exp(table - table.max()).sum(axis=others)
        return weights / weights.sum()


def _along(values: Float[np.ndarray, "..."], slots: tuple[int, ...]) -> Table:
    """Lay a table of one or two slots along its axes, in slot order."""
    if len(slots) == 2 and slots[0] > slots[1]:
        values, slots = values.T, slots[::-1]
    shape = [1] * SLOTS
    for axis, slot in enumerate(slots):
        shape[slot] = values.shape[axis]
    return values.reshape(shape)


def _log_sum(table: Table, axis: int) -> Table:
    """Log sum exp over one axis, which stays with length 1."""
    top = table.max(axis=axis, keepdims=True)
    return top + np.log(np.exp(table - top).sum(axis=axis, keepdims=True))
