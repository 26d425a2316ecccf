from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsuite.core.claims import Measurement
from medsuite.core.errors import InputError
from medsuite.grounding.claims import ARMS, KNOWLEDGE, TRAINED
from medsuite.grounding.decision import above_chance, decide

GOOD = {"knowledge": 0.93, "name": 0.28, "knowledge-without-name": 0.95, "shuffled": 0.25, "wrong-class": 0.2,
        "location-only": 0.4}  # fmt: skip


@dataclass
class FakeContext:
    settings: Any
    folder: Path
    data: Path | None = None
    scale: str = "smoke"

    def artefact(self, name, build):
        folder = self.folder / name
        if not folder.exists():
            folder.mkdir()
            build(folder)
        return folder

    def progress(self, fraction):
        assert 0 < fraction <= 1


def rows(unseen, seen=0.98, spread=0.01):
    numbers = count()
    return [
        Measurement(arm, seed, f"{seed}-{picture}", metric, value + spread * (seed - 1) + 0 * next(numbers))
        for arm, level in unseen.items()
        for seed in range(3)
        for picture in range(2)
        for metric, value in (("unseen_accuracy", level), ("seen_accuracy", seen))
    ]


def outcomes(**changes):
    seen = changes.pop("seen", 0.98)
    spread = changes.pop("spread", 0.01)
    return [verdict.outcome for verdict in decide(rows({**GOOD, **changes}, seen, spread))]


def test_the_paper_s_pattern_is_supported():
    assert outcomes() == ["supported"] * 3


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"knowledge": 0.6}, "not supported"),
        ({"knowledge": 0.81, "spread": 0.02}, "inconclusive"),
        ({"knowledge": 0.3, "name": 0.35}, "void"),
        ({"seen": 0.5}, "void"),
    ],
)
def test_the_headline_can_say_no(changes, expected):
    assert outcomes(**changes)[0] == expected


def test_a_name_that_gives_the_answer_away_and_a_strong_control_are_not_supported():
    assert outcomes(name=0.7)[1] == "not supported"
    assert outcomes(shuffled=0.8)[2] == "not supported"
    assert outcomes(**{"wrong-class": 0.95})[0] == "void"


def test_the_interval_is_student_s_over_the_three_seeds():
    verdict = decide(rows(GOOD))[0]
    half = 4.302653 * 0.01 / np.sqrt(3)
    assert (verdict.estimate, verdict.low, verdict.high) == pytest.approx((0.93, 0.93 - half, 0.93 + half), abs=1e-6)
    assert verdict.n == 3
    assert "shuffled 0.25" in verdict.controls


def test_an_accuracy_s_interval_ends_at_one():
    assert decide(rows({**GOOD, "knowledge": 0.98}, spread=0.019))[0].high == 1


def test_chance_is_zero_and_certainty_one():
    assert above_chance(np.array([0.25, 1.0])).tolist() == [0, 1]


def test_the_grid_is_every_trained_arm_of_every_seed():
    settings = KNOWLEDGE.settings("laptop")
    assert {(job.seed, job.settings["arm"]) for job in KNOWLEDGE.jobs(settings)} == {
        (seed, arm) for seed in range(settings.seeds) for arm in TRAINED
    }
    assert set(TRAINED) == {arm.name for arm in ARMS} - {"wrong-class"}


def test_a_smoke_run_measures_every_arm_and_is_drawn(tmp_path):
    settings = KNOWLEDGE.settings("smoke")
    context = FakeContext(settings, tmp_path)
    measured = [row for job in KNOWLEDGE.jobs(settings) for row in KNOWLEDGE.run(job, context)]
    assert {row.arm for row in measured} == {arm.name for arm in ARMS}
    assert {row.metric for row in measured} == {"seen_accuracy", "unseen_accuracy", "unseen_iou"}
    assert all(0 <= row.value <= 1 for row in measured)
    assert len(measured) == len(ARMS) * settings.seeds * settings.test_pictures * 3
    assert len(list(tmp_path.iterdir())) == settings.seeds
    assert len(KNOWLEDGE.decide(measured)) == 3
    (drawing,) = KNOWLEDGE.draw(measured)
    assert [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()] == [a.name for a in reversed(ARMS)]


def test_a_data_folder_is_refused_since_the_claim_reads_none(tmp_path):
    job = KNOWLEDGE.jobs(KNOWLEDGE.settings("smoke"))[0]
    with pytest.raises(InputError, match="leave --data out"):
        list(KNOWLEDGE.run(job, FakeContext(KNOWLEDGE.settings("smoke"), tmp_path, data=tmp_path)))
