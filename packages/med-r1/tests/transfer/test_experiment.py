from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medsuite.core.claims import Job
from medsuite.core.errors import InputError
from medsuite.med_r1.claims import ARMS, RIVALS, TRAINED, TRANSFER
from medsuite.med_r1.extract import parse
from medsuite.med_r1.train.targets import own_samples
from medsuite.med_r1.transfer.base import STYLE
from medsuite.med_r1.transfer.experiment import targets_for
from medsuite.med_r1.transfer.questions import build_world, load_world, save_world

SMALL = replace(TRANSFER.settings("smoke"), seeds=2, warmup_questions=6, train_questions=8, test_questions=6, side=28)


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


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    context = FakeContext(SMALL, tmp_path_factory.mktemp("run"))
    rows = [row for job in TRANSFER.jobs(SMALL) for row in TRANSFER.run(job, context)]
    return context, rows


def test_every_arm_answers_every_test_question_under_every_seed(measured):
    _, rows = measured
    for metric in ("greedy", "sampled", "compliant"):
        for arm in ("base", *TRAINED):
            cells = {(row.seed, row.unit) for row in rows if row.arm == arm and row.metric == metric}
            assert len(cells) == 2 * 3 * SMALL.test_questions


def test_the_base_is_asked_with_its_controls_and_reinforcement_logs_its_course(measured):
    _, rows = measured
    assert {row.metric for row in rows if row.arm == "base"} == {
        "greedy", "sampled", "compliant", "blank", "swapped", "circular",
    }  # fmt: skip
    steps = [row.unit for row in rows if row.arm == "GRPO" and row.metric == "zero spread" and row.seed == 0]
    assert steps == ["step 0001", "step 0002"]
    assert {row.arm for row in rows} == {arm.name for arm in ARMS}


def test_the_questions_and_the_base_are_made_once(measured):
    context, _ = measured
    assert sorted(path.name.partition("-")[0] for path in context.folder.iterdir()) == ["base", "questions"]


def test_the_rows_are_decided_and_drawn(measured):
    _, rows = measured
    verdicts = TRANSFER.decide(rows)
    assert len(verdicts) == len(RIVALS)
    first, second = TRANSFER.draw(rows)
    assert len(first.figure.axes) == len(second.figure.axes) == 2
    assert [label.get_text() for label in first.figure.axes[0].get_yticklabels()][-1] == "GRPO"


def test_the_grid_is_every_trained_arm_of_every_seed_and_a_job_for_each_base():
    jobs = TRANSFER.jobs(TRANSFER.settings("workstation"))
    assert sum(job.settings["arm"] == "base" for job in jobs) == 6
    assert {(job.seed, job.settings["arm"]) for job in jobs} >= {(seed, arm) for seed in range(6) for arm in TRAINED}
    assert {job.settings["base"] for job in jobs} == set(range(6))


def test_the_arms_learn_from_the_same_questions_in_their_own_words(policy, simulated):
    written = {arm: targets_for(arm, policy, simulated, SMALL, 0) for arm in ("letter", "empty think", "rationale")}
    for pairs in written.values():
        assert [question for question, _ in pairs] == list(simulated)
        assert all(parse(text, "tolerant").letter == question.letter for question, text in pairs)
    question = simulated.questions[0]
    assert [pairs[0][1] for pairs in written.values()] == [
        question.letter,
        f"<think></think><answer>{question.letter}</answer>",
        f"<think> {question.answer_text}</think><answer>{question.letter}</answer>",
    ]


def test_own_samples_are_the_first_right_answers_in_the_right_format(policy, simulated, monkeypatch):
    letters = [question.letter for question in simulated]
    wrong = ["B" if letter == "A" else "A" for letter in letters]
    said = [
        [f"<think>1</think><answer>{no}</answer>", f"<answer>{yes}</answer>", f"<think>2</think><answer>{yes}</answer>"]
        for yes, no in zip(letters, wrong, strict=True)
    ]
    said[3] = said[3][:2]
    monkeypatch.setattr("medsuite.med_r1.train.targets.answer", lambda *arguments, **options: said)
    kept = own_samples(policy, simulated, tries=3, style=STYLE)
    assert [question.id for question, _ in kept] == [q.id for n, q in enumerate(simulated) if n != 3]
    assert all(text.startswith("<think>2") for _, text in kept)


def test_a_world_is_written_and_read_back(tmp_path):
    world = build_world(SMALL, 0)
    save_world(world, tmp_path)
    again = load_world(tmp_path)
    assert again.test.questions == world.test.questions
    assert world.train.subsets == ("MR",)
    assert world.test.subsets == world.warmup.subsets == ("MR", "CT", "film")
    for old, new in zip(world.warmup, again.warmup, strict=True):
        assert np.array_equal(np.asarray(world.warmup.picture(old)), np.asarray(again.warmup.picture(new)))


def test_a_data_folder_is_refused_since_the_claim_reads_none(tmp_path):
    with pytest.raises(InputError, match="leave --data out"):
        list(TRANSFER.run(Job("x", 0, {"arm": "base", "base": 0}), FakeContext(SMALL, tmp_path, data=tmp_path)))
