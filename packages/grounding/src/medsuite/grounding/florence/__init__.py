"""Florence-2 of transformers 5 as a grounder: location tokens, batches, a step, constrained decoding, parsing."""

from medsuite.grounding.florence.batches import Example, FlorenceBatch, collate, train_step
from medsuite.grounding.florence.decoding import BoxGrammar, Grounding, ground
from medsuite.grounding.florence.locations import BINS, dequantise, quantise
from medsuite.grounding.florence.parsing import ParsedBoxes, parse

__all__ = [
    "BINS",
    "BoxGrammar",
    "Example",
    "FlorenceBatch",
    "Grounding",
    "ParsedBoxes",
    "collate",
    "dequantise",
    "ground",
    "parse",
    "quantise",
    "train_step",
]
