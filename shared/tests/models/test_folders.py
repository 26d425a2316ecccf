"""A folder from outside: what is refused before any library opens it."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medsuite.core import models
from medsuite.core.errors import InputError


class Trap:
    """A pickle that writes a file when it is opened."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.mark,)


def edit(path: Path, **fields: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def refused(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        models.load(folder, "causal-lm", device="cpu")
    return str(caught.value)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.ckpt"])
def test_weights_in_a_pickle_are_refused_unopened(broken: Path, tmp_path: Path, name: str) -> None:
    (broken / "model.safetensors").unlink()
    (broken / name).write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    message = refused(broken)
    assert f"its weights as {name}" in message
    assert "save_pretrained" in message
    assert not (tmp_path / "ran").exists()


def test_a_pickle_beside_safetensors_is_not_opened(broken: Path, tmp_path: Path) -> None:
    (broken / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(tmp_path / "ran")))
    assert models.load(broken, "causal-lm", device="cpu").model.num_parameters() > 0
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json", "generation_config.json"])
def test_custom_code_is_refused_wherever_it_is_asked_for(broken: Path, tmp_path: Path, file: str) -> None:
    (broken / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    edit(broken / file, auto_map={"AutoModelForCausalLM": "evil.Model", "AutoTokenizer": ["evil.Tokenizer", None]})
    assert f"{file} asks to run code that comes with the model" in refused(broken)
    assert not (tmp_path / "ran").exists()


def test_a_nested_request_for_a_hub_kernel_is_refused(broken: Path) -> None:
    edit(broken / "config.json", text_config={"attn_implementation": "owner/kernel"})
    assert "owner/kernel" in refused(broken)


def test_a_type_that_transformers_does_not_have_is_named(broken: Path) -> None:
    edit(broken / "config.json", model_type="zork")
    assert "type 'zork'" in refused(broken)


def test_an_adapter_does_not_fetch_its_base(broken: Path) -> None:
    (broken / "adapter_config.json").write_text('{"base_model_name_or_path": "owner/model"}')
    assert "PEFT adapter" in refused(broken)


@pytest.mark.parametrize(
    ("weight_map", "named"),
    [
        ({"a": "../other.safetensors"}, "../other.safetensors"),
        ({"a": "model.safetensors", "b": "model-2.safetensors"}, "model-2.safetensors"),
        ({}, "no file"),
        ([1], "no file"),
    ],
)
def test_an_index_has_to_name_files_beside_it(broken: Path, weight_map: object, named: str) -> None:
    (broken.parent / "other.safetensors").write_bytes((broken / "model.safetensors").read_bytes())
    (broken / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))
    assert f"names {named}" in refused(broken)


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("config.json", None, "holds no config.json"),
        ("model.safetensors", None, "holds no weights"),
        ("tokenizer.json", None, "does not say how to make inputs"),
        ("config.json", "{", "not readable as JSON"),
        ("config.json", "[]", "expected an object"),
        ("tokenizer.json", "{}", "cannot be read as causal-lm"),
        ("model.safetensors", "xx", "header too small"),
    ],
)
def test_a_missing_or_torn_file_is_named(broken: Path, file: str, content: str | None, message: str) -> None:
    (broken / file).unlink() if content is None else (broken / file).write_text(content)
    assert message in refused(broken)


def test_a_checkpoint_that_lacks_weights_is_refused_instead_of_filled_with_noise(broken: Path) -> None:
    edit(broken / "config.json", n_layer=3)
    assert "lacks 12 weights of a causal-lm" in refused(broken)


def test_a_checkpoint_of_another_width_is_refused(broken: Path) -> None:
    edit(broken / "config.json", n_embd=32)
    assert "cannot be read as causal-lm" in refused(broken)
