import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.bpgpt.data.splits import PURGE, LeakageError, Span, StorySplit, purge, refuse_leakage
from medsuite.core.errors import InputError

spans = st.builds(
    lambda subject, story, start, length: Span(subject, story, start, start + length),
    st.sampled_from(["UTS01", "UTS02"]),
    st.sampled_from(["alpha", "beta"]),
    st.integers(0, 60),
    st.integers(1, 14),
)


def leaks(first, second, trs):
    """The definition: some row of the one is nearer than `trs` free TRs to some row of the other, in one story."""
    if first.story != second.story:
        return False
    return any(abs(a - b) <= trs for a in range(first.start, first.stop) for b in range(second.start, second.stop))


@given(st.lists(spans, max_size=6), st.lists(spans, max_size=4), st.integers(0, 9))
def test_purging_keeps_exactly_the_windows_that_do_not_leak(train, test, trs):
    kept = [index for index, span in enumerate(train) if not any(leaks(span, other, trs) for other in test)]
    assert purge(train, test, trs=trs) == kept
    refuse_leakage([train[index] for index in kept], test, trs=trs)
    if len(kept) < len(train):
        with pytest.raises(LeakageError):
            refuse_leakage(train, test, trs=trs)


@given(spans, spans, st.integers(0, 9))
def test_being_near_is_mutual_and_follows_the_definition(first, second, trs):
    assert first.near(second, trs) == second.near(first, trs) == leaks(first, second, trs)


def test_the_same_story_heard_by_another_listener_leaks():
    with pytest.raises(LeakageError, match="UTS02 alpha rows 0-13 to UTS01 rows 5-18"):
        refuse_leakage([Span("UTS02", "alpha", 0, 14)], [Span("UTS01", "alpha", 5, 19)])


def test_windows_that_share_no_row_leak_through_the_haemodynamic_response():
    test = [Span("UTS01", "alpha", 20, 34)]
    with pytest.raises(LeakageError, match=r"1 of 1 training windows .* purge\(\)"):
        refuse_leakage([Span("UTS01", "alpha", 0, 20 - PURGE + 1)], test)
    refuse_leakage([Span("UTS01", "alpha", 0, 20 - PURGE - 1)], test)


def test_a_story_on_two_sides_is_refused():
    with pytest.raises(LeakageError, match="alpha is in train and in test"):
        StorySplit(frozenset({"alpha", "beta"}), frozenset(), frozenset({"alpha"}))


@pytest.mark.parametrize(("train", "test"), [((), ("alpha",)), (("alpha",), ())])
def test_a_split_without_training_or_test_stories_is_refused(train, test):
    with pytest.raises(InputError, match="at least 1 each"):
        StorySplit(frozenset(train), frozenset(), frozenset(test))


@given(st.permutations(["a", "b", "c", "d", "e"]), st.integers(0, 3), st.integers(0, 99))
def test_a_split_holds_every_story_once_whatever_their_order(stories, validation, seed):
    split, again = (
        StorySplit.make(names, test=["c"], validation=validation, rng=np.random.default_rng(seed))
        for names in (stories, sorted(stories))
    )
    assert split == again
    assert len(split.validation) == validation
    assert sorted([*split.train, *split.validation, *split.test]) == ["a", "b", "c", "d", "e"]
    assert split.side("c") == "test"


def test_unknown_stories_name_the_nearest():
    with pytest.raises(InputError, match="did you mean 'alpha'"):
        StorySplit.make(["alpha", "beta"], test=["alhpa"], validation=0, rng=np.random.default_rng(0))
    split = StorySplit(frozenset({"beta"}), frozenset(), frozenset({"alpha"}))
    with pytest.raises(InputError, match="unknown story 'gamma'"):
        split.side("gamma")


def test_too_many_validation_stories_are_refused():
    with pytest.raises(InputError, match="1 validation stories of 1"):
        StorySplit.make(["alpha", "beta"], test=["alpha"], validation=1, rng=np.random.default_rng(0))


def test_an_empty_span_is_refused():
    with pytest.raises(InputError, match="from row 5 to row 5"):
        Span("UTS01", "alpha", 5, 5)
