import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medsuite.core.claims import Job, Measurement
from medsuite.core.errors import InputError
from medsuite.core.stats import auroc
from medsuite.ecg_align.claims import CLAIMS, LEADS, ZERO_SHOT
from medsuite.ecg_align.evaluate.cohort import Cohort, draw_cohort
from medsuite.ecg_align.evaluate.partial_leads import (
    LEAD_SETS,
    OWN_LEAD,
    reconstructed,
    train_leadwise,
    zero_filled,
)
from medsuite.ecg_align.evaluate.zero_shot import FAR, hard_negatives, make_fold, measure, query_vectors, train
from medsuite.ecg_align.leads import LEADS12
from medsuite.ecg_align.masking import LeadSampler
from medsuite.ecg_align.queries import clinical_name, code, knowledge, same_change_elsewhere
from medsuite.ecg_align.simulate.findings import COLUMN, FINDINGS, finding
from medsuite.ecg_align.training import Schedule, use_one_thread

SMALL = SimpleNamespace(records=64, test_records=220, steps=2, batch=32)
CONTEXT = SimpleNamespace(
    settings=SMALL, scale="smoke", data=None, artefact=lambda name, build: None, progress=lambda fraction: None
)


@pytest.fixture(scope="module")
def rows() -> dict[str, list[Measurement]]:
    """Two seeds of each claim at the smallest size that has every class."""
    folds = [Job("", fold, {"fold": fold}) for fold in (0, 1)]
    groups = [Job("", seed, {"group": group}) for seed in (0, 1) for group in ("masked", "mixing", "own")]
    return {
        "zero-shot": [row for job in folds for row in ZERO_SHOT.run(job, CONTEXT)],
        "any-leads": [row for job in groups for row in LEADS.run(job, CONTEXT)],
    }


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return draw_cohort(80, np.random.default_rng(3))


def test_texts_differ_between_findings_and_compositional_names_name_wall_and_change():
    for text in (knowledge, clinical_name, code):
        assert len({text(entry.name) for entry in FINDINGS}) == len(FINDINGS)
    assert knowledge("inferior ST elevation") == "ST segment raised above the baseline in leads II, III and aVF"
    assert clinical_name("inferior ST elevation") == "inferior STEMI"
    assert code("inferior ST elevation") == "INJIN"


def test_five_folds_hold_every_composition_out_once_with_wall_and_change_each_trained():
    held = [entry for number in range(5) for entry in make_fold(number).unseen]
    assert sorted(entry.name for entry in held) == sorted(entry.name for entry in FINDINGS if entry.wall)
    for number in range(5):
        fold = make_fold(number)
        for entry in fold.unseen:
            assert entry.wall in {other.wall for other in fold.seen}
            assert len(same_change_elsewhere(entry, fold.seen)) == 4
        assert not {entry.name for entry in fold.seen} & {*FAR, *(entry.name for entry in fold.unseen)}


def test_no_training_record_has_a_finding_that_is_held_out(rng):
    fold = make_fold(0)
    cohort = draw_cohort(500, rng, forbid=fold.forbidden)
    assert not cohort.labels[:, [COLUMN[name] for name in fold.forbidden]].any()
    assert cohort.labels[:, [COLUMN[entry.name] for entry in fold.seen]].any(axis=0).all()


def trained_weights(cohort: Cohort, fold_number: int = 0) -> list[torch.Tensor]:
    fold = make_fold(fold_number)
    queries = {"random": torch.randn(len(FINDINGS), 8, generator=torch.Generator().manual_seed(1))}
    use_one_thread()
    encoder, networks = train(cohort, queries, fold, Schedule(3, 16), 0, lambda _: None)
    return [*encoder.parameters(), *networks["random"].parameters()]


