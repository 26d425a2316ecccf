"""From a window of BOLD, or from a sentence vector, to k prompt vectors for a language model (BP-GPT, section 2)."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from medsuite.core.errors import InputError


@dataclass(frozen=True)
class PromptShape:
    """Size of the transformer that makes a prompt; the defaults are the paper's.

    Attributes:
        width: Width of the language model's embeddings.
        length: Number of prompt vectors, k.
        layers: Transformer layers.
        heads: Attention heads.
    """

    width: int = 768
    length: int = 100
    layers: int = 8
    heads: int = 8

    def __post_init__(self) -> None:
        if min(self.width, self.length, self.layers, self.heads) < 1 or self.width % self.heads:
            expected = "sizes of at least 1 and a width that the heads divide"
            raise InputError(f"a prompt of {self}", expected=expected)


class Block(nn.Module):
    """A pre-norm transformer layer, x + A(N(x)) then x + M(N(x)): queries, keys and values without bias, ReLU, ratio 2.

    Args:
        width: Width of the states.
        heads: Attention heads.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width, bias=False)
        self.project = nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.ReLU(), nn.Linear(2 * width, width))

    def forward(self, states: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch token width"]:
        """Let every token attend to every token."""
        parts = self.queries_keys_values(self.before_attention(states)).chunk(3, dim=-1)
        queries, keys, values = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        mixed = nn.functional.scaled_dot_product_attention(queries, keys, values)
        states = states + self.project(mixed.transpose(1, 2).flatten(-2))
        return states + self.mlp(self.before_mlp(states))


class PromptTransformer(nn.Module):
    """Appends k learned vectors to a sequence and returns what the layers make of them (Mokady et al. 2021).

    Args:
        shape: Size.
    """

    def __init__(self, shape: PromptShape) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(shape.length, shape.width))
        self.blocks = nn.Sequential(*(Block(shape.width, shape.heads) for _ in range(shape.layers)))

    def forward(self, sequence: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch prompt width"]:
        """Return the last k outputs."""
        queries = self.queries.expand(len(sequence), -1, -1)
        return self.blocks(torch.cat([sequence, queries], dim=1))[:, sequence.shape[1] :]


class BrainEncoder(nn.Module):
    """Makes the brain prompt P_B: (x + position) W, then k learned vectors through a transformer (BP-GPT, section 2.2).

    Args:
        rows: TRs of a window, with its delay.
        voxels: Voxels.
        shape: Size of the prompt.
    """

    def __init__(self, rows: int, voxels: int, shape: PromptShape) -> None:
        super().__init__()
        self.rows, self.voxels = rows, voxels
        self.position = nn.Parameter(torch.randn(rows, voxels))
        self.project = nn.Linear(voxels, shape.width)
        self.transformer = PromptTransformer(shape)

    def forward(self, bold: Float[Tensor, "batch row voxel"]) -> Float[Tensor, "batch prompt width"]:
        """Encode windows of BOLD.

        Raises:
            InputError: The windows have other rows or voxels than the encoder was made for.
        """
        if bold.shape[1:] != (self.rows, self.voxels):
            given = f"windows of {bold.shape[1]} rows and {bold.shape[2]} voxels"
            expected = f"{self.rows} rows and {self.voxels} voxels"
            raise InputError(given, expected=expected, fix="use the mask and the subject of the training data")
        return self.transformer(self.project(bold + self.position))


class TextMapper(nn.Module):
    """Makes the text prompt P_T from a frozen sentence vector: two linear maps to tokens, then the same transformer.

    Args:
        features: Width of the sentence vectors.
        shape: Size of the prompt.
        bottleneck: Width between the linear maps.
        tokens: How many tokens the vector becomes. The paper has one, which is enough at a width of 768.
    """

    def __init__(self, features: int, shape: PromptShape, bottleneck: int = 512, tokens: int = 1) -> None:
        super().__init__()
        self.tokens = tokens
        self.project = nn.Sequential(nn.Linear(features, bottleneck), nn.Linear(bottleneck, tokens * shape.width))
        self.transformer = PromptTransformer(shape)

    def forward(self, sentence: Float[Tensor, "batch feature"]) -> Float[Tensor, "batch prompt width"]:
        """Map sentence vectors to prompts."""
        return self.transformer(self.project(sentence).unflatten(-1, (self.tokens, -1)))


class ConstantPrompt(nn.Module):
    """The null without a brain: k trained vectors, the same for every window (Lester et al. 2021).

    Args:
        shape: Size of the prompt; `layers` and `heads` are not used.
    """

    def __init__(self, shape: PromptShape) -> None:
        super().__init__()
        self.vectors = nn.Parameter(0.1 * torch.randn(shape.length, shape.width))

    def forward(self, windows: Float[Tensor, "batch ..."]) -> Float[Tensor, "batch prompt width"]:
        """Return the prompt once for every window, whatever is in it."""
        return self.vectors.expand(len(windows), -1, -1)
