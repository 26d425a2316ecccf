"""A language model on this machine as a client."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError
from medsuite.core.llm.model import Answer, Keep, OptionScores, Request, forget
from medsuite.core.llm.states import settle
from medsuite.core.llm.tokens import encode_options, encode_prompt
from medsuite.core.models import Loaded, load


class LocalClient:
    """Answers requests with a language model in this process.

    Messages go through the model's chat template, plain prompts do not. Options are scored as sequences of tokens, in
    float32 from the final hidden states. Texts are answered greedily in batches; a request with a temperature (seeded
    by its `sample`) or with pictures runs alone.

    Args:
        loaded: A model of kind `causal-lm`, or of kind `image-text`, which sees pictures and scores no options.
        batch_size: The most sequences that run together.

    Raises:
        InputError: The model is of another kind.
    """

    def __init__(self, loaded: Loaded, batch_size: int = 8) -> None:
        if loaded.kind not in ("causal-lm", "image-text"):
            raise InputError(f"a model of kind {loaded.kind}", expected="kind causal-lm or image-text")
        if batch_size < 1:
            raise InputError(f"batch_size {batch_size}", expected="at least 1")
        self._loaded, self._model, self._tokenizer = loaded, loaded.model, loaded.tokenizer
        self._batch_size, self._head_checked = batch_size, False

    @classmethod
    def load(
        cls,
        name_or_path: str | Path,
        kind: str = "causal-lm",
        *,
        device: str = "auto",
        dtype: str = "auto",
        batch_size: int = 8,
    ) -> "LocalClient":
        """Load a model and make a client of it; see `medsuite.core.models.load`."""
        return cls(load(name_or_path, kind, device, dtype), batch_size)

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """Name, files (their SHA-256) and precision of the model."""
        dtype = str(self._model.dtype).removeprefix("torch.")
        source = self._loaded.source
        return {"model": source.name, "files": _fingerprint(source.folder), "dtype": dtype}

    def ask(self, requests: Sequence[Request], keep: Keep = forget) -> list[Answer]:
        """Answer requests, those with options first; see `Client.ask`.

        Raises:
            InputError: Messages and the model has no chat template, or pictures or options that it is not made for.
        """
        answers: dict[int, Answer] = {}

        def arrived(index: int, answer: Answer) -> None:
            answers[index] = replace(settle(answer, requests[index]), model=self._loaded.source.name)
            keep(index, answers[index])

        sees = self._loaded.kind == "image-text"
        scored = [index for index, request in enumerate(requests) if request.options]
        seen = [index for index, request in enumerate(requests) if request.messages and sees and not request.options]
        read = sorted({*range(len(requests))} - {*scored, *seen})
        if scored and sees:
            raise InputError("options for a model that sees", expected="a causal-lm", fix="or ask a server")
        # A few batches at a time, so that answers are kept while the rest is still to come.
        for part in _parts(scored, 4 * self._batch_size):
            self._score(part, requests, arrived)
        self._write(read, requests, arrived)
        for index in seen:
            self._look(index, requests[index], arrived)
        return [answers[index] for index in range(len(requests))]

    def _score(self, indices: Sequence[int], requests: Sequence[Request], arrived: Keep) -> None:
        from medsuite.core.llm.likelihood import check_head, log_likelihoods

        start = time.perf_counter()
        encoded = {index: encode_options(requests[index], self._tokenizer) for index in indices}
        fitting = {i: e for i, e in encoded.items() if self._fits(len(e[0]) + max(map(len, e[1])), i, arrived)}
        pairs = [(tuple(prompt), tuple(option)) for prompt, options in fitting.values() for option in options]
        if pairs and not self._head_checked:
            check_head(self._model, pairs[0][0][:8])
            self._head_checked = True
        scores = iter(log_likelihoods(self._model, pairs, self._batch_size))
        seconds = (time.perf_counter() - start) / len(indices)
        for index, (prompt, options) in fitting.items():
            found, lengths = tuple(next(scores) for _ in options), tuple(map(len, options))
            scored = OptionScores(requests[index].options, found, lengths, "sequence")
            arrived(index, Answer("answered", options=scored, prompt_tokens=len(prompt), seconds=seconds))

    def _write(self, indices: Sequence[int], requests: Sequence[Request], arrived: Keep) -> None:
        from medsuite.core.llm.generation import draw, read_tokens, text_inputs

        prompts = {index: encode_prompt(requests[index], self._tokenizer) for index in indices}
        fitting = [i for i in indices if self._fits(len(prompts[i]) + requests[i].sampling.max_tokens, i, arrived)]
        for batch in _alike(fitting, requests, prompts, self._batch_size):
            start, first = time.perf_counter(), requests[batch[0]]
            inputs = text_inputs([prompts[index] for index in batch], self._tokenizer, self._model.device)
            written = draw(self._model, self._tokenizer, inputs, first.sampling, first.sample)
            seconds = (time.perf_counter() - start) / len(batch)
            for index, tokens in zip(batch, written, strict=True):
                answer = read_tokens(tokens, self._model, self._tokenizer, first.sampling)
                arrived(index, replace(answer, seconds=seconds, prompt_tokens=len(prompts[index])))

    def _look(self, index: int, request: Request, arrived: Keep) -> None:
        from medsuite.core.llm.generation import draw, picture_inputs, read_tokens

        start = time.perf_counter()
        try:
            inputs = picture_inputs(request, self._loaded.processor, self._model.device)
        except OSError as error:
            arrived(index, Answer("rejected", detail=f"a picture that cannot be opened: {error}"))
            return
        length = int(inputs["input_ids"].shape[1])
        if self._fits(length + request.sampling.max_tokens, index, arrived):
            (tokens,) = draw(self._model, self._tokenizer, inputs, request.sampling, request.sample)
            answer = read_tokens(tokens, self._model, self._tokenizer, request.sampling)
            arrived(index, replace(answer, seconds=time.perf_counter() - start, prompt_tokens=length))

    def _fits(self, tokens: int, index: int, arrived: Keep) -> bool:
        """Tell whether prompt and answer fit the model's positions, and answer the request if they do not."""
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        if positions is None or tokens <= positions:
            return True
        arrived(index, Answer("context", detail=f"prompt and answer need {tokens} tokens, the model has {positions}"))
        return False


def _parts(indices: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(indices), size):
        yield indices[start : start + size]


def _alike(
    indices: Sequence[int], requests: Sequence[Request], prompts: Mapping[int, Sequence[int]], size: int
) -> Iterator[Sequence[int]]:
    """Group requests with the same sampling, by length; a drawn answer stands alone: no neighbour changes it."""
    groups: dict[Any, list[int]] = {}
    for index in sorted(indices, key=lambda index: len(prompts[index])):
        sampling = requests[index].sampling
        groups.setdefault(index if sampling.temperature > 0 else sampling, []).append(index)
    for group in groups.values():
        yield from _parts(group, size)


def _fingerprint(folder: Path) -> str:
    """Hash the files of a model, so that changed weights under the same name are another model."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        with path.open("rb") as file:
            total.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