def test_training_does_not_look_at_the_labels_of_what_is_held_out(rng):
    fold, cohort = make_fold(0), draw_cohort(64, rng)
    forged = cohort.labels.copy()
    forged[:, [COLUMN[name] for name in fold.forbidden]] ^= True
    before, after = trained_weights(cohort), trained_weights(Cohort(cohort.signal, forged))
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))
    forged[:, COLUMN[fold.seen[0].name]] ^= True
    changed = trained_weights(Cohort(cohort.signal, forged))
    assert not all(torch.equal(one, other) for one, other in zip(before, changed, strict=True))


def test_queries_are_centred_and_scaled_by_the_trained_findings_alone():
    fold = make_fold(2)
    trained = [COLUMN[entry.name] for entry in fold.seen]
    vectors = query_vectors(fold, 4)
    for kind in ("knowledge", "name", "code"):
        torch.testing.assert_close(vectors[kind][trained].mean(0), torch.zeros(384), atol=1e-4, rtol=0)
        assert float(vectors[kind][trained].std()) == pytest.approx(1, rel=1e-3)
        assert float(vectors[kind].mean(0).norm()) > 0.01
    assert torch.equal(vectors["random"], query_vectors(fold, 4)["random"])
    assert not torch.equal(vectors["random"], query_vectors(fold, 5)["random"])


def test_the_model_of_one_lead_neither_trains_on_nor_reads_another(rng):
    """The bar of lead I alone would be worth nothing if its model had seen a second lead."""
    use_one_thread()
    training, test = draw_cohort(64, rng), draw_cohort(20, rng)
    only = LeadSampler(OWN_LEAD, (1,), (), 0.0)
    scores = []
    for forged in (False, True):
        cohorts = [Cohort(each.signal.clone(), each.labels) for each in (training, test)]
        for each in cohorts:
            each.signal[:, 1:] += float(forged)
        torch.manual_seed(0)
        scorer = train_leadwise(*cohorts, Schedule(3, 16), torch.Generator().manual_seed(0), lambda _: None, only)
        scores.append(scorer(OWN_LEAD))
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("leads", LEAD_SETS.values(), ids=LEAD_SETS)
def test_no_arm_reads_a_lead_that_is_not_given(leads, rng):
    training, signal = draw_cohort(40, rng).signal, draw_cohort(5, rng).signal
    absent = [row for row, name in enumerate(LEADS12) if name not in leads]
    forged = signal.clone()
    forged[:, absent] = 1e6
    assert torch.equal(zero_filled(signal, leads), zero_filled(forged, leads))
    assert torch.equal(reconstructed(signal, leads, training), reconstructed(forged, leads, training))


def test_hard_negatives_compare_within_a_change_and_within_a_wall(rng):
    labels = rng.uniform(size=(400, len(FINDINGS))) < 0.2
    scores, entry = rng.standard_normal((400, len(FINDINGS))), finding("lateral Q wave")
    cohort = Cohort(torch.zeros(400, 12, 5), labels)
    same_wall = [COLUMN[f"lateral {change}"] for change in ("ST elevation", "ST depression", "T inversion", "tall T")]
    own = labels[:, COLUMN[entry.name]]
    chosen = own | labels[:, same_wall].any(axis=1)
    by_hand = np.mean(
        [
            (scores[i, COLUMN[entry.name]] > scores[j, COLUMN[entry.name]])
            for i in np.flatnonzero(own)
            for j in np.flatnonzero(chosen & ~own)
        ]
    )
    assert hard_negatives(scores, cohort, entry)["change"] == pytest.approx(by_hand)
    assert hard_negatives(scores, cohort, entry)["wall"] != pytest.approx(by_hand)


