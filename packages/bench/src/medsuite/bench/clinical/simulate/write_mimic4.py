"""Writing simulated patients as a folder in the layout of MIMIC-IV 2.2 and later."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, Shaped

from medsuite.bench.clinical.codes import drug_classes, official_titles
from medsuite.bench.clinical.simulate.vocabulary import (
    COMORBIDITY_CODES,
    OUTCOME_CODES,
    PRINCIPAL_CODES,
    event_kinds,
)
from medsuite.bench.clinical.simulate.world import EHRWorld, Patients
from medsuite.bench.clinical.sources.catalog import COLUMNS
from medsuite.core.errors import InputError

FIRST_SUBJECT, FIRST_STAY = 10_000_001, 20_000_001
DAY = 86_400
EPOCH = np.datetime64("2110-01-01T00:00:00")
DAYS_OF_ADMISSION = 90 * 365
NOTE = """These patients are simulated: every rate was chosen, none was estimated from people.
hosp/ has the layout of MIMIC-IV. Two files are additions that MIMIC-IV does not have: diagnosis_times.csv.gz says
when each diagnosis came to be known, and ndc_atc.csv maps the invented drug codes to ATC level 3. Admissions are at
midnight, so that the date of a procedure is as exact as a time.
"""
Times = Shaped[np.ndarray, " stay"]


def subject_ids(patients: Patients) -> Int[np.ndarray, " patient"]:
    """Return the identifiers that `write_mimic4` gives to patients."""
    return FIRST_SUBJECT + np.arange(len(patients))


def write_mimic4(world: EHRWorld, patients: Patients, folder: Path, seed: int = 0) -> Path:
    """Write `hosp/*.csv.gz`, `diagnosis_times.csv.gz` and `ndc_atc.csv`; about 3 seconds for 10,000 patients.

    A readmitted patient has a second stay within 14 days of discharge, other survivors now and then a later one. Later
    stays repeat the principal diagnosis and the comorbidities and exist for the readmission label only.

    Args:
        world: The hospital that drew the patients; it names the noise codes.
        patients: First stays.
        folder: A folder that does not exist or is empty.
        seed: Decides dates and later stays, nothing else.

    Raises:
        InputError: The folder is not empty.
        MissingDependencyError: The titles of codes are not installed.
    """
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise InputError(f"{folder} is not empty", fix="name a new folder")
    rng = np.random.default_rng((world.seed, 2, seed))
    titles = official_titles("diagnosis", 10)
    hosp = folder / "hosp"
    hosp.mkdir(parents=True, exist_ok=True)
    (folder / "SIMULATED.txt").write_text(NOTE, encoding="utf-8")
    admitted = rng.integers(0, DAYS_OF_ADMISSION, len(patients)) * DAY
    discharged = admitted + (DAY * (patients.days + rng.uniform(0, 0.4, len(patients)))).astype(np.int64)
    diagnoses = list(_diagnoses(world, patients, admitted, discharged))
    later = list(_later_stays(patients, discharged, rng))
    _write(hosp, "patients", _patient_rows(patients, admitted, discharged))
    _write(hosp, "admissions", _admission_rows(patients, admitted, discharged, later))
    _write(hosp, "diagnoses_icd", _diagnosis_rows(diagnoses, later))
    _write(hosp, "diagnosis_times", ((*row[:2], row[3], 10, row[4]) for row in diagnoses))
    _write(hosp, "procedures_icd", _procedure_rows(patients, admitted))
    _write(hosp, "prescriptions", _prescription_rows(patients, admitted, discharged))
    _write(hosp, "d_icd_diagnoses", ((code, 10, titles[code]) for code in sorted({row[3] for row in diagnoses})))
    used = sorted(kind.code for kind in event_kinds() if kind.kind == "procedure")
    _write(hosp, "d_icd_procedures", ((code, 10, official_titles("procedure", 10)[code]) for code in used))
    _write_drug_map(folder / "ndc_atc.csv")
    return folder


def noise_codes(world: EHRWorld) -> list[str]:
    """Choose the diagnosis codes that mean nothing in a world: real ICD-10-CM codes that it uses for nothing else."""
    used = {kind.code for kind in event_kinds()} | set(OUTCOME_CODES)
    used |= {code for codes in (*PRINCIPAL_CODES, *COMORBIDITY_CODES) for code in codes}
    free = sorted(set(official_titles("diagnosis", 10)) - used)
    rng = np.random.default_rng((world.seed, 3))
    return [free[position] for position in rng.choice(len(free), len(world.noise_rates), replace=False)]


def _patient_rows(patients: Patients, admitted: Times, discharged: Times) -> Iterator[Sequence[object]]:
    year = _years(admitted)
    age = np.where(patients.age > 89, 91, patients.age)
    died = np.where(patients.death, _dates(discharged), "")
    sex = np.where(patients.female, "F", "M")
    group = "2014 - 2016"
    for subject, *row in zip(subject_ids(patients), sex, age, year, died, strict=True):
        yield subject, *row[:3], group, row[3]


def _admission_rows(
    patients: Patients, admitted: Times, discharged: Times, later: list[tuple[int, int, int]]
) -> Iterator[Sequence[object]]:
    # Everything that the simulation knows nothing about is the same for all.
    def row(patient: int, stay: int, begin: str, end: str, died: bool) -> Sequence[object]:
        home = "DIED" if died else "HOME"
        flag, death = int(died), end if died else ""
        start = (FIRST_SUBJECT + patient, FIRST_STAY + stay, begin, end, death, "EW EMER.", "", "EMERGENCY ROOM", home)
        return *start, "Other", "English", "", "UNKNOWN", "", "", flag

    begins, ends = _texts(admitted), _texts(discharged)
    for number in range(len(patients)):
        yield row(number, number, begins[number], ends[number], bool(patients.death[number]))
    for position, (number, begin, end) in enumerate(later):
        texts = _texts(np.array([begin, end]))
        yield row(number, len(patients) + position, texts[0], texts[1], died=False)


def _later_stays(patients: Patients, discharged: Times, rng: np.random.Generator) -> Iterator[tuple[int, int, int]]:
    """Yield patient, admission and discharge of every stay after the first."""
    returns = patients.readmitted | (~patients.death & (rng.random(len(patients)) < 0.35))
    for number in np.flatnonzero(returns):
        soon = patients.readmitted[number]
        gap = rng.uniform(0.5, 13.9) if soon else rng.uniform(20, 400)
        for _ in range(1 + int(rng.random() < 0.25)):
            begin = int(discharged[number] + gap * DAY)
            end = begin + int(rng.uniform(1, 6) * DAY)
            yield int(number), begin, end
            gap += rng.uniform(20, 400)


def _diagnoses(
    world: EHRWorld, patients: Patients, admitted: Times, discharged: Times
) -> Iterator[tuple[int, int, int, str, str]]:
    """Yield subject, stay, rank, code and the time at which it is known, principal diagnosis first."""
    principal = [code for codes in PRINCIPAL_CODES for code in codes]
    kinds = [kind.code for kind in event_kinds() if kind.kind == "diagnosis"]
    noise = noise_codes(world)
    begins, ends = _texts(admitted), _texts(discharged)
    known = _texts((admitted[:, None] + _seconds(patients.onset[:, : len(kinds)])).ravel()).reshape(-1, len(kinds))
    for number in range(len(patients)):
        coded = [(principal[patients.principal[number]], begins[number])]
        chosen = enumerate(patients.comorbidity_code[number])
        coded += [(COMORBIDITY_CODES[which][pick - 1], begins[number]) for which, pick in chosen if pick]
        present = np.flatnonzero(np.isfinite(patients.onset[number, : len(kinds)]))
        coded += [(kinds[k], known[number, k]) for k in present]
        coded += [(OUTCOME_CODES[k], ends[number]) for k in np.flatnonzero(patients.outcome_code[number])]
        coded += [(noise[k], begins[number]) for k in np.flatnonzero(patients.noise[number])]
        for rank, (code, when) in enumerate(coded, start=1):
            yield FIRST_SUBJECT + number, FIRST_STAY + number, rank, code, when


def _diagnosis_rows(
    diagnoses: list[tuple[int, int, int, str, str]], later: list[tuple[int, int, int]]
) -> Iterator[Sequence[object]]:
    first = {subject: code for subject, _, rank, code, _ in diagnoses if rank == 1}
    for subject, stay, rank, code, _ in diagnoses:
        yield subject, stay, rank, code, 10
    last_stay = max(stay for _, stay, *_ in diagnoses)
    for position, (number, _, _) in enumerate(later, start=1):
        yield FIRST_SUBJECT + number, last_stay + position, 1, first[FIRST_SUBJECT + number], 10


def _procedure_rows(patients: Patients, admitted: Times) -> Iterator[Sequence[object]]:
    chosen = [k for k, kind in enumerate(event_kinds()) if kind.kind == "procedure"]
    onset = patients.onset[:, chosen]
    numbers, which = np.nonzero(np.isfinite(onset))
    # Rounded down: a procedure of the first 24 hours keeps the date of the admission.
    dates = _dates(admitted[numbers] + DAY * np.floor(onset[numbers, which]).astype(np.int64))
    for number, k, date in zip(numbers, which, dates, strict=True):
        yield FIRST_SUBJECT + number, FIRST_STAY + number, k + 1, date, event_kinds()[chosen[k]].code, 10


def _prescription_rows(patients: Patients, admitted: Times, discharged: Times) -> Iterator[Sequence[object]]:
    chosen = [k for k, kind in enumerate(event_kinds()) if kind.kind == "drug"]
    names = drug_classes()
    onset = patients.onset[:, chosen]
    numbers, which = np.nonzero(np.isfinite(onset))
    begins, ends = _texts(admitted[numbers] + _seconds(onset[numbers, which])), _texts(discharged[numbers])
    for row, (number, k) in enumerate(zip(numbers, which, strict=True)):
        code = event_kinds()[chosen[k]].code
        start = (FIRST_SUBJECT + number, FIRST_STAY + number, 30_000_001 + row, "", "", "", begins[row], ends[row])
        yield *start, "MAIN", names[code], "", "", _ndc(int(k), int(number) % 2), *[""] * 7, "IV"


def _ndc(drug: int, pack: int) -> str:
    """Invent a National Drug Code; each class has two."""
    return f"99{drug:05d}{pack + 1:02d}00"


def _write_drug_map(path: Path) -> None:
    names = drug_classes()
    drugs = [kind.code for kind in event_kinds() if kind.kind == "drug"]
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("ndc", "atc", "name"))
        writer.writerows((_ndc(k, pack), code, names[code]) for k, code in enumerate(drugs) for pack in (0, 1))


def _write(folder: Path, table: str, rows: Iterable[Sequence[object]]) -> None:
    # The time of writing stays out of the file, so that the same patients give the same bytes.
    with (
        gzip.GzipFile(folder / f"{table}.csv.gz", "wb", compresslevel=1, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as lines,
    ):
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(COLUMNS[table])
        writer.writerows(rows)


def _seconds(onset: Float[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
    """Round onsets up to seconds, so that none moves into the first 24 hours; infinite ones become 0."""
    return np.ceil(np.where(np.isfinite(onset), onset, 0) * DAY).astype(np.int64)


def _texts(seconds: Int[np.ndarray, " time"]) -> Shaped[np.ndarray, " time"]:
    return np.char.replace(np.datetime_as_string(EPOCH + seconds.astype("timedelta64[s]")), "T", " ")


def _dates(seconds: Int[np.ndarray, " time"]) -> Shaped[np.ndarray, " time"]:
    return np.datetime_as_string(EPOCH + seconds.astype("timedelta64[s]"), unit="D")


def _years(seconds: Int[np.ndarray, " time"]) -> Int[np.ndarray, " time"]:
    return (EPOCH + seconds.astype("timedelta64[s]")).astype("datetime64[Y]").astype(int) + 1970
