"""What the claims measure: arms trained on one micro-world, scored window by window."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from medsuite.bpgpt.evaluate.nulls import exchange
from medsuite.bpgpt.model.language import Tokens, start_prompt, text_losses, tokenize, write
from medsuite.bpgpt.model.prompts import BrainEncoder, ConstantPrompt, PromptShape, TextMapper
from medsuite.bpgpt.ridge import RidgeDecoder
from medsuite.bpgpt.train import Alignment, Schedule, fit_language, fit_prompt, fit_text_prompt
from medsuite.bpgpt.world import MicroWorld, Windows
from medsuite.bpgpt.world.cortex import ROWS, WINDOW_SLOTS
from medsuite.bpgpt.world.grammar import WORDS
from medsuite.bpgpt.world.language import micro_gpt2, micro_tokenizer, sentence_vectors
from medsuite.core.claims import Context, Job, Measurement

if TYPE_CHECKING:
    from medsuite.bpgpt.claims import MicroSettings

BATCH, CONSTANT_STEPS = 32, 100
LANGUAGE_RATE, TEXT_RATE, BRAIN_RATE, CONSTANT_RATE = 5e-3, 3e-3, 1e-2, 3e-2
SILENT_TESTS = 4
"""Times as many windows without signal: chance has to be met within few points."""
FEATURES = WINDOW_SLOTS * sum(map(len, WORDS))
COMPONENTS = 52
"""Spatial components of the rival: patterns of 52 words span no more."""
ALIGNED = Alignment("infonce")


@dataclass(frozen=True)
class Bench:
    """What the arms of one seed share: a world, its windows, and the models of stage 1.

    Attributes:
        seed: The job's seed.
        settings: The claim's settings.
        world: Grammar and listener.
        train: Training windows at high SNR.
        test: Test windows at high SNR.
        tokenizer: The micro-world's tokenizer.
        tokens: The training texts.
        lm: The language model after stage 1, frozen.
        mapper: The text mapper after stage 1, frozen.
        alone: Losses and texts of the language model before stage 1, without any prompt.
    """

    seed: int
    settings: "MicroSettings"
    world: MicroWorld
    train: Windows
    test: Windows
    tokenizer: Any
    tokens: Tokens
    lm: Any
    mapper: TextMapper
    alone: tuple[Float[Tensor, "window"], list[str]]

    @property
    def shape(self) -> PromptShape:
        """One prompt vector a word, one layer: the sizes at which a CPU learns the task in seconds."""
        return prompt_shape(self.settings)

    def generator(self) -> torch.Generator:
        """The order of the training windows: the same for every arm."""
        return torch.Generator().manual_seed(self.seed + 1)

    def text_prompts(self, windows: Windows) -> Float[Tensor, "window prompt width"]:
        """The text prompts of windows."""
        with torch.no_grad():
            return self.mapper(sentence_vectors(windows.texts))

    def encoder(self, windows: Windows, align: Alignment | None, order: Int[np.ndarray, "window"]) -> BrainEncoder:
        """Train an encoder on windows, aligned to the text prompts that `order` puts beside them."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            encoder = BrainEncoder(ROWS, self.settings.voxels, self.shape)
        schedule = Schedule(self.settings.brain_steps, BATCH, BRAIN_RATE)
        bold, prompts = torch.from_numpy(windows.bold), self.text_prompts(windows)[torch.from_numpy(order)]
        tokens = tokenize(self.tokenizer, windows.texts)
        fit_prompt(self.lm, encoder, bold, tokens, schedule, self.generator(), text_prompts=prompts, align=align)
        return encoder

    def read(self, prompts: Float[Tensor, "window prompt width"], windows: Windows) -> "Reading":
        """Let the language model read prompts, and compare with what was heard."""
        with torch.no_grad():
            losses = text_losses(self.lm, prompts, tokenize(self.tokenizer, windows.texts))
        return Reading(losses, write(self.lm, self.tokenizer, prompts, max_new_tokens=WINDOW_SLOTS + 2))


@dataclass(frozen=True)
class Reading:
    """Losses of the true texts in nats per token, and the texts that were written."""

    losses: Float[Tensor, "window"]
    texts: list[str]