def test_controls_of_perfect_scores_are_what_other_findings_tell(rng):
    """With labels as scores, own queries are perfect and shuffled ones know only how findings go together."""
    cohort, fold = draw_cohort(600, rng), make_fold(0)
    values = measure("knowledge", cohort.labels.astype(float), cohort, torch.eye(len(FINDINGS)), fold)
    table = {(arm, unit, metric): value for arm, unit, metric, value in values}
    entry, others = fold.unseen[0], fold.unseen[1:]
    own = cohort.labels[:, COLUMN[entry.name]]
    by_hand = np.mean([auroc(cohort.labels[:, COLUMN[other.name]].astype(float), own) for other in others])
    assert table["knowledge", entry.name, "unseen"] == 1
    assert table["shuffled", entry.name, "unseen"] == pytest.approx(by_hand)
    assert table["same change elsewhere", entry.name, "unseen"] < 0.7


def test_zero_filling_leaves_given_leads_and_nothing_else(rng):
    signal = torch.randn(2, 12, 10)
    filled = zero_filled(signal, ("V2", "I"))
    assert torch.equal(filled[:, [0, 7]], signal[:, [0, 7]])
    assert int((filled != 0).any(-1).sum()) == 4


def test_reconstruction_derives_limb_leads_exactly_and_is_least_squares_elsewhere(rng):
    cohort = draw_cohort(60, rng)
    filled = reconstructed(cohort.signal, ("I", "II"), cohort.signal)
    torch.testing.assert_close(filled[:, :6], cohort.signal[:, :6], atol=1e-4, rtol=1e-3)
    given = cohort.signal[:, :2].permute(1, 0, 2).flatten(1).numpy().T
    wanted = cohort.signal[:, 8].flatten().numpy()
    expected = given @ np.linalg.lstsq(given, wanted, rcond=None)[0]
    np.testing.assert_allclose(filled[:, 8].flatten().numpy(), expected, atol=1e-2)
    torch.testing.assert_close(reconstructed(cohort.signal, LEADS12, cohort.signal), cohort.signal)


def test_every_arm_of_a_claim_is_measured(rows):
    for claim, found in zip(CLAIMS, rows.values(), strict=True):
        assert {arm.name for arm in claim.arms} <= {row.arm for row in found}
    sets = {(row.arm, row.metric) for row in rows["any-leads"]}
    assert {("masked", name) for name in LEAD_SETS} <= sets
    assert ("own lead", "I") in sets


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_what_did_not_learn_is_void_and_can_be_drawn(claim, rows):
    found = rows[claim.id.split("/")[1]]
    assert {verdict.outcome for verdict in claim.decide(found)} == {"void"}
    (drawing,) = claim.draw(found)
    assert drawing.figure.axes


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_data_folder_is_refused_rather_than_simulated_over(claim, tmp_path):
    given = SimpleNamespace(**{**vars(CONTEXT), "data": tmp_path})
    job = claim.jobs(claim.settings("smoke"))[0]
    with pytest.raises(InputError, match="read no data set; leave --data out"):
        list(claim.run(job, given))


def test_the_same_seed_gives_the_same_rows(rows):
    again = LEADS.run(Job("", 1, {"group": "own"}), CONTEXT)
    before = [row for row in rows["any-leads"] if row.arm == "own lead" and row.seed == 1]
    assert list(again) == before


def made_up_zero_shot(own: float, shuffled: float, elsewhere: float, name: float) -> list[Measurement]:
    rng, rows = np.random.default_rng(0), []
    unseen = {"knowledge": own, "shuffled": shuffled, "same change elsewhere": elsewhere, "name": name, "code": 0.6}
    for fold in range(3):
        for entry in make_fold(fold).unseen:
            level = rng.normal(0, 0.02)
            for arm, value in (unseen | {"random": 0.55}).items():
                rows.append(Measurement(arm, fold, entry.name, "unseen", value + level + rng.normal(0, 0.01)))
                rows.append(Measurement(arm, fold, entry.name, "wall test", 0.6))
        rows += [Measurement("knowledge", fold, "LBBB", "seen", 0.93)]
        rows += [Measurement("knowledge", fold, far, "far", 0.3 + rng.normal(0, 0.02)) for far in FAR]
    return rows


