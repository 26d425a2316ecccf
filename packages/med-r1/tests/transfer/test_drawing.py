from itertools import product

import numpy as np
import pytest

from medsuite.core.claims import Measurement
from medsuite.med_r1.claims import TRAINED
from medsuite.med_r1.transfer.drawing import draw

LEVELS = {name: 0.3 + 0.05 * place for place, name in enumerate(("base", *TRAINED))}


@pytest.fixture(scope="module")
def drawings():
    rows = []
    for name, domain, seed, number in product(LEVELS, ("MR", "CT", "film"), range(3), range(2)):
        unit, shift = f"{domain}-{number}", 0.1 * (domain == "MR") + 0.01 * (seed - 1)
        rows.append(Measurement(name, seed, unit, "greedy", LEVELS[name] + shift))
        rows.append(Measurement(name, seed, unit, "sampled", LEVELS[name] + shift - 0.05))
    rows += [Measurement("text only", 0, f"{domain}-0", "chance", 0.42) for domain in ("MR", "CT", "film")]
    for name, seed, step in product(("GRPO", "random reward"), range(3), range(1, 71)):
        rows.append(Measurement(name, seed, f"step {step:04d}", "accuracy reward", step / 100))
        rows.append(Measurement(name, seed, f"step {step:04d}", "zero spread", 0.25))
    return draw(rows)


def test_a_bar_is_the_mean_over_seeds_and_a_dot_a_seed(drawings):
    for axes, shift in zip(drawings[0].figure.axes, (0.1, 0.0), strict=True):
        names = [label.get_text() for label in axes.get_yticklabels()]
        greedy, sampled = axes.containers
        for place, name in enumerate(names):
            assert greedy[place].get_width() == pytest.approx(LEVELS[name] + shift)
            assert sampled[place].get_width() == pytest.approx(LEVELS[name] + shift - 0.05)
        dots = [line for line in axes.lines if line.get_marker() == "o"]
        assert {len(line.get_xdata()) for line in dots} == {3}


def test_a_guess_is_marked_in_both_panels(drawings):
    for axes in drawings[0].figure.axes:
        dotted = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert [float(line.get_xdata()[0]) for line in dotted] == pytest.approx([0.42])


def test_the_course_is_smoothed_over_a_tenth_of_the_run_around_its_step(drawings):
    reward, spread = drawings[1].figure.axes
    line = reward.lines[0]
    assert np.asarray(line.get_ydata()) == pytest.approx(np.asarray(line.get_xdata()) / 100)
    assert len(line.get_xdata()) == 61
    assert np.asarray(spread.lines[0].get_ydata()) == pytest.approx(0.25)


def test_every_drawing_has_a_caption_that_says_what_a_mark_is(drawings):
    assert "A dot is a seed" in drawings[0].caption
    assert all(drawing.title and drawing.figure.axes for drawing in drawings)
