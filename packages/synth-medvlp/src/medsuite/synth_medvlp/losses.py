"""The contrastive losses of vision-language pre-training: CLIP, ConVIRT and GLoRIA, as pure functions.

Rows are pairs: row i of the images belongs to row i of the texts.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from medsuite.core.errors import InputError, unknown_name

POOLS = ("sum", "mean", "max")
"""How the words of a text become one number."""


@dataclass(frozen=True)
class Temperatures:
    """GLoRIA's three factors: on the attention over regions, on the words' cosines, on the similarities."""

    regions: float = 4.0
    words: float = 5.0
    pairs: float = 10.0


def clip_loss(
    image: Float[Tensor, "pair dim"],
    text: Float[Tensor, "pair dim"],
    scale: Float[Tensor, ""] | float,
    same: Bool[Tensor, "pair pair"] | None = None,
) -> Float[Tensor, ""]:
    """Return CLIP's loss, the mean of both directions: ½ CE(S, diag) + ½ CE(Sᵀ, diag) with S = scale · û ŝᵀ.

    Args:
        image: Embeddings of the images; rows are brought to length one.
        text: Embeddings of the texts.
        scale: Logit scale, 1 / τ.
        same: True where two pairs have the same text; such pairs are no negatives of each other.

    Raises:
        InputError: There are fewer than two pairs, or all have the same text.
    """
    logits = scale * _cosines(image, text)
    if same is not None:
        logits = _without_false_negatives(logits, same)
    rows, columns = _directions(logits)
    return 0.5 * rows + 0.5 * columns


def convirt_loss(
    image: Float[Tensor, "pair dim"],
    text: Float[Tensor, "pair dim"],
    temperature: float = 0.1,
    weight: float = 0.75,
    same: Bool[Tensor, "pair pair"] | None = None,
) -> Float[Tensor, ""]:
    """Return ConVIRT's loss (Zhang et al. 2010.00747, equations 2 to 4): λ ℓ(image→text) + (1 - λ) ℓ(text→image).

    ℓ(image→text) is the mean over images of -log softmax over texts of cos(u, s) / τ.

    Args:
        image: Projected images.
        text: Projected texts, one random sentence of each report in the paper.
        temperature: τ.
        weight: λ.
        same: See `clip_loss`; the paper masks nothing.

    Raises:
        InputError: There are fewer than two pairs, or all have the same text.
    """
    logits = _cosines(image, text) / temperature
    if same is not None:
        logits = _without_false_negatives(logits, same)
    rows, columns = _directions(logits)
    return weight * rows + (1 - weight) * columns


def gloria_global(
    image: Float[Tensor, "pair dim"],
    text: Float[Tensor, "pair dim"],
    factor: float = 10.0,
    same: Bool[Tensor, "pair pair"] | None = None,
) -> Float[Tensor, ""]:
    """Return GLoRIA's global loss, CE(S, diag) + CE(Sᵀ, diag) with S = 10 cos: the sum, where CLIP has the mean.

    Args:
        image: Embeddings of the images.
        text: Embeddings of the texts.
        factor: Factor on the cosines.
        same: See `clip_loss`; the paper masks nothing.

    Raises:
        InputError: There are fewer than two pairs, or all have the same text.
    """
    logits = factor * _cosines(image, text)
    if same is not None:
        logits = _without_false_negatives(logits, same)
    rows, columns = _directions(logits)
    return rows + columns


def gloria_local(
    regions: Float[Tensor, "pair dim region"],
    words: Float[Tensor, "pair dim word"],
    is_word: Bool[Tensor, "pair word"],
    *,
    temperatures: Temperatures | None = None,
    pool: str = "mean",
    chunk: int = 16,
    same: Bool[Tensor, "pair pair"] | None = None,
) -> Float[Tensor, ""]:
    """Return GLoRIA's local loss (Huang et al., ICCV 2021), CE(S, diag) + CE(Sᵀ, diag) of `local_similarity`.

    Args:
        regions: Region features of each image.
        words: Word embeddings of each text.
        is_word: False for padding; each text needs a word.
        temperatures: The three factors.
        pool: How words become one number; see `local_similarity`.
        chunk: Texts compared at once; memory is O(pair x chunk x region x word).
        same: See `clip_loss`; the paper masks nothing.

    Raises:
        InputError: There are fewer than two pairs, all have the same text, or a text has no word.
    """
    factors = temperatures or Temperatures()
    similarity = local_similarity(regions, words, is_word, temperatures=factors, pool=pool, chunk=chunk)
    logits = factors.pairs * similarity
    if same is not None:
        logits = _without_false_negatives(logits, same)
    rows, columns = _directions(logits)
    return rows + columns


def local_similarity(
    regions: Float[Tensor, "image dim region"],
    words: Float[Tensor, "text dim word"],
    is_word: Bool[Tensor, "text word"],
    *,
    temperatures: Temperatures | None = None,
    pool: str = "mean",
    chunk: int = 16,
) -> Float[Tensor, "image text"]:
    """Compare every image with every text word by word.

    With a_mk = c_m · w_k, α_km = softmax_m(τ₁ softmax_k(a_mk)) and the context r_k = Σ_m α_km c_m, the similarity is
    log Σ_k exp(τ₂ cos(w_k, r_k)). The paper's sum (`pool="sum"`) favours long texts by log of their number of words;
    `"mean"` divides by it, `"max"` takes the best word. r is never formed: w_k · r_k = Σ_m α_km a_mk and
    |r_k|² = α_kᵀ (CᵀC) α_k. O(image x text x region x word x (dim + region)).

    Args:
        regions: Region features of each image.
        words: Word embeddings of each text.
        is_word: False for padding.
        temperatures: The factors; that on pairs is not used here.
        pool: `"sum"`, `"mean"` or `"max"` over words.
        chunk: Texts compared at once.

    Raises:
        InputError: A text has no word, `pool` is unknown, or `chunk` is not positive.
    """
    factors = temperatures or Temperatures()
    if pool not in POOLS:
        raise unknown_name("pool", pool, POOLS)
    if chunk < 1:
        raise InputError(f"chunks of {chunk} texts", expected="at least one")
    if not bool(is_word.any(dim=1).all()):
        raise InputError(f"text {int((~is_word.any(dim=1)).nonzero()[0])} has no word", expected="at least one")
    gram = regions.transpose(1, 2) @ regions
    parts = [
        _pooled(_word_cosines(regions, gram, some, valid, factors), valid, factors.words, pool)
        for some, valid in zip(words.split(chunk), is_word.split(chunk), strict=True)
    ]
    return torch.cat(parts, dim=1)


def _word_cosines(
    regions: Float[Tensor, "image dim region"],
    gram: Float[Tensor, "image region region"],
    words: Float[Tensor, "text dim word"],
    is_word: Bool[Tensor, "text word"],
    factors: Temperatures,
) -> Float[Tensor, "image text word"]:
    scores = torch.einsum("idm,jdk->ijmk", regions, words)
    over_words = scores.masked_fill(~is_word[None, :, None, :], -torch.inf).softmax(dim=3)
    attention = (factors.regions * over_words).softmax(dim=2)
    along = (attention * scores).sum(dim=2)
    squared = (torch.einsum("imn,ijnk->ijmk", gram, attention) * attention).sum(dim=2)
    # Rounding can make the square negative, and the root has no gradient at zero.
    length = squared.clamp(min=1e-24).sqrt() * words.norm(dim=1)
    return along / length.clamp(min=1e-8)


def _pooled(
    cosine: Float[Tensor, "image text word"], is_word: Bool[Tensor, "text word"], factor: float, pool: str
) -> Float[Tensor, "image text"]:
    masked = (factor * cosine).masked_fill(~is_word, -torch.inf)
    if pool == "max":
        return masked.amax(dim=2)
    total = masked.logsumexp(dim=2)
    return total if pool == "sum" else total - is_word.sum(dim=1).to(cosine.dtype).log()


def _cosines(image: Float[Tensor, "pair dim"], text: Float[Tensor, "pair dim"]) -> Float[Tensor, "pair pair"]:
    return functional.normalize(image, dim=-1) @ functional.normalize(text, dim=-1).T


def _without_false_negatives(
    logits: Float[Tensor, "pair pair"], same: Bool[Tensor, "pair pair"]
) -> Float[Tensor, "pair pair"]:
    if bool(same.all()):
        raise InputError(f"all {len(same)} texts of a batch are equal", expected="at least two that differ")
    others = ~torch.eye(len(same), dtype=torch.bool, device=same.device)
    return logits.masked_fill(same & others, -torch.inf)


def _directions(logits: Float[Tensor, "pair pair"]) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Return the cross-entropies of finding each image's text among the texts, and each text's image."""
    if len(logits) < 2:
        raise InputError(f"contrastive loss of {len(logits)} pair", expected="at least two pairs in a batch")
    targets = torch.arange(len(logits), device=logits.device)
    return functional.cross_entropy(logits, targets), functional.cross_entropy(logits.T, targets)
