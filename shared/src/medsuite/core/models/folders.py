"""What a folder must hold to be loaded: a configuration, safetensors weights, and nothing that asks to run code."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError

PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "*.msgpack", "*.h5")
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)
IMAGE_FILES = ("processor_config.json", "preprocessor_config.json")
CONFIGURATION_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "video_preprocessor_config.json",
    *IMAGE_FILES,
)
INPUT_FILES = {"AutoTokenizer": TOKENIZER_FILES, "AutoImageProcessor": IMAGE_FILES, "AutoProcessor": IMAGE_FILES}


def read_config(folder: Path) -> dict[str, Any]:
    """Read the model's configuration after checking that loading the folder runs none of its code.

    Raises:
        InputError: There is no usable `config.json`, the weights are not safetensors, or the folder asks for code.
    """
    if not (folder / "config.json").is_file():
        raise InputError(f"{folder} holds no config.json", expected="the folder that `save_pretrained` or the hub made")
    refuse_adapters(folder)
    for name in CONFIGURATION_FILES:
        if (folder / name).is_file():
            refuse_code(folder / name)
    check_weights(folder)
    return read_object(folder / "config.json")


def check_inputs(folder: Path, processor_class: str) -> None:
    """Check that the folder says how to make the model's inputs.

    Raises:
        InputError: None of the files that `processor_class` reads is there.
    """
    if not has_inputs(folder, processor_class):
        names = ", ".join(INPUT_FILES[processor_class])
        raise InputError(f"{folder} does not say how to make inputs", expected=f"one of {names}")


def has_inputs(folder: Path, processor_class: str) -> bool:
    """Whether the folder holds a file that one of transformers' processor classes reads."""
    return any((folder / name).is_file() for name in INPUT_FILES[processor_class])


def check_weights(folder: Path) -> None:
    """Check that there are whole safetensors weights, which hold numbers and cannot run code.

    Raises:
        InputError: There are none, a part is missing, or the index points out of the folder.
    """
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        check_parts(index)
        return
    if (folder / "model.safetensors").is_file():
        return
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    found = f"its weights as {pickles[0]}, a format that can run code when it is opened" if pickles else "no weights"
    raise InputError(
        f"{folder} holds {found}",
        expected="model.safetensors or model.safetensors.index.json",
        fix="where you trust the origin of other weights, load them with transformers and `save_pretrained` once",
    )


def check_parts(index: Path) -> None:
    """Check that the files which an index names lie beside it.

    Raises:
        InputError: One is missing or points elsewhere, or none is named.
    """
    weight_map = read_object(index).get("weight_map")
    parts = sorted(set(map(str, weight_map.values()))) if isinstance(weight_map, dict) else []
    lost = [part for part in parts if Path(part).name != part or not (index.parent / part).is_file()]
    if lost or not parts:
        raise InputError(f"{index} names {lost[0] if lost else 'no file'}", expected="files that lie beside it")


def refuse_adapters(folder: Path) -> None:
    """Raise an `InputError` for a PEFT adapter, which would make transformers fetch another model underneath it."""
    if (folder / "adapter_config.json").is_file():
        fix = "load its base model and put the adapter on it with peft, or save the merged model (`merge_and_unload`)"
        raise InputError(f"{folder} holds a PEFT adapter", expected="a whole model", fix=fix)


def refuse_code(path: Path) -> None:
    """Raise an `InputError` if a configuration file names code to run, its own or a kernel of the hub."""
    for wanted in _code_in(read_json(path)):
        raise InputError(
            f"{path} asks to run code that comes with the model ({wanted})",
            expected="a model whose class is in transformers",
            fix="if transformers has a class for it, take this entry out of a copy of the folder",
        )


def read_object(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        InputError: It does not.
    """
    value = read_json(path)
    if not isinstance(value, dict):
        raise InputError(f"{path} holds a JSON {type(value).__name__}", expected="an object")
    return value


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        InputError: It is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path} is not readable as JSON: {error}") from error


def _code_in(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _code_in(item)
    if isinstance(value, dict):
        yield from (f"auto_map: {value[key]}" for key in ("auto_map", "custom_pipelines") if value.get(key))
        yield from (f"{key}: {item}" for key, item in value.items() if _is_kernel(key, item))
        for item in value.values():
            yield from _code_in(item)


def _is_kernel(key: str, value: Any) -> bool:
    return "_implementation" in key and "/" in str(value)
