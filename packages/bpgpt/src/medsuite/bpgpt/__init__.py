"""Language decoding from fMRI through brain prompts (BP-GPT), with its nulls and splits that cannot leak.

    from medsuite.bpgpt import LebelDataset, StorySplit, WindowShape, cut

    run = LebelDataset(Path("ds003020")).run("UTS03", "wheretheressmoke")
    windows = cut(run.subject, run.story, run.times, dataset.words(run.story), WindowShape())

Importing this module imports neither torch nor transformers; the names below do when they are first used.
"""

from typing import TYPE_CHECKING

from medsuite.core.lazy import lazy_names

if TYPE_CHECKING:
    from medsuite.bpgpt.data.lebel import LebelDataset, Run
    from medsuite.bpgpt.data.splits import LeakageError, Span, StorySplit, purge, refuse_leakage
    from medsuite.bpgpt.data.textgrid import Word, read_words
    from medsuite.bpgpt.data.windows import Scaler, Window, WindowShape, cut, stack
    from medsuite.bpgpt.evaluate.metrics import bert_score, bleu1, meteor, word_error_rate
    from medsuite.bpgpt.evaluate.nulls import exchange, exchanges, shift
    from medsuite.bpgpt.evaluate.scoring import BertModel, WindowScores, score_windows, window_texts
    from medsuite.bpgpt.model.alignment import info_nce, paper_info_nce, released_alignment
    from medsuite.bpgpt.model.language import Tokens, start_prompt, text_losses, tokenize, write
    from medsuite.bpgpt.model.prompts import BrainEncoder, ConstantPrompt, PromptShape, TextMapper
    from medsuite.bpgpt.ridge import RidgeDecoder
    from medsuite.bpgpt.train import Alignment, Schedule, fit_language, fit_prompt, fit_text_prompt
    from medsuite.bpgpt.world import Cortex, Grammar, MicroWorld, Posterior, Windows, posterior

_HOMES = {
    "data.lebel": "LebelDataset Run",
    "data.splits": "LeakageError Span StorySplit purge refuse_leakage",
    "data.textgrid": "Word read_words",
    "data.windows": "Scaler Window WindowShape cut stack",
    "evaluate.metrics": "bert_score bleu1 meteor word_error_rate",
    "evaluate.nulls": "exchange exchanges shift",
    "evaluate.scoring": "BertModel WindowScores score_windows window_texts",
    "model.alignment": "info_nce paper_info_nce released_alignment",
    "model.language": "Tokens start_prompt text_losses tokenize write",
    "model.prompts": "BrainEncoder ConstantPrompt PromptShape TextMapper",
    "ridge": "RidgeDecoder",
    "train": "Alignment Schedule fit_language fit_prompt fit_text_prompt",
    "world": "Cortex Grammar MicroWorld Posterior Windows posterior",
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "Alignment",
    "BertModel",
    "BrainEncoder",
    "ConstantPrompt",
    "Cortex",
    "Grammar",
    "LeakageError",
    "LebelDataset",
    "MicroWorld",
    "Posterior",
    "PromptShape",
    "RidgeDecoder",
    "Run",
    "Scaler",
    "Schedule",
    "Span",
    "StorySplit",
    "TextMapper",
    "Tokens",
    "Window",
    "WindowScores",
    "WindowShape",
    "Windows",
    "Word",
    "bert_score",
    "bleu1",
    "cut",
    "exchange",
    "exchanges",
    "fit_language",
    "fit_prompt",
    "fit_text_prompt",
    "info_nce",
    "meteor",
    "paper_info_nce",
    "posterior",
    "purge",
    "read_words",
    "refuse_leakage",
    "released_alignment",
    "score_windows",
    "shift",
    "stack",
    "start_prompt",
    "text_losses",
    "tokenize",
    "window_texts",
    "word_error_rate",
    "write",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULE_OF)
