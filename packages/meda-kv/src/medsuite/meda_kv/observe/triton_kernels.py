"""The kernels themselves; imported only where Triton is installed, see `kernels` for what they compute."""

# Triton compiles these functions from their source: their arguments are pointers and numbers without types.
# mypy: disable-error-code="no-untyped-def"

import triton
import triton.language as tl


@triton.jit
def _load_rows(tensor, base, index, count, DIM: tl.constexpr, WIDE: tl.constexpr):
    """Load rows of a [count, DIM] matrix in float32, zeros outside."""
    column = tl.arange(0, WIDE)
    inside = (index[:, None] < count) & (column[None, :] < DIM)
    return tl.load(tensor + base + index[:, None] * DIM + column[None, :], mask=inside, other=0.0).to(tl.float32)


@triton.jit
def _scores(query, key, scale, softcap, CAPPED: tl.constexpr):
    """Scaled dot products of a tile in full float32 precision, softly capped where the model does so."""
    scores = tl.dot(query, tl.trans(key), input_precision="ieee") * scale
    if CAPPED:
        scaled = scores / softcap
        scores = softcap * (1.0 - 2.0 / (tl.exp(2.0 * scaled) + 1.0))
    return scores


@triton.jit
def _visible(seen, batch, row, place, slot, rows, slots, MASKED: tl.constexpr):
    """Which slots of a tile the attention mask shows to each row: the mask's own, or causal."""
    inside = (row[:, None] < rows) & (slot[None, :] < slots)
    if MASKED:
        where = seen + (batch * rows + row[:, None]) * slots + slot[None, :]
        return inside & (tl.load(where, mask=inside, other=0) > 0)
    return inside & (slot[None, :] <= place[:, None])


@triton.jit
def row_kernel(
    query, key, places, seen, valid, vision, crossing, entropy, normaliser,
    scale, softcap, rows, slots, heads, group,
    CAUSAL: tl.constexpr, DIM: tl.constexpr, WIDE: tl.constexpr, MASKED: tl.constexpr, CAPPED: tl.constexpr,
    ROWS: tl.constexpr, SLOTS: tl.constexpr,
):  # fmt: skip
    """One tile of rows of one head: an online softmax that carries `sum e (s - m)` beside `sum e`.

    When the running maximum rises from m to m', both sums are scaled by `exp(m - m')`, and `sum e (s - m')` gains
    `(m - m') sum e`.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    head = tl.program_id(1)
    batch = head // heads
    place = tl.load(places + row, mask=row < rows, other=-1)
    tile = _load_rows(query, head * rows * DIM, row, rows, DIM, WIDE)
    keys = (batch * (heads // group) + (head % heads) // group) * slots * DIM
    mixed = tl.load(crossing + batch) > 0
    mine = tl.load(vision + batch * slots + place, mask=row < rows, other=0)
    top = tl.full((ROWS,), float("-inf"), tl.float32)
    total = tl.zeros((ROWS,), tl.float32)
    moment = tl.zeros((ROWS,), tl.float32)
    for start in range(0, slots, SLOTS):
        slot = start + tl.arange(0, SLOTS)
        kept = slot < slots
        theirs = tl.load(vision + batch * slots + slot, mask=kept, other=0)
        real = tl.load(valid + batch * slots + slot, mask=kept, other=0) > 0
        shown = _visible(seen, batch, row, place, slot, rows, slots, MASKED)
        if not CAUSAL:
            everything = (row[:, None] < rows) & kept[None, :]
            shown = tl.where(mixed, everything, everything & (slot[None, :] <= place[:, None]))
        other = mine[:, None] != theirs[None, :]
        allowed = shown & real[None, :] & (other | (not mixed))
        part = _load_rows(key, keys, slot, slots, DIM, WIDE)
        scores = tl.where(allowed, _scores(tile, part, scale, softcap, CAPPED), float("-inf"))
        higher = tl.maximum(top, tl.max(scores, 1))
        anchor = tl.where(higher == float("-inf"), 0.0, higher)
        shift = tl.where(top == float("-inf"), 0.0, top - anchor)
        decay = tl.where(top == float("-inf"), 0.0, tl.exp(shift))
        difference = tl.where(allowed, scores - anchor[:, None], 0.0)
        weights = tl.where(allowed, tl.exp(difference), 0.0)
        moment = decay * (moment + shift * total) + tl.sum(weights * difference, 1)
        total = decay * total + tl.sum(weights, 1)
        top = higher
    some = total > 0.0
    safe = tl.where(some, total, 1.0)
    found = tl.where(some, tl.log(safe) - moment / safe, 0.0)
    tl.store(entropy + head * rows + row, found, mask=row < rows)
    tl.store(normaliser + head * rows + row, tl.where(some, top + tl.log(safe), float("-inf")), mask=row < rows)


@triton.jit
def mass_kernel(
    query, key, places, seen, normaliser, row_weights, mass,
    scale, softcap, rows, slots, heads, group,
    DIM: tl.constexpr, WIDE: tl.constexpr, MASKED: tl.constexpr, CAPPED: tl.constexpr,
    ROWS: tl.constexpr, SLOTS: tl.constexpr,
):  # fmt: skip
    """One tile of slots of one key head: sums `exp(s - normaliser)` over all rows of the query heads that share it."""
    slot = tl.program_id(0) * SLOTS + tl.arange(0, SLOTS)
    shared = tl.program_id(1)
    kv_heads = heads // group
    batch = shared // kv_heads
    part = _load_rows(key, shared * slots * DIM, slot, slots, DIM, WIDE)
    total = tl.zeros((SLOTS,), tl.float32)
    for member in range(group):
        head = batch * heads + (shared % kv_heads) * group + member
        for start in range(0, rows, ROWS):
            row = start + tl.arange(0, ROWS)
            place = tl.load(places + row, mask=row < rows, other=-1)
            tile = _load_rows(query, head * rows * DIM, row, rows, DIM, WIDE)
            allowed = _visible(seen, batch, row, place, slot, rows, slots, MASKED)
            level = tl.load(normaliser + head * rows + row, mask=row < rows, other=float("inf"))
            share = tl.load(row_weights + batch * rows + row, mask=row < rows, other=0.0)
            allowed = allowed & (level > float("-inf"))[:, None]
            height = tl.where(allowed, _scores(tile, part, scale, softcap, CAPPED) - level[:, None], 0.0)
            total += tl.sum(tl.where(allowed, tl.exp(height), 0.0) * share[:, None], 0)
    tl.store(mass + shared * slots + slot, total / group, mask=slot < slots)
