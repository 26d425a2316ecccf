"""The claims' figures show the rows' own means, spans and arms."""

import numpy as np
import pytest

from medsuite.core.claims import Measurement
from medsuite.meda_kv.evaluate import drawings

PROTOCOLS = ("in prompt", "after")
NLL = {"full": 0.1, "entropy": 0.5, "uniform": 1.5, "pyramid": 2.0}


def question_rows(shares=(0.4, 0.2)):
    rows = []
    for share in shares:
        for protocol in PROTOCOLS:
            for arm, loss in NLL.items():
                for number in range(4):
                    where = (arm, 0, f"question {number}")
                    name = f"question {protocol}, kept {share:g}"
                    rows.append(Measurement(*where, f"nll, {name}", loss + 0.1 * number + share))
                    rows.append(Measurement(*where, f"correct, {name}", float(number < 3)))
    for arm in ("entropy", "uniform", "pyramid"):
        for share in shares:
            for layer in range(3):
                where = (arm, 0, f"layer {layer:02d}")
                rows.append(Measurement(*where, f"layer share, kept {share:g}", share * (layer + 1) / 2))
                rows.append(Measurement(*where, f"layer entropy, kept {share:g}", 2.0 - layer / 2))
    return rows


def points(axes):
    """The bars of a panel: label to the heights of its points."""
    return {bar.get_label(): bar.lines[0].get_ydata().tolist() for bar in axes.containers}


def level(axes, label):
    (line,) = [line for line in axes.lines if line.get_label() == label]
    return line.get_ydata()[0]


def test_quality_has_a_panel_a_protocol_and_a_point_an_arm_and_share():
    (drawing,) = drawings.memory(question_rows())
    assert [axes.get_title() for axes in drawing.figure.axes] == ["question in prompt", "question after"]
    for axes in drawing.figure.axes:
        assert [label.get_text() for label in axes.get_xticklabels()] == ["entropy", "uniform", "pyramid"]
        drawn = points(axes)
        for share in (0.4, 0.2):
            expected = [NLL[arm] + 0.15 + share for arm in ("entropy", "uniform", "pyramid")]
            np.testing.assert_allclose(drawn[f"{share:g} kept"], expected)


def test_the_full_cache_and_guessing_are_lines():
    (drawing,) = drawings.memory(question_rows(shares=(0.4,)))
    for axes in drawing.figure.axes:
        assert level(axes, "full cache") == pytest.approx(0.1 + 0.15 + 0.4)
        assert level(axes, "guessing digits") == pytest.approx(np.log(10))


def test_intervals_hold_their_means_and_are_not_empty():
    (drawing,) = drawings.memory(question_rows())
    for axes in drawing.figure.axes:
        for bar in axes.containers:
            (stems,) = bar.lines[2]
            for (_, low), (_, high) in stems.get_segments():
                assert 0.01 < high - low < 0.4
            means = bar.lines[0].get_ydata()
            assert all(
                segment[0][1] <= mean <= segment[1][1]
                for segment, mean in zip(stems.get_segments(), means, strict=True)
            )


def test_right_answers_are_drawn_in_percent():
    drawing, _ = drawings.pictures(question_rows())
    axes = drawing.figure.axes[0]
    assert axes.get_ylabel() == "questions right in %"
    assert set(np.concatenate(list(points(axes).values()))) == {75.0}
    assert level(axes, "full cache") == 75.0


@pytest.mark.parametrize("draw", [drawings.allocation, drawings.pictures])
def test_layers_are_drawn_at_the_largest_share_with_the_entropy_once(draw):
    _, drawing = draw(question_rows())
    left, right = drawing.figure.axes
    assert [line.get_ydata().tolist() for line in left.lines] == [[2.0, 1.5, 1.0]]
    assert [line.get_label() for line in right.lines] == ["entropy", "uniform", "pyramid"]
    for line in right.lines:
        np.testing.assert_allclose(line.get_ydata(), [0.2, 0.4, 0.6])
    assert "when 0.4 of the cache is kept" in drawing.caption


def test_speed_is_the_mean_over_seeds_with_bars_from_the_fastest_to_the_slowest():
    times = {1024: (10.0, 14.0), 8192: (40.0, 60.0)}
    rows = [
        Measurement(arm, seed, f"{length} tokens", "token_ms", factor * pair[seed])
        for length, pair in times.items()
        for seed in range(2)
        for arm, factor in (("full", 1.0), ("meda", 0.5))
    ]
    rows.append(Measurement("full", 0, "1024 tokens", "kv_bytes", 1e9))
    (drawing,) = drawings.speed(rows)
    (axes,) = drawing.figure.axes
    assert points(axes) == {"full": [12.0, 50.0], "meda": [6.0, 25.0]}
    (stems,) = axes.containers[0].lines[2]
    np.testing.assert_allclose([[end[1] for end in segment] for segment in stems.get_segments()], [[10, 14], [40, 60]])
    assert axes.containers[0].lines[0].get_xdata().tolist() == [1024, 8192]