@pytest.mark.parametrize(
    ("values", "outcomes"),
    [
        ((0.80, 0.53, 0.70, 0.81), ["supported", "supported", "not supported"]),
        ((0.68, 0.53, 0.70, 0.60), ["not supported", "not supported", "supported"]),
        ((0.73, 0.53, 0.60, 0.73), ["inconclusive", "supported", "not supported"]),
    ],
)
def test_zero_shot_is_decided_by_the_margin_the_strong_control_and_the_name(values, outcomes):
    verdicts = ZERO_SHOT.decide(made_up_zero_shot(*values))
    assert [verdict.outcome for verdict in verdicts[:3]] == outcomes
    assert verdicts[-1].outcome == "supported"
    assert verdicts[0].estimate == pytest.approx(values[0] - values[1], abs=0.02)


@pytest.mark.parametrize(
    ("levels", "outcome"), [((0.3, 0.35), "supported"), ((0.7, 0.8), "not supported"), ((0.2, 0.8), "inconclusive")]
)
def test_far_findings_are_below_chance_or_above_it_or_open(levels, outcome):
    rows = [row for row in made_up_zero_shot(0.8, 0.53, 0.7, 0.8) if row.metric != "far"]
    rng = np.random.default_rng(0)
    for fold in range(3):
        for name, level in zip(FAR, levels, strict=True):
            rows.append(Measurement("knowledge", fold, name, "far", level + rng.normal(0, 0.01)))
    verdict = ZERO_SHOT.decide(rows)[-1]
    assert verdict.outcome == outcome
    assert verdict.estimate == pytest.approx(np.mean(levels) - 0.5, abs=0.02)


def test_nothing_is_decided_where_the_trained_findings_were_not_learned():
    rows = [
        dataclasses.replace(row, value=0.6) if row.metric == "seen" else row
        for row in made_up_zero_shot(0.9, 0.5, 0.5, 0.5)
    ]
    verdicts = ZERO_SHOT.decide(rows)
    assert {verdict.outcome for verdict in verdicts} == {"void"}
    assert all("trained findings is 0.600" in verdict.reason for verdict in verdicts)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_decision_does_not_depend_on_the_order_of_the_rows(claim, rows):
    found = list(rows[claim.id.split("/")[1]])
    expected = claim.decide(found)
    np.random.default_rng(0).shuffle(found)
    assert claim.decide(found) == expected


def made_up_leads(gain: dict[str, float]) -> list[Measurement]:
    rng, rows = np.random.default_rng(0), []
    for seed in range(3):
        for entry in FINDINGS:
            for name in LEAD_SETS:
                level = 0.93 + rng.normal(0, 0.02)
                rows.append(Measurement("masked", seed, entry.name, name, level))
                for arm, difference in gain.items():
                    rows.append(Measurement(arm, seed, entry.name, name, level - difference + rng.normal(0, 0.01)))
    return rows


def test_any_leads_is_decided_against_each_rival():
    verdicts = LEADS.decide(made_up_leads({"zero-filled": 0.1, "reconstructed": -0.03, "own lead": 0.0}))
    assert [verdict.outcome for verdict in verdicts] == ["supported", "not supported", "not supported", "supported"]
    worse = LEADS.decide(made_up_leads({"zero-filled": -0.1, "reconstructed": 0.03, "own lead": -0.05}))
    assert [verdict.outcome for verdict in worse] == ["not supported", "supported", "supported", "not supported"]


def constant(arm: str, metric: str, value: float, units: list[str], seeds: int = 3) -> list[Measurement]:
    return [Measurement(arm, seed, unit, metric, value) for seed in range(seeds) for unit in units]


