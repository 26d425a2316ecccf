"""The codes that the simulated hospital writes, and where they belong."""

import csv
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

PHENOTYPES = (
    "sepsis",
    "infarction",
    "heart_failure",
    "pneumonia",
    "stroke",
    "bleeding",
    "hip_fracture",
    "cancer",
    "kidney_injury",
    "ketoacidosis",
    "trauma",
    "joint",
)
"""What a patient is admitted for."""
PRINCIPAL_CODES = (
    ("A419", "A4151", "A4101"),
    ("I214", "I2109", "I2119"),
    ("I5023", "I5033", "I5043"),
    ("J440", "J189", "J441"),
    ("I639", "I63511", "I619"),
    ("K922", "K254", "K2211"),
    ("S72001A", "S72141A", "S72002A"),
    ("C3490", "C189", "C259"),
    ("N179", "N170", "N178"),
    ("E1010", "E1110", "E1011"),
    ("S065X0A", "S2249XA", "S32009A"),
    ("M1711", "M1611", "M1712"),
)
"""ICD-10-CM codes of the principal diagnosis, three for each phenotype."""
COMORBIDITIES = ("heart failure", "kidney disease", "diabetes", "lung disease", "metastases")
COMORBIDITY_CODES = (("I509", "I5032"), ("N1830", "N184"), ("E119", "E1122"), ("J449", "J439"), ("C7800", "C7951"))
"""ICD-10-CM codes of each comorbidity, of which a coder picks one."""
OUTCOME_CODES = ("Z66", "Z515", "I469", "G9382")
"""Do not resuscitate, palliative care, cardiac arrest, brain death: known because of the outcome."""
AGE_BANDS = ((18, 30), (30, 45), (45, 60), (60, 70), (70, 80), (80, 95))
"""First age, and the first age of the next band."""
STAY_DAYS = (1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 17, 22, 30)
"""Possible lengths of stay: seven of at most a week, three of at most two weeks, three longer."""
STAY_BORDERS = (1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 8.0, 10.0, 12.0, 14.5, 19.0, 26.0)
"""Between which a continuous stay, in days, falls on one of `STAY_DAYS`."""


@dataclass(frozen=True)
class EventKind:
    """A complication, procedure or drug class that may begin at any time of the stay.

    Attributes:
        kind: `diagnosis`, `procedure` or `drug`.
        code: ICD-10-CM, ICD-10-PCS or ATC level 3.
        grade: 0 to 3: how strongly it goes with severity.
        homes: Positions of the phenotypes that it belongs to.
    """

    kind: str
    code: str
    grade: int
    homes: tuple[int, ...]


@lru_cache(maxsize=1)
def event_kinds() -> tuple[EventKind, ...]:
    """Return the 88 complications, procedures and drug classes of the simulation."""
    text = resources.files("medsuite.bench.clinical.tables").joinpath("events.csv").read_text(encoding="utf-8")
    return tuple(
        EventKind(row["kind"], row["code"], int(row["grade"]), tuple(map(PHENOTYPES.index, row["homes"].split())))
        for row in csv.DictReader(text.splitlines())
    )
