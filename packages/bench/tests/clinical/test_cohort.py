"""Cohorts on DuckDB against a plain loop over the rows of the files."""

import csv
import gzip
import shutil
from collections import defaultdict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from medsuite.bench.clinical.cohort import Cohort, build_cohort
from medsuite.bench.clinical.flow import Flow, FlowStep, flow_rows
from medsuite.bench.clinical.sources.mimic4 import open_source
from medsuite.bench.clinical.task import OUTCOMES, Task, make_task
from medsuite.core.errors import InputError

Row = dict[str, str]
TASKS = [
    *(make_task(outcome, preset) for outcome in OUTCOMES for preset in ("paper", "fixed")),
    *(make_task(outcome, view="landmark") for outcome in OUTCOMES),
    make_task("mortality", view="landmark", hours=60),
    make_task("mortality", outcome_codes=False),
]
LEAKING = {"Z66", "Z515", "I469", "G9382"}


def read(folder: Path, table: str) -> list[Row]:
    with gzip.open(folder / "hosp" / f"{table}.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def time_of(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def plain_cohort(folder: Path, task: Task) -> dict[int, tuple[int, int, int, frozenset[str]]]:
    """Patient to stay, age, label and codes, by one loop over the rows; the oracle knows nothing of SQL."""
    people = {row["subject_id"]: row for row in read(folder, "patients")}
    stays = defaultdict(list)
    for row in read(folder, "admissions"):
        begin, end, death = (time_of(row[name]) for name in ("admittime", "dischtime", "deathtime"))
        if begin and end and end >= begin and not (death and death < begin):
            stays[row["subject_id"]].append((begin, int(row["hadm_id"]), end, row["hospital_expire_flag"] == "1"))
    codes = plain_codes(folder, task)
    found = {}
    for subject, mine in stays.items():
        (begin, stay, end, died), *later = sorted(mine)
        age = age_at(people[subject], begin, task)
        label = label_of(task, begin, end, died, later[0][0] if later else None)
        known = codes(str(stay), begin, end)
        kinds = {kind for kind, _ in known}
        left_out = age < 18 or label is None
        left_out |= task.preset == "paper" and kinds != {"dx", "px", "rx"}
        left_out |= task.view == "landmark" and end < begin + timedelta(hours=task.hours)
        if not left_out:
            found[int(subject)] = (stay, age, label, frozenset(code for _, code in known))
    return found


def age_at(person: Row, begin: datetime, task: Task) -> int:
    born = int(person["anchor_year"]) - int(person["anchor_age"])
    if task.preset == "paper":
        return begin.year - born - (begin.date() < date(begin.year, 9, 4))
    return min(begin.year - born, 91)


def label_of(task: Task, begin: datetime, end: datetime, died: bool, following: datetime | None) -> int | None:
    if task.outcome == "mortality":
        return int(died)
    if task.outcome == "length":
        days = (end - begin).days
        return 1 if days <= 7 else 2 if days <= 14 else 3
    if task.preset == "paper":
        return None if following is None else int((following - begin).days < 15)
    return None if died else int(following is not None and (following - end).days < 14)


def plain_codes(folder: Path, task: Task) -> Callable[[str, datetime, datetime], set[tuple[str, str]]]:
    known_at = {(row["hadm_id"], row["icd_code"]): time_of(row["known_at"]) for row in read(folder, "diagnosis_times")}
    with (folder / "ndc_atc.csv").open(newline="") as lines:
        classes = {row["ndc"]: row["atc"] for row in csv.DictReader(lines)}
    events = defaultdict(list)
    for row in read(folder, "diagnoses_icd"):
        when = known_at.get((row["hadm_id"], row["icd_code"]))
        events[row["hadm_id"]].append(("dx", f"{row['icd_version']}:{row['icd_code']}", when))
    for row in read(folder, "procedures_icd"):
        when = datetime.fromisoformat(row["chartdate"]) + timedelta(days=1)
        events[row["hadm_id"]].append(("px", f"{row['icd_version']}:{row['icd_code']}", when))
    for row in read(folder, "prescriptions"):
        events[row["hadm_id"]].append(("rx", classes[row["ndc"]], time_of(row["starttime"])))

    def shown(stay: str, begin: datetime, end: datetime) -> set[tuple[str, str]]:
        limit = begin + timedelta(hours=task.hours) if task.view == "landmark" else datetime.max
        hide = not task.outcome_codes or task.view == "landmark"
        return {
            (kind, code)
            for kind, code, when in events[stay]
            if (when or end) <= limit and not (hide and code.removeprefix("10:") in LEAKING)
        }

    return shown


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_cohort_is_what_a_plain_loop_finds(hospital, task: Task) -> None:
    found = build_cohort(open_source(hospital.folder), task)
    expected = plain_cohort(hospital.folder, task)
    assert found.subject_id.tolist() == sorted(expected)
    for place, subject in enumerate(found.subject_id.tolist()):
        stay, age, label, codes = expected[subject]
        assert (found.hadm_id[place], found.age[place], found.label[place]) == (stay, age, label)
        assert frozenset(code for kind in found.codes(place) for code in kind) == codes
    assert found.flow.end.stays == len(expected)
    assert found.flow.start.stays == len(read(hospital.folder, "admissions"))


def test_the_label_borders_are_those_of_whole_days() -> None:
    begin = datetime(2150, 1, 1)
    ends = [begin + timedelta(days=days, hours=hours) for days, hours in ((7, 23), (8, 0), (14, 23), (15, 0))]
    assert [label_of(make_task("length"), begin, end, False, None) for end in ends] == [1, 2, 2, 3]


@pytest.fixture
def edited(hospital, tmp_path: Path) -> Callable[..., Path]:
    """Copy the hospital with one table changed."""
    folder = tmp_path / "copy"
    shutil.copytree(hospital.folder, folder)

    def edit(table: str, change: Callable[[list[Row]], None]) -> Path:
        rows = read(folder, table)
        change(rows)
        with gzip.open(folder / "hosp" / f"{table}.csv.gz", "wt", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, rows[0], lineterminator="\r\n")
            writer.writeheader()
            writer.writerows(rows)
        return folder

    return edit


def cohort_in(folder: Path, *names: str) -> Cohort:
    return build_cohort(open_source(folder), make_task(*names or ("mortality",)))


def left(cohort: Cohort, reason: str) -> int:
    return next(step.stays for step in cohort.flow.steps if step.reason == reason)


def test_a_stay_that_ends_before_it_begins_is_a_step_of_the_flow_chart(edited) -> None:
    def change(rows: list[Row]) -> None:
        rows[3]["dischtime"] = "2100-01-01 00:00:00"
        rows[4]["dischtime"] = ""

    found = cohort_in(edited("admissions", change))
    assert left(found, "discharged before admitted") == 1
    assert left(found, "without time of admission or discharge") == 1


def test_a_flag_and_a_time_that_disagree_are_counted_and_the_flag_decides(edited) -> None:
    def change(rows: list[Row]) -> None:
        alive = [row for row in rows if row["hospital_expire_flag"] == "0"]
        alive[0]["hospital_expire_flag"] = "1"

    found = cohort_in(edited("admissions", change))
    assert found.audit["deaths without a time of death"] == 1


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("admittime", "03/04/2110", "'03/04/2110' are no time"),
        ("subject_id", "x12", "without a whole number as subject_id"),
        ("hadm_id", "20000002", "stand for several stays"),
    ],
)
def test_what_cannot_be_trusted_is_refused(edited, column: str, value: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cohort_in(edited("admissions", lambda rows: rows[0].update({column: value})))


def test_codes_keep_their_zeros_and_lose_dots_and_blanks(edited) -> None:
    def change(rows: list[Row]) -> None:
        rows[0].update(icd_code=" 001.0 ", icd_version="9")
        rows[1].update(icd_code="a41.9")

    folder = edited("diagnoses_icd", change)
    found = cohort_in(folder)
    place = int(np.flatnonzero(found.hadm_id == int(read(folder, "diagnoses_icd")[0]["hadm_id"]))[0])
    assert "9:0010" in found.codes(place)[0]
    assert found.audit["codes without a title"] == 1, "9:0010 is kept as a feature and counted"


def test_diagnoses_without_known_times_are_not_known_before_discharge(edited, hospital) -> None:
    folder = edited("admissions", lambda rows: None)
    (folder / "hosp" / "diagnosis_times.csv.gz").unlink()
    landmark = cohort_in(folder, "mortality", "fixed", "landmark")
    assert not (landmark.event_kind == 0).any()
    assert (cohort_in(folder).event_kind == 0).any()


def test_unknown_drug_codes_are_counted(edited) -> None:
    found = cohort_in(edited("prescriptions", lambda rows: rows[0].update(ndc="12345678901")))
    assert found.audit["spellings of drug codes without a class"] == 1


def test_an_empty_cohort_is_a_result_with_its_flow_chart(edited) -> None:
    found = cohort_in(edited("patients", lambda rows: [row.update(anchor_age="7") for row in rows][:0]))
    assert len(found) == 0
    assert left(found, "younger than 18") > 0
    assert flow_rows(found.flow)[-1][1] == 0


def test_two_admissions_at_the_same_time_are_ordered_by_their_number_and_counted(edited) -> None:
    def change(rows: list[Row]) -> None:
        first = rows[0]
        rows.append({**first, "hadm_id": "10", "hospital_expire_flag": "0", "deathtime": ""})

    found = cohort_in(edited("admissions", change))
    assert found.hadm_id.min() == 10
    assert found.audit["first stays that began together with another"] == 1


def test_a_flow_chart_that_does_not_add_up_is_refused() -> None:
    with pytest.raises(InputError, match="does not add up"):
        Flow(FlowStep("all", 10, 10), (FlowStep("young", 3, 3),), FlowStep("cohort", 6, 6))


def test_names_of_tasks_are_checked() -> None:
    with pytest.raises(InputError, match="did you mean 'mortality'"):
        make_task("mortalty")
    with pytest.raises(InputError, match="no landmark view"):
        make_task("mortality", "paper", "landmark")
    with pytest.raises(InputError, match="0 hours"):
        make_task("mortality", hours=0)
    for hours in (float("inf"), float("nan"), 1e9):
        with pytest.raises(InputError, match="hours after admission; expected more than 0 and at most"):
            make_task("mortality", view="landmark", hours=hours)
