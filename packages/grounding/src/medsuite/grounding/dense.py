"""The dense grounder: a small network that points at what a text describes, and draws a box there.

The image is encoded once without the text. Each text then modulates the features of every place (FiLM, Perez et al.
2018), a perceptron scores the places, and the box of the best place is the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from medsuite.core.errors import InputError
from medsuite.grounding.knowledge.lint import words

STRIDE = 4
PADDING = 0


class WordVocabulary:
    """Numbers for the words of a corpus; 0 is padding.

    Args:
        corpus: All texts that will be asked. A word that training never reads keeps its random vector.
    """

    def __init__(self, corpus: Sequence[str]) -> None:
        known = sorted({word for text in corpus for word in words(text)})
        self.numbers = {word: number for number, word in enumerate(known, start=PADDING + 1)}

    def __len__(self) -> int:
        return len(self.numbers) + 1

    def encode(self, texts: Sequence[str]) -> Int[Tensor, "text word"]:
        """Return the words of each text as numbers, padded to the longest.

        Raises:
            InputError: A word that is not in the vocabulary, or a text without words.
        """
        rows = [[self._number(word) for word in words(text)] for text in texts]
        if not all(rows):
            raise InputError("a prompt has no words", expected="a name or a description")
        return nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True, padding_value=PADDING)

    def _number(self, word: str) -> int:
        if word not in self.numbers:
            raise InputError(f"word {word!r} is not in the grounder's vocabulary", fix="build it from all prompts")
        return self.numbers[word]


@dataclass(frozen=True)
class DenseSize:
    """Size of a dense grounder.

    Attributes:
        channels: Features of an image place.
        text: Width of the text encoder.
        hidden: Width of the perceptron that scores a place.
        heads: Attention heads of the text encoder.
        longest: Longest prompt in words.
    """

    channels: int = 32
    text: int = 64
    hidden: int = 48
    heads: int = 4
    longest: int = 48


class Residual(nn.Module):
    """Two 3 x 3 convolutions, the first one dilated, around a skip."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(4, channels)
        self.wide = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.narrow = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, features: Float[Tensor, "image channel row column"]) -> Float[Tensor, "image channel row column"]:
        """Return the features with what the two convolutions add."""
        return features + self.narrow(functional.silu(self.wide(functional.silu(self.norm(features)))))


