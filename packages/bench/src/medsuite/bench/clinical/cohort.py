"""From the tables of a hospital database to one labelled stay a patient, with the codes that a view shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int, Shaped

from medsuite.bench.clinical import sql
from medsuite.bench.clinical.codes import EXTRA, OUTCOME_CODES, normal_icd, normal_ndc, official_titles
from medsuite.bench.clinical.flow import Flow, FlowStep
from medsuite.bench.clinical.sources.mimic4 import MimicIV
from medsuite.bench.clinical.task import Task
from medsuite.core.errors import InputError, require

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

KINDS = ("diagnosis", "procedure", "drug")


@dataclass(frozen=True)
class Cohort:
    """One labelled stay a patient, and its codes.

    Attributes:
        task: What is predicted, for whom and from what.
        subject_id: Patients.
        hadm_id: Their stays, in ascending order of patients.
        age: Years at admission.
        female: Sex as recorded: 1 female, 0 male, -1 neither.
        label: One of `task.labels`.
        event_stay: Position of the stay that each code belongs to, ascending.
        event_kind: 0 diagnosis, 1 procedure, 2 drug.
        event_code: `version:code` of a diagnosis or procedure, ATC level 3 of a drug; each once a stay, in the order
            in which the hospital ranked or gave them.
        titles: What each code is called, by kind and code.
        flow: Who was left out, and why.
        audit: Counts of what was odd but left nobody out.
    """

    task: Task
    subject_id: Int[np.ndarray, " stay"]
    hadm_id: Int[np.ndarray, " stay"]
    age: Int[np.ndarray, " stay"]
    female: Int[np.ndarray, " stay"]
    label: Int[np.ndarray, " stay"]
    event_stay: Int[np.ndarray, " event"]
    event_kind: Int[np.ndarray, " event"]
    event_code: Shaped[np.ndarray, " event"]
    titles: Mapping[tuple[int, str], str]
    flow: Flow
    audit: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.label)

    def codes(self, stay: int) -> tuple[list[str], list[str], list[str]]:
        """Return the diagnoses, procedures and drugs of the stay at a position."""
        start, end = np.searchsorted(self.event_stay, [stay, stay + 1])
        kinds, codes = self.event_kind[start:end], self.event_code[start:end]
        diagnoses, procedures, drugs = (codes[kinds == kind].tolist() for kind in range(3))
        return diagnoses, procedures, drugs


def build_cohort(source: MimicIV, task: Task, memory: str = "1500MB", threads: int = 1) -> Cohort:
    """Build a task's cohort; an empty one is a result, with its flow chart.

    Tables are streamed; only the codes of stays that are still in the cohort are kept. About 1 CPU second for a million
    rows.

    Args:
        source: The database.
        task: What is predicted, for whom and from what.
        memory: Memory limit of the database engine, such as `1500MB`.
        threads: Threads of the database engine.

    Raises:
        InputError: A file is cut off, a time is written in another format, an identifier is missing or not unique.
        MissingDependencyError: DuckDB is not installed.
    """
    duckdb = require("duckdb", extra=EXTRA)
    with duckdb.connect(config={"memory_limit": memory, "threads": threads}) as connection:
        _load_stays(connection, source)
        _rank_stays(connection, task)
        _load_events(connection, source, task)
        steps = [*sql.UNUSABLE, *sql.exclusions(task)]
        connection.execute(sql.assign_steps(sql.exclusions(task), start=len(sql.UNUSABLE)))
        flow = _count_flow(connection, steps)
        stays = _columns(connection, sql.final_stays(task))
        events = _columns(connection, sql.final_events(task, sorted(OUTCOME_CODES)))
        titles = _titles(connection, source)
        audit = _audit(connection, task, events, titles)
    names = ("subject_id", "hadm_id", "age", "female", "label")
    return Cohort(
        task=task,
        **{name: stays[name].astype(np.int64) for name in names},
        event_stay=events["stay"].astype(np.int64),
        event_kind=events["kind"].astype(np.int64),
        event_code=events["code"].astype(object),
        titles=titles,
        flow=flow,
        audit=audit,
    )


def _load_stays(connection: "DuckDBPyConnection", source: MimicIV) -> None:
    """Copy admissions and patients, and refuse times and identifiers that cannot be trusted."""
    source.select(connection, sql.LOAD_ADMISSIONS, "admissions")
    source.select(connection, sql.LOAD_PATIENTS, "patients")
    _refuse(
        connection,
        "select 1 from admission where subject_id is null or hadm_id is null",
        f"{source.tables['admissions']}: {{}} rows without a whole number as subject_id and hadm_id",
        "identifiers as released",
    )
    for column in ("admittime", "dischtime", "deathtime"):
        _refuse(
            connection,
            f"select {column}_text from admission where {column} is null and {column}_text is not null",  # noqa: S608
            f"{source.tables['admissions']}: {{}} values of {column} such as {{!r}} are no time",
            "YYYY-MM-DD HH:MM:SS; day and month in another order are not guessed",
        )
    _refuse(
        connection,
        "select hadm_id from admission group by hadm_id having count(*) > 1",
        f"{source.tables['admissions']}: {{}} values of hadm_id such as {{!r}} stand for several stays",
        "one row a stay",
    )
    _refuse(
        connection,
        "select subject_id from patient group by subject_id having count(*) > 1",
        f"{source.tables['patients']}: {{}} values of subject_id such as {{!r}} are not unique",
        "one row a patient",
    )


def _rank_stays(connection: "DuckDBPyConnection", task: Task) -> None:
    """Set aside what has no usable times, then number each patient's stays."""
    connection.execute(sql.join_stays(task))
    connection.execute(sql.assign_steps(sql.UNUSABLE, start=0))
    connection.execute(sql.RANK_STAYS)


