"""The jobs of the claims: what one block of questions or one timed prompt measures."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from medsuite.core.claims import Context, Job, Measurement
from medsuite.meda_kv.constructed_vision import vision_retrieval_model
from medsuite.meda_kv.evaluate.arms import allocation_arms, load_model, memory_arms, picture_arms
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.evaluate.needle import passkey
from medsuite.meda_kv.evaluate.prompting import Opened
from medsuite.meda_kv.evaluate.questions import Protocol, Question, Score, Smaller, ask
from medsuite.meda_kv.evaluate.speed import decode_speed
from medsuite.meda_kv.evaluate.visual import GALLERIES, visual_question
from medsuite.meda_kv.observe.sampling import Sampled
from medsuite.meda_kv.prompt import Prompt, observing
from medsuite.meda_kv.recipe import Recipe, shared_plan
from medsuite.meda_kv.report import Report

Arms = Callable[[float, int], dict[str, Recipe]]
Draw = Callable[[np.random.Generator], Question]
NAME = "{arm} {share:g}"
"""How an arm at a kept share is called inside a job, where all shares are asked at once."""


def metric(quantity: str, protocol: Protocol, share: float) -> str:
    """Name of a measured quantity under one protocol at one kept share."""
    return f"{quantity}, question {protocol}, kept {share:g}"


def memory(job: Job, context: Context) -> Iterable[Measurement]:
    """Measure the arms of `meda-kv/memory`."""
    return _text_questions(job, context, memory_arms)


def allocation(job: Job, context: Context) -> Iterable[Measurement]:
    """Measure the arms of `meda-kv/allocation`."""
    return _text_questions(job, context, allocation_arms)


def pictures(job: Job, context: Context) -> Iterable[Measurement]:
    """Measure the arms of `meda-kv/pictures` on a hand-set LLaVA with as many lookup layers as census layers."""
    settings = context.settings
    built = vision_retrieval_model(settings.side, lookups=(1, 3))
    opened = Opened(built.model, built.processor)
    gallery = replace(GALLERIES["census"], pictures=settings.pictures)

    def draw(rng: np.random.Generator) -> Question:
        return visual_question(opened, gallery, rng)[0]

    return _questions(job, context, picture_arms, (built.model, draw))


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


def _text_questions(job: Job, context: Context, arms: Arms) -> Iterable[Measurement]:
    """Ask for pass keys in texts."""
    settings = context.settings
    model, tokenizer = load_model(settings.model, context.data)

    def draw(rng: np.random.Generator) -> Question:
        return passkey(tokenizer, settings.context, rng)

    return _questions(job, context, arms, (model, draw))


def _questions(job: Job, context: Context, arms: Arms, asked: tuple[Any, Draw]) -> Iterable[Measurement]:
    """Ask the job's questions of every arm at every share, under both protocols.

    The seed's first question also tells the entropy and the slots of each layer.
    """
    shares, (model, draw) = context.settings.shares, asked
    named = {
        NAME.format(arm=arm, share=share): recipe for share in shares for arm, recipe in arms(share, job.seed).items()
    }
    rows: list[Measurement] = []

    def look(name: str, protocol: Protocol, _: Prompt, smaller: Smaller) -> None:
        if number == 0 and protocol == "in prompt" and smaller.report is not None:
            rows.extend(_layer_rows(name, smaller.report, job.seed))

    numbers = range(job.settings["start"], job.settings["stop"])
    with observing(model, shared_plan(named.values())) as session:
        for done, number in enumerate(numbers, start=1):
            question = draw(np.random.default_rng([job.seed, number]))
            unit = f"seed {job.seed} question {number}"
            for score in ask(session, question, named, look):
                rows += _score_rows(score, job.seed, unit, shares)
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


def _layer_rows(name: str, report: Report, seed: int) -> list[Measurement]:
    """Kept share and entropy of each layer."""
    arm, _, share = name.partition(" ")
    rows = []
    for layer, slots, entropy in zip(report.layers, report.budgets[0], report.entropy[0], strict=True):
        unit = f"layer {layer:02d}"
        rows.append(Measurement(arm, seed, unit, f"layer share, kept {share}", float(slots / report.tokens[0])))
        rows.append(Measurement(arm, seed, unit, f"layer entropy, kept {share}", float(entropy)))
    return rows
