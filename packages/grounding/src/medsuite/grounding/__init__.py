"""Abnormality grounding with decomposed medical knowledge (AG-KD, arXiv 2503.03278)."""

from importlib import import_module
from typing import Any

_HOME = {
    "Annotations": "data",
    "Attributes": "knowledge",
    "BlindPrior": "metrics",
    "BoxGrammar": "florence",
    "DenseGrounder": "dense",
    "Evaluation": "evaluation",
    "Example": "florence",
    "Finding": "knowledge",
    "Geometry": "geometry",
    "KnowledgeBase": "knowledge",
    "Prediction": "metrics.cases",
    "Prompt": "prompts",
    "STRATEGIES": "prompts",
    "coco_ap": "metrics",
    "collate": "florence",
    "evaluate": "evaluation",
    "fuse_readers": "data",
    "ground": "florence",
    "lint": "knowledge",
    "load_knowledge": "knowledge",
    "parse": "florence",
    "read_padchest_gr": "data",
    "read_predictions": "evaluation",
    "read_vindr": "data",
    "rodeo": "metrics",
    "save_knowledge": "knowledge",
    "strategy": "prompts",
    "token_spans": "prompts",
    "train_step": "florence",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: torch and pydantic cost nothing before."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
