"""The SQL of a cohort: one condition for each exclusion, in the order of the flow chart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medsuite.bench.clinical.task import Task

FORMATS = "['%Y-%m-%d %H:%M:%S', '%Y-%m-%d %H:%M:%S.%f', '%Y-%m-%dT%H:%M:%S', '%Y-%m-%d']"
DAY = 86_400


@dataclass(frozen=True)
class Exclusion:
    """A reason to leave a stay out, and its SQL condition over the table `stay`."""

    reason: str
    condition: str


def _time(column: str) -> str:
    return f"try_strptime({column}, {FORMATS})"


LOAD_ADMISSIONS = f"""
create temp table admission as select
    try_cast(trim(subject_id) as bigint) as subject_id, try_cast(trim(hadm_id) as bigint) as hadm_id,
    admittime as admittime_text, dischtime as dischtime_text, deathtime as deathtime_text,
    {_time("admittime")} as admittime, {_time("dischtime")} as dischtime, {_time("deathtime")} as deathtime,
    coalesce(trim(hospital_expire_flag), '') = '1' as died
from {{source}}"""  # noqa: S608
LOAD_PATIENTS = """
create temp table patient as select
    try_cast(trim(subject_id) as bigint) as subject_id, upper(trim(gender)) as gender,
    try_cast(trim(anchor_age) as integer) as anchor_age, try_cast(trim(anchor_year) as integer) as anchor_year
from {source}"""
UNUSABLE = (
    Exclusion("without time of admission or discharge", "admittime is null or dischtime is null"),
    Exclusion("discharged before admitted", "dischtime < admittime"),
    Exclusion("died before admitted", "deathtime < admittime"),
    Exclusion("without a patient record or an age", "age is null"),
)
RANK_STAYS = """
create or replace temp table stay as
select s.*, r.place, r.next_admittime from stay s left join (
    select hadm_id, row_number() over w as place, lead(admittime) over w as next_admittime
    from stay where step = 0 window w as (partition by subject_id order by admittime, hadm_id)
) r using (hadm_id)"""


def join_stays(task: Task) -> str:
    """Join admissions with patients; the age follows the task's rule."""
    years = "year(admittime) - (anchor_year - anchor_age)"
    if task.age_by_birthday:
        years += " - case when month(admittime) * 100 + day(admittime) < 904 then 1 else 0 end"
    age = f"least({years}, {task.age_cap})" if task.age_cap else years
    # DuckDB's least ignores nulls: an unknown age must stay unknown.
    return f"""
create temp table stay as select a.*, 0 as step,
    case when {years} is null then null else {age} end as age,
    case p.gender when 'F' then 1 when 'M' then 0 else -1 end as female
from admission a left join patient p using (subject_id)"""  # noqa: S608


def exclusions(task: Task) -> tuple[Exclusion, ...]:
    """List a task's exclusions, in order, for stays with usable times."""
    steps = [Exclusion("not the first stay of the patient", "place > 1"), Exclusion("younger than 18", "age < 18")]
    if task.outcome == "readmission" and task.survivors_only:
        steps.append(Exclusion("died in the stay", "died"))
    if task.outcome == "readmission" and task.needs_return:
        steps.append(Exclusion("never came back", "next_admittime is null"))
    if task.view == "landmark":
        ended = f"dischtime < {_prediction_time(task)}"
        steps.append(Exclusion(f"left or died within {task.hours:g} hours", ended))
    if task.needs_codes:
        kinds = enumerate(("diagnosis", "procedure", "drug"))
        lacking = "hadm_id not in (select hadm_id from event where kind = {})"
        steps += [Exclusion(f"without a {name}", lacking.format(kind)) for kind, name in kinds]
    return tuple(steps)


def candidates(task: Task) -> str:
    """Collect the stays whose codes are needed: those that no exclusion about times or ages leaves out."""
    reasons = " or ".join(f"({step.condition})" for step in exclusions(task) if "event" not in step.condition)
    return f"""
create temp table candidate as select hadm_id, admittime, dischtime from stay
where step = 0 and not coalesce({reasons}, false)"""  # noqa: S608


def assign_steps(steps: Sequence[Exclusion], start: int) -> str:
    """Number the first exclusion that holds for each stay that is still in."""
    cases = " ".join(f"when {step.condition} then {start + k}" for k, step in enumerate(steps, start=1))
    return f"update stay set step = case {cases} else 0 end where step = 0"  # noqa: S608


