"""What a model is loaded as: which of transformers' Auto classes make it and its processor."""

from dataclasses import dataclass

from medsuite.core.errors import unknown_name


@dataclass(frozen=True)
class Kind:
    """One way to load a checkpoint.

    Attributes:
        name: How callers ask for it.
        model_class: transformers' Auto class of the model.
        processor_class: transformers' Auto class of what makes the model's inputs.
        families: transformers' table of the model types that `model_class` takes.
        headless: Whether the hidden states are what counts, so that a checkpoint may come without a pooler.
    """

    name: str
    model_class: str
    processor_class: str
    families: str
    headless: bool = False


# What keeps transformers from running a checkpoint's code and from asking the network.
SAFE = {"trust_remote_code": False, "local_files_only": True}

_KINDS = {
    kind.name: kind
    for kind in (
        Kind("causal-lm", "AutoModelForCausalLM", "AutoTokenizer", "MODEL_FOR_CAUSAL_LM_MAPPING_NAMES"),
        Kind(
            "image-text", "AutoModelForImageTextToText", "AutoProcessor", "MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES"
        ),
        Kind("text-encoder", "AutoModel", "AutoTokenizer", "MODEL_MAPPING_NAMES", headless=True),
        Kind("sentence-encoder", "AutoModel", "AutoTokenizer", "MODEL_MAPPING_NAMES", headless=True),
        Kind("image-encoder", "AutoModel", "AutoImageProcessor", "MODEL_MAPPING_NAMES", headless=True),
    )
}


def kinds() -> tuple[str, ...]:
    """The names of all kinds."""
    return tuple(_KINDS)


def find_kind(name: str) -> Kind:
    """Look a kind up.

    Raises:
        InputError: There is no such kind; the nearest name is suggested.
    """
    if name not in _KINDS:
        raise unknown_name("kind of model", name, _KINDS)
    return _KINDS[name]
