"""The words that a model and a judge are given: our own, with line feeds, and with abstention offered for every task.

The released prompts mention "not applicable" only where it is the right answer, which measures obedience. Here every
task offers it, so that both a missed and a false abstention can be counted.
"""

from medsuite.bench.finance.schema import Language, Question, Task

_PERSONA: dict[Language, str] = {
    "en": "You are a financial expert. Answer the question about the picture.",
    "cn": "你是一名金融专家。请根据图片回答问题。",
}
_ABSTAIN: dict[Language, str] = {
    "en": 'If the picture does not contain what is asked for, answer "Not Applicable" and nothing else.',
    "cn": "如果图片中没有所问的内容，只回答“不适用”。",
}
_SHORT, _STEPS, _PROSE = "short", "steps", "prose"
_FORMS: dict[Task, str] = {
    Task.OCR: _SHORT,
    Task.ENTITY_RECOGNITION: _SHORT,
    Task.SPATIAL_AWARENESS: _SHORT,
    Task.NOT_APPLICABLE: _SHORT,
    Task.ACCURATE_CALCULATION: _STEPS,
    Task.ESTIMATED_CALCULATION: _STEPS,
}
_FORM_WORDS: dict[Language, dict[str, str]] = {
    "en": {
        _SHORT: "Give a number, a word or a short phrase only.",
        _STEPS: 'Show the calculation in one line and end with "Answer:" and the result.',
        _PROSE: "Answer in at most 150 words and support each statement by what the picture shows.",
    },
    "cn": {
        _SHORT: "只给出数字、词语或短语。",
        _STEPS: "用一行写出计算过程，最后写“答案：”和结果。",
        _PROSE: "用不超过150个字回答，每个论断都要有图中的依据。",
    },
}
_RUBRICS: dict[str, str] = {
    _SHORT: "5 if every part of the reference is given and nothing contradicts it; in proportion if only some parts are; 0 if wrong.",  # noqa: E501
    _STEPS: "2 points for the result (an estimate: 2 within 10 % of the reference, 1 within 20 %), 3 points for a sound calculation.",  # noqa: E501
    _PROSE: "2 points for the key facts of the reference, 2 for agreeing with its meaning, 1 for no contradiction.",
}
_NOT_APPLICABLE_RUBRIC = (
    "5 if the answer says that the picture does not contain what is asked for and gives no other answer; else 0."
)


def answer_prompt(question: Question) -> str:
    """Write the prompt that a model answers; it goes with the picture.

    The wording depends on the kind of answer only: a question that cannot be answered is asked like any short one.
    """
    language = question.language
    parts = [_PERSONA[language], question.text, _FORM_WORDS[language][_FORMS.get(question.task, _PROSE)]]
    parts += [question.background] if question.background else []
    return "\n".join([*parts, _ABSTAIN[language]])


def rubric(task: Task) -> str:
    """Return what earns a judge's points from 0 to 5."""
    return _NOT_APPLICABLE_RUBRIC if task is Task.NOT_APPLICABLE else _RUBRICS[_FORMS.get(task, _PROSE)]
