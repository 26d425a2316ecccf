"""Small models with random weights, for tests and for demonstrations of wiring.

Each function builds a real transformers class with a tokenizer trained on the spot and the family's real processor, in
under a second, offline, the same for the same seed. The weights are random: what such a model says means nothing, and
no result of one is evidence for anything.

For example::

    tiny = qwen2_vl()
    inputs = tiny.processor(images=[image], text=["<|vision_start|><|image_pad|><|vision_end|> What is it?"])
    tiny.model.generate(**inputs)
"""

from medsuite.core.tiny.florence import florence2
from medsuite.core.tiny.language import gpt2, llama
from medsuite.core.tiny.parts import TextSize, Tiny, VisionSize
from medsuite.core.tiny.vision import vit
from medsuite.core.tiny.vision_language import llava, qwen2_vl
from medsuite.core.tiny.vocabulary import Vocabulary

__all__ = ["TextSize", "Tiny", "VisionSize", "Vocabulary", "florence2", "gpt2", "llama", "llava", "qwen2_vl", "vit"]
