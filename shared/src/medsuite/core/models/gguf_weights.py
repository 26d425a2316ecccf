"""GGUF weights, de-quantised once into a safetensors folder: 20 seconds the first time, under one afterwards."""

import hashlib
from pathlib import Path
from typing import Any

from medsuite.core.errors import require
from medsuite.core.models.cache import built_once, cache_folder
from medsuite.core.models.failures import explained
from medsuite.core.models.kinds import SAFE

# Part of the cache's key: raise it when what is written below changes.
LAYOUT = 1


def dequantised(file: Path, *, version: str) -> Path:
    """Return a folder with the float32 weights and the tokenizer of a GGUF file.

    The folder lies in the cache under the file's SHA-256 and version, and is four bytes for each weight.

    Args:
        file: The GGUF file.
        version: The version of what it came from, for people who look into the cache.

    Raises:
        InputError: The file is broken, or transformers does not read its architecture from GGUF.
    """
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    folder = cache_folder() / "gguf" / f"{file.stem}-{version}-{digest[:16]}-{LAYOUT}"
    return built_once(folder, lambda partial: _convert(file, partial))


def _convert(file: Path, folder: Path) -> None:
    for module in ("torch", "accelerate", "gguf"):
        require(module, extra="medsuite-core[models]")
    transformers = require("transformers", extra="medsuite-core[models]")
    source = {"pretrained_model_name_or_path": file.parent, "gguf_file": file.name, **SAFE}
    with explained(file, "causal language model"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(**source)
        model = transformers.AutoModelForCausalLM.from_pretrained(**source, dtype="float32")
    tokenizer.model_max_length = model.config.max_position_embeddings
    tokenizer.save_pretrained(folder)
    _without_quantiser(model).save_pretrained(folder)


def _without_quantiser(model: Any) -> Any:
    """Move the weights into a fresh instance: one that was loaded from GGUF refuses to be saved."""
    import torch

    config = model.config
    del config.quantization_config
    with torch.device("meta"):
        clean = type(model)(config)
    clean.load_state_dict(model.state_dict(), assign=True)
    clean.tie_weights()
    clean.generation_config = model.generation_config
    return clean
