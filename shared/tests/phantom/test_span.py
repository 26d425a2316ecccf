import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.phantom.span import Span, uncovered

interval = st.tuples(st.integers(-20, 20), st.integers(-20, 20))


def span(ends: tuple[int, int]) -> Span:
    return Span(np.array([float(ends[0])]), np.array([float(ends[1])]))


@settings(deadline=None)
@given(interval, st.tuples(interval, interval, interval))
def test_the_uncovered_length_counts_the_unit_cells_that_no_cover_holds(ends, covers):
    cells = {cell for cell in range(*ends) if not any(cover[0] <= cell < cover[1] for cover in covers)}
    assert uncovered(span(ends), [span(cover) for cover in covers]).item() == len(cells)


@settings(deadline=None)
@given(interval, interval)
def test_intersections_are_symmetric_and_never_longer_than_either(first, second):
    met, other = span(first).meet(span(second)), span(second).meet(span(first))
    assert met == other
    assert met.length() <= min(span(first).length(), span(second).length())


def test_an_interval_that_ends_before_it_starts_is_empty():
    assert span((3, -2)).length() == 0


def test_measuring_a_span_does_not_change_it():
    ends = span((3, -2))
    ends.length()
    assert (ends.back.item(), ends.front.item()) == (3, -2)
