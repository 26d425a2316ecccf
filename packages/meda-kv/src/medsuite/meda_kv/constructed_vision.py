"""The hand-set retrieval model as a vision-language model: pictures are read by a real LLaVA, and the truth is known.

A `LlavaForConditionalGeneration` whose language model is that of `constructed`, whose CLIP tower reads one pixel of
each cell of a patch, and whose projector is the identity. A patch is an item: its red cells spell a key's code, its one
green cell is the value. Some layers look a key up, which takes one slot; the others take a census, the mean of the
values of all that they see, which every lost slot makes less certain. Pictures go through the real processor, so a
model folder with pictures and questions can be written and evaluated like any other. Nothing is trained.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image
from transformers import CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

from medsuite.meda_kv.constructed import CODE, KEYS, SHARPNESS, codes, copy_values, hand_set, retrieval_config

PATCH, CELL = 8, 2
"""Side of a patch and of its cells in pixels: 4 x 4 cells for 16 bits and 16 values."""
IMAGE, NEUTRAL = "<image>", "<unk>"
"""The picture's placeholder, and the token of every word that carries nothing."""
MOSTLY = "mostly"
"""The word that asks which value most patches have."""
TABLE_SEED = 0
"""Seed of the code table, which the model's embeddings and the pictures share."""
TOWER, WIDTH = 4 * CODE, 5 * CODE
"""Width of the tower, and of the language model: key code | query code | value | output | census."""
BLUE = 96
"""Blue of every pixel, which carries nothing and makes dark cells visible."""


def key_word(key: int) -> str:
    """The word that asks for a key."""
    return f"key{key}"


def value_word(value: int) -> str:
    """The word that answers with a value."""
    return f"value{value}"


def census_word(value: int) -> str:
    """The word that says which value most patches have."""
    return f"mostly{value}"


@dataclass(frozen=True)
class VisionLanguage:
    """The model and its processor.

    Attributes:
        model: The LLaVA.
        processor: Its real processor, with a tokenizer of one token a word.
    """

    model: LlavaForConditionalGeneration
    processor: Any

    @property
    def tokenizer(self) -> Any:
        """The processor's tokenizer."""
        return self.processor.tokenizer


def vision_retrieval_model(side: int = 8, layers: int = 4, lookups: Sequence[int] = (2,)) -> VisionLanguage:
    """Build the LLaVA whose pictures have `side` x `side` patches, an item each.

    Args:
        side: Patches along a picture's edge.
        layers: Number of layers of the language model.
        lookups: The layers that retrieve; the others take the census.
    """
    processor = _processor(side)
    words = processor.tokenizer.get_vocab()
    text = LlamaConfig(**{**retrieval_config(layers), "vocab_size": len(words), "hidden_size": WIDTH})
    tower = CLIPVisionConfig(
        hidden_size=TOWER,
        intermediate_size=CODE,
        num_hidden_layers=1,
        num_attention_heads=1,
        image_size=side * PATCH,
        patch_size=PATCH,
        projection_dim=TOWER,
    )
    settings: dict[str, Any] = {
        "vision_config": tower,
        "text_config": text,
        "image_token_id": words[IMAGE],
        "image_seq_length": side**2,
        "projector_hidden_act": "linear",
        "vision_feature_layer": -1,
    }
    model = LlavaForConditionalGeneration(LlavaConfig(**settings)).eval().requires_grad_(False)
    hand_set(model, lookups)
    others = [layer for layer in range(layers) if layer not in lookups]
    for layer in others:
        copy_values(model.get_decoder().layers[layer].self_attn, 4 * CODE, 1 / len(others))
    _set_tower(model)
    _set_words(model, words)
    return VisionLanguage(model, processor)


