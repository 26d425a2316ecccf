"""Figures of an evaluation hold the summary's numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.stats import Interval
from medsuite.meda_kv.evaluate import charts
from medsuite.meda_kv.evaluate.details import ArmDetail, Detail
from medsuite.meda_kv.evaluate.summary import Cell, Line


def interval(mean, half=0.1):
    return Interval(mean, mean - half, mean + half, 0.95, 9, "made up")


def line(method, share, value, nll=None, protocols=("in prompt", "after")):
    cell = Cell(interval(value), interval(0.0), None if nll is None else interval(nll), None)
    arm = method if method == "full" else f"{method} {share:g}"
    return Line(arm, method, share, share, 1.0, 1.0, dict.fromkeys(protocols, cell))


LINES = [
    line("full", 1.0, 0.9, 0.2),
    line("h2o", 0.4, 0.7, 0.5),
    line("h2o", 0.2, 0.3, 1.5),
    line("meda", 0.4, 0.8, 0.4),
    line("meda", 0.2, 0.6, 0.9),
]


def drawn(axes):
    return {bar.get_label(): bar.lines[0].get_xydata() for bar in axes.containers}


def test_each_methods_points_rise_with_its_share():
    for axes in charts.quality(LINES, "right").axes:
        curves = drawn(axes)
        assert curves["h2o"][:, 1].tolist() == [0.3, 0.7]
        assert curves["meda"][:, 1].tolist() == [0.6, 0.8]
        np.testing.assert_allclose(curves["h2o"][:, 0], [0.2, 0.4], atol=0.005)


def test_methods_at_one_share_stand_apart_and_around_it():
    curves = drawn(charts.quality(LINES, "right").axes[0])
    pairs = np.array([curves["h2o"][:, 0], curves["meda"][:, 0]])
    assert (np.diff(pairs, axis=0) > 0).all()
    np.testing.assert_allclose(pairs.mean(axis=0), [0.2, 0.4])


def test_the_full_cache_is_a_line_at_its_mean_and_the_bars_are_the_intervals():
    (axes, _) = charts.likelihood(LINES).axes
    (whole,) = [each for each in axes.lines if each.get_label() == "full cache"]
    assert whole.get_ydata()[0] == 0.2
    (stems,) = axes.containers[0].lines[2]
    np.testing.assert_allclose(
        [[end[1] for end in segment] for segment in stems.get_segments()], [[1.4, 1.6], [0.4, 0.6]]
    )
    assert axes.get_ylabel() == "nats per token (lower is better)"


def test_one_protocol_has_one_panel_without_a_title():
    lines = [line("full", 1.0, 0.9, protocols=("after",)), line("h2o", 0.4, 0.5, protocols=("after",))]
    (axes,) = charts.quality(lines, "right").axes
    assert axes.get_title() == ""
    assert axes.get_ylabel() == "right"


def test_a_likelihood_is_there_when_some_arm_has_one():
    assert charts.has_likelihood(LINES)
    assert not charts.has_likelihood([line("full", 1.0, 0.9), line("h2o", 0.4, 0.5)])


def test_an_interval_that_does_not_exist_is_drawn_as_a_bare_point():
    alone = Interval(0.5, float("nan"), float("nan"), 0.95, 1, "none")
    lines = [
        Line(name, name.split()[0], 0.5, 0.5, 1, 1, {"after": Cell(alone, alone, None, None)})
        for name in ("full", "h2o 0.5")
    ]
    (axes,) = charts.quality(lines, "right").axes
    (stems,) = axes.containers[0].lines[2]
    assert stems.get_segments()[0][:, 1].tolist() == [0.5, 0.5]


def detail(arms, marks=(), entropies=None):
    return Detail("q", [], list(marks), [], [], [], arms, entropies or {})


def test_layers_are_drawn_at_the_smallest_share_as_the_mean_over_questions():
    details = [
        detail(
            [ArmDetail("h2o 0.4", "after", [0, 2], [0.9, 0.9], []), ArmDetail("h2o 0.2", "after", [0, 2], [a, 0.1], [])]
        )
        for a in (0.3, 0.5)
    ]
    (axes,) = charts.layer_budgets(details).axes
    (curve,) = axes.lines
    assert curve.get_xdata().tolist() == [0, 2]
    np.testing.assert_allclose(curve.get_ydata(), [0.4, 0.1])
    assert axes.get_ylim()[1] == pytest.approx(1.08 * 0.5)


def test_the_smallest_share_is_a_number_and_not_a_word():
    arms = [ArmDetail(name, "after", [0], [0.1], []) for name in ("a 0.1", "b 0.05", "c 0.05", "d 1")]
    assert [arm.arm for arm in charts.smallest_share(arms)] == ["b 0.05", "c 0.05"]


def test_an_entropy_map_is_the_matrix_beside_its_row_means():
    entropies = np.array([[1.0, 3.0, 5.0], [2.0, 2.0, 2.0]])
    left, right = charts.entropy_map("full rows", entropies).axes[:2]
    np.testing.assert_array_equal(left.images[0].get_array(), entropies)
    assert left.images[0].get_clim() == (0.0, 5.0)
    assert right.lines[0].get_xdata().tolist() == [3.0, 2.0]
    assert right.lines[0].get_ydata().tolist() == [0, 1]


def test_what_is_kept_lies_along_the_whole_prompt_with_a_mark_above_each_needle():
    arms = [
        ArmDetail("h2o 0.4", "after", [0], [0.5], [1.0, 0.0, 0.5]),
        ArmDetail("x 0.4", "in prompt", [0], [0.5], [0.0] * 3),
    ]
    axes = charts.kept_along(detail(arms, marks=[2]), "after").axes[0]
    assert axes.images[0].get_array().tolist() == [[1.0, 0.0, 0.5]]
    assert axes.images[0].get_extent() == [0, 3, 1, 0]
    assert axes.lines[0].get_xdata().tolist() == [2.5]


@pytest.mark.parametrize("tokens", [1, 239, 240])
def test_a_short_prompt_is_shown_token_by_token(tokens):
    kept = np.linspace(0, 1, tokens)
    np.testing.assert_array_equal(charts._binned(kept), kept)


@given(st.integers(241, 3000), st.data())
def test_a_token_of_a_long_prompt_is_drawn_under_its_mark(tokens, data):
    token = data.draw(st.integers(0, tokens - 1))
    shown = charts._binned(np.eye(1, tokens, token)[0])
    assert len(shown) == charts.BINS
    assert (shown > 0).sum() == 1
    column = tokens / charts.BINS
    assert abs((shown.argmax() + 0.5) * column - (token + 0.5)) <= column / 2 + 1


@given(st.integers(241, 3000))
def test_a_prompt_that_is_kept_evenly_is_drawn_evenly(tokens):
    np.testing.assert_allclose(charts._binned(np.full(tokens, 0.3)), 0.3)
