"""One layer's observer: it sees every attention call of the prompt and keeps sums."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.meda_kv.observe import kernels
from medsuite.meda_kv.observe.blocks import AttentionInputs, ScoreBlock, score_blocks
from medsuite.meda_kv.observe.entropy import EntropySums, RowSide, RowSoftmax, row_softmax
from medsuite.meda_kv.observe.order import padding_first, take_slots
from medsuite.meda_kv.observe.sampling import Exact, RowSample, Sampled
from medsuite.meda_kv.observe.scores import block_mass, grow

Statistic = Literal["full entropy", "cross entropy", "unmasked cross entropy", "accumulated attention"]
ENTROPIES: tuple[Statistic, ...] = ("full entropy", "cross entropy", "unmasked cross entropy")


@dataclass(frozen=True)
class ObservationPlan:
    """What a recipe needs to know about the prompt.

    Attributes:
        statistics: Sums over the prompt's queries.
        window: How many of the last queries are kept for a selector that scores with them.
        rows: Which query rows are observed.
    """

    statistics: frozenset[Statistic] = frozenset()
    window: int = 0
    rows: Exact | Sampled = field(default_factory=Exact)

    def __or__(self, other: "ObservationPlan") -> "ObservationPlan":
        """Plan that serves both, with the rows of the one that observes more."""
        return ObservationPlan(
            self.statistics | other.statistics,
            max(self.window, other.window),
            max(self.rows, other.rows, key=lambda rows: rows.most),
        )


@dataclass(frozen=True)
class Tokens:
    """The prompt's tokens up to the current call.

    Attributes:
        valid: Tokens that are no padding.
        vision: Tokens of images or video frames.
        crossing: Sequences that hold text and vision, for which cross-modal attention exists.
    """

    valid: Bool[Tensor, "batch slots"]
    vision: Bool[Tensor, "batch slots"]
    crossing: Bool[Tensor, " batch"]


@dataclass(frozen=True)
class LayerObserver:
    """Statistics of one layer so far; `observe` returns a new object, so that a snapshot costs nothing.

    Attributes:
        plan: What is observed.
        entropies: Sums per kind of entropy; of the cross-modal kind for the sequences with both modalities, and full
            rows in its place for those that may have one only.
        crossing: Sequences that turned out to hold both modalities.
        mass: Attention accumulated by each slot.
        queries: The last queries that are no padding, which fills up in front where there are fewer.
        query_valid: Which of them are no padding.
        scale: Factor on the dot products of the last call.
        softcap: Soft capping of the last call.
        calls: Attention calls so far.
    """

    plan: ObservationPlan
    entropies: dict[Statistic, EntropySums] = field(default_factory=dict)
    crossing: Bool[Tensor, " batch"] | None = None
    mass: Float[Tensor, "batch kv_heads slots"] | None = None
    queries: Float[Tensor, "batch heads window dim"] | None = None
    query_valid: Bool[Tensor, "batch window"] | None = None
    scale: float = 1.0
    softcap: float | None = None
    calls: int = 0

    def observe(self, inputs: AttentionInputs, tokens: Tokens) -> "LayerObserver":
        """Take in one attention call of the prompt: the whole of it, or the next chunk.

        Args:
            inputs: The call.
            tokens: All tokens up to and including the call's.

        Raises:
            InputError: The unmasked entropy is asked for in a second chunk, whose rows the first could not see.
        """
        seen = self._last_queries(inputs.query, tokens.valid[:, -inputs.rows :])
        seen = replace(seen, scale=inputs.scale, softcap=inputs.softcap, crossing=tokens.crossing, calls=self.calls + 1)
        sample = self.plan.rows.draw(inputs.rows, inputs.query.device)
        masked: set[Statistic] = {"full entropy", "cross entropy", "accumulated attention"}
        if self.plan.statistics & masked:
            seen = seen._take(inputs, tokens, sample, causal=True)
        if "unmasked cross entropy" in self.plan.statistics:
            if inputs.rows != inputs.slots:
                raise InputError(
                    "the unmasked cross-modal entropy needs the prompt in one piece",
                    fix="leave prefill_chunk_size unset or use CrossModalEntropy(causal=True)",
                )
            seen = seen._take(inputs, tokens, sample, causal=False)
        return seen

    def entropy(self, kind: Statistic) -> Float[Tensor, "batch heads"]:
        """Mean entropy of each head in nats.

        Raises:
            InputError: This kind was not observed.
        """
        if kind != "cross entropy":
            return self._sums(kind).value()
        return self._where_crossing(lambda kind: self._sums(kind).value())

    def entropy_error(self, kind: Statistic) -> Float[Tensor, " batch"]:
        """Standard error of the head mean of `entropy` from observing a sample of the rows; 0 when all were."""
        if isinstance(self.plan.rows, Exact):
            return torch.zeros_like(self.entropy(kind)[:, 0])
        if kind != "cross entropy":
            return self._sums(kind).sampling_error()
        return self._where_crossing(lambda kind: self._sums(kind).sampling_error())

    def _where_crossing(self, of: Callable[[Statistic], Tensor]) -> Tensor:
        """Take a quantity of the cross-modal entropy where it exists, and of the full rows elsewhere.

        Which sequences hold both modalities is known at the end of the prompt only: a first chunk may be all picture.
        """
        if self.crossing is None or bool(self.crossing.all()):
            return of("cross entropy")
        if not bool(self.crossing.any()):
            return of("full entropy")
        cross, full = of("cross entropy"), of("full entropy")
        return torch.where(self.crossing.view(-1, *[1] * (cross.dim() - 1)), cross, full)

    def _sums(self, kind: Statistic) -> EntropySums:
        if kind not in self.entropies:
            raise InputError(f"no {kind} was observed", fix="prefill with a recipe whose allocator needs it")
        return self.entropies[kind]

    def _last_queries(self, query: Tensor, valid: Tensor) -> "LayerObserver":
        if not self.plan.window:
            return self
        if self.queries is not None and self.query_valid is not None:
            query, valid = torch.cat([self.queries, query], dim=2), torch.cat([self.query_valid, valid], dim=1)
        last = padding_first(valid)[:, -self.plan.window :]
        return replace(self, queries=take_slots(query, last), query_valid=take_slots(valid, last))

    def _take(self, inputs: AttentionInputs, tokens: Tokens, sample: RowSample, causal: bool) -> "LayerObserver":
        """Take in all statistics that share a mask: by kernels on a GPU, else block by block."""
        if kernels.usable(inputs):
            return self._take_by_kernels(inputs, tokens, sample, causal)
        return self._take_by_blocks(inputs, tokens, sample, causal)

    def _take_by_kernels(
        self, inputs: AttentionInputs, tokens: Tokens, sample: RowSample, causal: bool
    ) -> "LayerObserver":
        """Let one kernel pass give each entropy, and a second one the accumulated attention."""
        entropies, rows = dict(self.entropies), sample.rows
        for kind, side in self._passes(tokens, causal):
            allowed = kernels.Allowed(tokens.valid, tokens.vision, side.crossing, side.causal)
            found = kernels.row_statistics(inputs, rows, allowed)
            mine = tokens.valid[:, rows + inputs.slots - inputs.rows] & found.normaliser.isfinite().any(1)
            sums = entropies.get(kind) or EntropySums.zeros(inputs.query)
            folded = found.entropy.unflatten(1, (inputs.key.shape[1], -1))
            entropies[kind] = sums.add(folded, side.members(rows + inputs.slots - inputs.rows) & mine, sample.weights)
        mass = self.mass
        if causal and "accumulated attention" in self.plan.statistics:
            everything = torch.ones_like(tokens.valid)
            normaliser = kernels.row_statistics(inputs, rows, kernels.Allowed.visible(everything)).normaliser
            weights = tokens.valid[:, rows + inputs.slots - inputs.rows] * sample.weights
            added = kernels.accumulated_mass(inputs, rows, normaliser, weights)
            mass = added if mass is None else grow(mass, inputs.slots) + added
        return replace(self, entropies=entropies, mass=mass)

    def _take_by_blocks(
        self, inputs: AttentionInputs, tokens: Tokens, sample: RowSample, causal: bool
    ) -> "LayerObserver":
        """Go over the blocks once for all statistics that share a mask."""
        entropies, mass = dict(self.entropies), self.mass
        passes, start = self._passes(tokens, causal), 0
        for part in score_blocks(inputs, sample.rows, causal=causal):
            weights = sample.weights[start : start + len(part.rows)]
            start += len(part.rows)
            whole: RowSoftmax | None = None
            for kind, side in passes:
                sums = entropies.get(kind) or EntropySums.zeros(inputs.query)
                entropies[kind], attention = _add_entropy(sums, part, side, inputs, tokens, weights)
                whole = attention if kind == "full entropy" else whole
            if causal and "accumulated attention" in self.plan.statistics:
                # A softmax over the whole row serves the entropy and the accumulated attention.
                attention = row_softmax(part.scores, part.visible) if whole is None else whole
                mass = _add_mass(mass, attention, part, inputs, tokens, weights)
        return replace(self, entropies=entropies, mass=mass)

    def _passes(self, tokens: Tokens, causal: bool) -> list[tuple[Statistic, RowSide]]:
        """Name the entropies that this call adds to, and over which slots each row of them is normalised."""
        asked, vision, none = self.plan.statistics, tokens.vision, torch.zeros_like(tokens.crossing)
        if not causal:
            return [("unmasked cross entropy", RowSide(vision, tokens.crossing, causal=False))]
        passes: list[tuple[Statistic, RowSide]] = []
        if "cross entropy" in asked and bool(tokens.crossing.any()):
            passes.append(("cross entropy", RowSide(vision, ~none)))
        if "full entropy" in asked or ("cross entropy" in asked and not bool(tokens.crossing.all())):
            passes.append(("full entropy", RowSide(vision, none)))
        return passes


def _add_entropy(
    sums: EntropySums, part: ScoreBlock, side: RowSide, inputs: AttentionInputs, tokens: Tokens, weights: Tensor
) -> tuple[EntropySums, RowSoftmax]:
    offset = inputs.slots - inputs.rows
    allowed = side.allowed(part, offset) & tokens.valid[:, None, None, None, : part.scores.shape[-1]]
    attention = row_softmax(part.scores, allowed)
    mine = tokens.valid[:, part.rows + offset] & allowed.any(-1)[:, 0, 0]
    return sums.add(attention.entropy, side.sides(part, offset) & mine, weights), attention


def _add_mass(
    mass: Tensor | None,
    attention: RowSoftmax,
    part: ScoreBlock,
    inputs: AttentionInputs,
    tokens: Tokens,
    weights: Tensor,
) -> Tensor:
    mine = tokens.valid[:, part.rows + inputs.slots - inputs.rows] * weights
    added = grow(block_mass(attention, mine), inputs.slots)
    return added if mass is None else grow(mass, inputs.slots) + added
