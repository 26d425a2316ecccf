"""A grammar of slots: `ADJECTIVE AGENT VERB OBJECT PLACE`, with preferences from word to word.

Sentences are telegraphic, a word every TR: `old sailor sold basket upstairs`.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError

WORDS: tuple[tuple[str, ...], ...] = (
    ("old", "young", "tall", "quiet", "brave", "tired", "clever", "lonely"),
    ("baker", "sailor", "teacher", "farmer", "nurse", "pilot", "painter", "judge", "miner", "poet", "guard", "king"),
    ("found", "carried", "sold", "broke", "hid", "painted", "cleaned", "lost", "bought", "stole", "opened", "moved"),
    ("lamp", "boat", "letter", "basket", "mirror", "wheel", "drum", "coat", "clock", "ladder", "knife", "map"),
    ("outside", "downstairs", "nearby", "abroad", "upstairs", "indoors", "uphill", "downtown"),
)
"""The words of each slot: adjective, agent, verb, object, place."""
SLOTS = len(WORDS)
PREFERRED = 0.5
"""Probability that a word of a preferred chain is followed by one of its `FAVOURITES`."""
FAVOURITES = 3


@dataclass(frozen=True)
class Grammar:
    """The probabilities of the words: a Markov chain over slots.

    Attributes:
        initial: Probability of each adjective.
        transitions: `transitions[j][a, b]` = p(word b in slot j + 1 | word a in slot j). Verbs depend on agents and
            objects on verbs; agents and places depend on nothing before them.
    """

    initial: Float[np.ndarray, "word"]
    transitions: tuple[Float[np.ndarray, "_word _following"], ...]

    @classmethod
    def random(cls, rng: np.random.Generator) -> "Grammar":
        """Draw which verbs an agent prefers and which objects a verb prefers; everything else is uniform."""
        sizes = [len(words) for words in WORDS]
        preferred = (False, True, True, False)
        steps = [
            _preferences(sizes[slot], sizes[slot + 1], rng) if chained else _uniform(sizes[slot], sizes[slot + 1])
            for slot, chained in enumerate(preferred)
        ]
        return cls(np.full(sizes[0], 1 / sizes[0]), tuple(steps))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of words of each slot."""
        return (len(self.initial), *(step.shape[1] for step in self.transitions))

    @property
    def marginals(self) -> list[Float[np.ndarray, "_word"]]:
        """The probability of each word in each slot, p(z_j) = p(z_1) A_1 ... A_{j-1}."""
        marginals = [self.initial]
        for step in self.transitions:
            marginals.append(marginals[-1] @ step)
        return marginals

    @property
    def chance(self) -> float:
        """Accuracy of the best decoder without a brain: the mean over slots of the most probable word's probability."""
        return float(np.mean([marginal.max() for marginal in self.marginals]))

    def sample(self, sentences: int, rng: np.random.Generator) -> Int[np.ndarray, "sentence slot"]:
        """Draw sentences, each as the numbers of its words within their slots."""
        drawn = [rng.choice(len(self.initial), size=sentences, p=self.initial)]
        for step in self.transitions:
            edges = step.cumsum(axis=1)[drawn[-1]]
            drawn.append(np.minimum((rng.random((sentences, 1)) > edges).sum(axis=1), step.shape[1] - 1))
        return np.stack(drawn, axis=1)


def write_sentence(slots: Int[np.ndarray, "slot"]) -> str:
    """Write a sentence out.

    Raises:
        InputError: The number of slots is not the grammar's.
    """
    if len(slots) != SLOTS:
        raise InputError(f"a sentence of {len(slots)} slots", expected=f"{SLOTS} slots")
    return " ".join(words[word] for words, word in zip(WORDS, slots, strict=True))


def _uniform(words: int, following: int) -> Float[np.ndarray, "word following"]:
    return np.full((words, following), 1 / following)


def _preferences(words: int, following: int, rng: np.random.Generator) -> Float[np.ndarray, "word following"]:
    table = np.full((words, following), (1 - PREFERRED) / (following - FAVOURITES))
    for row in table:
        row[rng.choice(following, FAVOURITES, replace=False)] = PREFERRED / FAVOURITES
    return table
