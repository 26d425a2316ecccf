"""Each fault is what it is called: compared with the good film that it was made from."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import FINDINGS, Dirt, Statement, spoil_films
from medsuite.synth_medvlp.dirt import CLEAN, FAULTS, HARSH, MILD, spoil_statements, swapped_order


@pytest.fixture(scope="module")
def pairs(cohort):
    """Good films with the bad ones that were made of them, by fault."""
    good = np.concatenate([cohort.films] * 4).astype(np.float32) / 255
    spoilt, fault = spoil_films(good, 0.999, np.random.default_rng(0))
    return {
        name: list(zip(good[fault == number], spoilt[fault == number], strict=True))
        for number, name in enumerate(FAULTS)
    }


def roughness(film):
    return np.abs(np.diff(film, axis=0)).mean() + np.abs(np.diff(film, axis=1)).mean()


def test_every_fault_occurs_about_equally_often(pairs):
    counts = [len(pairs[name]) for name in FAULTS[1:]]
    assert len(pairs["good"]) <= 2
    assert min(counts) > 0.5 * np.mean(counts)


def test_a_blurred_film_is_smooth_and_keeps_its_brightness(pairs):
    for good, bad in pairs["blurred"]:
        assert roughness(bad) < 0.6 * roughness(good)
        assert bad.mean() == pytest.approx(good.mean(), abs=0.02)


def test_a_noisy_film_is_rough_and_stays_within_black_and_white(pairs):
    for good, bad in pairs["noisy"]:
        assert roughness(bad) > 2 * roughness(good)
        assert bad.min() >= 0
        assert bad.max() <= 1


def test_a_badly_exposed_film_is_shifted_and_clipped_to_one_side_or_the_other(pairs):
    signs = set()
    for good, bad in pairs["badly exposed"]:
        shift = 0.6 if bad.mean() > good.mean() else -0.6
        np.testing.assert_allclose(bad, np.clip(good + shift, 0, 1), atol=1e-6)
        signs.add(shift)
    assert len(signs) == 2


def test_a_rotated_film_is_a_quarter_a_half_or_three_quarters_of_a_turn_away(pairs):
    turns = set()
    for good, bad in pairs["rotated"]:
        (found,) = [times for times in (1, 2, 3) if np.array_equal(np.rot90(good, times), bad)]
        turns.add(found)
    assert turns == {1, 2, 3}


def test_what_is_no_chest_has_the_films_own_greys_in_another_place(pairs):
    for good, bad in pairs["not a chest"]:
        np.testing.assert_array_equal(np.sort(good, axis=None), np.sort(bad, axis=None))
        assert np.corrcoef(good.ravel(), bad.ravel())[0, 1] < 0.6


def test_no_dirt_changes_nothing(cohort, rng):
    films = cohort.films.astype(np.float32) / 255
    spoilt, fault = spoil_films(films, CLEAN.bad, rng)
    assert np.array_equal(spoilt, films)
    assert not fault.any()
    told = list(cohort.statements[0])
    assert spoil_statements(told, CLEAN, rng) == told
    assert swapped_order(30, CLEAN.swapped, rng).tolist() == list(range(30))


@given(st.integers(2, 60), st.floats(0, 1), st.integers(0, 99))
def test_a_swap_is_one_circle_over_the_stated_share(reports, share, seed):
    order = swapped_order(reports, share, np.random.default_rng(seed))
    moved = np.flatnonzero(order != np.arange(reports))
    wanted = round(share * reports)
    assert len(moved) == (wanted if wanted > 1 else 0)
    if wanted > 1:
        place, seen = moved[0], set()
        while place not in seen:
            seen.add(int(place))
            place = order[place]
        assert len(seen) == wanted


def test_shares_of_missed_and_invented_findings_are_those_of_the_dirt(rng):
    true = [Statement(name) for name in FINDINGS[:4]]
    told = [spoil_statements(true, HARSH, rng) for _ in range(4000)]
    names = [{statement.concept for statement in report} for report in told]
    kept = np.mean([[name in report for name in FINDINGS[:4]] for report in names])
    invented = np.mean([[name in report for name in FINDINGS[4:]] for report in names])
    assert kept == pytest.approx(1 - HARSH.missed, abs=0.015)
    assert invented == pytest.approx(HARSH.false, abs=0.004)


def test_mild_dirt_is_the_share_that_the_paper_found_and_less_than_harsh():
    assert MILD.bad == pytest.approx(5512 / 213_384, abs=2e-4)
    for name in ("bad", "missed", "false", "swapped"):
        assert getattr(CLEAN, name) <= getattr(MILD, name) <= getattr(HARSH, name)


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_that_is_none_is_refused(share):
    with pytest.raises(InputError, match="missed"):
        Dirt(missed=share)
