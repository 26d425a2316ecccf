"""Which tokens of a prompt belong to images or video and which to text."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from transformers import PretrainedConfig

from medsuite.core.errors import InputError

VISION_IDS = ("image_token_id", "image_token_index", "video_token_id", "video_token_index")
"""Fields of a configuration that name a placeholder token of a vision feature."""


@dataclass(frozen=True)
class ModalityMap:
    """Vision and text tokens of a batch.

    Attributes:
        vision: Tokens of images or video frames.
    """

    vision: Bool[Tensor, "batch tokens"]

    def crossing(self, valid: Bool[Tensor, "batch tokens"]) -> Bool[Tensor, " batch"]:
        """Sequences that hold both modalities."""
        return (self.vision & valid).any(1) & (~self.vision & valid).any(1)

    def segments(self, sequence: int) -> list[tuple[int, int]]:
        """Return the runs of vision tokens of one sequence as half-open ranges: one per image or frame."""
        edges = torch.nn.functional.pad(self.vision[sequence].int(), (1, 1)).diff()
        starts, ends = (edges == 1).nonzero()[:, 0], (edges == -1).nonzero()[:, 0]
        return [(int(start), int(end)) for start, end in zip(starts, ends, strict=True)]


def modality_from_inputs(
    config: PretrainedConfig,
    input_ids: Int[Tensor, "batch tokens"] | None,
    mm_token_type_ids: Int[Tensor, "batch tokens"] | None,
    shape: tuple[int, int],
    device: torch.device,
) -> ModalityMap:
    """Read the modality off a forward pass: the processor's token types, else the placeholder tokens.

    Args:
        config: The whole model's configuration.
        input_ids: Token ids, None for embeddings.
        mm_token_type_ids: 0 for text, 1 for image, 2 for video, as processors give them.
        shape: Batch and tokens of the pass.
        device: Where the map lives.

    Raises:
        InputError: A model with a vision tower got embeddings and no token types.
    """
    if mm_token_type_ids is not None:
        return ModalityMap(mm_token_type_ids[..., -shape[1] :].to(device) > 0)
    ids = [getattr(config, name) for name in VISION_IDS if getattr(config, name, None) is not None]
    if not ids and getattr(config, "vision_config", None) is None:
        return ModalityMap(torch.zeros(shape, dtype=torch.bool, device=device))
    if input_ids is None or not ids:
        raise InputError(
            "the vision tokens cannot be told from the inputs",
            expected="input_ids with placeholder tokens, or mm_token_type_ids",
            fix="pass modality=<bool tensor [batch, tokens], True at vision tokens> to compress()",
        )
    return ModalityMap(torch.isin(input_ids, torch.tensor(ids, device=input_ids.device)).to(device))
