import numpy as np
import pytest
from contexts import FakeContext

from medsuite.core.claims import Measurement
from medsuite.core.claims.model import SCALES
from medsuite.meda_kv.claims import ALLOCATION, CLAIMS, MEMORY, PICTURES, SPEED

PROTOCOLS = ("in prompt", "after")


def smoke_rows(claim):
    context = FakeContext(claim.settings("smoke"))
    return [row for job in claim.jobs(context.settings) for row in claim.run(job, context)]


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_smoke_scale_runs_decides_and_draws(claim):
    rows = smoke_rows(claim)
    assert {row.arm for row in rows} == {arm.name for arm in claim.arms}
    verdicts = claim.decide(rows)
    assert len({verdict.statement for verdict in verdicts}) == len(verdicts)
    assert all(verdict.low <= verdict.estimate <= verdict.high for verdict in verdicts)
    for drawing in claim.draw(rows):
        assert drawing.figure.axes
        assert all(axes.get_xlabel() for axes in drawing.figure.axes)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_scale_has_a_grid_of_distinct_jobs(claim):
    for scale in SCALES:
        settings = claim.settings(scale)
        jobs = claim.jobs(settings)
        assert len({job.name for job in jobs}) == len(jobs)
        assert {job.seed for job in jobs} == set(range(settings.seeds))
        assert all(job.exclusive == (claim is SPEED) for job in jobs)


def test_question_jobs_cover_every_question_once():
    jobs = MEMORY.jobs(MEMORY.settings("laptop"))
    first = [number for job in jobs if job.seed == 0 for number in range(job.settings["start"], job.settings["stop"])]
    assert first == list(range(10))


