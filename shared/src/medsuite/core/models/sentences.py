"""Sentence embeddings: a transformer's token states, pooled and normalised."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medsuite.core.errors import InputError
from medsuite.core.models.folders import read_json

LONGEST = 512


@dataclass(frozen=True)
class Pooling:
    """How token states become one vector.

    Attributes:
        mode: `"mean"` over the tokens, or the state of the first, `"cls"`.
        longest: Number of tokens after which a text is cut.
    """

    mode: str = "mean"
    longest: int = LONGEST


class SentenceEncoder(nn.Module):
    """Encodes texts as unit vectors whose dot product is their cosine similarity (Reimers & Gurevych 2019).

    Args:
        encoder: A transformers model with `last_hidden_state` in its output.
        tokenizer: Its tokenizer.
        pooling: How token states become one vector.
    """

    def __init__(self, encoder: nn.Module, tokenizer: Any, pooling: Pooling) -> None:
        super().__init__()
        self.encoder, self.tokenizer, self.pooling = encoder, tokenizer, pooling

    def forward(
        self, input_ids: Int[Tensor, "batch token"], attention_mask: Int[Tensor, "batch token"], **inputs: Tensor
    ) -> Float[Tensor, "batch dim"]:
        """Encode tokens: the pooled states in float32, divided by their Euclidean length.

        Args:
            input_ids: Token ids.
            attention_mask: 1 for a token and 0 for padding.
            **inputs: What else the tokenizer makes, such as `token_type_ids`.
        """
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **inputs).last_hidden_state.float()
        pooled = states[:, 0] if self.pooling.mode == "cls" else mean_over_tokens(states, attention_mask)
        return nn.functional.normalize(pooled, dim=-1)

    @torch.no_grad()
    def encode(self, texts: Sequence[str], *, batch_size: int = 32) -> Float[Tensor, "text dim"]:
        """Encode texts, whose order is kept; batches hold texts of like length, so little is spent on padding.

        Args:
            texts: The texts; one longer than the pooling's limit is cut.
            batch_size: Number of texts that go through the model at once.

        Returns:
            Unit vectors in float32, on the model's device.

        Raises:
            InputError: One text is given where a sequence is expected, or there is none.
        """
        if isinstance(texts, str) or not texts:
            raise InputError(f"encode() was given {texts!r}", expected="a sequence of at least one text")
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        batches = (order[start : start + batch_size] for start in range(0, len(order), batch_size))
        vectors = torch.cat([self(**self._tokens([texts[index] for index in batch])) for batch in batches])
        return vectors[torch.tensor(order, device=vectors.device).argsort()]

    def _tokens(self, texts: list[str]) -> dict[str, Tensor]:
        tokens = self.tokenizer(
            texts, padding=True, truncation=True, max_length=self.pooling.longest, return_tensors="pt"
        )
        return dict(tokens.to(next(self.encoder.parameters()).device))


def mean_over_tokens(
    states: Float[Tensor, "batch token dim"], attention_mask: Int[Tensor, "batch token"]
) -> Float[Tensor, "batch dim"]:
    """Average the states of real tokens, h = sum_t m_t h_t / sum_t m_t with m_t = 0 for padding."""
    weights = attention_mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(1) / weights.sum(1)


def read_pooling(folder: Path, *, positions: int) -> Pooling:
    """Read a sentence-transformers folder's pooling; a folder that names none gets the mean.

    Args:
        folder: The model's folder.
        positions: The most tokens that the model takes.

    Raises:
        InputError: The folder asks for another pooling or for further layers.
    """
    listed = read_json(folder / "modules.json") if (folder / "modules.json").is_file() else []
    types = [str(module["type"]).rpartition(".")[2] for module in listed]
    if unknown := sorted(set(types) - {"Transformer", "Pooling", "Normalize"}):
        raise InputError(f"{folder} has the layer {unknown[0]} after its transformer", expected="pooling alone")
    limits = folder / "sentence_bert_config.json"
    longest = read_json(limits).get("max_seq_length") if limits.is_file() else None
    return Pooling(mode=_mode(folder / "1_Pooling" / "config.json"), longest=min(longest or LONGEST, positions))


def _mode(path: Path) -> str:
    modes = read_json(path) if path.is_file() else {"pooling_mode_mean_tokens": True}
    chosen = [name for name, value in modes.items() if name.startswith("pooling_mode_") and value is True]
    names = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
    if len(chosen) != 1 or chosen[0] not in names:
        raise InputError(f"{path} asks for {chosen or 'no pooling'}", expected=f"one of {', '.join(names)}")
    return names[chosen[0]]
