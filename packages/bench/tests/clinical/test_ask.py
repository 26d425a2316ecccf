"""Asking: what is sent, what is kept, and what becomes of failures."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsuite.bench.clinical.ask import ask, make_requests
from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.prompts import write_prompts
from medsuite.core.errors import InputError
from medsuite.core.llm import Answer, OptionScores, Request

STAYS, TRAINING = np.array([3, 8, 20, 31]), np.arange(100, 300)


class Scripted:
    """A client that gives one answer after the other, and counts what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = list(answers), list[Request]()

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"model": "scripted"}

    def ask(self, requests: Sequence[Request], keep: Callable[[int, Answer], None] = lambda i, a: None) -> list[Answer]:
        self.asked += requests
        given = [self.answers[k % len(self.answers)] for k in range(len(requests))]
        for index, answer in enumerate(given):
            keep(index, answer)
        return given


def scored(*log_likelihoods: float) -> Answer:
    options = tuple(str(k) for k in range(len(log_likelihoods)))
    return Answer("answered", options=OptionScores(options, log_likelihoods, (1,) * len(options), "echo"))


def asked(cohort: Cohort, client: Scripted, folder: Path, **options: Any) -> Any:
    return ask(cohort, STAYS, client, folder / "a.sqlite", name="m", training=TRAINING, **options)


def test_a_prompt_goes_out_as_it_stands_with_a_label_for_each_option(cohort: Cohort, tmp_path: Path) -> None:
    client = Scripted(scored(-1.0, -2.0))
    asked(cohort, client, tmp_path)
    assert [request.prompt for request in client.asked] == write_prompts(cohort, STAYS.tolist())
    assert {request.options for request in client.asked} == {("0", "1")}


def test_probabilities_are_those_of_the_options(cohort: Cohort, tmp_path: Path) -> None:
    found = asked(cohort, Scripted(scored(-1.0, -2.0), scored(-3.0, -2.5)), tmp_path)
    expected = np.exp([[-1.0, -2.0], [-3.0, -2.5]])
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.probability, np.tile(expected, (2, 1)))
    assert found.label.tolist() == [0, 1, 0, 1]
    assert found.truth.tolist() == cohort.label[STAYS].tolist()


def test_failures_keep_their_state_and_get_no_label(cohort: Cohort, tmp_path: Path) -> None:
    client = Scripted(
        Answer("answered", text="1"), Answer("answered", text="perhaps"), Answer("transport"), Answer("context")
    )
    found = asked(cohort, client, tmp_path, route="words", mode="COT")
    assert found.state.tolist() == ["answered", "unparsable", "transport", "context"]
    assert found.label.tolist() == [1, -1, -1, -1]
    assert np.isnan(found.probability[1:]).all()
    assert found.majority == 0


def test_no_question_is_asked_twice_and_another_wording_is_another_question(cohort: Cohort, tmp_path: Path) -> None:
    client = Scripted(scored(-1.0, -2.0))
    first = asked(cohort, client, tmp_path)
    second = asked(cohort, client, tmp_path)
    assert len(client.asked) == len(STAYS)
    np.testing.assert_array_equal(first.probability, second.probability)
    asked(cohort, client, tmp_path, wording="codes")
    assert len(client.asked) == 2 * len(STAYS)


def test_exemplars_stand_before_every_prompt(cohort: Cohort, tmp_path: Path) -> None:
    client = Scripted(scored(-1.0, -2.0))
    asked(cohort, client, tmp_path, mode="ICL")
    starts = {str(request.prompt).rpartition("Patient information:")[0] for request in client.asked}
    assert len(starts) == 1
    assert starts.pop().count("Answer: ") == 2


def test_a_mode_that_reasons_cannot_be_scored_by_options(cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mode COT gives its answer in words"):
        asked(cohort, Scripted(scored(0.0, 0.0)), tmp_path, mode="COT")


def test_a_chat_wraps_the_prompt_in_a_message() -> None:
    (request,) = make_requests(["Who?"], (0, 1), "words", chat=True)
    assert [(message.role, message.text) for message in request.messages] == [("user", "Who?")]
    assert request.sampling.max_tokens == 512
