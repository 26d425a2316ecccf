"""Pauses, and money."""

import asyncio
import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.core.llm import Limits, Price, Request, Sampling
from medsuite.core.llm.pacing import Budget, asked_pause, drawn_pause

NOW = datetime(2026, 1, 31, 23, 59, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("2.5", 2.5),
        ("-3", 0.0),
        ("nan", None),
        ("soon", None),
        ("Sun, 01 Feb 2026 00:00:00 GMT", 30.0),
        ("Sunday, 01-Feb-26 00:00:00 GMT", 30.0),
        ("Sat, 31 Jan 2026 23:00:00 GMT", 0.0),
        ("Sun, 01 Feb 2026 01:00:00 +0100", 30.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert asked_pause(header, NOW) == seconds


@given(st.integers(1, 200), st.randoms(use_true_random=False))
def test_a_drawn_pause_stays_below_its_bounds(attempt: int, rng: random.Random) -> None:
    assert (
        0 <= drawn_pause(attempt, Limits(first_pause=0.5, longest_pause=20), rng) <= min(20, 0.5 * 2 ** (attempt - 1))
    )


def test_full_jitter_is_uniform() -> None:
    rng = random.Random(0)
    drawn = [drawn_pause(3, Limits(first_pause=1.0), rng) for _ in range(4000)]
    quarters = [sum(k <= pause < k + 1 for pause in drawn) / 4000 for k in range(4)]
    assert quarters == pytest.approx([0.25] * 4, abs=0.03)


def test_a_reservation_waits_for_money_that_may_come_back_and_gives_up_when_none_can() -> None:
    async def spend() -> list[float | None]:
        budget = Budget(Price(prompt=1e6, answer=0.0, most=10.0))
        first = await budget.reserve(8, 0)
        second = asyncio.create_task(budget.reserve(5, 0))
        await asyncio.sleep(0.03)
        waiting = not second.done()
        budget.settle(first or 0.0, (3, 0))
        return [first, await second if waiting else None, await budget.reserve(8, 0), budget.spent]

    assert asyncio.run(spend()) == [8.0, 5.0, None, 3.0]


@pytest.mark.parametrize(
    "build",
    [
        lambda: Limits(concurrency=0),
        lambda: Limits(attempts=0),
        lambda: Limits(requests_per_minute=0),
        lambda: Sampling(max_tokens=0),
        lambda: Sampling(temperature=-1),
        lambda: Sampling(temperature=float("nan")),
        lambda: Sampling(top_p=0),
        lambda: Request(""),
        lambda: Request(()),
        lambda: Request("?", options=("a", "a")),
        lambda: Request("?", options=("a", "")),
        lambda: Request("?", options=("a",), schema={}),
        lambda: Request("?", schema={"type": "integre"}),
        lambda: Request("?", schema={"type": {1, 2}}),
    ],
)
def test_nonsense_is_refused_where_it_is_written(build: object) -> None:
    with pytest.raises(InputError):
        build()  # type: ignore[operator]
