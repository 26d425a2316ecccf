"""One job of the experiment: the arms of a group trained from the same weights, asked about the same films."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from medsuite.core.claims import Context, Job, Measurement
from medsuite.synth_medvlp.cohorts import Cohort, PairedSet, draw_cohort, pair
from medsuite.synth_medvlp.dirt import CLEAN
from medsuite.synth_medvlp.evaluate.arms import GROUPS, SHUFFLED, SOURCES, Source
from medsuite.synth_medvlp.model import DualEncoder, embed_films
from medsuite.synth_medvlp.reports import grammar_sentences
from medsuite.synth_medvlp.texts import SentenceBank
from medsuite.synth_medvlp.training import Fitted, Pairs, Schedule, fit, use_one_thread
from medsuite.synth_medvlp.vocabulary import FINDINGS
from medsuite.synth_medvlp.zeroshot import Prompts, ZeroShot, zero_shot

_TEST, _DIRT, _SHUFFLE = 1 << 20, 11, 12


def run(job: Job, context: Context) -> list[Measurement]:
    """Train a group of arms of one seed and measure each; see `medsuite.synth_medvlp.claims` for arms and metrics."""
    use_one_thread()
    prompts, arms = Prompts.of(FINDINGS), GROUPS[job.settings["group"]]
    bank = SentenceBank.load(
        context.artefact("sentences", lambda folder: _encode(prompts, folder)) / "bank.safetensors"
    )
    test = _cohort(context, _TEST, Source(True, CLEAN, 0.0), context.settings.test_films)
    rows = []
    for place, arm in enumerate(arms):
        training = training_set(arm, job.seed, context)
        step = _part_of(context.progress, place, len(arms))
        model, fitted = _train(training, bank, job.seed, context, step)
        images = embed_films(model, torch.from_numpy(test.films))
        result = zero_shot(model, images, test.labels, prompts, bank)
        rows += [Measurement(arm, job.seed, *row) for row in _rows(training, fitted, result)]
    return rows


def training_set(arm: str, seed: int, context: Context) -> PairedSet:
    """Put an arm's set together from cohorts that all arms of the seed share."""
    parts = []
    for source in SOURCES[arm]:
        cohort = _cohort(context, seed, source, context.settings.pairs)
        part = cohort[: round(source.share * len(cohort))]
        parts.append(pair(part, source.dirt, np.random.default_rng([seed, source.stream, _DIRT])))
    joined = PairedSet.joined(parts)
    return joined.shuffled(np.random.default_rng([seed, _SHUFFLE])) if arm == SHUFFLED else joined


def _cohort(context: Context, seed: int, source: Source, films: int) -> Cohort:
    """Draw a cohort, or read it if another job has drawn it."""
    settings = context.settings
    tail, gap = None if source.balanced else settings.tail, source.synthetic * settings.gap
    name = f"films seed={seed} tail={tail} gap={gap:g} stream={source.stream} n={films} size={settings.size}"
    key = (seed, source.balanced, round(1000 * gap), source.stream)

    def build(folder: Path) -> None:
        draw_cohort(films, settings.size, tail, gap, key, (seed,)).save(folder)

    return Cohort.load(context.artefact(name, build))


def _encode(prompts: Prompts, folder: Path) -> None:
    SentenceBank.encode([*grammar_sentences(), *prompts.sentences]).save(folder / "bank.safetensors")


def _train(
    training: PairedSet, bank: SentenceBank, seed: int, context: Context, progress: Callable[[float], None]
) -> tuple[DualEncoder, Fitted]:
    """Train from the seed's weights; a set twice as large gets twice the steps."""
    settings = context.settings
    torch.manual_seed(seed)
    model = DualEncoder()
    reports = bank.rows([report.sentences for report in training.reports])
    steps = max(2, settings.epochs * len(training.films) // settings.batch)
    schedule = Schedule(steps, settings.batch)
    pairs = Pairs(torch.from_numpy(training.films), reports)
    return model, fit(model, pairs, bank, "clip", schedule, torch.Generator().manual_seed(seed), progress)


def _rows(training: PairedSet, fitted: Fitted, result: ZeroShot) -> list[tuple[str, str, float]]:
    rows = [(name, "auroc", value) for name, value in zip(result.classes, result.ensemble.tolist(), strict=True)]
    rows += [(f"prompt {place}", "macro", float(np.nanmean(row))) for place, row in enumerate(result.single)]
    facts = training.facts() | {"loss": fitted.last, "worst prompts": result.worst, "pairs": float(len(training.films))}
    return rows + [("set", metric, value) for metric, value in facts.items()]


def _part_of(progress: Callable[[float], None], place: int, parts: int) -> Callable[[float], None]:
    return lambda fraction: progress((place + fraction) / parts)
