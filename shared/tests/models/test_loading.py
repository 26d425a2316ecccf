"""What comes back from `load`, and what is said when it cannot."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from medsuite.core import models
from medsuite.core.errors import InputError
from medsuite.core.models.placement import find_device, find_dtype


def test_a_model_says_what_it_is(saved: Callable[[str], Path]) -> None:
    loaded = models.load(saved("gpt2"), "causal-lm", device="cpu")
    count = sum(weight.numel() for weight in loaded.model.parameters())
    assert loaded.description == f"gpt2 from folder {saved('gpt2')}, {count:,} weights, float32 on cpu"
    assert not loaded.model.training


def test_a_precision_that_is_asked_for_is_given(saved: Callable[[str], Path]) -> None:
    loaded = models.load(saved("gpt2"), "causal-lm", device="cpu", dtype="bfloat16")
    assert {weight.dtype for weight in loaded.model.parameters()} == {torch.bfloat16}


def test_an_encoder_without_a_pooler_gives_none_instead_of_noise(saved: Callable[[str], Path], tmp_path: Path) -> None:
    from transformers import AutoImageProcessor, ViTForImageClassification, ViTModel

    tower = ViTModel.from_pretrained(saved("vit"))
    classifier = ViTForImageClassification(tower.config)
    classifier.vit.load_state_dict(tower.state_dict(), strict=False)
    classifier.save_pretrained(tmp_path)
    AutoImageProcessor.from_pretrained(saved("vit")).save_pretrained(tmp_path)
    pixels = torch.zeros(1, 3, 56, 56)
    output = models.load(tmp_path, "image-encoder", device="cpu").model(pixels)
    assert output.pooler_output is None
    assert torch.equal(output.last_hidden_state, tower.eval()(pixels).last_hidden_state)


def test_an_unknown_kind_gets_the_nearest_name(saved: Callable[[str], Path]) -> None:
    with pytest.raises(InputError, match="did you mean 'causal-lm'"):
        models.load(saved("gpt2"), "causal-ml")


@pytest.mark.parametrize(
    ("family", "kind", "fitting"),
    [("gpt2", "image-text", "causal-lm, text-encoder"), ("vit", "causal-lm", "image-encoder")],
)
def test_a_wrong_kind_gets_those_that_fit(saved: Callable[[str], Path], family: str, kind: str, fitting: str) -> None:
    with pytest.raises(InputError, match=f"is a {family}, which does not load as {kind}; expected kind {fitting}"):
        models.load(saved(family), kind, device="cpu")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("packaged:minilm", "did you mean 'minilm-l6'"),
        ("./no-such-folder", "there is no './no-such-folder'"),
        ("one/two/three", "there is no 'one/two/three'"),
    ],
)
def test_a_name_that_is_nothing_is_named(name: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        models.load(name, "causal-lm")


def test_a_file_is_answered_with_its_folder(saved: Callable[[str], Path]) -> None:
    with pytest.raises(InputError, match=f"give the folder {saved('gpt2')}"):
        models.load(saved("gpt2") / "model.safetensors", "causal-lm")


def accelerators(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, bf16: bool = False, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2 * cuda)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16 or including_emulation)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "bf16", "mps", "device", "dtype"),
    [
        (True, True, False, "cuda", torch.bfloat16),
        (True, False, False, "cuda", torch.float32),
        (False, False, True, "mps", torch.float32),
        (False, False, False, "cpu", torch.float32),
    ],
)
def test_auto_takes_the_best_device_and_a_precision_that_it_computes_in(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, bf16: bool, mps: bool, device: str, dtype: torch.dtype
) -> None:
    accelerators(monkeypatch, cuda=cuda, bf16=bf16, mps=mps)
    assert find_device("auto") == torch.device(device)
    assert find_dtype("auto", find_device("auto")) == dtype


@pytest.mark.parametrize("name", ["cuda:2", "cuda:x", "mps", "tpu", "cpu:1"])
def test_a_device_that_is_not_here_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    accelerators(monkeypatch, cuda=True)
    assert find_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(InputError, match="expected auto or one of cuda, cpu"):
        find_device(name)


def test_an_unknown_precision_gets_the_nearest_name() -> None:
    with pytest.raises(InputError, match="did you mean 'bfloat16'"):
        find_dtype("bf16", torch.device("cpu"))
