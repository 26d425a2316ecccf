"""The oracle against the enumeration of all windows of a small grammar, and against what a posterior has to be."""

from itertools import product

import numpy as np
import pytest

from medsuite.bpgpt.world.cortex import WINDOW_SLOTS, Cortex, convolution
from medsuite.bpgpt.world.grammar import SLOTS, Grammar
from medsuite.bpgpt.world.oracle import posterior
from medsuite.bpgpt.world.windows import MicroWorld


def small_world(rng, words=2, voxels=3):
    """A world of two words a slot: 2^10 windows, few enough to write all of them down."""
    rows = [rng.dirichlet(np.ones(words), size=words) for _ in range(SLOTS - 1)]
    grammar = Grammar(rng.dirichlet(np.ones(words)), tuple(rows))
    patterns = tuple(rng.standard_normal((words, voxels)) for _ in range(SLOTS))
    return grammar, Cortex(patterns, rng.beta(1.2, 3.0, voxels))


def enumerate_posterior(window, cortex, grammar, snr):
    """p(z_j | y) by the definition: every window's prior times its Gaussian density, summed and normalised."""
    words = len(grammar.initial)
    templates = cortex.templates(snr)
    windows, weights = np.array(list(product(range(words), repeat=WINDOW_SLOTS))), []
    for slots in windows:
        mean = convolution() @ np.stack([templates[j % SLOTS][slots[j]] for j in range(WINDOW_SLOTS)])
        log = -((window - mean) ** 2).sum() / 2
        for sentence in slots.reshape(-1, SLOTS):
            log += np.log(grammar.initial[sentence[0]])
            log += sum(
                np.log(step[a, b]) for step, a, b in zip(grammar.transitions, sentence, sentence[1:], strict=False)
            )
        weights.append(log)
    probability = np.exp(np.array(weights) - max(weights))
    probability /= probability.sum()
    return [np.array([probability[windows[:, j] == word].sum() for word in range(words)]) for j in range(WINDOW_SLOTS)]


@pytest.mark.parametrize("snr", [0.0, 0.3, 3.0])
def test_the_oracle_equals_the_enumeration_of_all_windows(snr):
    rng = np.random.default_rng(4)
    grammar, cortex = small_world(rng)
    bold = cortex.bold(grammar.sample(4, rng).reshape(2, -1), snr, rng)
    exact = posterior(bold, cortex, grammar, snr)
    for number, window in enumerate(bold):
        for table, expected in zip(exact.slots, enumerate_posterior(window, cortex, grammar, snr), strict=True):
            np.testing.assert_allclose(table[number], expected, rtol=1e-6, atol=1e-9)


def test_the_oracle_knows_how_often_it_is_right():
    rng = np.random.default_rng(0)
    world = MicroWorld.random(160, rng)
    windows = world.windows(24, 0.03, rng)
    oracle = world.decode(windows, 0.03)
    right = (oracle.best == windows.slots).mean()
    assert right == pytest.approx(oracle.expected_accuracy, abs=4 * np.sqrt(0.25 / windows.slots.size))
    assert 0.4 < right < 0.75


def test_without_signal_the_oracle_falls_back_on_the_grammar():
    rng = np.random.default_rng(0)
    world = MicroWorld.random(20, rng)
    oracle = world.decode(world.windows(2, 0.0, rng), 0.0)
    for position, table in enumerate(oracle.slots):
        np.testing.assert_allclose(table[0], world.grammar.marginals[position % SLOTS], rtol=1e-9)
    assert oracle.expected_accuracy == pytest.approx(world.grammar.chance)


def test_with_a_strong_signal_the_oracle_reads_every_word():
    rng = np.random.default_rng(0)
    world = MicroWorld.random(160, rng)
    windows = world.windows(4, 2.0, rng)
    np.testing.assert_array_equal(world.decode(windows, 2.0).best, windows.slots)
