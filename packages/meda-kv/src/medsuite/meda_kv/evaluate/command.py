"""The command `evaluate`: progress on standard error, the table as text, and the report in the run folder."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from medsuite.core.errors import InputError
from medsuite.meda_kv.evaluate.evaluation import Plan, Record, evaluate
from medsuite.meda_kv.evaluate.html import write_report
from medsuite.meda_kv.evaluate.summary import summarise, table


def run(plan: Plan, out: Path | None) -> str:
    """Evaluate and return the table.

    Args:
        plan: What is evaluated.
        out: The run folder, which also gets the report; None to keep nothing.

    Raises:
        InputError: No question fits into the model.
    """
    if out is None:
        with TemporaryDirectory() as folder:
            return _table(_evaluate(plan, Path(folder)))
    done = _evaluate(plan, out)
    text = _table(done)
    return f"{text}\n\n{write_report(out)}"


def _evaluate(plan: Plan, out: Path) -> list[Record]:
    with _Progress(plan) as progress:
        return evaluate(plan, out, progress.notify)


def _table(done: list[Record]) -> str:
    asked, left_out = [record for record in done if record.scores], [record for record in done if record.left_out]
    if not asked:
        raise InputError(f"no question fits: {left_out[0].left_out}")
    note = f"\n{len(left_out)} questions were left out, the first because {left_out[0].left_out}" if left_out else ""
    return table(summarise(asked)) + note


class _Progress:
    """A bar in a terminal, a line a question elsewhere; both on standard error."""

    def __init__(self, plan: Plan) -> None:
        console = Console(stderr=True)
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
        self._terminal = console.is_terminal
        self._bar = Progress(*columns, console=console, disable=not self._terminal, transient=True)
        # How many questions released files hold is known once they have been read.
        self._total = plan.scope.questions if plan.scope.data is None else None
        self._row: TaskID = self._bar.add_task(f"{plan.task} of {plan.asked}", total=self._total)

    def __enter__(self) -> "_Progress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def notify(self, record: Record, done: int) -> None:
        """Show that a question is done."""
        self._bar.update(self._row, completed=done)
        if not self._terminal:
            what = f"left out: {record.left_out}" if record.left_out else f"{record.seconds:.1f} s"
            count = f"{done}/{self._total}" if self._total else str(done)
            print(f"[{count}] {record.unit}: {what}", file=sys.stderr, flush=True)
