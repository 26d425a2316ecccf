"""Abnormality grounding with decomposed medical knowledge (AG-KD, arXiv 2503.03278)."""

from medsuite.core.lazy import lazy_names

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
    "between_readers": "metrics",
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

__getattr__, __dir__ = lazy_names(__name__, _HOME)
