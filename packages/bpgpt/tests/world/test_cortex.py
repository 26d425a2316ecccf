import numpy as np
import pytest
from scipy import stats

from medsuite.bpgpt.world.cortex import ROWS, TAPS, TR, WINDOW_SLOTS, Cortex, convolution, hemodynamic_response
from medsuite.bpgpt.world.grammar import SLOTS, Grammar
from medsuite.core.errors import InputError


def test_the_response_is_the_gamma_density_that_peaks_at_five_seconds():
    density = stats.gamma.pdf(TR * np.arange(1, TAPS + 1), 6)
    np.testing.assert_allclose(hemodynamic_response(), density / np.linalg.norm(density))


def test_bold_is_the_convolution_of_word_patterns_plus_unit_noise():
    rng = np.random.default_rng(0)
    cortex = Cortex.random(7, rng)
    slots = Grammar.random(rng).sample(2, rng).reshape(1, -1)
    measured = cortex.bold(slots, 4.0, np.random.default_rng(1))
    noise = np.random.default_rng(1).standard_normal((1, ROWS, 7))
    expected = noise.copy()
    for position in range(WINDOW_SLOTS):
        pattern = cortex.patterns[position % SLOTS][slots[0, position]]
        amplitude = np.sqrt(4.0 * cortex.explainable / (1 - cortex.explainable))
        for tap, height in enumerate(hemodynamic_response()):
            expected[0, position + 1 + tap] += height * pattern * amplitude
    np.testing.assert_allclose(measured, expected, rtol=1e-5, atol=1e-5)


def test_at_snr_0_bold_does_not_depend_on_the_words():
    cortex = Cortex.random(5, np.random.default_rng(0))
    first, second = (cortex.bold(np.full((1, WINDOW_SLOTS), word), 0.0, np.random.default_rng(3)) for word in (0, 5))
    np.testing.assert_array_equal(first, second)


def test_no_overlap_is_longer_than_the_words_of_a_sentence():
    overlap = convolution().T @ convolution()
    distance = np.abs(np.subtract.outer(np.arange(WINDOW_SLOTS), np.arange(WINDOW_SLOTS)))
    assert (overlap[distance >= SLOTS] == 0).all()
    np.testing.assert_allclose(np.diag(overlap), 1)


def test_voxels_explain_29_percent_on_average():
    explainable = Cortex.random(20_000, np.random.default_rng(0)).explainable
    assert explainable.mean() == pytest.approx(1.2 / 4.2, abs=0.005)


def test_a_cortex_without_voxels_is_refused():
    with pytest.raises(InputError, match="0 voxels"):
        Cortex.random(0, np.random.default_rng(0))
