"""Lead names: one spelling for each electrocardiogram lead, and the spellings that devices use."""

import re
from collections.abc import Sequence

from medsuite.core.errors import InputError, unknown_name

LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")
CHEST = ("V1", "V2", "V3", "V4", "V5", "V6")
LEADS12 = LIMB + CHEST
"""The standard twelve leads in the standard order."""

INDEPENDENT = ("I", "II", *CHEST)
"""The eight leads that determine the other four by Einthoven's and Goldberger's identities."""

_FURTHER = ("V7", "V8", "V9", "V3R", "V4R", "V5R", "V6R", "X", "Y", "Z", "ES", "AS", "AI")
_SPELLINGS = {name.upper(): name for name in LEADS12 + _FURTHER} | {
    "DI": "I",
    "DII": "II",
    "DIII": "III",
    "D1": "I",
    "D2": "II",
    "D3": "III",
    "L1": "I",
    "L2": "II",
    "L3": "III",
    "MLII": "II",
    "VX": "X",
    "VY": "Y",
    "VZ": "Z",
}
_DECORATION = re.compile(r"^(?:LEAD|ECG|EKG)[\s_:-]*|\(.*\)|[+\s]+$")


def canonical(name: str) -> str:
    """Return the standard spelling of a lead's name; a name that is not known comes back as it was, stripped.

    `"AVR"`, `"Lead I (Einthoven)"`, `"ECG aVL"`, `"I+"` and `"DII"` are known. Holter monitors' `"MLII"` is read as II.
    """
    text = name.strip()
    key = text.upper()
    for _ in range(3):
        key = _DECORATION.sub("", key).strip()
    return _SPELLINGS.get(key, text)


def canonical_names(names: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the standard spelling of each name.

    Args:
        names: Names in the order of the signals.
        where: The file or argument that the names come from, for the error.

    Raises:
        InputError: Two names are one lead.
    """
    result = tuple(canonical(name) for name in names)
    repeated = sorted({name for name in result if result.count(name) > 1})
    if repeated:
        given = ", ".join(names)
        raise InputError(f"{where} has the lead {repeated[0]} twice: {given}", expected="one signal per lead")
    return result


def positions(wanted: Sequence[str], present: Sequence[str]) -> list[int]:
    """Find leads by name, in any spelling.

    Args:
        wanted: Names of the leads to find.
        present: Canonical names to find them in.

    Raises:
        InputError: A lead is not there, is there or wanted twice, or none is wanted.
    """
    if isinstance(wanted, str) or not wanted:
        raise InputError(f"leads were given as {wanted!r}", expected="at least one name, such as ['I', 'II']")
    names = canonical_names(wanted, "the list of leads")
    for name in names:
        if name not in present:
            raise unknown_name("lead", name, present)
        if list(present).count(name) > 1:
            raise InputError(f"the lead {name} is there twice: {', '.join(present)}", expected="one signal per lead")
    return [list(present).index(name) for name in names]
