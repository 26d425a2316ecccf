"""The vocabulary of MME-Finance: eleven tasks, six picture types, four styles, questions and verdicts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Language = Literal["en", "cn"]


class Task(StrEnum):
    """The eleven tasks by the paper's abbreviations (arXiv 2411.03314, section 3)."""

    IMAGE_CAPTION = "IC"
    OCR = "OCR"
    ENTITY_RECOGNITION = "ER"
    SPATIAL_AWARENESS = "SA"
    ACCURATE_CALCULATION = "ANC"
    ESTIMATED_CALCULATION = "ENC"
    RISK_WARNING = "RW"
    INVESTMENT_ADVICE = "IA"
    REASON_EXPLANATION = "RE"
    FINANCIAL_QUESTION = "FQA"
    NOT_APPLICABLE = "NA"


RELEASED_TASKS: dict[str, Task] = {
    "Image Caption": Task.IMAGE_CAPTION,
    "OCR": Task.OCR,
    "Entity Recognition": Task.ENTITY_RECOGNITION,
    "Spatial Awareness": Task.SPATIAL_AWARENESS,
    "Accurate Numerical Calculation": Task.ACCURATE_CALCULATION,
    "Numerical Calculation": Task.ESTIMATED_CALCULATION,
    "Risk Warning": Task.RISK_WARNING,
    "Investment Advice": Task.INVESTMENT_ADVICE,
    "Explain Reason": Task.REASON_EXPLANATION,
    "Financial Knowledge": Task.FINANCIAL_QUESTION,
    "Not Applicable": Task.NOT_APPLICABLE,
}
"""`task_category` of the released files, which is not the paper's wording, to the paper's task."""


class ImageType(StrEnum):
    """What a picture shows."""

    CANDLESTICK = "candlestick"
    INDICATOR = "indicator"
    STATISTICAL = "statistical"
    TABLE = "table"
    DOCUMENT = "document"
    MIXED = "mixed"


class ImageStyle(StrEnum):
    """How a picture was taken."""

    COMPUTER = "computer"
    PHOTOGRAPH = "photograph"
    VERTICAL = "vertical"
    HORIZONTAL = "horizontal"


@dataclass(frozen=True)
class Question:
    """One question about one picture.

    Attributes:
        index: Identifier, unique in its set.
        picture: Path of the picture relative to the folder of pictures.
        image_type: A value of `ImageType`, or an unknown text that lenient reading let through.
        image_style: A value of `ImageStyle`, likewise.
        task: One of the eleven tasks.
        text: The question.
        answer: The reference answer; `<AND>` joins parts that are all needed, `<OR>` parts of which one is.
        language: Language of question and answer.
        background: What the asker adds, often empty.
        options: The permitted answers of a choice question, empty for all others.
        axis_span: Length of the visible value axis for a number that must be read off an axis, else None.
        template: Name of the template of a generated question, empty for a released one.
    """

    index: str
    picture: str
    image_type: str
    image_style: str
    task: Task
    text: str
    answer: str
    language: Language
    background: str = ""
    options: tuple[str, ...] = ()
    axis_span: float | None = None
    template: str = ""


State = Literal["scored", "empty", "no_answer", "judge_only", "judge_failed"]


@dataclass(frozen=True)
class Verdict:
    """What a scorer says about one reply.

    Attributes:
        score: From 0 (wrong) to 1 (right); 0 where nothing was scored.
        state: `scored`, or why there is no score: the reply is `empty` or the model's own failure message
            (`no_answer`), the reference answer is no matter for rules (`judge_only`), the judge gave no score
            (`judge_failed`).
        reason: One short sentence.
    """

    score: float
    state: State
    reason: str
