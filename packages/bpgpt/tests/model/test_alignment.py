import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bpgpt.model.alignment import ALIGNMENTS, alignment, info_nce, paper_info_nce, released_alignment
from medsuite.core.errors import InputError

TAU = 0.3


def prompts(batch=5, features=6, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return (torch.randn(batch, features, generator=generator, dtype=torch.float64) for _ in range(2))


def cosine(x, y):
    return float(x @ y / (x.norm() * y.norm()))


def test_info_nce_is_one_logarithm_per_sample_and_direction():
    brain, text = prompts()
    b, t = brain - brain.mean(0), text - text.mean(0)
    total = 0.0
    for i in range(5):
        positive = math.exp(cosine(b[i], t[i]) / TAU)
        total -= math.log(positive / sum(math.exp(cosine(b[i], t[j]) / TAU) for j in range(5)))
        total -= math.log(positive / sum(math.exp(cosine(b[j], t[i]) / TAU) for j in range(5)))
    assert float(info_nce(brain, text, TAU)) == pytest.approx(total / 10)


def test_the_papers_loss_counts_other_brains_and_other_texts_as_negatives():
    brain, text = prompts()
    total = 0.0
    for i in range(5):
        positive = math.exp(cosine(brain[i], text[i]) / TAU)
        others = [j for j in range(5) if j != i]
        negatives = sum(math.exp(cosine(brain[i], side[j]) / TAU) for j in others for side in (text, brain))
        total -= math.log(positive / (positive + negatives))
    assert float(paper_info_nce(brain, text, TAU)) == pytest.approx(total / 5)


def test_the_released_loss_is_one_logarithm_per_batch_over_squared_norms():
    brain, text = prompts()
    sides = [*((row, True) for row in text), *((row, False) for row in brain)]
    pairs = 0.0
    for i, (x, x_is_text) in enumerate(sides):
        for j, (y, y_is_text) in enumerate(sides):
            if i != j and not (x_is_text and y_is_text):
                pairs += math.exp(float(x @ y / (x @ x)) / TAU)
    positives = sum(math.exp(float(t @ b / (t @ t)) / TAU) for t, b in zip(text, brain, strict=True))
    assert float(released_alignment(brain, text, TAU)) == pytest.approx(-math.log(positives / pairs))


def test_a_longer_brain_prompt_buys_released_loss_and_no_other():
    # Nearly orthogonal windows whose prompts agree, as after some training.
    brain = torch.eye(4, 8, dtype=torch.float64)
    for loss, bought in ((released_alignment, True), (info_nce, False), (paper_info_nce, False)):
        gain = float(loss(brain, brain, TAU) - loss(3 * brain, brain, TAU))
        assert (gain > 0.1) if bought else (gain == pytest.approx(0.0, abs=1e-9))


def test_released_loss_survives_logits_that_overflow_an_exponential():
    brain, text = prompts()
    assert torch.isfinite(released_alignment(1e4 * brain, text, 0.01))


@pytest.mark.parametrize("loss", [info_nce, paper_info_nce])
def test_windows_with_the_same_text_are_no_negatives(loss):
    # Rows 0 and 1 heard the same words: their own text's score must not depend on the other's row.
    _, text = prompts(4)
    text[1] = text[0]
    brain = text + 0.01
    apart = text.clone()
    apart[1] = -text[0]
    assert float(loss(brain, text, TAU)) < float(loss(brain, apart, TAU)) + 1.0
    # Unmasked, two windows of four could do no better than a coin between their equal texts.
    assert float(loss(brain, text, 0.01)) < 0.5 * math.log(2) / 2


@given(st.sampled_from(sorted(ALIGNMENTS)), st.integers(2, 6), st.integers(0, 50))
def test_the_order_of_the_batch_does_not_matter(name, batch, seed):
    brain, text = prompts(batch, seed=seed)
    order = torch.randperm(batch, generator=torch.Generator().manual_seed(seed))
    loss = ALIGNMENTS[name]
    assert float(loss(brain[order], text[order], TAU)) == pytest.approx(float(loss(brain, text, TAU)))


@pytest.mark.parametrize("name", sorted(ALIGNMENTS))
def test_a_batch_of_one_is_refused(name):
    brain, text = prompts(1)
    with pytest.raises(InputError, match="a batch of one window"):
        ALIGNMENTS[name](brain, text, TAU)


def test_a_temperature_of_zero_is_refused():
    # The released code declares its temperature as a whole number, which makes 0.1 a 0.
    with pytest.raises(InputError, match="a temperature of 0"):
        info_nce(*prompts(), temperature=0)


def test_an_unknown_alignment_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'infonce'"):
        alignment("info-nce")
