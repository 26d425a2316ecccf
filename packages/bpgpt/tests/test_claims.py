import pytest
from contexts import FakeContext

from medsuite.bpgpt.claims import ALIGNMENT, BRAIN, CLAIMS
from medsuite.core.claims import Measurement
from medsuite.core.claims.model import Context


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_the_smoke_scale_runs_decides_and_draws(claim):
    context = FakeContext(claim.settings("smoke"))
    assert isinstance(context, Context)
    rows = [row for job in claim.jobs(context.settings) for row in claim.run(job, context)]
    assert {arm.name for arm in claim.arms} <= {row.arm for row in rows}
    verdicts = claim.decide(rows)
    assert verdicts[0].outcome == "void", "a language model of four steps cannot support anything"
    assert all(verdict.low <= verdict.estimate <= verdict.high for verdict in verdicts)
    (drawing,) = claim.draw(rows)
    labels = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert {arm.name for arm in claim.arms} <= set(labels)


def test_a_job_repeats_itself_and_units_belong_to_one_world():
    context = FakeContext(ALIGNMENT.settings("smoke"))
    first, second = ALIGNMENT.jobs(context.settings)
    rows = list(ALIGNMENT.run(first, context))
    assert rows == list(ALIGNMENT.run(first, context))
    assert not {row.unit for row in rows} & {row.unit for row in ALIGNMENT.run(second, context)}


def rows_of(means, windows=60, spread=0.05):
    """Rows of three worlds whose arms have these mean accuracies."""
    return [
        Measurement(arm, seed, f"window {seed}-{number}", "accuracy", mean + spread * (-1) ** (number + place))
        for seed in range(3)
        for number in range(windows)
        for place, (arm, mean) in enumerate(means.items())
    ]


GOOD = {
    "brain": 0.95,
    "permuted": 0.1,
    "constant": 0.1,
    "language model": 0.1,
    "snr 0": 0.11,
    "chance": 0.11,
    "ridge": 0.8,
    "text": 0.99,
    "oracle": 0.99,
}


def outcomes(claim, **changes):
    names = {name.replace(" ", "_"): name for name in [*GOOD, "infonce", "none", "paper", "released", "mismatched"]}
    base = GOOD if claim is BRAIN else EVEN
    return [verdict.outcome for verdict in claim.decide(rows_of(base | {names[k]: v for k, v in changes.items()}))]


EVEN = {"oracle": 0.99, "text": 0.99, "infonce": 0.8, "paper": 0.8, "released": 0.8, "none": 0.6, "mismatched": 0.6}


def test_a_brain_above_its_nulls_and_near_the_oracle_is_supported():
    assert outcomes(BRAIN) == ["supported"] * 6


def test_a_brain_that_is_read_no_better_than_anothers_is_not_supported():
    # The decoder has learned the style of the text, and the brain adds nothing.
    assert outcomes(BRAIN, permuted=0.97)[0] == "not supported"
    assert outcomes(BRAIN, permuted=0.95, brain=0.95)[0] == "inconclusive"


def test_a_brain_far_from_the_oracle_is_not_near_it():
    assert outcomes(BRAIN, brain=0.85)[3] == "not supported"


def test_reading_noise_voids_everything():
    verdicts = BRAIN.decide(rows_of(GOOD | {"snr 0": 0.3}))
    assert [verdict.outcome for verdict in verdicts] == ["void"] * 4 + ["not supported", "void"]
    assert "Trained on noise" in verdicts[0].reason


def test_a_prompt_that_cannot_be_read_voids_what_rests_on_it():
    verdicts = BRAIN.decide(rows_of(GOOD | {"text": 0.5}))
    assert [verdict.outcome for verdict in verdicts] == ["void"] * 4 + ["supported", "void"]


def test_ridge_may_win():
    assert outcomes(BRAIN, ridge=0.98)[5] == "not supported"


def test_alignment_is_held_against_equal_steps_without_it():
    assert outcomes(ALIGNMENT) == ["supported"] * 4
    assert outcomes(ALIGNMENT, infonce=0.5)[0] == "not supported"
    assert outcomes(ALIGNMENT, infonce=0.6)[0] == "inconclusive"


def test_alignment_without_room_to_help_is_void():
    assert outcomes(ALIGNMENT, none=0.985) == ["void"] * 4
