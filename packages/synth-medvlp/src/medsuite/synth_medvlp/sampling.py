"""Drawing entities for reports: balanced with a cap and a floor, and by frequency as its rival."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from medsuite.core.errors import InputError
from medsuite.synth_medvlp.pool import EntityPool, Tail, measure_tail

_TRIES = 32


@dataclass(frozen=True)
class Draws:
    """Entities for each report, without repetition within one.

    Attributes:
        names: The entities of the pool.
        starts: Where each report's entities begin in `entity`; one more entry than reports.
        entity: Index into `names`, report after report.
        repaired: Number of swaps that took repetitions out.
    """

    names: tuple[str, ...]
    starts: Int[np.ndarray, "report_and_end"]
    entity: Int[np.ndarray, "slot"]
    repaired: int = 0

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, report: int) -> tuple[str, ...]:
        """Return the names of one report's entities."""
        return tuple(self.names[place] for place in self.entity[self.starts[report] : self.starts[report + 1]])

    def certificate(self) -> "Certificate":
        """Count what was drawn."""
        counts = np.bincount(self.entity, minlength=len(self.names))
        return Certificate(int(counts.sum()), int(counts.max()), int(counts.min()), measure_tail(counts), self.repaired)


@dataclass(frozen=True)
class Certificate:
    """What a sampler guarantees of its draws.

    Attributes:
        slots: Number of entities drawn.
        most: Uses of the entity used most, at most the cap.
        least: Uses of the entity used least, at least the floor.
        tail: Tail of the uses.
        repaired: Number of swaps that took repetitions out.
    """

    slots: int
    most: int
    least: int
    tail: Tail
    repaired: int

    def __str__(self) -> str:
        return f"{self.slots} slots, {self.least} to {self.most} uses an entity, {self.tail}, {self.repaired} swaps"


@dataclass(frozen=True)
class BalancedSampler:
    """SynCXR's balanced sampling (Liu et al. 2025, 2410.13523, section 3): no entity is used more often than τ_max.

    The paper draws k entities for each report at random and takes an entity out of the pool when it was used τ_max
    times. Here the same cap is an urn: each entity has `cap` tickets, of which `floor` are dealt in any case, the rest
    is drawn without replacement; the tickets are shuffled and cut into reports, and repetitions within a report are
    swapped with random other slots. Every entity is equally likely in every slot, and cap and floor hold exactly.

    Attributes:
        pool: What is drawn from, by concept.
        cap: τ_max, 15 in the paper.
        floor: Least number of uses.
    """

    pool: EntityPool
    cap: int = 15
    floor: int = 0

    def draw(self, sizes: Int[np.ndarray, "report"], rng: np.random.Generator) -> Draws:
        """Draw entities for reports; O(slots), and O(slots) more at worst for each repetition.

        Args:
            sizes: Number of entities of each report.
            rng: Source of chance.

        Raises:
            InputError: Cap or floor leave too few or too many tickets, or a report asks for more entities than there
                are.
        """
        slots, entities = int(sizes.sum()), len(self.pool.names)
        self._check(slots, sizes)
        floor = np.repeat(np.arange(entities), self.floor)
        shuffled = rng.permutation(np.repeat(np.arange(entities), self._cap(sizes) - self.floor))
        chosen, spare = np.split(shuffled, [slots - len(floor)])
        tickets = rng.permutation(np.concatenate([floor, chosen]))
        starts = np.concatenate([[0], np.cumsum(sizes)])
        repaired = _swap_repetitions(tickets, spare, starts, rng)
        return Draws(self.pool.names, starts, tickets, repaired)

    def _cap(self, sizes: Int[np.ndarray, "report"]) -> int:
        """Return the cap, or the number of reports that ask for something, in each of which an entity is once."""
        return min(self.cap, int((sizes > 0).sum()))

    def _check(self, slots: int, sizes: Int[np.ndarray, "report"]) -> None:
        entities = len(self.pool.names)
        _check_sizes(sizes, entities)
        cap = self._cap(sizes)
        if not 0 <= self.floor <= cap:
            raise InputError(
                f"floor {self.floor} with cap {self.cap} for {len(sizes)} reports", expected="floor <= cap"
            )
        if slots > entities * cap:
            arithmetic = f"{slots} slots > {entities} entities x {cap} uses"
            raise InputError(f"cap {self.cap}: {arithmetic}", fix=f"raise the cap to {-(-slots // entities)}")
        if slots < entities * self.floor:
            arithmetic = f"{slots} slots < {entities} entities x {self.floor} uses"
            raise InputError(f"floor {self.floor}: {arithmetic}", fix="lower the floor or write more reports")


