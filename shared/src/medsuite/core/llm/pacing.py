"""When a request may be sent: pauses between attempts, a rate, and a price that is not exceeded."""

import asyncio
import math
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from medsuite.core.errors import InputError


@dataclass(frozen=True)
class Limits:
    """How hard a server is used, and how long it is waited for.

    Attributes:
        concurrency: The most requests that are under way.
        requests_per_minute: The most attempts that are begun in a minute, evenly spaced; None for as many as go.
        attempts: How often a request is sent before its failure stands.
        connect_seconds: The longest wait for a connection.
        idle_seconds: The longest silence of a server, which writes nothing before it has the whole answer.
        total_seconds: The longest attempt.
        first_pause: Bound of the pause before the second attempt, in seconds; it doubles with each further one.
        longest_pause: Bound of every pause, also of one that the server asks for: a longer one ends the attempts.
    """

    concurrency: int = 16
    requests_per_minute: float | None = None
    attempts: int = 6
    connect_seconds: float = 10.0
    idle_seconds: float = 300.0
    total_seconds: float = 900.0
    first_pause: float = 1.0
    longest_pause: float = 120.0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.attempts < 1:
            raise InputError(f"concurrency {self.concurrency}, attempts {self.attempts}", expected="at least 1 each")
        if self.requests_per_minute is not None and not self.requests_per_minute > 0:
            raise InputError(f"requests_per_minute {self.requests_per_minute}", expected="above 0")


@dataclass(frozen=True)
class Price:
    """What a server charges and how much may be spent.

    Attributes:
        prompt: US dollars for a million tokens of prompts.
        answer: US dollars for a million tokens of answers.
        most: The most that a client may spend in US dollars.
    """

    prompt: float
    answer: float
    most: float = math.inf

    def of(self, prompt_tokens: int, answer_tokens: int) -> float:
        """Compute the price of one request in US dollars."""
        return (prompt_tokens * self.prompt + answer_tokens * self.answer) / 1e6


def asked_pause(header: str | None, now: datetime | None = None) -> float | None:
    """Read a Retry-After header (RFC 9110, section 10.2.3): seconds, or the date when to come back.

    Args:
        header: The header's text, if there was one.
        now: The present time.

    Returns:
        The pause in seconds, never negative; None where there is no header that can be read.
    """
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        return _until(header, now or datetime.now(UTC))
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def drawn_pause(attempt: int, limits: Limits, rng: random.Random) -> float:
    """Draw the pause after a failed attempt with full jitter: uniform between 0 and first_pause 2^(attempt - 1).

    Args:
        attempt: Number of the attempt that failed, from 1.
        limits: Bounds of the pause.
        rng: Source of randomness.
    """
    return rng.uniform(0.0, min(limits.longest_pause, limits.first_pause * 2 ** (attempt - 1)))


class Pacer:
    """Spaces the attempts of all tasks evenly.

    Args:
        requests_per_minute: How many attempts may begin in a minute; None for as many as go.
    """

    def __init__(self, requests_per_minute: float | None) -> None:
        self._interval = 60 / requests_per_minute if requests_per_minute else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for a turn to send."""
        start = max(self._next, time.monotonic())
        self._next = start + self._interval
        if (pause := start - time.monotonic()) > 0:
            await asyncio.sleep(pause)


class Budget:
    """Money that is reserved before a request is sent and settled after it, so that the cap is never exceeded.

    Args:
        price: What tokens cost and the most that may be spent; None where nothing costs anything.
    """

    def __init__(self, price: Price | None) -> None:
        self._price = price or Price(0.0, 0.0)
        self._reserved = 0.0
        self.spent = 0.0

    async def reserve(self, prompt_tokens: int, answer_tokens: int) -> float | None:
        """Reserve the worst case of a request, waiting for others to be settled where that may make room.

        Returns:
            What was reserved; None where it does not fit even with nothing under way.
        """
        amount = self._price.of(prompt_tokens, answer_tokens)
        while self.spent + self._reserved + amount > self._price.most:
            if self.spent + amount > self._price.most:
                return None
            await asyncio.sleep(0.01)
        self._reserved += amount
        return amount

    def settle(self, reserved: float, used: tuple[int, int] | None) -> None:
        """Give a reservation back and charge what was used; the whole reservation where that is unknown."""
        self._reserved -= reserved
        self.spent += reserved if used is None else self._price.of(*used)


def _until(date: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    return max((then.replace(tzinfo=then.tzinfo or UTC) - now).total_seconds(), 0.0)