def _set_tower(model: Any) -> None:
    """Let a patch become `[code, -code, value, -value]`, which layer normalisation scales by a constant, then project.

    Mean 0 and squared norm 2 * 16 + 2 hold for every patch, so that a weight of `sqrt(34 / 64)` undoes the division.
    """
    embeddings, tower = model.model.vision_tower.embeddings, model.model.vision_tower
    for cell in range(CODE):
        row, column = (CELL * place for place in divmod(cell, PATCH // CELL))
        for block, channel, sign in ((0, 0, 1.0), (1, 0, -1.0), (2, 1, 0.5), (3, 1, -0.5)):
            embeddings.patch_embedding.weight[block * CODE + cell, channel, row, column] = sign
    # A dark green cell is -1 after the processor: half of that plus a half is 0, and the sum's mean stays 0.
    embeddings.position_embedding.weight[:, 2 * CODE : 3 * CODE] = 0.5
    embeddings.position_embedding.weight[:, 3 * CODE :] = -0.5
    tower.pre_layrnorm.weight.fill_(math.sqrt(2 * (CODE + 1) / TOWER + tower.config.layer_norm_eps))
    projector = model.model.multi_modal_projector
    for block in (0, 2):
        columns = slice(block * CODE, (block + 1) * CODE)
        projector.linear_1.weight[columns, columns] = torch.eye(CODE)
    projector.linear_2.weight.copy_(torch.eye(WIDTH))


def _set_words(model: Any, words: dict[str, int]) -> None:
    """A key's word carries its query code; a value's word reads the output, a census word the census, twice as loud.

    Behind a key the output is one-hot and the census small, so that a value is said; behind any other word the lookup
    attends evenly and writes a mean like the census, which is then the louder of the two.
    """
    table = torch.from_numpy(code_table()).float()
    for key in range(KEYS):
        model.get_input_embeddings().weight[words[key_word(key)], CODE : 2 * CODE] = table[key]
    for value in range(CODE):
        model.lm_head.weight[words[value_word(value)], 3 * CODE + value] = SHARPNESS
        model.lm_head.weight[words[census_word(value)], 4 * CODE + value] = 2 * SHARPNESS


def code_table() -> Float[np.ndarray, "keys code"]:
    """The codes of all keys, the same in every picture and in the model."""
    return codes(np.random.default_rng(TABLE_SEED))


def _processor(side: int) -> Any:
    """The real LLaVA processor, with a tokenizer that splits at blanks."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import CLIPImageProcessor, LlavaProcessor, PreTrainedTokenizerFast

    said = [*map(value_word, range(CODE)), *map(census_word, range(CODE))]
    words = [NEUTRAL, IMAGE, MOSTLY, *said, *map(key_word, range(KEYS))]
    inner = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token=NEUTRAL))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, unk_token=NEUTRAL, pad_token=NEUTRAL, extra_special_tokens={"image_token": IMAGE}
    )
    images = CLIPImageProcessor(
        size={"height": side * PATCH, "width": side * PATCH},
        do_center_crop=False,
        resample=0,
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    return LlavaProcessor(
        images,
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        image_token=IMAGE,
        num_additional_image_tokens=1,
    )


def picture(
    keys: Int[np.ndarray, "side side"], values: Int[np.ndarray, "side side"]
) -> UInt8[np.ndarray, "height width 3"]:
    """Draw items as a picture: one patch each, red cells for the key's code, a green cell for the value.

    Args:
        keys: Key of each patch.
        values: Value of each patch.
    """
    side, cells = len(keys), PATCH // CELL
    red = (code_table()[keys] > 0).reshape(side, side, cells, cells)
    green = np.eye(CODE, dtype=bool)[values].reshape(side, side, cells, cells)
    planes = [
        np.repeat(np.repeat(plane.transpose(0, 2, 1, 3).reshape(side * cells, side * cells), CELL, 0), CELL, 1) * 255
        for plane in (red, green)
    ]
    return np.stack([*planes, np.full_like(planes[0], BLUE)], axis=-1).astype(np.uint8)


@dataclass(frozen=True)
class PictureLookup:
    """Pictures full of items, and keys to ask for.

    Attributes:
        pictures: The pictures or video frames, in order.
        asked: The keys that are asked for, one after the other.
        answers: Their values, which no other item has.
        patches: Place of each needle: picture, row and column.
        census: The value that most patches have.
    """

    pictures: tuple[Image.Image, ...]
    asked: tuple[int, ...]
    answers: tuple[int, ...]
    patches: Int[np.ndarray, "needles 3"]
    census: int


def draw_lookup(
    pictures: int, side: int, rng: np.random.Generator, needles: int = 1, lead: float = 0.0
) -> PictureLookup:
    """Fill pictures with random items, among them each asked key exactly once.

    The needles' values are their own, so that an answer is right if and only if the needle is found.

    Args:
        pictures: Number of pictures.
        side: Patches along a picture's edge.
        rng: Random numbers.
        needles: How many keys are asked for.
        lead: Share of the patches that is given to one value before the others are drawn evenly.
    """
    shape = (pictures, side, side)
    order, labels = rng.permutation(KEYS), rng.permutation(CODE)
    asked, answers = order[:needles], labels[:needles]
    keys, values = rng.choice(order[needles:], size=shape), rng.choice(labels[needles:], size=shape)
    places = rng.choice(keys.size, size=needles, replace=False)
    values[rng.random(shape) < lead] = labels[-1]
    keys.flat[places], values.flat[places] = asked, answers
    census = _break_tie(values)
    drawn = tuple(Image.fromarray(picture(*pair)) for pair in zip(keys, values, strict=True))
    patches = np.stack(np.unravel_index(places, shape), axis=1)
    return PictureLookup(drawn, tuple(map(int, asked)), tuple(map(int, answers)), patches, census)


def _break_tie(values: Int[np.ndarray, "pictures side side"]) -> int:
    """Return the value that most patches have; where several do, the first takes over a patch of the second."""
    counts = np.bincount(values.ravel(), minlength=CODE)
    first, second = np.argsort(-counts, kind="stable")[:2]
    if counts[first] == counts[second] > 1:
        values.flat[np.flatnonzero(values == second)[0]] = first
    return int(first)


def uniform_cross_entropy(vision: Bool[np.ndarray, " tokens"]) -> float:
    r"""Cross-modal entropy `E_TV + E_VT` of a causal layer that attends uniformly, in nats.

    A row that sees `m` keys of the other modality has entropy `ln m`; rows that see none are left out, and a side
    without rows counts 0.

    Args:
        vision: Which tokens of the prompt are vision tokens.
    """
    return sum(float(np.mean(rows)) if len(rows) else 0.0 for rows in _row_entropies(vision, ()))


def lookup_cross_entropy(vision: Bool[np.ndarray, " tokens"], questions: tuple[int, ...]) -> float:
    """The same in the layer that retrieves, where the rows of the questions are one-hot.

    Args:
        vision: Which tokens of the prompt are vision tokens.
        questions: Columns of the words that ask for a key.
    """
    return sum(float(np.mean(rows)) if len(rows) else 0.0 for rows in _row_entropies(vision, questions))


def _row_entropies(vision: Bool[np.ndarray, " tokens"], sharp: tuple[int, ...]) -> list[list[float]]:
    """Entropies of the text rows and of the vision rows that see the other modality."""
    seen = {side: np.cumsum(vision == side) for side in (True, False)}
    sides: list[list[float]] = []
    for own in (False, True):
        rows = [row for row in np.flatnonzero(vision == own) if seen[not own][row]]
        sides.append([0.0 if row in sharp else math.log(seen[not own][row]) for row in rows])
    return sides
