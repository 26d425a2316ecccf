"""The paper's definitions on a folder written by hand: labels worked out on paper, files as odd as is legal."""

import gzip
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.bench.clinical.cohort import Cohort, build_cohort
from medsuite.bench.clinical.prompts import patient_profile
from medsuite.bench.clinical.sources.mimic4 import MimicIV, open_source
from medsuite.bench.clinical.task import make_task
from medsuite.core.errors import InputError

Rows = Sequence[Sequence[object]]

PATIENTS: Rows = [
    # subject, gender, anchor age, anchor year: born on 4 September of the difference in the paper's preset
    (1, "F", 18, 2150),  # 17 by birthday on 3 September 2150, 18 by the year
    (2, "M", 40, 2150),
    (3, "F", 91, 2150),  # 91 stands for everybody over 89
    (4, "M", 60, 2150),
    (5, "F", 30, 2150),
    (6, "m ", 50, 2150),
    (7, "", 50, 2150),
]
STAYS: Rows = [
    # subject, stay, admitted, discharged, died at, died
    (1, 11, "2150-09-03 10:00:00", "2150-09-05 10:00:00", "", 0),
    (2, 22, "2150-03-01 00:00:00", "2150-03-08 23:59:59", "", 0),  # 7 days, rounded down
    (2, 21, "2150-03-16 00:00:00", "2150-03-17 00:00:00", "2150-03-17 00:00:00", 1),  # 15 days after admission
    (3, 31, "2153-01-01 12:00:00", "2153-01-09 12:00:00", "", 0),  # 8 days
    (3, 32, "2153-01-16 11:59:59", "2153-01-20 00:00:00", "", 0),  # 14 days, rounded down, after admission
    (4, 41, "2150-05-01 08:00:00", "2150-05-16 07:59:59", "2150-05-16 07:59:59", 1),  # 14 days, dies
    (5, 51, "2150-06-01 08:00:00", "2150-06-16 08:00:00", "", 0),  # 15 days
    (5, 52, "2150-06-29 08:00:00", "2150-07-01 08:00:00", "", 0),  # 28 days after admission, 13 after discharge
    (6, 61, "2150-07-01 08:00:00", "2150-07-03 08:00:00", "", 0),  # no procedure
    (7, 71, "2150-07-01 08:00:00", "2150-07-04 08:00:00", "", 0),
    (7, 72, "2150-07-18 07:00:00", "2150-07-19 08:00:00", "", 0),  # 16 days after admission, 13 after discharge
]
CODED = (11, 22, 31, 41, 51, 61, 71)
DIAGNOSES: Rows = [
    *((stay // 10, stay, 1, "0010 ", 9) for stay in CODED),  # padded, as in CHAR(7)
    (2, 22, 3, "i10", 10),
    (2, 22, 2, "I10", "10"),  # the same code again
    (2, 22, 4, "", 10),
    (4, 41, 2, "Z51.5", 10),
    (9, 99, 1, "I10", 10),  # nobody's
]
PROCEDURES: Rows = [(stay // 10, stay, 1, "2150-01-01", "0016070", 10) for stay in CODED if stay != 61]
PRESCRIPTIONS: Rows = [
    *((stay // 10, stay, "2150-01-01 00:00:00", "MAIN", "aspirin", "00338004904") for stay in CODED),
    (2, 22, "", "MAIN", 'a drug with a\nline feed, and "quotes"', "0"),
    (2, 22, "2150-03-01 00:00:00", "MAIN", "combination", "338-0001-01"),
]
DRUG_MAP: Rows = [
    ("00338004904", "B01AC06", "antithrombotic agents"),
    ("00338000101", "C07A", "beta blocking agents"),
    ("00338000101", "C03A", "low-ceiling diuretics"),
]
TABLES: dict[str, tuple[tuple[str, ...], Rows]] = {
    "patients": (("subject_id", "gender", "anchor_age", "anchor_year"), PATIENTS),
    "admissions": (
        ("subject_id", "hadm_id", "admittime", "dischtime", "deathtime", "hospital_expire_flag"),
        STAYS,
    ),
    "diagnoses_icd": (("subject_id", "hadm_id", "seq_num", "icd_code", "icd_version"), DIAGNOSES),
    "procedures_icd": (("subject_id", "hadm_id", "seq_num", "chartdate", "icd_code", "icd_version"), PROCEDURES),
    "prescriptions": (("subject_id", "hadm_id", "starttime", "drug_type", "drug", "ndc"), PRESCRIPTIONS),
    "d_icd_diagnoses": (("icd_code", "icd_version", "long_title"), [("0010", 9, "Cholera d/t vib cholerae")]),
    "d_icd_procedures": (("icd_code", "icd_version", "long_title"), []),
}


def as_released(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    return ("\n".join(",".join(map(quoted, row)) for row in (header, *rows)) + "\n").encode()


def reordered_with_more_columns(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """The other way round, upper case, a column that nobody knows, a byte order mark, CRLF, no end of the last line."""
    lines = [(*map(str.upper, header[::-1]), "row_id"), *((*row[::-1], number) for number, row in enumerate(rows))]
    return b"\xef\xbb\xbf" + "\r\n".join(",".join(map(quoted, line)) for line in lines).encode()


def all_quoted(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    lines = [[f'"{name}"' for name in header], *([quoted(cell, always=True) for cell in row] for row in rows)]
    return ("\n".join(map(",".join, lines)) + "\n").encode()


def quoted(cell: object, always: bool = False) -> str:
    text = str(cell)
    needed = (always and text) or any(mark in text for mark in ',"\r\n')
    return '"' + text.replace('"', '""') + '"' if needed else text


WAYS: dict[str, tuple[Callable[..., bytes], Callable[[str], bool], Callable[[str], str]]] = {
    # how a table is written, whether it is packed, and what its file is called
    "as released": (as_released, lambda table: True, str.lower),
    "unpacked, columns reordered": (reordered_with_more_columns, lambda table: False, str.upper),
    "some packed, all quoted": (all_quoted, lambda table: table < "d", str.title),
}


@pytest.fixture(params=WAYS, ids=WAYS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> MimicIV:
    return open_source(write_folder(tmp_path / "Mimic IV, ü", *WAYS[request.param]))


def write_folder(
    folder: Path,
    write: Callable[..., bytes],
    packed: Callable[[str], bool],
    name: Callable[[str], str],
    tables: Mapping[str, Rows] = {name: rows for name, (_, rows) in TABLES.items()},
) -> Path:
    (folder / "hosp").mkdir(parents=True)
    for table, (header, _) in TABLES.items():
        content = write(header, tables[table])
        file = f"{table}.csv.gz" if packed(table) else f"{table}.csv"
        (folder / "hosp" / name(file)).write_bytes(gzip.compress(content) if packed(table) else content)
    (folder / "ndc_atc.csv").write_bytes(write(("ndc", "atc", "name"), DRUG_MAP))
    return folder


def labels(cohort: Cohort) -> dict[int, int]:
    return dict(zip(cohort.hadm_id.tolist(), cohort.label.tolist(), strict=True))


def test_the_papers_labels_are_those_worked_out_by_hand(source: MimicIV) -> None:
    found = {name: build_cohort(source, make_task(name, "paper")) for name in ("mortality", "length", "readmission")}
    # Patient 1 is 17 on her day of admission, patient 6 has no procedure.
    assert labels(found["mortality"]) == {22: 0, 31: 0, 41: 1, 51: 0, 71: 0}
    assert labels(found["length"]) == {22: 1, 31: 2, 41: 2, 51: 3, 71: 1}
    # Who never came back (4) is left out; 15 days after admission is no readmission, 14 and some hours is one.
    assert labels(found["readmission"]) == {22: 0, 31: 1, 51: 0, 71: 0}
    assert dict(zip(found["length"].subject_id.tolist(), found["length"].age.tolist(), strict=True)) == {
        2: 39,
        3: 93,
        4: 59,
        5: 29,
        7: 49,
    }


def test_the_mended_labels_are_those_worked_out_by_hand(source: MimicIV) -> None:
    found = {name: build_cohort(source, make_task(name)) for name in ("mortality", "length", "readmission")}
    assert labels(found["mortality"]) == {11: 0, 22: 0, 31: 0, 41: 1, 51: 0, 61: 0, 71: 0}
    assert labels(found["length"]) == {11: 1, 22: 1, 31: 2, 41: 2, 51: 3, 61: 1, 71: 1}
    # Counted from discharge: 2 after 7 days, 3 after 6, 5 and 7 after 13; the dead (4) are left out.
    assert labels(found["readmission"]) == {11: 0, 22: 1, 31: 1, 51: 1, 61: 0, 71: 1}
    assert found["length"].age.tolist() == [18, 40, 91, 60, 30, 50, 50]
    assert found["length"].female.tolist() == [1, 0, 1, 0, 1, 0, -1]
    assert found["length"].audit["ages capped"] == 1


def test_codes_are_trimmed_versioned_and_once_a_stay_and_a_combination_has_all_its_classes(source: MimicIV) -> None:
    cohort = build_cohort(source, make_task("mortality"))
    place = cohort.hadm_id.tolist().index(22)
    diagnoses, procedures, drugs = cohort.codes(place)
    assert (diagnoses, procedures) == (["9:0010", "10:I10"], ["10:0016070"])
    assert sorted(drugs) == ["B01A", "C03A", "C07A"]
    assert cohort.audit["spellings of drug codes without a class"] == 1, "the code 0"
    assert "10:Z515" in cohort.codes(cohort.hadm_id.tolist().index(41))[0]


def test_every_stay_is_somewhere_in_the_flow_chart(source: MimicIV) -> None:
    flow = build_cohort(source, make_task("readmission", "paper")).flow
    assert flow.start.stays == len(STAYS)
    left = {step.reason: step.stays for step in flow.steps if step.stays}
    assert left == {
        "not the first stay of the patient": 4,
        "younger than 18": 1,
        "never came back": 2,
    }, "4 and 6 never came back; that comes before the missing procedure"


@pytest.mark.parametrize("table", ["d_icd_diagnoses", "d_icd_procedures"])
def test_official_titles_stand_in_for_a_dictionary_that_is_not_there(tmp_path: Path, table: str) -> None:
    folder = write_folder(tmp_path / "mimic", *WAYS["as released"])
    (folder / "hosp" / f"{table}.csv.gz").unlink()
    cohort = build_cohort(open_source(folder), make_task("mortality"))
    profile = patient_profile(cohort, cohort.hadm_id.tolist().index(22))
    if table == "d_icd_diagnoses":
        assert "Conditions: Cholera due to vibrio cholerae, Essential (primary) hypertension\n" in profile
    else:
        assert "Conditions: Cholera d/t vib cholerae, I10\n" in profile
        assert "Procedures: Bypass Cerebral Ventricle" in profile


@pytest.mark.parametrize("table", ["diagnoses_icd", "procedures_icd", "prescriptions"])
def test_a_table_with_a_header_alone_gives_a_cohort_without_those_codes(tmp_path: Path, table: str) -> None:
    folder = write_folder(tmp_path / "mimic", *WAYS["as released"])
    path = folder / "hosp" / f"{table}.csv.gz"
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).split(b"\n")[0] + b"\n"))
    cohort = build_cohort(open_source(folder), make_task("mortality"))
    assert len(cohort) == 7
    kind = ("diagnoses_icd", "procedures_icd", "prescriptions").index(table)
    assert all(not cohort.codes(place)[kind] for place in range(7))
    assert len(build_cohort(open_source(folder), make_task("mortality", "paper"))) == 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"ndc,atc\n1,C07A\n", "no column 'name'"),
        (b"ndc;atc;name\n1;C07A;x\n", "not split by commas"),
        (b"ndc,atc,name\n00338004904,B01A,x,y\n", "cannot be read"),
        (b"ndc,atc,name,ndc\n1,C07A,x,1\n", "has two columns 'ndc'"),
        (b"", "is empty"),
    ],
)
def test_a_drug_map_that_is_none_is_one_line(tmp_path: Path, content: bytes, message: str) -> None:
    folder = write_folder(tmp_path / "mimic", *WAYS["as released"])
    (folder / "ndc_atc.csv").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        build_cohort(open_source(folder), make_task("mortality"))
    assert "\n" not in str(caught.value)


def test_a_folder_named_like_a_table_is_not_taken_for_it(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "mimic", *WAYS["as released"])
    (folder / "hosp" / "patients.csv").mkdir()
    assert len(build_cohort(open_source(folder), make_task("mortality"))) == 7


def random_hospital(rng: np.random.Generator) -> dict[str, Rows]:
    """Forty patients with everything that the files may hold: gaps, ties, overlaps, wrong orders, strangers."""
    codes = ["I10", "a41.9", " 0010", ""]
    tables: dict[str, list[Sequence[object]]] = {name: [] for name in TABLES}
    for subject in range(1, 41):
        if rng.random() < 0.9:
            age = "" if rng.random() < 0.1 else int(rng.choice([17, 18, 40, 91]))
            tables["patients"].append((subject, rng.choice(["F", "M", ""]), age, 2150))
        for stay in rng.choice(900, rng.integers(0, 5), replace=False) + 1000 * subject:
            begin = datetime(2150, 8, 25) + timedelta(hours=12 * int(rng.integers(40)))
            end = begin + timedelta(hours=int(rng.integers(-6, 400)))
            death = rng.choice(["", "", "", str(end), str(begin - timedelta(days=1))])
            blank = rng.random(2) < 0.06
            row = ("" if blank[0] else begin, "" if blank[1] else end, death, rng.choice(["0", "0", "1", ""]))
            tables["admissions"].append((subject, stay, *row))
            for table, share in (("diagnoses_icd", 0.9), ("procedures_icd", 0.7), ("prescriptions", 0.8)):
                for place in range(rng.integers(1, 4) * (rng.random() < share)):
                    version = rng.choice([9, 10])
                    if table == "prescriptions":
                        found: Sequence[object] = ("", "MAIN", "x", rng.choice(["00338004904", "0", "12345678901"]))
                    elif table == "diagnoses_icd":
                        found = (place, rng.choice(codes), version)
                    else:
                        found = (place, "2150-01-01", rng.choice(codes), version)
                    tables[table].append((subject, stay, *found))
    return {name: [rows[k] for k in rng.permutation(len(rows))] for name, rows in tables.items()}


def cohort_by_a_loop(tables: dict[str, Rows], outcome: str, preset: str) -> dict[int, tuple[int, int]]:
    """Stay to age and label, by the definitions of the reference (section 1.1) and nothing else."""
    people = {row[0]: row for row in tables["patients"] if row[2] != ""}
    usable: dict[object, list[tuple[datetime, int, datetime, bool]]] = {}
    for subject, stay, begin, end, death, died in tables["admissions"]:
        sound = (
            begin != "" and end != "" and end >= begin and not (death and datetime.fromisoformat(str(death)) < begin)
        )
        if sound and subject in people:
            usable.setdefault(subject, []).append((begin, int(stay), end, died == "1"))
    coded = {
        kind: {row[1] for row in tables[table] if str(row[column]).strip() not in unknown}
        for kind, table, column, unknown in (
            ("dx", "diagnoses_icd", 3, {""}),
            ("px", "procedures_icd", 4, {""}),
            ("rx", "prescriptions", 5, {"0", "12345678901"}),
        )
    }
    found = {}
    for subject, stays in usable.items():
        (begin, stay, end, died), *later = sorted(stays)
        _, _, anchor_age, anchor_year = people[subject]
        age = begin.year - (anchor_year - anchor_age)
        if preset == "paper":
            age -= (begin.month, begin.day) < (9, 4)
        else:
            age = min(age, 91)
        if age < 18 or (preset == "paper" and not all(stay in stays for stays in coded.values())):
            continue
        days = (end - begin).total_seconds() // 86_400
        if outcome == "length":
            label = 1 + (days > 7) + (days > 14)
        elif outcome == "mortality":
            label = int(died)
        elif preset == "paper":
            if not later:
                continue
            label = int((later[0][0] - begin).total_seconds() // 86_400 < 15)
        else:
            if died:
                continue
            label = int(bool(later) and (later[0][0] - end).total_seconds() // 86_400 < 14)
        found[stay] = (age, label)
    return found


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), way=st.sampled_from(list(WAYS)))
def test_any_legal_hospital_gives_the_cohort_of_a_plain_loop(
    tmp_path_factory: pytest.TempPathFactory, seed: int, way: str
) -> None:
    tables = {**{name: rows for name, (_, rows) in TABLES.items()}, **random_hospital(np.random.default_rng(seed))}
    folder = write_folder(tmp_path_factory.mktemp("hospital") / "mimic", *WAYS[way], tables)
    opened = open_source(folder)
    for outcome in ("mortality", "length", "readmission"):
        for preset in ("paper", "fixed"):
            cohort = build_cohort(opened, make_task(outcome, preset))
            found = dict(
                zip(cohort.hadm_id.tolist(), zip(cohort.age.tolist(), cohort.label.tolist(), strict=True), strict=True)
            )
            assert found == cohort_by_a_loop(tables, outcome, preset), (outcome, preset)
            assert cohort.flow.start.stays == len(tables["admissions"])
