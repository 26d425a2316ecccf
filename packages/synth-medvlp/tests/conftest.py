from pathlib import Path

import numpy as np
import pytest
import torch

from medsuite.synth_medvlp.cohorts import Cohort, draw_cohort
from medsuite.synth_medvlp.generation import Recipe, generate
from medsuite.synth_medvlp.reports import grammar_sentences
from medsuite.synth_medvlp.texts import SentenceBank
from medsuite.synth_medvlp.vocabulary import FINDINGS
from medsuite.synth_medvlp.zeroshot import Prompts


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def generator() -> torch.Generator:
    torch.manual_seed(0)
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def cohort() -> Cohort:
    """Forty balanced films of the real domain."""
    return draw_cohort(40, 32, None, 0.0, (0, 0))


@pytest.fixture(scope="session")
def prompts() -> Prompts:
    return Prompts.of(FINDINGS)


@pytest.fixture(scope="session")
def bank(prompts: Prompts) -> SentenceBank:
    """Every sentence of grammar and prompts with a made-up embedding: equal words, near vectors."""
    sentences = sorted({*grammar_sentences(), *prompts.sentences})
    words = sorted({word for sentence in sentences for word in sentence.lower().strip(".").split()})
    table = torch.randn(len(words), 24, generator=torch.Generator().manual_seed(0))
    place = {word: table[row] for row, word in enumerate(words)}
    tokens = [torch.stack([place[word] for word in text.lower().strip(".").split()]) for text in sentences]
    padded = torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True)
    is_token = torch.nn.utils.rnn.pad_sequence([torch.ones(len(text)) for text in tokens], batch_first=True).bool()
    pooled = torch.nn.functional.normalize(padded.sum(1), dim=-1)
    return SentenceBank({text: row for row, text in enumerate(sentences)}, pooled, padded, is_token)


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean data set of 70 pairs in three shards."""
    folder = tmp_path_factory.mktemp("shards") / "set"
    generate(folder, Recipe(pairs=70, size=32, shard=30, seed=3))
    return folder


@pytest.fixture(scope="session")
def dirty_shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pairs of the real domain with harsh dirt and a long tail."""
    folder = tmp_path_factory.mktemp("shards") / "dirty"
    generate(folder, Recipe(pairs=120, size=32, gap=0.0, tail=1.5, dirt="harsh", shard=60, seed=5))
    return folder