def prompt_shape(settings: "MicroSettings") -> PromptShape:
    """Size of the prompts of an experiment."""
    return PromptShape(settings.width, WINDOW_SLOTS, layers=1, heads=max(1, settings.width // 16))


def prepare(seed: int, settings: "MicroSettings") -> Bench:
    """Draw a world and train its language model and its text mapper."""
    rng = np.random.default_rng(seed)
    world = MicroWorld.random(settings.voxels, rng)
    train, test = (world.windows(count, settings.snr, rng) for count in (settings.train, settings.test))
    generator, tokenizer = torch.Generator().manual_seed(seed), micro_tokenizer()
    tokens, heard = tokenize(tokenizer, train.texts), tokenize(tokenizer, test.texts)
    lm = micro_gpt2(settings.width, 1, seed)
    fit_language(lm, tokens, Schedule(settings.language_steps, BATCH, LANGUAGE_RATE), generator)
    with torch.no_grad():
        start = start_prompt(lm, len(heard))
        alone = text_losses(lm, start, heard), write(lm, tokenizer, start, max_new_tokens=WINDOW_SLOTS + 2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mapper = TextMapper(FEATURES, prompt_shape(settings), bottleneck=2 * settings.width, tokens=WINDOW_SLOTS)
    schedule = Schedule(settings.text_steps, BATCH, TEXT_RATE)
    fit_text_prompt(lm, mapper, sentence_vectors(train.texts), tokens, schedule, generator)
    return Bench(seed, settings, world, train, test, tokenizer, tokens, lm, mapper, alone)


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep PyTorch on one thread: matrices this small are done before a second one has woken up."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def brain(job: Job, context: Context) -> list[Measurement]:
    """Measure `bpgpt/brain` on one world: the brain prompt beside its nulls, its rival and its ceilings."""
    with one_thread():
        return list(_brain(job, context))


def align(job: Job, context: Context) -> list[Measurement]:
    """Measure `bpgpt/alignment` on one world: encoders that differ in nothing but the alignment."""
    with one_thread():
        return list(_align(job, context))


def _brain(job: Job, context: Context) -> Iterator[Measurement]:
    bench = prepare(job.seed, context.settings)
    context.progress(0.3)
    rng = np.random.default_rng([job.seed, 1])
    readings = {"text": bench.read(bench.text_prompts(bench.test), bench.test), "language model": Reading(*bench.alone)}
    readings |= _with_brain(bench, rng)
    context.progress(0.6)
    readings |= {"constant": _constant(bench), "ridge": _ridge(bench)}
    for arm, reading in readings.items():
        yield from _rows(arm, job.seed, bench.test, reading)
    context.progress(0.8)
    yield from _decoded("oracle", job.seed, bench.test, bench.world.decode(bench.test, bench.settings.snr).best)
    yield from _without_signal(bench, rng)


def _align(job: Job, context: Context) -> Iterator[Measurement]:
    bench = prepare(job.seed, context.settings)
    itself = np.arange(len(bench.train.slots))
    others = exchange(len(itself), np.random.default_rng([job.seed, 2]))
    arms = {
        "infonce": (ALIGNED, itself),
        "paper": (Alignment("paper"), itself),
        "released": (Alignment("released"), itself),
        "none": (None, itself),
        "mismatched": (ALIGNED, others),
    }
    yield from _decoded("oracle", job.seed, bench.test, bench.world.decode(bench.test, bench.settings.snr).best)
    yield from _rows("text", job.seed, bench.test, bench.read(bench.text_prompts(bench.test), bench.test))
    bold = torch.from_numpy(bench.test.bold)
    for number, (arm, (alignment, order)) in enumerate(arms.items()):
        context.progress(0.3 + 0.7 * number / len(arms))
        encoder = bench.encoder(bench.train, alignment, order)
        with torch.no_grad():
            prompts = encoder(bold)
        yield from _rows(arm, job.seed, bench.test, bench.read(prompts, bench.test))


def slot_accuracy(texts: Sequence[str], heard: Sequence[str]) -> Float[np.ndarray, "window"]:
    """Share of a window's places that hold the word that was heard there."""
    pairs = [(text.split(), words.split()) for text, words in zip(texts, heard, strict=True)]
    return np.array([np.mean([place < len(a) and a[place] == word for place, word in enumerate(b)]) for a, b in pairs])


def _with_brain(bench: Bench, rng: np.random.Generator) -> dict[str, Reading]:
    encoder = bench.encoder(bench.train, ALIGNED, np.arange(len(bench.train.slots)))
    with torch.no_grad():
        prompts = encoder(torch.from_numpy(bench.test.bold))
    permuted = prompts[torch.from_numpy(exchange(len(prompts), rng))]
    return {"brain": bench.read(prompts, bench.test), "permuted": bench.read(permuted, bench.test)}


def _constant(bench: Bench) -> Reading:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(bench.seed)
        prompt = ConstantPrompt(bench.shape)
    steps = min(CONSTANT_STEPS, bench.settings.brain_steps)
    schedule = Schedule(steps, BATCH, CONSTANT_RATE)
    fit_prompt(bench.lm, prompt, torch.from_numpy(bench.train.bold), bench.tokens, schedule, bench.generator())
    with torch.no_grad():
        return bench.read(prompt(torch.from_numpy(bench.test.bold)), bench.test)


def _ridge(bench: Bench) -> Reading:
    sentences = sentence_vectors(bench.train.texts).numpy()
    components = min(COMPONENTS, bench.settings.voxels)
    # Windows of the micro-world are independent, so that any folds are honest.
    decoder = RidgeDecoder.fit(bench.train.bold, sentences, components=components, folds=2)
    with torch.no_grad():
        return bench.read(bench.mapper(torch.from_numpy(decoder.predict(bench.test.bold))), bench.test)


def _without_signal(bench: Bench, rng: np.random.Generator) -> Iterator[Measurement]:
    """Train and test the treatment at SNR 0; chance is the best constant guess on the same words."""
    train = bench.world.windows(len(bench.train.slots), 0.0, rng)
    test = bench.world.windows(SILENT_TESTS * len(bench.test.slots), 0.0, rng)
    encoder = bench.encoder(train, ALIGNED, np.arange(len(train.slots)))
    with torch.no_grad():
        reading = bench.read(encoder(torch.from_numpy(test.bold)), test)
    yield from _rows("snr 0", bench.seed, test, reading)
    best = np.array([marginal.argmax() for marginal in bench.world.grammar.marginals] * 2)
    yield from _decoded("chance", bench.seed, test, np.broadcast_to(best, test.slots.shape))


def _decoded(arm: str, seed: int, windows: Windows, slots: Int[np.ndarray, "window slot"]) -> Iterator[Measurement]:
    for number, right in enumerate((slots == windows.slots).mean(axis=1)):
        yield Measurement(arm, seed, f"window {seed}-{number}", "accuracy", float(right))


def _rows(arm: str, seed: int, windows: Windows, reading: Reading) -> Iterator[Measurement]:
    right = slot_accuracy(reading.texts, windows.texts)
    for number, (share, loss) in enumerate(zip(right, reading.losses.tolist(), strict=True)):
        yield Measurement(arm, seed, f"window {seed}-{number}", "accuracy", float(share))
        yield Measurement(arm, seed, f"window {seed}-{number}", "nll", loss)
