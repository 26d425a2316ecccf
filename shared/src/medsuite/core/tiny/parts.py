"""What every tiny model is made of: sizes, a seed, and the pair of model and processor."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError, require
from medsuite.core.models.loading import tokenizer_of


def multiple(name: str, value: int, of: int) -> None:
    """Raise an `InputError` unless a size is a positive multiple of another."""
    if value <= 0 or of <= 0 or value % of:
        raise InputError(f"{name}={value}", expected=f"a positive multiple of {of}")


@dataclass(frozen=True)
class TextSize:
    """The size of a tiny language model.

    Attributes:
        hidden_size: Width of the residual stream.
        intermediate_size: Width inside each feed-forward block.
        layers: Number of blocks; in an encoder and a decoder each.
        heads: Number of attention heads.
        key_value_heads: Number of key and value heads, where the family groups its queries.
        positions: Longest sequence, in tokens.
        initializer_range: Standard deviation of the random weights. The families' own 0.02 suits widths of a
            thousand; a tiny model that is to be trained learns faster from 0.08.
    """

    hidden_size: int = 64
    intermediate_size: int = 192
    layers: int = 2
    heads: int = 4
    key_value_heads: int = 2
    positions: int = 1024
    initializer_range: float = 0.02

    def __post_init__(self) -> None:
        multiple("hidden_size", self.hidden_size, 2 * self.heads)
        multiple("heads", self.heads, self.key_value_heads)

    @property
    def head_size(self) -> int:
        """Width of one attention head."""
        return self.hidden_size // self.heads


@dataclass(frozen=True)
class VisionSize:
    """The size of a tiny vision encoder.

    Attributes:
        hidden_size: Width of the residual stream.
        layers: Number of blocks.
        heads: Number of attention heads.
        image_size: Side of the square that the processor resizes an image to, in pixels.
    """

    hidden_size: int = 32
    layers: int = 1
    heads: int = 2
    image_size: int = 56

    def __post_init__(self) -> None:
        multiple("hidden_size", self.hidden_size, 2 * self.heads)


TEXT, VISION = TextSize(), VisionSize()


@dataclass(frozen=True)
class Tiny:
    """A random-weight model with what turns raw input into its input. It shows wiring and is never evidence.

    Attributes:
        model: The transformers model, in evaluation mode, float32, on the CPU.
        processor: What makes the model's inputs: a tokenizer, an image processor, or a processor of both.
    """

    model: Any
    processor: Any

    @property
    def config(self) -> Any:
        """The model's configuration."""
        return self.model.config

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, whether it stands alone or inside the processor.

        Raises:
            InputError: The model takes images alone.
        """
        return tokenizer_of(self.processor)

    def save(self, folder: Path | str) -> Path:
        """Write model and processor as a folder that `from_pretrained` and `models.load` read."""
        self.model.save_pretrained(folder)
        self.processor.save_pretrained(folder)
        return Path(folder)


def with_random_weights(model_class: Callable[[Any], Any], config: Any, *, seed: int) -> Any:
    """Build a model whose weights depend on the seed alone, leaving torch's global generator as it was.

    Args:
        model_class: The transformers class.
        config: Its configuration.
        seed: Seed of the weights.
    """
    torch = require("torch", extra="medsuite-core[models]")
    with torch.random.fork_rng(devices=[]):
        # torch.manual_seed would also seed the accelerators, which fork_rng was told to leave alone.
        torch.default_generator.manual_seed(seed)
        return model_class(config).eval()
