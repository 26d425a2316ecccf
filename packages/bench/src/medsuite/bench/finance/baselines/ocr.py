"""Reading the text of a picture with RapidOCR, whose PP-OCR weights come in its wheel and read both languages."""

from typing import Any

import numpy as np
from jaxtyping import UInt8

from medsuite.bench.finance.baselines.page import Page, Word, normalise
from medsuite.core.errors import require


class OcrReader:
    """An OCR engine on one thread, so that parallel jobs do not fight for cores.

    Raises:
        MissingDependencyError: The engine is not installed.
    """

    def __init__(self) -> None:
        module = require("rapidocr", extra="medsuite-bench[finance]")
        require("onnxruntime", extra="medsuite-bench[finance]")
        parameters = {
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Global.log_level": "warning",
            "Global.use_cls": False,
        }
        self._engine: Any = module.RapidOCR(params=parameters)

    def read(self, picture: UInt8[np.ndarray, "height width 3"]) -> Page:
        """Find the words of an RGB picture; a page without text gives no words."""
        result = self._engine(np.ascontiguousarray(picture[..., ::-1]))
        if result.txts is None or result.boxes is None:
            return Page((), picture)
        pairs = zip(result.txts, result.boxes, strict=True)
        words = tuple(Word(normalise(text), np.asarray(box, dtype=float)) for text, box in pairs)
        return Page(tuple(word for word in words if word.text), picture)
