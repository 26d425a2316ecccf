from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import FINDINGS, BalancedSampler, EntityPool, FrequencySampler
from medsuite.synth_medvlp.pool import measure_tail
from medsuite.synth_medvlp.sampling import sizes_at_random

POOL = EntityPool(dict.fromkeys("abcdefgh", 1))


def papers_sampler(names, sizes, cap, rng):
    """The paper's rule, step by step: draw from the pool; what was drawn `cap` times leaves it."""
    uses, reports = Counter(), []
    for size in sizes:
        left = [name for name in names if uses[name] < cap]
        report = rng.choice(left, size, replace=False).tolist()
        uses.update(report)
        reports.append(report)
    return uses, reports


@settings(max_examples=60)
@given(st.lists(st.integers(0, 8), min_size=4, max_size=30), st.integers(0, 3), st.integers(0, 999))
def test_cap_floor_and_no_repetition_hold_in_every_draw(sizes, spare, seed):
    sizes = np.array([*sizes, 8])
    cap = -(-int(sizes.sum()) // 8) + 1 + spare
    floor = min(int(sizes.sum()) // 8, cap, int((sizes > 0).sum()))
    draws = BalancedSampler(POOL, cap, floor).draw(sizes, np.random.default_rng(seed))
    uses = Counter(name for report in range(len(draws)) for name in draws[report])
    assert [len(draws[report]) for report in range(len(draws))] == sizes.tolist()
    assert all(len(set(draws[report])) == len(draws[report]) for report in range(len(draws)))
    assert max(uses.values()) <= cap
    assert min(uses[name] for name in POOL.names) >= floor


def test_the_tightest_cap_makes_all_uses_equal_and_the_certificate_says_so(rng):
    certificate = BalancedSampler(POOL, cap=30).draw(np.full(80, 3), rng).certificate()
    assert (certificate.slots, certificate.most, certificate.least) == (240, 30, 30)
    assert certificate.tail.gini == pytest.approx(0)
    assert certificate.tail.effective == pytest.approx(8)


def test_every_pair_of_entities_is_as_likely_as_under_the_papers_rule(rng):
    sizes = np.full(20_000, 2)
    draws = BalancedSampler(POOL, cap=6_000).draw(sizes, rng)
    ours = Counter(frozenset(draws[report]) for report in range(len(draws)))
    _, reports = papers_sampler(POOL.names, sizes, 6_000, rng)
    theirs = Counter(frozenset(report) for report in reports)
    pairs = [frozenset(pair) for pair in combinations(POOL.names, 2)]
    expected = 20_000 / len(pairs)
    for counts in (ours, theirs):
        assert sum((counts[pair] - expected) ** 2 / expected for pair in pairs) < 60


def test_both_rules_respect_the_cap_when_it_binds_everywhere(rng):
    sizes = np.full(160, 2)
    uses, _ = papers_sampler(POOL.names, sizes, 45, rng)
    certificate = BalancedSampler(POOL, cap=45).draw(sizes, rng).certificate()
    assert max(uses.values()) <= 45
    assert certificate.most <= 45


@pytest.mark.parametrize(
    ("cap", "floor", "sizes", "message"),
    [
        (2, 0, [3] * 10, r"30 slots > 8 entities x 2 uses.*raise the cap to 4"),
        (9, 5, [2] * 10, r"20 slots < 8 entities x 5 uses"),
        (2, 3, [2] * 10, "floor <= cap"),
        (9, 0, [9], "at most the 8 of the pool"),
        (9, 0, [0, 0], "at least one entity"),
    ],
)
def test_what_cannot_be_dealt_is_refused_with_its_arithmetic(cap, floor, sizes, message, rng):
    with pytest.raises(InputError, match=message):
        BalancedSampler(POOL, cap, floor).draw(np.array(sizes), rng)


def test_frequency_sampling_draws_one_after_the_other_without_replacement(rng):
    pool = EntityPool({"a": 6, "b": 3, "c": 1, "never": 0})
    draws = FrequencySampler(pool).draw(np.full(30_000, 2), rng)
    shares = Counter(draws[report] for report in range(len(draws)))
    weights = {"a": 0.6, "b": 0.3, "c": 0.1}
    for first, second in [("a", "b"), ("b", "a"), ("c", "a"), ("b", "c")]:
        expected = weights[first] * weights[second] / (1 - weights[first])
        assert shares[first, second] / 30_000 == pytest.approx(expected, abs=0.01)
    assert all("never" not in pair for pair in shares)


def test_frequency_sampling_asks_only_for_what_has_been_seen(rng):
    with pytest.raises(InputError, match="at most the 1 of the pool"):
        FrequencySampler(EntityPool({"a": 5, "b": 0})).draw(np.array([2]), rng)


def test_a_zipf_pool_has_its_exponent_and_chance_decides_what_is_rare(rng):
    first, second = (EntityPool.zipf(FINDINGS, 1.5, np.random.default_rng(seed)) for seed in (0, 1))
    assert first.tail().slope == pytest.approx(1.5, abs=0.01)
    assert first.names != second.names
    assert sorted(first.names) == sorted(FINDINGS)


def test_tail_measures_have_their_definitions(rng):
    counts = rng.integers(1, 200, 12).astype(float)
    tail, shares = measure_tail(counts), counts / counts.sum()
    differences = np.abs(counts[:, None] - counts).sum()
    assert tail.gini == pytest.approx(differences / (2 * 12**2 * counts.mean()))
    assert tail.effective == pytest.approx(np.prod(shares**-shares))
    assert np.isnan(measure_tail(np.array([50.0, 3, 2])).slope)


def test_sizes_follow_their_shares(rng):
    sizes = sizes_at_random(20_000, np.array([0.1, 0.3, 0.6]), rng)
    assert np.bincount(sizes) / 20_000 == pytest.approx([0.1, 0.3, 0.6], abs=0.015)
    with pytest.raises(InputError, match="add up to 1"):
        sizes_at_random(5, np.array([0.5, 0.6]), rng)


def test_the_papers_numbers_are_dealt_in_seconds_with_the_cap_binding_nearly_everywhere(rng):
    """200,000 reports of 9 from 136,532 entities, 15 uses at most: 13.2 uses an entity on average."""
    pool = EntityPool(dict.fromkeys(map(str, range(136_532)), 1))
    draws = BalancedSampler(pool, cap=15, floor=5).draw(np.full(200_000, 9), rng)
    certificate = draws.certificate()
    assert (certificate.slots, certificate.most) == (1_800_000, 15)
    assert certificate.least >= 5
    assert certificate.repaired < 200
    rows = np.sort(draws.entity.reshape(200_000, 9), axis=1)
    assert (np.diff(rows, axis=1) > 0).all(), "no entity twice in a report"


@settings(max_examples=40)
@given(st.integers(2, 8), st.integers(1, 20), st.integers(0, 999))
def test_when_every_report_asks_for_everything_there_is_one_way_alone(entities, reports, seed):
    pool = EntityPool(dict.fromkeys("abcdefgh"[:entities], 1))
    draws = BalancedSampler(pool, cap=reports, floor=reports).draw(
        np.full(reports, entities), np.random.default_rng(seed)
    )
    assert all(sorted(draws[report]) == sorted(pool.names) for report in range(reports))


def test_balancing_a_balanced_pool_changes_no_frequency(rng):
    """Metamorphic: with equal counts, sampling by frequency and balanced sampling draw entities equally often."""
    sizes = np.full(8_000, 3)
    balanced = BalancedSampler(POOL, cap=8_000).draw(sizes, rng).certificate()
    frequency = FrequencySampler(POOL).draw(sizes, rng).certificate()
    for certificate in (balanced, frequency):
        assert certificate.most / certificate.least < 1.15
