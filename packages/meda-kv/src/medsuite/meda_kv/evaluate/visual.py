"""Needles in pictures: one picture, many pictures, and the frames of a video, with exact truth."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.constructed_vision import (
    CODE,
    IMAGE,
    MOSTLY,
    PATCH,
    PictureLookup,
    census_word,
    draw_lookup,
    key_word,
    value_word,
)
from medsuite.meda_kv.evaluate.prompting import Opened
from medsuite.meda_kv.evaluate.questions import Forced, Question, token_ids

ASKING = "what stands at"
"""Words before the keys; they carry nothing, as all words do that are neither keys nor values."""
FRAME = "frame"
"""Word before each frame of a video: text between the pictures."""


@dataclass(frozen=True)
class Gallery:
    """A shape of visual tasks.

    Attributes:
        pictures: Number of pictures, or frames.
        needles: How many keys are asked for.
        frames: Whether a word of text stands before each picture, as the time stamps of a video do.
        lead: Share of the patches that is given to one value, which is then asked for as well; 0 asks for keys only.
    """

    pictures: int
    needles: int = 1
    frames: bool = False
    lead: float = 0.0

    def __post_init__(self) -> None:
        if self.pictures < 1 or not 1 <= self.needles < CODE:
            raise InputError(
                f"{self.needles} needles in {self.pictures} pictures", expected=f"a picture and 1 to {CODE - 1} needles"
            )


GALLERIES = {
    "visual-needle": Gallery(4),
    "visual-needles": Gallery(4, needles=3),
    "many-images": Gallery(24),
    "video": Gallery(32, frames=True),
    "census": Gallery(24, needles=3, lead=0.02),
}
"""The visual tasks by name."""


def visual_question(
    opened: Opened, gallery: Gallery, rng: np.random.Generator, unit: str = ""
) -> tuple[Question, PictureLookup]:
    """Hide needles among the patches of pictures and ask for them.

    The answer repeats each key, and the token after it must be the value: with the needle's row the model always finds
    it, without it never, since no other item has that value. In a gallery with a lead it then says which value most
    patches have, which it can only estimate from the rows that its census layers keep.

    Args:
        opened: The model of `constructed_vision`.
        gallery: How many pictures and needles.
        rng: Random numbers for the pictures and the keys.
        unit: Name of the question.
    """
    tower = opened.model.config.vision_config
    side = tower.image_size // tower.patch_size
    lookup = draw_lookup(gallery.pictures, side, rng, gallery.needles, gallery.lead)
    words = " ".join(f"{FRAME} {IMAGE}" if gallery.frames else IMAGE for _ in lookup.pictures)
    inputs = dict(opened.processor(text=words, images=list(lookup.pictures), return_tensors="pt"))
    asked = [key_word(key) for key in lookup.asked]
    answers = [value_word(value) for value in lookup.answers]
    if gallery.lead:
        asked, answers = [*asked, MOSTLY], [*answers, census_word(lookup.census)]
    answer = [word for pair in zip(asked, answers, strict=True) for word in pair][1:]
    context = inputs["input_ids"]
    question = Question(
        unit,
        context,
        token_ids(opened.tokenizer, " ".join([ASKING, *asked])),
        token_ids(opened.tokenizer, asked[0]),
        Forced(token_ids(opened.tokenizer, " ".join(answer)), torch.arange(len(answer)) % 2 == 0),
        {"pixel_values": inputs["pixel_values"]},
        lookup.pictures,
        float(np.mean(lookup.patches[:, 0] / gallery.pictures)),
        tuple(needle_columns(context, lookup, opened.model.config.image_token_id).tolist()),
    )
    return question, lookup


def needle_columns(
    context: Int[Tensor, "1 tokens"], lookup: PictureLookup, image_token: int
) -> Int[Tensor, " needles"]:
    """Columns of the needles among the context's tokens.

    Args:
        context: Token ids with one placeholder a patch.
        lookup: The pictures.
        image_token: Id of the placeholder.
    """
    side = lookup.pictures[0].size[0] // PATCH
    flat = np.ravel_multi_index(tuple(lookup.patches.T), (len(lookup.pictures), side, side))
    columns = (context[0] == image_token).nonzero()[:, 0]
    return columns[torch.from_numpy(np.asarray(flat))]
