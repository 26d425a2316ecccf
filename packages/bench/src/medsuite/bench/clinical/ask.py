"""Asking a language model about the patients of a cohort: by the likelihood of each option, or in words."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int

from medsuite.bench.clinical.answers import read_answer
from medsuite.bench.clinical.codes import EXTRA
from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.predictions import Predictions
from medsuite.bench.clinical.prompts import WORDY, Wording, write_exemplars, write_prompts
from medsuite.core.errors import InputError, require
from medsuite.core.llm import Answer, AnswerStore, Client, Limits, Message, Request, Sampling

Route = Literal["options", "words"]


def make_client(
    model: str, server: str | None = None, key: str | None = None, *, concurrency: int = 16, dtype: str = "auto"
) -> Client:
    """Make the client of a server's model, or of one on this machine.

    Args:
        model: The name at the server; or a folder, a packaged model or a hub id.
        server: The server's address, up to and with `/v1`; None for this machine.
        key: The server's key.
        concurrency: The most requests under way at a server.
        dtype: Precision of the body of a model on this machine.

    Raises:
        InputError: The address is none, or the model cannot be loaded.
        MissingDependencyError: A library is not installed.
    """
    if server is not None:
        require("aiohttp", extra=EXTRA)
        from medsuite.core.llm import ServerClient

        return ServerClient(server, model, key=key, limits=Limits(concurrency=concurrency))
    require("torch", extra=EXTRA)
    from medsuite.core.llm import LocalClient

    return LocalClient.load(model, dtype=dtype)


def make_requests(prompts: Sequence[str], labels: Sequence[int], route: Route, *, chat: bool = False) -> list[Request]:
    """Turn prompts into requests.

    Args:
        prompts: Full prompts.
        labels: The labels that are answered with.
        route: `options` scores each label as an answer; `words` lets the model write and is read by `read_answer`.
        chat: Whether the prompt is a user's message and goes through the model's chat template. The paper's is not.
    """
    options = tuple(map(str, labels)) if route == "options" else ()
    # The paper lets a model write 512 tokens where it is to reason.
    sampling = Sampling(max_tokens=512 if route == "words" else 1)
    made = ((Message("user", prompt),) if chat else prompt for prompt in prompts)
    return [Request(prompt, options=options, sampling=sampling) for prompt in made]


def ask(
    cohort: Cohort,
    stays: Int[np.ndarray, " stay"],
    client: Client,
    store: Path,
    *,
    name: str,
    training: Int[np.ndarray, " row"],
    mode: str = "ORI",
    wording: Wording = "names",
    route: Route = "options",
    chat: bool = False,
    seed: int = 0,
) -> Predictions:
    """Ask a model about patients; every answer is kept, and none is asked for twice.

    Args:
        cohort: Holds the patients.
        stays: Positions of the patients to ask about.
        client: The model.
        store: File of answers; a run that was cut off goes on where it was.
        name: Name of the model in tables.
        training: Positions of the training patients, for exemplars and for the label that stands in for a failure.
        mode: The paper's mode of asking.
        wording: Names of codes, or the codes.
        route: How the answer is had.
        chat: Whether prompts go through the model's chat template.
        seed: Decides the exemplars.

    Raises:
        InputError: The mode is unknown or gives its answer in words only, or the model cannot be asked at all.
    """
    if mode in WORDY and route == "options":
        raise InputError(f"mode {mode} gives its answer in words", expected="route words for it")
    exemplars = write_exemplars(cohort, training, seed, wording) if mode == "ICL" else ""
    prompts = write_prompts(cohort, stays.tolist(), mode, wording, exemplars)
    with AnswerStore(store) as kept:
        answers = kept.get_or_ask(client, make_requests(prompts, cohort.task.labels, route, chat=chat))
    about = {"mode": mode, "wording": wording, "route": route, "chat": chat, **client.identity}
    return collect(cohort, stays, answers, name=name, training=training, about=about)


def collect(
    cohort: Cohort,
    stays: Int[np.ndarray, " stay"],
    answers: Sequence[Answer],
    *,
    name: str,
    training: Int[np.ndarray, " row"],
    about: dict[str, object],
) -> Predictions:
    """Turn answers into predictions; failures keep their state and get no label."""
    labels = cohort.task.labels
    probability = np.full((len(stays), len(labels)), np.nan)
    label = np.full(len(stays), -1)
    states = []
    for row, answer in enumerate(answers):
        state = answer.state
        if answer.state == "answered" and answer.options is not None:
            probability[row] = answer.options.probabilities()
            label[row] = labels[int(np.argmax(probability[row]))]
        elif answer.state == "answered":
            state, found = read_answer(answer.text, labels)
            if found is not None:
                label[row] = found
                probability[row] = np.equal(labels, found)
        states.append(state)
    values, counts = np.unique(cohort.label[training], return_counts=True)
    return Predictions(
        name,
        cohort.task.name,
        labels,
        cohort.subject_id[stays],
        cohort.label[stays],
        np.array(states),
        label,
        probability,
        int(values[counts.argmax()]),
        about,
    )
