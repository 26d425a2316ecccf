"""Constrained decoding: a Florence-2 that writes nothing but labels with proper boxes, and how sure it is of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, UInt8

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import Boxes
from medsuite.grounding.florence.batches import check_length, encode_inputs
from medsuite.grounding.florence.locations import BINS, first_location
from medsuite.grounding.florence.parsing import parse

if TYPE_CHECKING:
    from torch import Tensor

EDGES = 4


@dataclass(frozen=True)
class BoxGrammar:
    """`<s> (label x1 y1 x2 y2)+ </s>` with x1 < x2 and y1 < y2, as a logits processor for greedy and beam search.

    Attributes:
        labels: Token ids of the label that each example of the batch has to write.
        first: Token id of `<loc_0>`.
        bos: Token id of `<s>`.
        eos: Token id of `</s>`, which also starts decoding.
        most: Largest number of boxes.
    """

    labels: tuple[tuple[int, ...], ...]
    first: int
    bos: int
    eos: int
    most: int = 10

    @classmethod
    def of(cls, labels: Sequence[str], tokenizer: Any, *, most: int = 10) -> "BoxGrammar":
        """Build the grammar of a batch.

        Raises:
            InputError: A label is empty, or no box is allowed.
        """
        words = tuple(tuple(tokenizer(label, add_special_tokens=False).input_ids) for label in labels)
        if not all(words) or most < 1:
            raise InputError(f"labels {list(labels)!r} with up to {most} boxes", expected="words, and at least one box")
        return cls(words, first_location(tokenizer), tokenizer.bos_token_id, tokenizer.eos_token_id, most)

    @property
    def longest(self) -> int:
        """Tokens that a complete answer needs at most, the start token not counted."""
        return 2 + self.most * (max(len(words) for words in self.labels) + EDGES)

    def allowed(self, written: Sequence[int], example: int) -> range | tuple[int, ...]:
        """Return the tokens that may come next.

        Args:
            written: What the decoder has so far, its start token included.
            example: Position in the batch, for its label.
        """
        body = list(written[2:])
        if len(written) < 2:
            return (self.bos,)
        if self.eos in body:
            return (self.eos,)
        words = self.labels[example]
        boxes, place = divmod(len(body), len(words) + EDGES)
        if place == 0 and boxes:
            return (self.eos, words[0]) if boxes < self.most else (self.eos,)
        if place < len(words):
            return (words[place],)
        edge = place - len(words)
        if edge < 2:
            return range(self.first, self.first + BINS - 1)
        return range(body[-2] + 1, self.first + BINS)

    def __call__(
        self, input_ids: "Int[Tensor, 'row token']", scores: "Float[Tensor, 'row vocabulary']"
    ) -> "Float[Tensor, 'row vocabulary']":
        """Set the score of every token that may not come next to minus infinity; beams of an example stand together."""
        beams = len(input_ids) // len(self.labels)
        result = scores.new_full(scores.shape, float("-inf"))
        for row, written in enumerate(input_ids.tolist()):
            tokens = list(self.allowed(written, row // beams))
            result[row, tokens] = scores[row, tokens]
        return result


@dataclass(frozen=True, eq=False)
class Grounding:
    """An answer.

    Attributes:
        label: What was asked for.
        boxes: xyxy in pixels of the original image.
        scores: Confidence of each box: geometric mean of the probabilities of its four locations among all locations.
        raw: The text as the model wrote it.
        issues: What the parser left out.
    """

    label: str
    boxes: Boxes
    scores: Float[np.ndarray, "box"]
    raw: str
    issues: tuple[str, ...]


def ground(
    model: Any,
    processor: Any,
    images: Sequence[UInt8[np.ndarray, "..."]],
    prompts: Sequence[str],
    labels: Sequence[str],
    *,
    most: int = 10,
) -> list[Grounding]:
    """Ask for one finding in each image, by greedy constrained decoding.

    Args:
        model: A `Florence2ForConditionalGeneration`.
        processor: Its processor.
        images: uint8 images, grey or RGB.
        prompts: What is asked, without the task's token.
        labels: How the answers name the findings.
        most: Largest number of boxes an answer.

    Raises:
        InputError: The three sequences differ in length or are empty, or a prompt is longer than the model has
            positions for.
    """
    from transformers import LogitsProcessorList

    if not len(images) == len(prompts) == len(labels) > 0:
        raise InputError(
            f"{len(images)} images, {len(prompts)} prompts and {len(labels)} labels",
            expected="equally many, at least one",
        )
    grammar = BoxGrammar.of(labels, processor.tokenizer, most=most)
    device = next(model.parameters()).device
    inputs = {name: tensor.to(device) for name, tensor in encode_inputs(images, prompts, processor).items()}
    check_length(inputs, model)
    output = model.eval().generate(
        **inputs,
        max_new_tokens=grammar.longest,
        num_beams=1,
        do_sample=False,
        logits_processor=LogitsProcessorList([grammar]),
        return_dict_in_generate=True,
        output_logits=True,
    )
    logits = np.stack([step.float().cpu().numpy() for step in output.logits], axis=1)
    answers = zip(images, labels, output.sequences.tolist(), logits, strict=True)
    return [_answer(image, label, ids, steps, grammar, processor.tokenizer) for image, label, ids, steps in answers]


def _answer(
    image: UInt8[np.ndarray, "..."],
    label: str,
    written: list[int],
    logits: Float[np.ndarray, "step vocabulary"],
    grammar: BoxGrammar,
    tokenizer: Any,
) -> Grounding:
    raw = tokenizer.decode(written, skip_special_tokens=False)
    parsed = parse(raw, (image.shape[1], image.shape[0]))
    scores = location_scores(written[1:], logits, grammar.first)
    return Grounding(label, parsed.boxes, scores[list(parsed.groups)], raw, parsed.issues)


def location_scores(
    written: Sequence[int], logits: Float[np.ndarray, "step vocabulary"], first: int
) -> Float[np.ndarray, "group"]:
    """Return the geometric mean of the probabilities of each group of four locations, among all locations.

    Args:
        written: Generated tokens, one a step.
        logits: The model's raw logits of each step.
        first: Token id of `<loc_0>`.
    """
    from scipy.special import log_softmax

    steps = [step for step, token in enumerate(written) if first <= token < first + BINS]
    steps = steps[: len(steps) // EDGES * EDGES]
    among = log_softmax(logits[steps, first : first + BINS].astype(float), axis=1)
    chosen = among[np.arange(len(steps)), np.array([written[step] for step in steps], dtype=int) - first]
    return np.exp(chosen.reshape(-1, EDGES).mean(axis=1))
