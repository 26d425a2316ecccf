"""The jobs of the claims: what one block of questions or one timed prompt measures."""

from collections.abc import Callable, Iterable

import numpy as np

from medsuite.core.claims import Context, Job, Measurement
from medsuite.meda_kv.evaluate.arms import allocation_arms, load_model, memory_arms, shared_plan
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.evaluate.needle import passkey
from medsuite.meda_kv.evaluate.questions import Protocol, Score, ask
from medsuite.meda_kv.evaluate.speed import decode_speed
from medsuite.meda_kv.observe.sampling import Sampled
from medsuite.meda_kv.prompt import Prompt, observing, read
from medsuite.meda_kv.recipe import Recipe

Arms = Callable[[float, int], dict[str, Recipe]]
NAME = "{arm} {share:g}"
"""How an arm at a kept share is called inside a job, where all shares are asked at once."""


def metric(quantity: str, protocol: Protocol, share: float) -> str:
    """Name of a measured quantity under one protocol at one kept share."""
    return f"{quantity}, question {protocol}, kept {share:g}"


def memory(job: Job, context: Context) -> Iterable[Measurement]:
    """Measure the arms of `meda-kv/memory`."""
    return _questions(job, context, memory_arms)


def allocation(job: Job, context: Context) -> Iterable[Measurement]:
    """Measure the arms of `meda-kv/allocation`, and once a seed the layers' entropies and slots."""
    return _questions(job, context, allocation_arms)


def speed(job: Job, context: Context) -> Iterable[Measurement]:
    """Time both arms of `meda-kv/speed` behind one prompt."""
    settings, length = context.settings, job.settings["context"]
    model, tokenizer = load_model(settings.model, context.data)
    rng = np.random.default_rng([job.seed, length])
    recipe = memory_arms(settings.share, job.seed)["meda"]
    sampled = Recipe(recipe.budget, recipe.allocate, recipe.select, recipe.merge, rows=Sampled())
    tokens = passage(tokenizer, length, rng)[None]
    rows = []
    for result in decode_speed(model, tokens, {"meda": sampled}, settings.new_tokens, settings.rounds):
        for quantity in ("token_ms", "unsteadiness", "kv_bytes", "compress_ms", "read_once"):
            value = float(getattr(result, quantity))
            rows.append(Measurement(result.arm, job.seed, f"{length} tokens", quantity, value))
    return rows


def _questions(job: Job, context: Context, arms: Arms) -> Iterable[Measurement]:
    """Ask the job's questions of every arm at every share, under both protocols."""
    settings = context.settings
    model, tokenizer = load_model(settings.model, context.data)
    named = {
        NAME.format(arm=arm, share=share): recipe
        for share in settings.shares
        for arm, recipe in arms(share, job.seed).items()
    }
    rows: list[Measurement] = []
    numbers = range(job.settings["start"], job.settings["stop"])
    with observing(model, shared_plan(named)) as session:
        for done, number in enumerate(numbers, start=1):
            needle = passkey(tokenizer, settings.context, np.random.default_rng([job.seed, number]))
            unit = f"seed {job.seed} question {number}"
            for score in ask(session, needle, named):
                rows += _score_rows(score, job.seed, unit, settings.shares)
            if number == 0:
                rows += _layer_rows(read(session, needle.context.to(model.device)), named, job.seed)
            context.progress(done / len(numbers))
    return rows


def _score_rows(score: Score, seed: int, unit: str, shares: tuple[float, ...]) -> list[Measurement]:
    """Spread a score over its quantities; the full cache counts at every share."""
    arm, _, share = score.arm.partition(" ")
    values = {
        "nll": score.nll,
        "correct": float(score.correct),
        "freed": 1.0 - score.kv_bytes / score.kv_bytes_full,
    }
    at = shares if arm == "full" else (float(share),)
    return [
        Measurement(arm, seed, unit, metric(name, score.protocol, each), value)
        for each in at
        for name, value in values.items()
    ]


def _layer_rows(prompt: Prompt, recipes: dict[str, Recipe], seed: int) -> list[Measurement]:
    """Kept share and entropy of each layer on the seed's first text."""
    rows = []
    for name, recipe in recipes.items():
        arm, _, share = name.partition(" ")
        _, report = prompt.compress(recipe)
        for layer, slots, entropy in zip(report.layers, report.budgets[0], report.entropy[0], strict=True):
            unit = f"layer {layer:02d}"
            rows.append(Measurement(arm, seed, unit, f"layer share, kept {share}", float(slots / report.tokens[0])))
            rows.append(Measurement(arm, seed, unit, f"layer entropy, kept {share}", float(entropy)))
    return rows