def _load_events(connection: "DuckDBPyConnection", source: MimicIV, task: Task) -> None:
    """Copy the codes of stays that are still candidates, each once a stay and with the time at which it is known."""
    connection.execute(sql.candidates(task))
    timed = "diagnosis_times" in source.tables
    times = {"times": "diagnosis_times"} if timed else {}
    source.select(connection, sql.LOAD_TIMED_DIAGNOSES if timed else sql.LOAD_DIAGNOSES, "diagnoses_icd", **times)
    source.select(connection, sql.LOAD_PROCEDURES, "procedures_icd")
    source.select(connection, sql.LOAD_PRESCRIPTIONS, "prescriptions")
    _load_drug_map(connection, source)
    connection.execute(sql.LOAD_DRUGS)


def _load_drug_map(connection: "DuckDBPyConnection", source: MimicIV) -> None:
    """Give each spelling of a drug code in the data its ATC classes, by the one rule for spellings.

    A combination has several classes; all of them count, as in the released code.
    """
    classes: dict[str, dict[str, str | None]] = {}
    for ndc, atc, name in source.read_drug_map(connection):
        code = _spelling(ndc) if ndc else None
        if code and atc:
            classes.setdefault(code, {}).setdefault(atc.strip().upper()[:4], name)
    spellings = [row[0] for row in connection.execute("select distinct ndc from prescription").fetchall()]
    rows = [(text, *pair) for text in spellings for pair in classes.get(_spelling(text) or "", {}).items()]
    connection.execute("create temp table drug_class (ndc varchar, atc varchar, name varchar)")
    if rows:
        connection.executemany("insert into drug_class values (?, ?, ?)", rows)


def _spelling(ndc: str) -> str | None:
    try:
        return normal_ndc(ndc)
    except InputError:
        return None


def _count_flow(connection: "DuckDBPyConnection", steps: list[sql.Exclusion]) -> Flow:
    def count(where: str) -> tuple[int, int]:
        row = connection.execute(
            f"select count(*), count(distinct subject_id) from stay where {where}"  # noqa: S608
        ).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    out = [
        FlowStep(step.reason, *count(f"step = {number}"), step.condition) for number, step in enumerate(steps, start=1)
    ]
    return Flow(FlowStep("all stays", *count("true")), tuple(out), FlowStep("cohort", *count("step = 0")))


def _titles(connection: "DuckDBPyConnection", source: MimicIV) -> dict[tuple[int, str], str]:
    """Read what each code is called; the key is the code with its version, since some codes exist in both.

    Official titles stand in for a dictionary that is not there.
    """
    titles: dict[tuple[int, str], str] = {}
    for kind, table in enumerate(("d_icd_diagnoses", "d_icd_procedures")):
        if table not in source.tables:
            for version in (9, 10):
                official = official_titles(KINDS[kind], version)
                titles.update({(kind, f"{version}:{code}"): title for code, title in official.items()})
            continue
        rows = source.select(connection, "select icd_version, icd_code, long_title from {source}", table).fetchall()
        named = ((version, normal_icd(code), title) for version, code, title in rows if code and title)
        titles.update({(kind, f"{(version or '').strip()}:{code}"): title.strip() for version, code, title in named})
    drugs = connection.execute("select distinct atc, name from drug_class").fetchall()
    titles.update({(2, atc): name for atc, name in drugs if name})
    return titles


def _audit(
    connection: "DuckDBPyConnection", task: Task, events: Mapping[str, Any], titles: Mapping[tuple[int, str], str]
) -> dict[str, int]:
    counts = {name: int((connection.execute(query).fetchone() or (0,))[0]) for name, query in sql.audits(task).items()}
    used = {(int(kind), code) for kind, code in zip(events["kind"], events["code"], strict=True)}
    return {**counts, "codes without a title": len(used - set(titles))}


def _columns(connection: "DuckDBPyConnection", query: str) -> dict[str, Any]:
    return {name: np.asarray(values) for name, values in connection.execute(query).fetchnumpy().items()}


def _refuse(connection: "DuckDBPyConnection", query: str, message: str, expected: str) -> None:
    rows = connection.execute(query).fetchall()
    if rows:
        raise InputError(message.format(len(rows), rows[0][0]), expected=expected)