class ImageEncoder(nn.Module):
    """Grey pixels in [0, 255] to one feature vector every four pixels, its coordinates in [-1, 1] appended."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, channels // 2, 5, 2, 2), nn.SiLU(), nn.Conv2d(channels // 2, channels, 3, 2, 1)
        )
        self.trunk = nn.Sequential(*[Residual(channels, dilation) for dilation in (1, 2, 1)])

    def forward(self, images: Float[Tensor, "image height width"]) -> Float[Tensor, "image place feature"]:
        """Return the features of each place, row by row."""
        pixels = (images[:, None] / 64 - 2).contiguous(memory_format=torch.channels_last)
        grid = self.trunk(self.stem(pixels)).permute(0, 2, 3, 1)
        height, width = grid.shape[1:3]
        unit = 2 * centres(height, width).to(grid) / torch.tensor([width * STRIDE, height * STRIDE]).to(grid) - 1
        return torch.cat([grid.flatten(1, 2), unit.expand(len(grid), -1, -1)], dim=2)


class TextEncoder(nn.Module):
    """Words to the mean of their contextual vectors, by one transformer layer."""

    def __init__(self, vocabulary: int, size: DenseSize) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, size.text, padding_idx=PADDING)
        self.position = nn.Parameter(0.02 * torch.randn(size.longest, size.text))
        self.layer = nn.TransformerEncoderLayer(
            size.text, size.heads, 2 * size.text, dropout=0.0, batch_first=True, norm_first=True
        )

    def forward(self, tokens: Int[Tensor, "text word"]) -> Float[Tensor, "text width"]:
        """Return one vector a text; padding takes no part.

        Raises:
            InputError: A text has more words than the encoder has positions for.
        """
        if tokens.shape[1] > len(self.position):
            raise InputError(f"a prompt of {tokens.shape[1]} words", expected=f"at most {len(self.position)}")
        absent = tokens == PADDING
        vectors = self.layer(self.embedding(tokens) + self.position[: tokens.shape[1]], src_key_padding_mask=absent)
        return vectors.masked_fill(absent[..., None], 0).sum(1) / (~absent).sum(1, keepdim=True)


class DenseGrounder(nn.Module):
    """Scores every place of an image for a text, and a box for every place.

    Args:
        vocabulary: Number of words, padding included.
        size: Widths.
    """

    def __init__(self, vocabulary: int, size: DenseSize | None = None) -> None:
        super().__init__()
        size = size or DenseSize()
        self.image_encoder = ImageEncoder(size.channels).to(memory_format=torch.channels_last)
        self.text_encoder = TextEncoder(vocabulary, size)
        self.film = nn.Linear(size.text, 2 * size.hidden)
        self.place = nn.Linear(size.channels + 2, size.hidden)
        self.mix = nn.Linear(size.hidden, size.hidden)
        self.score = nn.Linear(size.hidden, 1)
        self.reach = nn.Linear(size.channels, 4)

    def heat(
        self,
        features: Float[Tensor, "image place feature"],
        texts: Float[Tensor, "query width"],
        image_of: Int[Tensor, "query"],
    ) -> Float[Tensor, "query place"]:
        """Return the score of each place for each query: MLP(γ(text) * features + β(text)), as logits over places.

        Args:
            features: Output of the image encoder.
            texts: Output of the text encoder, one row a query.
            image_of: Index of the image that each query is about, so that an image is encoded once for all of them.
        """
        scale, shift = self.film(texts)[:, None].chunk(2, dim=2)
        places = functional.silu(self.place(features))[image_of]
        modulated = functional.silu(torch.addcmul(shift, places, 1 + scale))
        return self.score(functional.silu(self.mix(modulated))).squeeze(-1)

    def boxes(
        self, features: Float[Tensor, "image place feature"], height: int, width: int
    ) -> Float[Tensor, "image place 4"]:
        """Return the box of each place in pixels: its centre minus and plus four positive reaches (FCOS)."""
        reach = 2 * STRIDE * functional.softplus(self.reach(features[..., :-2]))
        centre = centres(height // STRIDE, width // STRIDE).to(features)
        return torch.cat([centre - reach[..., :2], centre + reach[..., 2:]], dim=-1)

    @torch.inference_mode()
    def ground(
        self,
        images: Float[Tensor, "image height width"],
        tokens: Int[Tensor, "query word"],
        image_of: Int[Tensor, "query"],
    ) -> tuple[Float[Tensor, "query 4"], Float[Tensor, "query"]]:
        """Return the box of the best place for each query and its softmax score in [0, 1].

        Raises:
            InputError: A side of the images is no multiple of four pixels, or a text is too long.
        """
        if any(side % STRIDE for side in images.shape[1:]):
            raise InputError(
                f"images of {images.shape[2]} x {images.shape[1]} pixels",
                expected=f"sides that are multiples of {STRIDE}",
            )
        features = self.image_encoder(images)
        unique, which = torch.unique(tokens, dim=0, return_inverse=True)
        probability = self.heat(features, self.text_encoder(unique)[which], image_of).softmax(dim=1)
        best = probability.max(dim=1)
        boxes = self.boxes(features, *images.shape[1:])
        return boxes[image_of, best.indices], best.values


def centres(rows: int, columns: int) -> Float[Tensor, "place 2"]:
    """Return the pixel coordinates (x, y) of the centre of each place, row by row."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return STRIDE * (torch.stack([x, y], dim=-1).flatten(0, 1) + 0.5)


def grounding_loss(
    heat: Float[Tensor, "query place"],
    boxes: Float[Tensor, "query place 4"],
    targets: Float[Tensor, "query 4"],
    centre: Float[Tensor, "place 2"],
) -> Float[Tensor, ""]:
    """Return cross-entropy over places plus the mean of 1 - GIoU at the places in the central half of the target.

    Args:
        heat: Logits over places.
        boxes: Box of each place.
        targets: The right box of each query.
        centre: Centre of each place in pixels.
    """
    share = target_places(targets, centre)
    cross_entropy = -(share * heat.log_softmax(dim=1)).sum()
    query, place = share.nonzero(as_tuple=True)
    misfit = share[query, place] * (1 - generalised_iou(boxes[query, place], targets[query]))
    return (cross_entropy + misfit.sum()) / len(targets)


def target_places(targets: Float[Tensor, "query 4"], centre: Float[Tensor, "place 2"]) -> Float[Tensor, "query place"]:
    """Spread each target evenly over the places in the central half of its box, or give all to the nearest place."""
    middle, extent = (targets[:, None, :2] + targets[:, None, 2:]) / 2, targets[:, None, 2:] - targets[:, None, :2]
    offset = (centre - middle).abs()
    inside = (offset / extent).amax(dim=-1) < 0.25
    nearest = functional.one_hot(offset.square().sum(dim=-1).argmin(dim=1), len(centre)).bool()
    chosen = (inside | nearest).to(targets)
    return chosen / chosen.sum(dim=1, keepdim=True)


def generalised_iou(first: Float[Tensor, "*batch 4"], second: Float[Tensor, "*other 4"]) -> Float[Tensor, "*result"]:
    """Return IoU - (|hull| - |union|) / |hull| (Rezatofighi et al. 2019); the arguments broadcast."""
    near, far = torch.maximum(first, second), torch.minimum(first, second)
    intersection = (far[..., 2:] - near[..., :2]).clamp(min=0).prod(dim=-1)
    area = [(boxes[..., 2:] - boxes[..., :2]).prod(dim=-1) for boxes in (first, second)]
    union = area[0] + area[1] - intersection
    hull = (near[..., 2:] - far[..., :2]).prod(dim=-1)
    return intersection / union - (hull - union) / hull
