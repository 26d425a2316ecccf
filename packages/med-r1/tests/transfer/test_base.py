from dataclasses import replace

import numpy as np
import pytest

from medsuite.med_r1 import parse
from medsuite.med_r1.claims import TRANSFER
from medsuite.med_r1.simulation import ANSWERS
from medsuite.med_r1.transfer import base

SETTINGS = replace(TRANSFER.settings("smoke"), noise_steps=40, batch=50, side=28)


@pytest.fixture
def stages(simulated, tmp_path, monkeypatch):
    """What the two stages of a base are given, without training them."""
    seen = []

    def record(start, questions, targets, settings, out, **options):
        seen.append((targets, settings, out))
        return start

    monkeypatch.setattr(base, "train_sft", record)
    base.train_base(SETTINGS, simulated, 0, tmp_path)
    return seen


def thought_and_letter(targets):
    return [(question, parse(text).think.strip(), parse(text).letter) for question, text in targets]


def test_the_first_stage_shows_every_question_four_times_with_the_right_answer(stages, simulated):
    targets, settings, out = stages[0]
    assert len(targets) == base.ROTATED * len(simulated)
    assert {question.id for question, _ in targets} == {question.id for question in simulated}
    for question, thought, letter in thought_and_letter(targets):
        assert (thought, letter) == (question.answer_text, question.letter)
    assert (settings.steps, out.name) == (SETTINGS.clean_steps, "clean")


def test_the_options_come_in_several_orders(stages):
    orders = {}
    for question, _ in stages[0][0]:
        orders.setdefault(question.id, set()).add(question.options)
    assert max(len(each) for each in orders.values()) > 1


def test_the_second_stage_leaves_the_thought_right_and_draws_a_share_of_the_letters(stages):
    targets, settings, _ = stages[1]
    assert len(targets) == 40 * 50
    wrong = 0.0
    for question, thought, letter in thought_and_letter(targets):
        assert thought == question.answer_text
        assert letter in "ABCD"[: len(question.options)]
        wrong += letter != question.letter
    expected = np.mean([SETTINGS.noise * (1 - 1 / len(question.options)) for question, _ in targets])
    assert wrong / len(targets) == pytest.approx(expected, abs=0.04)
    assert settings.learning_rate == base.NOISE_RATE


def test_the_same_number_makes_the_same_base(simulated, tmp_path, monkeypatch, stages):
    again = []
    monkeypatch.setattr(base, "train_sft", lambda start, questions, targets, *rest, **options: again.append(targets))
    base.train_base(SETTINGS, simulated, 0, tmp_path / "again")
    assert [targets for targets, *_ in stages] == again


def test_the_tokenizer_sees_every_word_that_can_be_an_answer():
    text = "".join(base.corpus())
    assert all(f" {word}" in text for answers in ANSWERS.values() for word in answers)
    assert all(f"\n{kind}\n" in text for kind in ANSWERS)
