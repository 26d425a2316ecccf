"""Adjusted p-values equal statsmodels and keep their order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from medsuite.core.errors import InputError
from medsuite.core.stats import benjamini_hochberg, holm

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=30).map(np.array)
both = pytest.mark.parametrize(("adjust", "name"), [(holm, "holm"), (benjamini_hochberg, "fdr_bh")])


@both
@settings(max_examples=20)  # statsmodels collects garbage at every call, which is slow
@given(values=p_values)
def test_adjusted_values_equal_statsmodels(adjust, name, values):
    np.testing.assert_allclose(adjust(values), multipletests(values, method=name)[1], atol=1e-15)


@both
@given(values=p_values)
def test_adjusting_never_lowers_and_never_reorders(adjust, name, values):
    adjusted = adjust(values)
    assert (adjusted >= values).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(values)]) >= 0).all()


@given(values=p_values)
def test_benjamini_hochberg_is_never_stricter_than_holm(values):
    assert (benjamini_hochberg(values) <= holm(values) + 1e-15).all()


@both
@given(values=p_values, random=st.randoms(use_true_random=False))
def test_the_order_of_hypotheses_does_not_matter(adjust, name, values, random):
    order = np.array(random.sample(range(len(values)), len(values)))
    np.testing.assert_allclose(adjust(values[order]), adjust(values)[order])


@both
def test_one_hypothesis_needs_no_adjustment_and_none_gives_none(adjust, name):
    assert adjust(np.array([0.03])) == pytest.approx([0.03])
    assert adjust(np.array([])).shape == (0,)


@both
@pytest.mark.parametrize("bad", [np.nan, -0.1, 1.1])
def test_what_is_no_probability_is_refused(adjust, name, bad):
    with pytest.raises(InputError, match="p_values"):
        adjust(np.array([0.5, bad]))
