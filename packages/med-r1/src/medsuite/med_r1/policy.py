"""Vision-language models that answer: loading, saving, and the tokens that they must never write."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError

TAGS = ("<think>", "</think>", "<answer>", "</answer>")
"""The tags of the answer format."""
MARKERS = ("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id")
"""Tokens of a configuration that stand for pictures: a sampled one has no features and breaks the next pass."""

SHORT_ROPE = 1e4
"""Base of the rotary wavelengths of the tiny policy."""


@dataclass(frozen=True)
class Policy:
    """A model with its processor.

    Attributes:
        model: A transformers model of the class image-text-to-text.
        processor: Its processor; the tokenizer pads on the left.
        folder: Where its weights lie, which a trainer reads and builds its frozen reference from.
    """

    model: Any
    processor: Any
    folder: Path

    @property
    def tokenizer(self) -> Any:
        """The tokenizer inside the processor."""
        return self.processor.tokenizer

    @property
    def suppressed(self) -> list[int]:
        """Ids of the tokens that stand for pictures."""
        found = (getattr(self.model.config, name, None) for name in MARKERS)
        return sorted({token for token in found if token is not None})


def load_policy(source: str | Path, device: str = "auto") -> Policy:
    """Load a policy from a folder, a packaged name or a hub id.

    Args:
        source: As `medsuite.core.models.load` takes it.
        device: `"auto"` or a device's name.

    Raises:
        InputError: It is no vision-language model, or a weight is missing.
    """
    from medsuite.core.models import load

    loaded = load(source, "image-text", device)
    if not hasattr(loaded.processor, "tokenizer"):
        raise InputError(f"{source} has no tokenizer beside its image processor", expected="a vision-language model")
    loaded.processor.tokenizer.padding_side = "left"
    return Policy(loaded.model, loaded.processor, Path(loaded.source.folder))


def tiny_policy(corpus: Sequence[str], folder: Path, *, seed: int = 0, side: int = 56) -> Policy:
    """Build and save a random-weight Qwen2-VL of 0.35 million parameters that can be trained in a minute.

    Its tokenizer is learnt from the corpus, so that a word of an option is one token wherever it stands, and the tags
    of the answer format are one token each: otherwise a model of this size does not learn to copy.

    Args:
        corpus: Texts as they occur in prompts and answers.
        folder: Where it is saved.
        seed: Seed of the weights.
        side: Side of the picture in pixels, a multiple of 28; (side / 28)² image tokens.
    """
    from medsuite.core.tiny import TextSize, VisionSize, Vocabulary, qwen2_vl

    text = TextSize(hidden_size=64, intermediate_size=192, layers=2, heads=4, key_value_heads=4, initializer_range=0.15)
    vision = VisionSize(hidden_size=64, layers=2, heads=4, image_size=side)
    # A small corpus learns fewer merges than this; every word becomes one token.
    vocabulary = Vocabulary(corpus=tuple(corpus), entries=600, extra_tokens=TAGS)
    tiny = _with_short_rope(qwen2_vl(text, vision, vocabulary=vocabulary, seed=seed), seed)
    tiny.model.generation_config.eos_token_id = tiny.tokenizer.eos_token_id
    tiny.model.generation_config.pad_token_id = tiny.tokenizer.pad_token_id
    tiny.save(folder)
    return load_policy(folder, device="cpu")


def _with_short_rope(tiny: Any, seed: int) -> Any:
    """Rebuild a tiny model with rotary wavelengths that fit prompts of thirty tokens instead of thirty thousand.

    A head of 16 channels has eight frequencies; with the base of a million of the real model two of them tell
    neighbouring tokens apart, and the model does not find the letter before an option.
    """
    from medsuite.core.tiny.parts import Tiny, with_random_weights

    config = tiny.config
    config.text_config.rope_parameters["rope_theta"] = SHORT_ROPE
    return Tiny(with_random_weights(type(tiny.model), config, seed=seed), tiny.processor)
