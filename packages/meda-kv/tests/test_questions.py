"""How answers are taken: forced word for word, or written token by token."""

import pytest
import torch

from medsuite.core.errors import InputError
from medsuite.meda_kv import H2O, Budget, KeyNorm, Protect, Recipe, observing
from medsuite.meda_kv.evaluate import questions
from medsuite.meda_kv.evaluate.questions import Forced, Question, Smaller, TooLongError, Written, ask, whole

HALF = Recipe(Budget(ratio=0.5), select=KeyNorm(), protect=Protect(sinks=2))


@pytest.fixture(scope="module")
def model(tiny_llama):
    return tiny_llama(layers=2)


def ids(count, seed=0):
    return torch.randint(1, 97, (1, count), generator=torch.Generator().manual_seed(seed))


def question(answer, asked=3, context=20):
    return Question("q", ids(context), ids(asked, 1), ids(1, 2), answer)


def forced(count=5, counted=None):
    return Forced(ids(count, 3), torch.ones(count, dtype=torch.bool) if counted is None else torch.tensor(counted))


def scores_of(model, made, arms=None, watch=None):
    with observing(model, HALF.observation()) as session:
        return ask(session, made, {"half": HALF} if arms is None else arms, watch)


@torch.no_grad()
def logits_behind(model, made):
    before = torch.cat([made.context, made.question, made.opening], 1)
    reference = made.answer.reference
    return model(torch.cat([before, reference[:, :-1]], 1)).logits[0, before.shape[1] - 1 :]


@pytest.mark.parametrize("counted", [[True] * 5, [True, False, True, False, False]], ids=["all", "some"])
def test_a_forced_answer_is_the_cross_entropy_of_the_tokens_that_count(model, counted):
    made = question(forced(counted=counted))
    (score,) = [each for each in scores_of(model, made, {}) if each.protocol == "after"]
    logits, mask = logits_behind(model, made), torch.tensor(counted)
    expected = torch.nn.functional.cross_entropy(logits[mask], made.answer.reference[0, mask])
    assert score.nll == pytest.approx(float(expected))


def test_a_forced_answer_is_right_when_greedy_decoding_would_write_what_counts(model):
    likely = logits_behind(model, question(forced(1))).argmax(-1)[None]
    other = (likely + 1) % 97
    cases = [(likely, [True], 1.0), (other, [True], 0.0), (torch.cat([likely, other], 1), [True, False], 1.0)]
    for reference, counted, right in cases:
        assert scores_of(model, question(Forced(reference, torch.tensor(counted))), {})[0].value == right


@pytest.mark.parametrize("most", [1, 4])
def test_a_written_answer_is_greedy_and_no_longer_than_allowed(model, most):
    seen = []
    made = question(Written(most, lambda text: 0.25, lambda tokens: seen.append(list(tokens)) or "text"))
    (_, score) = scores_of(model, made, {})
    prompt = torch.cat([made.context, made.question, made.opening], 1)
    expected = model.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=most, do_sample=False)
    assert seen[-1] == expected[0, prompt.shape[1] :].tolist()
    assert (score.value, score.text, score.nll != score.nll) == (0.25, "text", True)


def test_a_written_answer_ends_before_a_stop(model):
    written = []
    for stops in (frozenset(), None):
        stops = frozenset(written[0][1:2]) if stops is None else stops
        made = question(Written(4, lambda text: 1.0, lambda tokens: written.append(list(tokens)) or "", stops))
        scores_of(model, made, {})
    assert written[-1] == written[0][: written[0].index(written[0][1])]


def test_a_task_without_a_question_has_one_protocol(model):
    assert [score.protocol for score in scores_of(model, question(forced(), asked=0))] == ["after"] * 2
    assert [score.protocol for score in scores_of(model, question(forced()))] == ["in prompt"] * 2 + ["after"] * 2


def test_bytes_and_shares_are_those_of_the_compressed_part(model):
    for score in scores_of(model, question(forced())):
        slots = 20 + 3 * (score.protocol == "in prompt")
        kept = slots if score.arm == "full" else int(0.5 * 2 * slots) / 2
        # Keys and values of 2 layers, 2 key heads of 8 numbers of 8 bytes.
        assert score.kv_bytes_full == 2 * 2 * 2 * 8 * 8 * slots
        assert score.kv_bytes == 2 * 2 * 2 * 8 * 8 * kept
        assert score.kept_share == pytest.approx(kept / slots)


def test_an_arm_of_ones_own_is_a_function_and_a_watch_sees_every_cache(model):
    seen = []

    def mine(prompt, tokens):
        return Smaller(whole(prompt, tokens).cache, kept_share=0.75)

    scores = scores_of(
        model, question(forced()), {"mine": mine}, lambda arm, protocol, prompt, smaller: seen.append((arm, protocol))
    )
    assert seen == [(score.arm, score.protocol) for score in scores]
    assert {score.kept_share for score in scores if score.arm == "mine"} == {0.75}


def test_what_an_arm_cannot_do_is_told_with_its_name(model):
    with pytest.raises(InputError, match=r"tight: 4 slots"):
        scores_of(model, question(forced()), {"tight": Recipe(Budget(total_tokens=4), select=KeyNorm())})


def test_an_arm_that_needs_what_nobody_observed_says_so(model):
    with pytest.raises(InputError, match="heavy: no accumulated attention was observed"):
        scores_of(model, question(forced()), {"heavy": Recipe(Budget(ratio=0.5), select=H2O())})


def test_an_exchange_is_as_long_as_all_its_parts():
    assert question(forced(5)).tokens == 20 + 3 + 1 + 5
    assert question(Written(7, len, str)).tokens == 20 + 3 + 1 + 7


def test_an_exchange_longer_than_the_models_positions_is_refused(model, monkeypatch):
    monkeypatch.setattr(model.config, "max_position_embeddings", 29)
    assert len(scores_of(model, question(forced(5)))) == 4
    monkeypatch.setattr(model.config, "max_position_embeddings", 28)
    with pytest.raises(TooLongError, match="q is 29 tokens long; expected at most 28"):
        scores_of(model, question(forced(5)))


@pytest.mark.parametrize(("value", "correct"), [(1.0, True), (0.99, False), (0.0, False)])
def test_an_answer_is_correct_when_all_of_it_is(value, correct):
    assert questions.Score("full", "after", value, 0.0, 1.0, 1, 1).correct == correct
