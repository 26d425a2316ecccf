import dataclasses
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from medsuite.core.claims import Measurement
from medsuite.core.errors import InputError
from medsuite.grounding.claims import ARMS, KNOWLEDGE, TRAINED, UNSEEN
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


def test_a_decision_does_not_depend_on_the_order_of_the_rows(rng):
    found = rows(GOOD, spread=0.03)
    before = decide(found)
    rng.shuffle(found)
    for one, other in zip(before, decide(found), strict=True):
        assert (one.statement, one.outcome, one.reason) == (other.statement, other.outcome, other.reason)
        assert (one.estimate, one.low, one.high) == pytest.approx((other.estimate, other.low, other.high))


@given(knowledge=st.floats(0, 1), name=st.floats(0, 1), seen=st.floats(0.5, 1), spread=st.floats(0.001, 0.05))
def test_the_headline_is_its_rule(knowledge, name, seen, spread):
    """Void without learning or against the name; else the interval's ends against 0.80, and nothing besides."""
    verdict = decide(
        rows({**GOOD, "knowledge": knowledge, "name": name, "shuffled": 0, "wrong-class": 0}, seen, spread)
    )[0]
    half = 4.302652729696142 * spread / np.sqrt(3)
    assume(abs(seen - 0.8) > 1e-6)
    assume(abs(knowledge - name) > 1e-6)
    assume(knowledge > 1e-6)
    assume(min(abs(knowledge - half - 0.8), abs(knowledge + half - 0.8)) > 1e-6)
    if seen < 0.8 or name > knowledge:
        assert verdict.outcome == "void"
    elif knowledge - half > 0.8:
        assert verdict.outcome == "supported"
    else:
        assert verdict.outcome == ("not supported" if knowledge + half < 0.8 else "inconclusive")


TINY = dataclasses.replace(KNOWLEDGE.settings("smoke"), pictures=40, steps=1, batch=2)


def test_every_arm_of_a_seed_hears_of_the_same_pictures_and_each_seed_of_others(tmp_path):
    settings = TINY
    folders = [FakeContext(settings, tmp_path / name) for name in ("first", "second")]
    for context in folders:
        context.folder.mkdir()
        for job in KNOWLEDGE.jobs(settings)[:2]:
            list(KNOWLEDGE.run(job, context))
    # One artefact for two arms, and the same bytes in another run.
    first, second = (sorted(context.folder.rglob("*.npz")) for context in folders)
    assert [path.name for path in first] == ["test.npz", "train.npz"]
    for one, other in zip(first, second, strict=True):
        with np.load(one) as here, np.load(other) as there:
            assert all((here[name] == there[name]).all() for name in here.files)
    jobs = [job for job in KNOWLEDGE.jobs(settings) if job.settings["arm"] == "name"]
    for job in jobs[1:]:
        list(KNOWLEDGE.run(job, folders[0]))
    pictures = [np.load(path)["images"] for path in sorted(folders[0].folder.rglob("train.npz"))]
    assert len(pictures) == settings.seeds
    assert not (pictures[0] == pictures[1]).all()


def test_no_training_picture_shows_an_unseen_combination_and_every_test_picture_shows_two(tmp_path):
    settings = TINY
    context = FakeContext(settings, tmp_path)
    list(KNOWLEDGE.run(KNOWLEDGE.jobs(settings)[0], context))
    (folder,) = tmp_path.iterdir()
    trained, tested = (np.load(folder / f"{name}.npz")["classes"] for name in ("train", "test"))
    unseen = set(range(32)) - set(trained.ravel().tolist())
    assert len(unseen) >= UNSEEN
    shown = tested[:, 2:]
    assert not set(shown.ravel().tolist()) & set(trained.ravel().tolist())
    assert set(tested[:, :2].ravel().tolist()) & unseen <= unseen - set(shown.ravel().tolist())
    assert all(len(set(row)) == 4 for row in tested.tolist())


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
