import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import FINDINGS, Dirt, Statement, domain, draw_cohort, pair, render, spoil_films
from medsuite.synth_medvlp.cohorts import Cohort, PairedSet, draw_findings, label_matrix
from medsuite.synth_medvlp.dirt import CLEAN, FAULTS, HARSH, spoil_statements, swapped_order


def test_films_depend_on_their_own_seed_alone():
    labels, seeds = [["nodule"], [], ["pleural effusion", "pacemaker"]], [5, 6, 7]
    together = render(labels, seeds, 32, domain(1.0))
    alone = render(labels[2:], seeds[2:], 32, domain(1.0))
    assert np.array_equal(together.image[2], alone.image[0])
    assert [finding.label for finding in together.findings[2]] == labels[2]
    assert len(together.boxes[2]) == len(together.visible[2]) == 2


def test_the_synthetic_domain_is_cleaner_and_its_patients_are_alike():
    seeds = list(range(40))
    real, synthetic = (render([[]] * 40, seeds, 48, domain(gap)).image for gap in (0.0, 1.0))
    assert synthetic.std(0).mean() < 0.8 * real.std(0).mean()

    def roughness(films):
        return np.median(np.abs(np.diff(films, axis=2)[:, 36:, 14:34]))

    assert roughness(synthetic) < 0.5 * roughness(real)


def test_the_gap_moves_every_parameter_from_real_to_synthetic():
    steps = [domain(gap) for gap in (0.0, 0.5, 1.0, 1.2)]
    for values in (
        [-look.acquisition.photons_per_mm2 for look in steps[:3]],
        [look.acquisition.scatter_fraction for look in steps[:3]],
        [look.acquisition.blur_mm for look in steps[:3]],
        [look.variation for look in steps],
        [look.bone for look in steps],
        [-look.contrast[0] for look in steps],
    ):
        assert values == sorted(values, reverse=True)
        assert len(set(values)) == len(values)
    assert steps[2].contrast == pytest.approx((1.15, 1.15))
    with pytest.raises(InputError, match=r"gap 1\.3"):
        domain(1.3)


def test_seeds_and_films_have_to_match():
    with pytest.raises(InputError, match="1 seeds for 2 films"):
        render([[], []], [0], 32, domain(0.0))


def test_a_cohort_survives_the_disk(tmp_path, cohort):
    cohort.save(tmp_path)
    again = Cohort.load(tmp_path)
    assert np.array_equal(again.films, cohort.films)
    assert again.statements == cohort.statements
    assert again[5:7].statements == cohort.statements[5:7]


def test_a_balanced_cohort_has_every_finding_equally_often(cohort):
    assert np.ptp(cohort.labels.sum(0)) <= 4
    assert np.ptp(draw_findings(200, None, np.random.default_rng(0)).certificate().tail.effective) == 0
    tail = draw_findings(2000, 1.5, np.random.default_rng(0)).certificate().tail
    assert 1.0 < tail.slope < 1.6


def test_cohorts_that_share_a_tail_key_find_the_same_things_rare():
    counts = [draw_cohort(150, 16, 1.5, 0.0, (0, number), tail_key=(9,)).labels.sum(0) for number in (0, 1)]
    assert np.corrcoef(*counts)[0, 1] > 0.9


def test_clean_pairs_say_what_is_there(cohort, rng):
    pairs = pair(cohort, CLEAN, rng)
    assert np.array_equal(pairs.films, cohort.films)
    assert np.array_equal(pairs.stated, cohort.labels)
    facts = pairs.facts()
    assert (facts["report precision"], facts["report recall"], facts["bad films"]) == (1, 1, 0)


def many(cohort, times=30):
    return Cohort(np.tile(cohort.films, (times, 1, 1)), cohort.statements * times)


def test_dirt_has_the_shares_that_it_states(cohort, rng):
    pairs = pair(many(cohort), HARSH, rng)
    present, told = pairs.labels.sum(), pairs.stated.sum()
    absent = pairs.labels.size - present
    assert pairs.facts()["bad films"] == pytest.approx(0.25, abs=0.04)
    # A tenth of the reports belong to other films.
    missed_or_swapped = 1 - 0.75 * (0.9 + 0.1 * present / pairs.labels.size)
    assert 1 - pairs.facts()["report recall"] == pytest.approx(missed_or_swapped, abs=0.04)
    assert told == pytest.approx(0.75 * present + 0.03 * absent, rel=0.08)


def test_statements_are_missed_and_invented_and_never_told_twice(rng):
    true = [Statement("mass"), Statement("nodule")]
    assert spoil_statements(true, Dirt(missed=0.999), rng) == []
    told = spoil_statements(true, Dirt(false=0.999), rng)
    assert len({statement.concept for statement in told}) == len(told) == len(FINDINGS)


def test_swapped_films_all_carry_another_ones_report(rng):
    order = swapped_order(100, 0.3, rng)
    assert (order != np.arange(100)).sum() == 30
    assert sorted(order.tolist()) == list(range(100))


def test_shuffled_sets_keep_films_and_reports_and_no_pair(cohort, rng):
    pairs = pair(cohort, CLEAN, rng)
    shuffled = pairs.shuffled(rng)
    assert np.array_equal(shuffled.films, pairs.films)
    assert sorted(report.text for report in shuffled.reports) == sorted(report.text for report in pairs.reports)
    assert (shuffled.stated != pairs.stated).any()


def test_joined_sets_lie_one_behind_the_other(cohort, rng):
    pairs = pair(cohort, CLEAN, rng)
    joined = PairedSet.joined([pairs, pairs.shuffled(rng)])
    assert len(joined.films) == len(joined.reports) == 80
    assert joined.reports[:40] == pairs.reports


def test_bad_films_are_what_their_fault_says(rng):
    good = render([[]] * 60, list(range(60)), 48, domain(0.0)).image
    spoilt, fault = spoil_films(good, 0.999, rng)
    kinds = {name: np.flatnonzero(fault == place) for place, name in enumerate(FAULTS)}
    turned = kinds["rotated"][0]
    assert any(np.array_equal(spoilt[turned], np.rot90(good[turned], times)) for times in (1, 2, 3))
    blurred, noisy, exposed = (kinds[name] for name in ("blurred", "noisy", "badly exposed"))
    assert np.abs(np.diff(spoilt[blurred])).mean() < 0.6 * np.abs(np.diff(good[blurred])).mean()
    assert np.abs(np.diff(spoilt[noisy])).mean() > 2 * np.abs(np.diff(good[noisy])).mean()
    assert (np.abs(spoilt[exposed].mean((1, 2)) - good[exposed].mean((1, 2))) > 0.2).all()
    other = kinds["not a chest"][0]
    np.testing.assert_allclose(np.sort(spoilt[other], axis=None), np.sort(good[other], axis=None))
    assert all(len(films) for name, films in kinds.items() if name != "good")


def test_no_share_leaves_everything_as_it_was(cohort, rng):
    films = cohort.films / np.float32(255)
    spoilt, fault = spoil_films(films, 0.0, rng)
    assert np.array_equal(spoilt, films)
    assert not fault.any()
    with pytest.raises(InputError, match=r"bad 1\.5"):
        Dirt(bad=1.5)


def test_labels_are_in_the_order_of_the_findings():
    labels = label_matrix([[Statement(FINDINGS[3])], [], [Statement(FINDINGS[0]), Statement(FINDINGS[13])]])
    assert np.argwhere(labels).tolist() == [[0, 3], [2, 0], [2, 13]]
