"""Every allocator runs with every selector and every merger."""

from dataclasses import fields, replace
from itertools import combinations, product

import pytest

from medsuite.meda_kv import ALLOCATORS, MERGERS, SELECTORS, Budget, Pages, Protect, Recipe, compress


def short(part):
    """The part with a window that fits a short prompt."""
    if part == Pages():
        return Pages(short(part.base), size=4)
    return replace(part, queries=6) if "queries" in {field.name for field in fields(part)} else part


def covering():
    """Combinations in which every two parts of different kinds meet at least once."""
    allocators, selectors, mergers = sorted(ALLOCATORS), sorted(SELECTORS), sorted(MERGERS)
    pairs = product(enumerate(allocators), enumerate(selectors))
    return [(allocator, selector, mergers[(i + k) % len(mergers)]) for (i, allocator), (k, selector) in pairs]


def test_every_two_parts_meet():
    met = {frozenset(pair) for triple in covering() for pair in combinations(triple, 2)}
    kinds = (ALLOCATORS, SELECTORS, MERGERS)
    wanted = {frozenset((a, b)) for first, second in combinations(kinds, 2) for a in first for b in second}
    assert wanted <= met


@pytest.mark.parametrize(("allocator", "selector", "merger"), covering())
def test_every_combination_of_parts_generates(tiny_llama, prompt, allocator, selector, merger):
    model = tiny_llama(layers=2)
    ids, mask = prompt(32, padding=5)
    parts = (short(registry[name]()) for registry, name in ((ALLOCATORS, allocator), (SELECTORS, selector)))
    recipe = Recipe(Budget(ratio=0.5), *parts, MERGERS[merger](), Protect(sinks=2))
    with compress(model, recipe) as session:
        model.generate(ids, attention_mask=mask, max_new_tokens=2, do_sample=False)
    report = session.report
    assert (report.budgets <= report.tokens[:, None]).all()
    assert allocator == "released" or report.budgets.sum(axis=1).tolist() == [32, 27]
    assert report.bytes_after < report.bytes_before


def test_spans_that_a_user_marks_are_kept(tiny_llama, prompt):
    model = tiny_llama(layers=2)
    ids, mask = prompt(32)
    recipe = Recipe(Budget(ratio=0.4), select=SELECTORS["random"](), protect=Protect(sinks=0, spans=((10, 15),)))
    with compress(model, recipe) as session:
        model.generate(ids, attention_mask=mask, max_new_tokens=2, do_sample=False)
    for layer in session.cache.layers:
        assert set(range(10, 15)) <= set(layer.positions[0, 0].tolist())
