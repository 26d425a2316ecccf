"""What a question looks like to a model: the released prompt to the byte, a clean one, and a compact one."""

from collections.abc import Callable
from typing import Any

from medsuite.core.errors import unknown_name
from medsuite.med_r1.schema import LETTERS, Question

TASK = (
    "Your task: \n",
    "1. Think through the question step by step, enclose your reasoning process in <think>...</think> tags. \n",
    "2. Then provide the correct single-letter choice (A, B, C, D,...) inside <answer>...</answer> tags.\n",
    "3. No extra information or text outside of these tags.\n",
)
"""The numbered task list of the release, with its trailing blanks."""


def problem(question: Question) -> str:
    r"""Return `question\nA) option\nB) option ...`, the field `problem` of the released files."""
    lines = [f"{letter}) {option}" for letter, option in zip(LETTERS, question.options, strict=False)]
    return "\n".join([question.question, *lines])


def released(question: Question, indent: int) -> str:
    """Return the released prompt, whose triple-quoted template keeps the indentation of the code around it.

    Args:
        question: The question.
        indent: 8 as in training, 4 as in the evaluation script: the two differ in the release.
    """
    margin = " " * indent
    return "\n" + margin + problem(question) + " \n" + "".join(margin + line for line in TASK) + margin


def _paper_train(question: Question) -> str:
    return released(question, 8)


def _paper_test(question: Question) -> str:
    return released(question, 4)


def _clean(question: Question) -> str:
    return problem(question) + "\n\n" + "\n".join(line.strip() for line in TASK)


def _compact(question: Question) -> str:
    lines = [f"{letter} {option}" for letter, option in zip(LETTERS, question.options, strict=False)]
    return "\n".join([question.question, *lines])


STYLES: dict[str, Callable[[Question], str]] = {
    "clean": _clean,
    "paper": _paper_train,
    "paper-test": _paper_test,
    "compact": _compact,
}
"""Prompt styles: `paper` is the released training prompt, `paper-test` that of the released evaluation script, `clean`
the same words without stray whitespace, `compact` question and options alone for models of toy size."""


def build(question: Question, style: str = "clean") -> str:
    """Return the user's text for a question; the image stands before it.

    Args:
        question: The question.
        style: A key of `STYLES`.

    Raises:
        InputError: There is no such style.
    """
    if style not in STYLES:
        raise unknown_name("prompt style", style, STYLES)
    return STYLES[style](question)


def conversation(question: Question, style: str = "clean") -> list[dict[str, Any]]:
    """Return the one turn that a model sees: the image, then the text; no system line is sent, as in the release."""
    return [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": build(question, style)}]}]


def completion(think: str, letter: str) -> str:
    """Return an answer in the format that is asked for."""
    return f"<think>{think}</think><answer>{letter}</answer>"