def question_rows(arms, share, questions=40, seed=0):
    """Rows in which each arm has a given accuracy and loss, the same loss for all questions up to noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for protocol in PROTOCOLS:
        for number in range(questions):
            for arm, (accuracy, loss) in arms.items():
                values = {
                    "nll": loss + 0.05 * rng.standard_normal(),
                    "correct": float(number < accuracy * questions),
                    "freed": 0.0 if arm == "full" else 0.725,
                }
                rows += [
                    Measurement(arm, 0, f"question {number}", f"{name}, question {protocol}, kept {share:g}", value)
                    for name, value in values.items()
                ]
    return rows


def memory_outcomes(arms):
    return [verdict.outcome for verdict in MEMORY.decide(question_rows(arms, 0.28))]


def test_memory_is_supported_when_nothing_is_lost():
    arms = {"full": (1.0, 0.1), "meda": (1.0, 0.1), "uniform": (0.5, 1.0), "shuffled": (0.5, 1.0)}
    assert memory_outcomes(arms) == ["supported"] * 7


def test_memory_is_not_supported_when_answers_are_lost():
    arms = {"full": (1.0, 0.1), "meda": (0.2, 2.0), "uniform": (0.5, 1.0), "shuffled": (0.5, 1.0)}
    assert memory_outcomes(arms) == ["not supported", "supported", *["not supported"] * 5]


def test_memory_is_void_when_the_full_cache_cannot_answer():
    arms = {"full": (0.3, 1.5), "meda": (0.3, 1.5), "uniform": (0.3, 1.5), "shuffled": (0.3, 1.5)}
    outcomes = memory_outcomes(arms)
    assert outcomes[0] == outcomes[2] == "void"
    assert set(outcomes[3:]) == {"void"}


def test_memory_names_what_the_controls_lose_beside_what_meda_loses():
    arms = {"full": (1.0, 0.1), "meda": (0.2, 2.0), "uniform": (0.5, 1.0), "shuffled": (0.25, 1.0)}
    verdict = MEMORY.decide(question_rows(arms, 0.28))[0]
    assert verdict.estimate == pytest.approx(-80)
    assert verdict.controls == "equal layers -50.0, shuffled entropies -75.0"


def test_memory_says_how_many_bytes_were_freed_as_measured():
    arms = {"full": (1.0, 0.1), "meda": (1.0, 0.1), "uniform": (0.5, 1.0), "shuffled": (0.5, 1.0)}
    verdict = MEMORY.decide(question_rows(arms, 0.28))[1]
    assert (verdict.estimate, verdict.unit) == (pytest.approx(72.5), "%")


@pytest.mark.parametrize(
    ("entropy", "uniform", "shuffled", "outcome"),
    [
        (0.5, 1.0, 1.0, "supported"),
        (1.0, 0.5, 1.0, "not supported"),
        (1.0, 1.0, 1.5, "inconclusive"),
        (0.5, 1.0, 0.4, "void"),
    ],
)
def test_allocation_follows_the_gain_over_uniform_and_the_control(entropy, uniform, shuffled, outcome):
    losses = {"full": 0.1, "entropy": entropy, "uniform": uniform, "shuffled": shuffled}
    rows = question_rows({arm: (1.0, loss) for arm, loss in losses.items()}, 0.4)
    assert {verdict.outcome for verdict in ALLOCATION.decide(rows)} == {outcome}


def speed_rows(ratio, noise, unsteadiness=1.1):
    rows = []
    for seed, factor in enumerate((1 - noise, 1.0, 1 + noise)):
        for arm, milliseconds in (("full", 60.0), ("meda", 60.0 / ratio * factor)):
            rows.append(Measurement(arm, seed, "4096 tokens", "token_ms", milliseconds))
            rows.append(Measurement(arm, seed, "4096 tokens", "read_once", 1.3))
            rows.append(Measurement(arm, seed, "4096 tokens", "unsteadiness", unsteadiness))
    return rows


@pytest.mark.parametrize(
    ("ratio", "noise", "outcomes"),
    [
        (3.5, 0.01, ["supported", "supported"]),
        (1.5, 0.01, ["not supported", "supported"]),
        (0.9, 0.01, ["not supported", "not supported"]),
        (2.82, 0.1, ["inconclusive", "supported"]),
    ],
)
def test_speed_is_held_against_the_papers_figure_and_against_one(ratio, noise, outcomes):
    assert [verdict.outcome for verdict in SPEED.decide(speed_rows(ratio, noise))] == outcomes


def test_speed_is_void_on_a_busy_machine():
    verdicts = SPEED.decide(speed_rows(3.5, 0.01, unsteadiness=4.0))
    assert {verdict.outcome for verdict in verdicts} == {"void"}
    assert "4.0 times longer" in verdicts[0].reason


def test_speed_names_what_reading_once_would_give_beside_its_ratio():
    verdict = SPEED.decide(speed_rows(1.5, 0.01))[0]
    assert verdict.estimate == pytest.approx(1.5, rel=1e-3)
    assert "1.30 times" in verdict.reason


def test_the_papers_figures_stand_in_the_claims():
    assert [claim.published[0].text for claim in (MEMORY, SPEED)] == ["72 %", "2.82x"]


@pytest.mark.parametrize(
    ("entropy", "uniform", "shuffled", "outcome"),
    [
        (0.9, 0.4, 0.4, "supported"),
        (0.4, 0.9, 0.4, "not supported"),
        (0.9, 0.4, 0.9, "void"),
    ],
)
def test_pictures_follow_the_questions_answered_right_and_the_control(entropy, uniform, shuffled, outcome):
    right = {"full": 1.0, "entropy": entropy, "uniform": uniform, "shuffled": shuffled}
    rows = question_rows({arm: (accuracy, 1.0) for arm, accuracy in right.items()}, 0.2)
    verdicts = PICTURES.decide(rows)
    assert {verdict.outcome for verdict in verdicts} == {outcome}
    assert verdicts[0].estimate == pytest.approx(100 * (entropy - uniform))
    assert verdicts[0].controls == f"against shuffled entropies {100 * (entropy - shuffled):.3g}"


def test_no_difference_is_no_support():
    rows = question_rows(
        {arm: (0.5 if arm != "full" else 1.0, 1.0) for arm in ("full", "entropy", "uniform", "shuffled")}, 0.2
    )
    assert {verdict.outcome for verdict in PICTURES.decide(rows)} == {"not supported"}
