"""Batches and one training step for Florence-2: images and prompts in, labels with location tokens out.

An answer is the label followed by its four location tokens, repeated once per box (AG-KD, section 2.3). Padding of the
answer is masked by -100: the released code trains on it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, Shaped, UInt8

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import Boxes, as_boxes
from medsuite.grounding.florence.locations import first_location, quantise
from medsuite.grounding.geometry import Size

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

TASK = "<CAPTION_TO_PHRASE_GROUNDING>"
IGNORED = -100


@dataclass(frozen=True, eq=False)
class Example:
    """One question about one image, with its answer.

    Attributes:
        image: uint8 grey values, height x width, or RGB, height x width x 3.
        prompt: What is asked, without the task's token.
        label: How the answer names the finding.
        boxes: The answer, xyxy in pixels of this image.
    """

    image: Shaped[np.ndarray, "..."]
    prompt: str
    label: str
    boxes: Boxes

    @property
    def size(self) -> Size:
        """Width and height of the image."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True, eq=False)
class FlorenceBatch:
    """What the model takes; `labels` hold -100 where there is no answer."""

    inputs: "dict[str, Tensor]"
    labels: "Int[Tensor, 'example token']"


def rgb(image: Shaped[np.ndarray, "..."]) -> UInt8[np.ndarray, "height width 3"]:
    """Repeat grey values to three channels; an RGB image stays as it is.

    Raises:
        InputError: Any other shape or type.
    """
    if image.dtype != np.uint8 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise InputError(
            f"image of shape {image.shape} and type {image.dtype}", expected="uint8, height x width, or with 3 channels"
        )
    return np.repeat(image[..., None], 3, axis=2) if image.ndim == 2 else image


def encode_inputs(
    images: Sequence[Shaped[np.ndarray, "..."]], prompts: Sequence[str], processor: Any
) -> "dict[str, Tensor]":
    """Turn images and prompts into the model's input, prompts padded and masked."""
    text = [f"{TASK}{prompt}" for prompt in prompts]
    pictures = [rgb(image) for image in images]
    # Said, not guessed: a picture three pixels high would be taken for one whose channels come first.
    layout = {"input_data_format": "channels_last"}
    return dict(processor(images=pictures, text=text, return_tensors="pt", padding=True, images_kwargs=layout))


def check_length(inputs: "Mapping[str, Tensor]", model: Any) -> None:
    """Refuse a prompt that is longer than the model has positions for, image tokens included.

    Raises:
        InputError: The longest prompt of the batch is too long.
    """
    given, room = inputs["input_ids"].shape[1], model.config.text_config.max_position_embeddings
    if given > room:
        raise InputError(
            f"image and prompt make {given} tokens", expected=f"at most {room}", fix="shorten the description"
        )


def answer_tokens(label: str, boxes: Boxes, size: Size, tokenizer: Any) -> list[int]:
    """Return `<s> label loc loc loc loc label loc ... </s>` as token ids.

    Raises:
        InputError: No box, or one without area.
    """
    checked = as_boxes(boxes, where=f"answer {label!r}")
    if not len(checked):
        raise InputError(f"answer {label!r} has no box", expected="at least one: the protocol asks what is present")
    words = tokenizer(label, add_special_tokens=False).input_ids
    places = first_location(tokenizer) + quantise(checked, size)
    body = [token for place in places.tolist() for token in (*words, *place)]
    return [tokenizer.bos_token_id, *body, tokenizer.eos_token_id]


def collate(examples: Sequence[Example], processor: Any) -> FlorenceBatch:
    """Make a batch.

    Args:
        examples: Questions with their answers; images may differ in size.
        processor: A `Florence2Processor`.

    Raises:
        InputError: There is no example, or an answer without a box.
    """
    import torch

    if not examples:
        raise InputError("a batch of no examples", expected="at least one")
    answers = [answer_tokens(each.label, each.boxes, each.size, processor.tokenizer) for each in examples]
    labels = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(answer) for answer in answers], batch_first=True, padding_value=IGNORED
    )
    inputs = encode_inputs([each.image for each in examples], [each.prompt for each in examples], processor)
    return FlorenceBatch(inputs, labels)


def train_step(model: Any, batch: FlorenceBatch, optimizer: "Optimizer") -> float:
    """Take one optimiser step on the mean cross-entropy of the answer tokens and return it.

    Args:
        model: A `Florence2ForConditionalGeneration`; it is left in training mode.
        batch: Output of `collate`.
        optimizer: Of the parameters that train.

    Raises:
        InputError: A prompt is longer than the model has positions for.
    """
    model.train()
    device = next(model.parameters()).device
    check_length(batch.inputs, model)
    inputs = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
    optimizer.zero_grad(set_to_none=True)
    loss = model(**inputs, labels=batch.labels.to(device)).loss
    loss.backward()
    optimizer.step()
    return float(loss.detach())


def answer_log_likelihood(model: Any, batch: FlorenceBatch) -> "Float[Tensor, 'example']":
    """Return the log-likelihood of each answer given its image and prompt: how the model rates a candidate box."""
    import torch

    device = next(model.parameters()).device
    labels = batch.labels.to(device)
    with torch.inference_mode():
        inputs = {name: tensor.to(device) for name, tensor in batch.inputs.items()}
        logits = model(**inputs, labels=labels).logits.log_softmax(dim=-1)
    picked = logits.gather(2, labels.clamp(min=0)[..., None]).squeeze(2)
    return (picked * (labels != IGNORED)).sum(dim=1)
