"""A causal language model on this machine as a client."""

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from medsuite.core.errors import InputError
from medsuite.core.llm.likelihood import check_head, log_likelihoods
from medsuite.core.llm.model import Answer, Keep, OptionScores, Request, forget
from medsuite.core.llm.states import settle
from medsuite.core.llm.tokens import encode_options, encode_prompt
from medsuite.core.models import Loaded, load


class LocalClient:
    """Answers requests with a causal language model in this process.

    Messages go through the model's chat template, plain prompts do not. Options are scored as sequences of tokens, in
    float32 from the final hidden states. Words are drawn greedily in batches, or one request at a time where a
    temperature is given, seeded by the request's `sample`.

    Args:
        loaded: A model of kind `causal-lm`.
        batch_size: The most sequences that run together.

    Raises:
        InputError: The model is of another kind.
    """

    def __init__(self, loaded: Loaded, batch_size: int = 8) -> None:
        if loaded.kind != "causal-lm":
            raise InputError(f"a model of kind {loaded.kind}", expected="kind causal-lm")
        if batch_size < 1:
            raise InputError(f"batch_size {batch_size}", expected="at least 1")
        self._model, self._tokenizer, self._batch_size = loaded.model, loaded.tokenizer, batch_size
        self._source = loaded.source
        self._head_checked = False

    @classmethod
    def load(
        cls, name_or_path: str | Path, *, device: str = "auto", dtype: str = "auto", batch_size: int = 8
    ) -> "LocalClient":
        """Load a model and make a client of it; see `medsuite.core.models.load`."""
        return cls(load(name_or_path, "causal-lm", device, dtype), batch_size)

    @cached_property
    def identity(self) -> Mapping[str, Any]:
        """Name, files (their SHA-256) and precision of the model."""
        dtype = str(self._model.dtype).removeprefix("torch.")
        return {"model": self._source.name, "files": _fingerprint(self._source.folder), "dtype": dtype}

    def ask(self, requests: Sequence[Request], keep: Keep = forget) -> list[Answer]:
        """Answer requests, those with options first; see `Client.ask`.

        Raises:
            InputError: Messages and the model has no chat template, or a picture.
        """
        answers: dict[int, Answer] = {}

        def arrived(index: int, answer: Answer) -> None:
            answers[index] = replace(settle(answer, requests[index]), model=self._source.name)
            keep(index, answers[index])

        chosen = [index for index, request in enumerate(requests) if request.options]
        for start in range(0, len(chosen), 4 * self._batch_size):
            self._score(chosen[start : start + 4 * self._batch_size], requests, arrived)
        self._write([index for index, request in enumerate(requests) if not request.options], requests, arrived)
        return [answers[index] for index in range(len(requests))]

    def _score(self, indices: Sequence[int], requests: Sequence[Request], arrived: Keep) -> None:
        start = time.perf_counter()
        encoded = {index: encode_options(requests[index], self._tokenizer) for index in indices}
        fitting = [i for i in indices if self._fits(len(encoded[i][0]) + max(map(len, encoded[i][1])))]
        pairs = [(tuple(encoded[i][0]), tuple(option)) for i in fitting for option in encoded[i][1]]
        if pairs and not self._head_checked:
            check_head(self._model, pairs[0][0][:8])
            self._head_checked = True
        scores = iter(log_likelihoods(self._model, pairs, self._batch_size))
        seconds = (time.perf_counter() - start) / len(indices)
        for index in indices:
            prompt, options = encoded[index]
            if index not in fitting:
                arrived(index, self._overflow(len(prompt)))
                continue
            found = tuple(next(scores) for _ in options)
            scored = OptionScores(requests[index].options, found, tuple(map(len, options)), "sequence")
            arrived(index, Answer("answered", options=scored, prompt_tokens=len(prompt), seconds=seconds))

    def _write(self, indices: Sequence[int], requests: Sequence[Request], arrived: Keep) -> None:
        prompts = {index: encode_prompt(requests[index], self._tokenizer) for index in indices}
        fitting = []
        for index in indices:
            if self._fits(len(prompts[index]) + requests[index].sampling.max_tokens):
                fitting.append(index)
            else:
                arrived(index, self._overflow(len(prompts[index])))
        for batch in _alike(fitting, requests, prompts, self._batch_size):
            start = time.perf_counter()
            written = self._generate([prompts[index] for index in batch], requests[batch[0]])
            seconds = (time.perf_counter() - start) / len(batch)
            for index, tokens in zip(batch, written, strict=True):
                answer = self._read(tokens, requests[index])
                arrived(index, replace(answer, seconds=seconds, prompt_tokens=len(prompts[index])))

    @torch.inference_mode()
    def _generate(self, prompts: Sequence[list[int]], request: Request) -> list[list[int]]:
        """Continue prompts in one batch, padded on the left, and return the new tokens."""
        sampling, tokenizer, device = request.sampling, self._tokenizer, self._model.device
        width = max(map(len, prompts))
        padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id or 0
        tokens = torch.tensor([[padding] * (width - len(prompt)) + prompt for prompt in prompts], device=device)
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
        drawing: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if sampling.temperature > 0:
            drawing = {
                "do_sample": True,
                "temperature": sampling.temperature,
                "top_p": sampling.top_p,
                "top_k": 0,
            }
        if sampling.stop:
            drawing |= {"stop_strings": list(sampling.stop), "tokenizer": tokenizer}
        devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(request.sample)
            out = self._model.generate(
                input_ids=tokens,
                attention_mask=mask,
                max_new_tokens=sampling.max_tokens,
                pad_token_id=padding,
                **drawing,
            )
        return [row[width:].tolist() for row in out]

    def _read(self, tokens: Sequence[int], request: Request) -> Answer:
        ends = self._model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        length = next((place for place, token in enumerate(tokens) if token in ends), None)
        text = self._tokenizer.decode(tokens[:length], skip_special_tokens=True)
        cuts = [place for stop in request.sampling.stop if (place := text.find(stop)) >= 0]
        stopped = length is not None or bool(cuts)
        return Answer(
            "answered",
            text=text[: min(cuts)] if cuts else text,
            finish="stop" if stopped else "length",
            answer_tokens=len(tokens) if length is None else length,
        )

    def _fits(self, tokens: int) -> bool:
        positions = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        return positions is None or tokens <= positions

    def _overflow(self, tokens: int) -> Answer:
        positions = self._model.config.get_text_config().max_position_embeddings
        return Answer("context", detail=f"a prompt of {tokens} tokens and its answer exceed {positions} positions")


def _alike(
    indices: Sequence[int], requests: Sequence[Request], prompts: Mapping[int, Sequence[int]], size: int
) -> Iterator[list[int]]:
    """Group requests with the same sampling, by length; a drawn answer stands alone: no neighbour changes it."""
    groups: dict[Any, list[int]] = {}
    for index in sorted(indices, key=lambda index: len(prompts[index])):
        request = requests[index]
        groups.setdefault(index if request.sampling.temperature > 0 else request.sampling, []).append(index)
    for group in groups.values():
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _fingerprint(folder: Path) -> str:
    """Hash the files of a model, so that changed weights under the same name are another model."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")):
        with path.open("rb") as file:
            total.update(path.name.encode() + hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()
