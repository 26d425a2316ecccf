"""The baseline over a whole set: each picture is read once."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np

from medsuite.bench.finance.baselines.ocr import OcrReader
from medsuite.bench.finance.baselines.page import Page
from medsuite.bench.finance.baselines.rules import answer
from medsuite.bench.finance.schema import Question
from medsuite.bench.finance.tsv import QuestionSet


def answer_set(stored: QuestionSet, questions: Sequence[Question]) -> list[str]:
    """Answer every question from the page of its picture.

    Raises:
        MissingDependencyError: The OCR engine is not installed.
    """
    from PIL import Image

    reader = OcrReader()
    pages: dict[str, Page] = {}
    replies = []
    for number, question in enumerate(questions):
        if question.picture not in pages:
            picture = Image.open(BytesIO(stored.picture(number))).convert("RGB")
            pages = {question.picture: reader.read(np.asarray(picture))}
        replies.append(answer(question, pages[question.picture]))
    return replies