@settings(max_examples=30)
@given(st.floats(-0.06, 0.12), st.floats(-0.06, 0.12), st.floats(-0.06, 0.12))
def test_without_noise_the_rules_on_leads_are_their_thresholds(over_zeros, over_reconstruction, over_own):
    """A gain has to lie above zero; being as good as the model of one lead allows for half of what matters."""
    assume(min(abs(over_zeros), abs(over_reconstruction), abs(over_own + 0.025)) > 1e-4)
    units = [entry.name for entry in FINDINGS]
    rows = constant("own lead", "I", 0.93 - over_own, units)
    for name in LEAD_SETS:
        rows += constant("masked", name, 0.93, units)
        rows += constant("zero-filled", name, 0.93 - over_zeros, units)
        rows += constant("reconstructed", name, 0.93 - over_reconstruction, units)
    verdicts = LEADS.decide(rows)
    expected = [over_zeros > 0, over_reconstruction > 0, over_reconstruction > 0, over_own > -0.025]
    assert [verdict.outcome == "supported" for verdict in verdicts] == expected
    assert {verdict.outcome for verdict in verdicts} <= {"supported", "not supported"}
    gains = [over_zeros, over_reconstruction, over_reconstruction, over_own]
    assert [verdict.estimate for verdict in verdicts] == pytest.approx(gains, abs=1e-9)


@settings(max_examples=30)
@given(st.floats(0, 0.4), st.floats(-0.1, 0.2), st.floats(-0.1, 0.2))
def test_without_noise_the_rules_on_words_are_their_thresholds(over_shuffled, over_elsewhere, over_name):
    assume(min(abs(over_shuffled - 0.2), abs(over_elsewhere), abs(over_name)) > 1e-4)
    gains = {"knowledge": 0, "shuffled": over_shuffled, "same change elsewhere": over_elsewhere, "name": over_name}
    rows = []
    for fold in range(3):
        for entry in make_fold(fold).unseen:
            for arm, gain in (gains | {"code": 0.1, "random": 0.3}).items():
                rows += [Measurement(arm, fold, entry.name, metric, 0.8 - gain) for metric in ("unseen", "wall test")]
        rows += [Measurement("knowledge", fold, "LBBB", "seen", 0.93)]
        rows += [Measurement("knowledge", fold, far, "far", 0.4) for far in FAR]
    verdicts = ZERO_SHOT.decide(rows)
    expected = [over_shuffled > 0.2, over_elsewhere > 0, over_name > 0, True, True, True]
    assert [verdict.outcome == "supported" for verdict in verdicts] == expected
    assert verdicts[0].estimate == pytest.approx(over_shuffled)


def test_folds_beyond_the_walls_start_again_and_no_fold_trains_what_it_asks():
    assert make_fold(5) == make_fold(0)
    for number in range(5):
        fold = make_fold(number)
        assert len({entry.wall for entry in fold.unseen}) == len({entry.change for entry in fold.unseen}) == 5
        assert set(fold.forbidden) == {entry.name for entry in fold.unseen} | set(FAR)


@pytest.mark.parametrize("name", [name for name in LEAD_SETS if name != "12"])
def test_reconstruction_is_the_best_linear_map_of_the_given_leads(cohort, name):
    """On the records that it was fitted to no other map errs less: what it leaves is orthogonal to the given leads."""
    leads = LEAD_SETS[name]
    rows = [LEADS12.index(lead) for lead in leads]
    made = reconstructed(cohort.signal, leads, cohort.signal)
    residual = (made - cohort.signal).permute(1, 0, 2).flatten(1).double().numpy()
    shown = cohort.signal[:, rows].permute(1, 0, 2).flatten(1).double().numpy()
    size = np.linalg.norm(residual, axis=1, keepdims=True) * np.linalg.norm(shown, axis=1)
    cosines = np.divide(residual @ shown.T, size, out=np.zeros_like(size), where=size > 1e-3)
    missing = [row for row, lead in enumerate(LEADS12) if lead not in leads and row >= 6]
    assert np.abs(cosines[missing]).max() < 0.02