@dataclass(frozen=True)
class FrequencySampler:
    """Draws entities as often as the pool has them: the long tail of a real set.

    Attributes:
        pool: What is drawn from, by concept.
    """

    pool: EntityPool

    def draw(self, sizes: Int[np.ndarray, "report"], rng: np.random.Generator) -> Draws:
        """Draw each report's entities one after the other without replacement, by their counts.

        The largest of log count + Gumbel noise are such a draw (Plackett-Luce). O(reports x entities).

        Args:
            sizes: Number of entities of each report.
            rng: Source of chance.

        Raises:
            InputError: A report asks for more entities than have a use.
        """
        counts = np.array(list(self.pool.counts.values()), dtype=float)
        _check_sizes(sizes, int((counts > 0).sum()))
        with np.errstate(divide="ignore"):
            keys = np.log(counts) + rng.gumbel(size=(len(sizes), len(counts)))
        order = np.argsort(-keys, axis=1)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        return Draws(self.pool.names, starts, order[np.arange(len(counts)) < sizes[:, None]])


def sizes_at_random(
    reports: int, shares: Float[np.ndarray, "size"], rng: np.random.Generator
) -> Int[np.ndarray, "report"]:
    """Draw how many entities each report has: `shares[n]` is the share of reports with n.

    Raises:
        InputError: The shares do not add up to one.
    """
    if not np.isclose(shares.sum(), 1) or shares.min() < 0:
        raise InputError(f"shares {shares.tolist()}", expected="numbers from 0 that add up to 1")
    return rng.choice(len(shares), size=reports, p=shares)


def _check_sizes(sizes: Int[np.ndarray, "report"], entities: int) -> None:
    if not len(sizes) or sizes.min() < 0 or sizes.sum() == 0:
        raise InputError(f"{len(sizes)} reports with {int(sizes.sum())} entities", expected="at least one entity")
    if sizes.max() > entities:
        raise InputError(f"a report with {sizes.max()} entities", expected=f"at most the {entities} of the pool")


def _swap_repetitions(
    tickets: Int[np.ndarray, "slot"],
    spare: Int[np.ndarray, "ticket"],
    starts: Int[np.ndarray, "report_and_end"],
    rng: np.random.Generator,
) -> int:
    """Swap tickets in place until no report holds one twice; return the number of swaps.

    Each swap leaves fewer repetitions, and one is always found. Let report r hold e twice and f not at all. If f is
    dealt at least as often as e, its slots are two more than the other reports with e, so that one of them lies in a
    report without e, or two of them in one report, where e may then take a place of f. If f is dealt less often, a
    ticket of f is spare, and e, above the floor, is given back for it.
    """
    report = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    swaps = 0
    while (repeated := np.flatnonzero(_is_repeated(tickets, report))).size:
        for slot in repeated.tolist():
            here = tickets[starts[report[slot]] : starts[report[slot] + 1]]
            if (here == tickets[slot]).sum() > 1:
                _swap(slot, here, tickets, spare, report, rng)
                swaps += 1
    return swaps


def _swap(
    slot: int,
    here: Int[np.ndarray, "own"],
    tickets: Int[np.ndarray, "slot"],
    spare: Int[np.ndarray, "ticket"],
    report: Int[np.ndarray, "slot"],
    rng: np.random.Generator,
) -> None:
    """Swap a slot with another one, or with a spare ticket if no slot fits."""
    for place in rng.integers(len(tickets), size=_TRIES).tolist():
        start, end = np.searchsorted(report, [report[place], report[place] + 1])
        if tickets[place] not in here and tickets[slot] not in tickets[start:end]:
            tickets[slot], tickets[place] = tickets[place], tickets[slot]
            return
    with_it = np.isin(report, report[tickets == tickets[slot]])
    fits = ~np.isin(tickets, here) & (~with_it | _is_repeated(tickets, report))
    if fits.any():
        place = int(rng.choice(np.flatnonzero(fits)))
        tickets[slot], tickets[place] = tickets[place], tickets[slot]
    else:
        place = int(rng.choice(np.flatnonzero(~np.isin(spare, here))))
        tickets[slot], spare[place] = spare[place], tickets[slot]


def _is_repeated(tickets: Int[np.ndarray, "slot"], report: Int[np.ndarray, "slot"]) -> Bool[np.ndarray, "slot"]:
    """Tell which slots repeat an entity that an earlier slot of the same report holds."""
    order = np.lexsort((tickets, report))
    repeated = np.zeros(len(tickets), dtype=bool)
    repeated[order[1:]] = (np.diff(report[order]) == 0) & (np.diff(tickets[order]) == 0)
    return repeated
