"""What a report draws of single questions: slots and entropies of each layer, and which tokens were kept."""

import base64
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.core.runs import write_atomically
from medsuite.meda_kv.cache import CompressedCache, compressible
from medsuite.meda_kv.evaluate.questions import Protocol, Question, Smaller
from medsuite.meda_kv.observe.observer import ENTROPIES, Statistic
from medsuite.meda_kv.prompt import Prompt

FULL_ROW = "entropy over all tokens"
ENTROPY_NAMES: dict[Statistic, str] = {
    "full entropy": FULL_ROW,
    "cross entropy": "cross-modal entropy",
    "unmasked cross entropy": "cross-modal entropy without a mask",
}
"""What the entropies are called in a report; of a prompt with one modality all are over all tokens."""


@dataclass(frozen=True)
class ArmDetail:
    """One arm under one protocol.

    Attributes:
        arm: Its name.
        protocol: When the question was asked.
        layers: Indices of the compressed layers.
        share: Kept share of each layer's prompt, mean over its key heads.
        kept: For each token of the prompt the share of layers and key heads that keep it.
    """

    arm: str
    protocol: Protocol
    layers: list[int]
    share: list[float]
    kept: list[float]


@dataclass(frozen=True)
class Detail:
    """One question.

    Attributes:
        unit: Its name.
        words: Each token of the context as text; empty for a context with pictures.
        marks: Columns of the needles.
        vision: Columns of vision tokens.
        grids: Rows and columns of each picture's tokens.
        pictures: The pictures as PNG in base64.
        arms: What the arms kept.
        entropies: For each kind of entropy that was observed, nats by layer and head, question in the prompt where
            there is one.
    """

    unit: str
    words: list[str]
    marks: list[int]
    vision: list[int]
    grids: list[tuple[int, int]]
    pictures: list[str]
    arms: list[ArmDetail] = field(default_factory=list)
    entropies: dict[str, list[list[float]]] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_atomically(path, json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Detail":
        """Read what `save` wrote.

        Raises:
            InputError: The file is damaged.
        """
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            arms = [ArmDetail(**arm) for arm in content.pop("arms")]
            grids = [(rows, columns) for rows, columns in content.pop("grids")]
            return cls(**content, arms=arms, grids=grids)
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path} is damaged ({error})", fix="delete it and evaluate again") from error


class Recorder:
    """Looks on while a question is asked; see `questions.Watch`.

    Args:
        question: The question.
        tokenizer: Turns tokens into words.
        image_side: Largest side of a stored picture in pixels.
    """

    def __init__(self, question: Question, tokenizer: Any, image_side: int = 224) -> None:
        self._question, self._tokenizer, self._side = question, tokenizer, image_side
        self._arms: list[ArmDetail] = []
        self._vision: list[int] = []
        self._entropies: dict[str, list[list[float]]] = {}

    def __call__(self, arm: str, protocol: Protocol, prompt: Prompt, smaller: Smaller) -> None:
        """Note what one arm kept."""
        tokens = prompt.observation.tokens.valid.shape[1]
        if not self._entropies:
            self._entropies = _entropies(prompt)
            self._vision = prompt.observation.tokens.vision[0].nonzero()[:, 0].tolist()
        if arm == "full":
            return
        layers = compressible(smaller.cache)
        share = [float(np.mean([*map(len, layer_columns(smaller.cache, index))])) / tokens for index in layers]
        kept = kept_by_token(smaller.cache, tokens)
        rounded = [round(float(value), 4) for value in kept]
        self._arms.append(ArmDetail(arm, protocol, list(layers), share, rounded))

    def detail(self) -> Detail:
        """What was seen."""
        question = self._question
        pictured = bool(question.pictures)
        words = [] if pictured else [self._tokenizer.decode([token]) for token in question.context[0].tolist()]
        grids = picture_grids(len(question.pictures), len(self._vision), question.inputs)
        pictures = [_png(picture, self._side) for picture in question.pictures]
        marks, vision = list(question.marks), self._vision
        return Detail(question.unit, words, marks, vision, grids, pictures, self._arms, self._entropies)


def layer_columns(cache: CompressedCache, layer: int) -> list[list[int]]:
    """Columns of the prompt that a layer keeps, for each key head of the first sequence."""
    held = compressible(cache)[layer]
    if not held.compressed:
        return [list(range(held.rows))]
    return [held.columns(0, head).tolist() for head in range(held.tensors()[0].shape[1])]


def kept_by_token(cache: CompressedCache, tokens: int) -> Float[np.ndarray, " tokens"]:
    """For each token of the prompt the share of layers and key heads that keep it."""
    counts, heads = np.zeros(tokens), 0
    for layer in compressible(cache):
        for columns in layer_columns(cache, layer):
            counts[columns] += 1
            heads += 1
    return counts / max(heads, 1)


def picture_grids(pictures: int, vision: int, inputs: Mapping[str, Tensor]) -> list[tuple[int, int]]:
    """Rows and columns of each picture's tokens; empty where they do not follow from the inputs.

    Args:
        pictures: Number of pictures.
        vision: Number of vision tokens.
        inputs: What the processor made: `image_grid_thw` tells it, else the pictures are equal squares.
    """
    if not pictures:
        return []
    sizes = inputs.get("image_grid_thw")
    if sizes is not None:
        whole = int(sizes.prod(dim=1).sum())
        merged = round((whole / vision) ** 0.5) if vision else 1
        return [(int(rows) // merged, int(columns) // merged) for _, rows, columns in sizes.tolist()]
    side = round((vision / pictures) ** 0.5)
    return [(side, side)] * pictures if side * side * pictures == vision else []


def _entropies(prompt: Prompt) -> dict[str, list[list[float]]]:
    """Entropies of the first sequence by layer and head, for each kind that was observed, under names for people."""
    layers, crossing = prompt.observation.layers, bool(prompt.observation.tokens.crossing[0])
    return {
        ENTROPY_NAMES[kind] if crossing else FULL_ROW: [
            [round(float(value), 5) for value in layer.entropy(kind)[0]] for layer in layers.values()
        ]
        for kind in ENTROPIES
        if all(kind in layer.entropies for layer in layers.values())
    }


def _png(picture: Any, side: int) -> str:
    small = picture.copy()
    small.thumbnail((side, side))
    buffer = io.BytesIO()
    small.save(buffer, format="PNG")
    return base64.b64encode(buffer.getvalue()).decode()
