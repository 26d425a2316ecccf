"""A language model from a split cohort to a file of predictions."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import numpy as np

from medsuite.bench.clinical.ask import Route, ask, make_client
from medsuite.bench.clinical.cohort import Cohort
from medsuite.bench.clinical.predictions import write_predictions
from medsuite.bench.clinical.prompts import MODES, WORDY, Wording
from medsuite.bench.clinical.splits import Split
from medsuite.bench.output import check_file
from medsuite.core.errors import InputError, unknown_name


@dataclass(frozen=True)
class AskOptions:
    """How a language model is asked.

    Attributes:
        model: A folder, a packaged model, or the name at the server.
        server: Server, up to and with `/v1`; None asks a model on this machine.
        key: The server's key.
        concurrency: The most requests under way at the server.
        mode: The paper's mode of asking.
        wording: Names of codes, or the codes.
        route: By the likelihood of each option, or in words.
        chat: Whether prompts go through the model's chat template.
        limit: Only that many test patients, drawn at random; None asks about all.
        name: Name in tables; the model's when None.
        seed: Decides exemplars and the drawing.
    """

    model: str
    server: str | None = None
    key: str | None = field(default=None, repr=False)
    concurrency: int = 16
    mode: str = "ORI"
    wording: str = "names"
    route: Route = "options"
    chat: bool = False
    limit: int | None = None
    name: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise unknown_name("prompt mode", self.mode, MODES)
        if self.wording not in get_args(Wording):
            raise unknown_name("wording", self.wording, get_args(Wording))
        if self.mode in WORDY and self.route == "options":
            raise InputError(f"mode {self.mode} gives its answer in words", expected="--words with it")


def ask_test_patients(cohort: Cohort, split: Split, out: Path, options: AskOptions) -> Iterator[str]:
    """Ask about test patients, write predictions, and yield what to print.

    Answers are kept beside the predictions, in `OUT.answers.sqlite`: a run that was cut off goes on where it was.

    Args:
        cohort: Labelled stays.
        split: Who is asked about, and whose answers may serve as exemplars.
        out: File of predictions.
        options: How the model is asked.

    Raises:
        InputError: There is no test or no training patient, no file can be written at `out`, or the model cannot be
            loaded or reached.
    """
    check_file(out)
    stays = split.test
    if not (len(stays) and len(split.train)):
        raise InputError(
            f"{len(split.train)} training and {len(stays)} test patients", expected="a cohort of ten patients or more"
        )
    if options.limit is not None and options.limit < len(stays):
        stays = np.sort(np.random.default_rng(options.seed).choice(stays, options.limit, replace=False))
    found = ask(
        cohort,
        stays,
        make_client(options.model, options.server, options.key, concurrency=options.concurrency),
        out.with_name(f"{out.name}.answers.sqlite"),
        name=options.name or options.model,
        training=split.train,
        mode=options.mode,
        wording="names" if options.wording == "names" else "codes",
        route=options.route,
        chat=options.chat,
        seed=options.seed,
    )
    write_predictions(out, found)
    states = Counter(found.state.tolist())
    yield f"{len(found)} patients: {', '.join(f'{count} {state}' for state, count in states.most_common())}"
    yield f"predictions: {out}"
