"""What the question makers share: a question before it belongs to a set."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from medsuite.bench.finance.schema import Language, Task
from medsuite.bench.finance.templates import NOT_APPLICABLE, template


@dataclass(frozen=True)
class Draft:
    """A question and its answer, computed from the facts of a picture, before it gets an index and a picture."""

    task: Task
    template: str
    text: str
    answer: str
    options: tuple[str, ...] = ()
    axis_span: float | None = None

    def among(self, options: Iterable[str]) -> "Draft":
        """Return the question with its permitted answers."""
        return replace(self, options=tuple(options))

    def on_axis(self, span: float) -> "Draft":
        """Return the question with the length of the axis that its answer is read off."""
        return replace(self, axis_span=span)


def ask(
    task: Task,
    name: str,
    language: Language,
    answer: str,
    **slots: str,
) -> Draft:
    """Fill a template and attach its answer."""
    return Draft(task, name, template(name).ask(language, **slots), answer)


def ask_absent(name: str, language: Language, **slots: str) -> Draft:
    """Ask in the same words for something that is not in the picture."""
    return ask(Task.NOT_APPLICABLE, name, language, NOT_APPLICABLE[language], **slots)


def all_of(parts: Iterable[str]) -> str:
    """Write an answer of which every part is needed, in the notation of the released files."""
    return "<AND>".join(parts)