_CREATE = """
create temp table event as
select hadm_id, 0 as kind, icd as code, min(place) as place, min(known_at) as known_at from ({rows})
where icd is not null group by hadm_id, icd"""
_CODE = "upper(replace(trim(icd_code), '.', ''))"
_ICD = f"trim(icd_version) || ':' || nullif({_CODE}, '')"
_PLACE = "try_cast(trim(seq_num) as integer)"
# Diagnoses are coded after discharge: without better knowledge that is when they are known.
LOAD_DIAGNOSES = _CREATE.format(
    rows=f"""
    select c.hadm_id, {_ICD} as icd, {_PLACE} as place, c.dischtime as known_at
    from {{source}} d join candidate c on c.hadm_id = try_cast(trim(d.hadm_id) as bigint)"""  # noqa: S608
)
LOAD_TIMED_DIAGNOSES = _CREATE.format(
    rows=f"""
    select c.hadm_id, d.icd, d.place, coalesce(t.known_at, c.dischtime) as known_at
    from (select try_cast(trim(hadm_id) as bigint) as hadm_id, {_ICD} as icd, {_PLACE} as place from {{source}}) d
    join candidate c using (hadm_id)
    left join (
        select try_cast(trim(hadm_id) as bigint) as hadm_id, {_ICD} as icd, {_time("known_at")} as known_at
        from {{times}}
    ) t using (hadm_id, icd)"""  # noqa: S608
)
# A procedure has a date: it is known when that day is over.
LOAD_PROCEDURES = f"""
insert into event select hadm_id, 1, icd, min(place), min(known_at) from (
    select c.hadm_id, {_ICD} as icd, {_PLACE} as place,
        coalesce(date_trunc('day', {_time("d.chartdate")}) + interval 1 day, c.dischtime) as known_at
    from {{source}} d join candidate c on c.hadm_id = try_cast(trim(d.hadm_id) as bigint)
) where icd is not null group by hadm_id, icd"""  # noqa: S608
# The largest table is scanned once: its spellings of drug codes are mapped afterwards.
LOAD_PRESCRIPTIONS = f"""
create temp table prescription as
select c.hadm_id, d.ndc, min(coalesce({_time("d.starttime")}, c.dischtime)) as known_at
from {{source}} d join candidate c on c.hadm_id = try_cast(trim(d.hadm_id) as bigint)
where d.ndc is not null group by c.hadm_id, d.ndc"""  # noqa: S608
LOAD_DRUGS = """
insert into event select hadm_id, 2, atc, 0, min(known_at)
from prescription join drug_class using (ndc) group by hadm_id, atc"""


def final_stays(task: Task) -> str:
    """Select the cohort with its labels, by patient."""
    return f"""
select subject_id, hadm_id, age, female, {_label(task)} as label from stay where step = 0
order by subject_id"""  # noqa: S608


def final_events(task: Task, outcome_codes: Sequence[str]) -> str:
    """Select the codes that the task's view shows, by stay in the order of `final_stays`, ranked within each kind."""
    shown = ["true"]
    if task.view == "landmark":
        shown.append(f"e.known_at <= {_prediction_time(task, 's.')}")
    if not task.outcome_codes or task.view == "landmark":
        named = ", ".join(f"'{code}'" for code in outcome_codes)
        shown.append(f"not (kind = 0 and code in ({named}))")
    return f"""
select s.position as stay, kind, code
from event e join (
    select hadm_id, admittime, row_number() over (order by subject_id) - 1 as position from stay where step = 0
) s using (hadm_id)
where {" and ".join(shown)} order by stay, kind, place, known_at, code"""  # noqa: S608


def audits(task: Task) -> Mapping[str, str]:
    """List queries that count what is odd but leaves nobody out."""
    conditions = {
        "deaths without a time of death": "died and deathtime is null",
        "times of death without a death": "not died and deathtime is not null",
        "died after discharge": "deathtime > dischtime",
        "first stays that another one overlaps": "next_admittime < dischtime",
        "ages capped": f"age >= {task.age_cap or 10_000}",
    }
    count = "select count(*) from stay where step = 0 and"
    return {name: f"{count} {condition}" for name, condition in conditions.items()} | {
        "first stays that began together with another": """
            select count(*) from stay s where step = 0 and exists (select 1 from stay o
            where o.subject_id = s.subject_id and o.admittime = s.admittime and o.hadm_id <> s.hadm_id)""",
        "spellings of drug codes without a class": """
            select count(distinct ndc) from prescription where ndc not in (select ndc from drug_class)""",
    }


def _prediction_time(task: Task, prefix: str = "") -> str:
    return f"{prefix}admittime + to_seconds({round(task.hours * 3600)})"


def _label(task: Task) -> str:
    if task.outcome == "mortality":
        return "died::integer"
    if task.outcome == "length":
        days = _days("admittime", "dischtime")
        return f"case when {days} <= 7 then 1 when {days} <= 14 then 2 else 3 end"
    start = "admittime" if task.readmission_from == "admission" else "dischtime"
    return f"coalesce({_days(start, 'next_admittime')} < {task.readmission_days}, false)::integer"


def _days(start: str, end: str) -> str:
    """Whole days between two times, rounded down."""
    return f"floor(date_diff('second', {start}, {end}) / {DAY}.0)"
