"""Every allocator runs with every selector and every merger."""

import pytest

from medsuite.meda_kv import ALLOCATORS, MERGERS, SELECTORS, Budget, Protect, Recipe, SnapKV, compress


@pytest.mark.parametrize("merger", sorted(MERGERS))
@pytest.mark.parametrize("selector", sorted(SELECTORS))
@pytest.mark.parametrize("allocator", sorted(ALLOCATORS))
def test_every_combination_of_parts_generates(tiny_llama, prompt, allocator, selector, merger):
    model = tiny_llama(layers=2)
    ids, mask = prompt(32, padding=5)
    select = SnapKV(queries=6) if selector == "snapkv" else SELECTORS[selector]()
    recipe = Recipe(Budget(ratio=0.5), ALLOCATORS[allocator](), select, MERGERS[merger](), Protect(sinks=2))
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
