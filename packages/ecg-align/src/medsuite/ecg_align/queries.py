"""The texts that ask for a finding: knowledge of what is seen, the clinical name, and an opaque code."""

from collections.abc import Sequence

from medsuite.ecg_align.simulate.findings import Finding, finding

_SEEN_IN = {
    "inferior": "leads II, III and aVF",
    "anterior": "leads V3 and V4",
    "lateral": "leads V5 and V6",
    "high lateral": "leads I and aVL",
    "septal": "leads V1 and V2",
}
_WHAT_IS_SEEN = {
    "ST elevation": "ST segment raised above the baseline",
    "ST depression": "ST segment lowered below the baseline",
    "T inversion": "T wave turned upside down",
    "tall T": "T wave tall and pointed",
    "Q wave": "deep Q wave and lost R wave",
}
_CLINICAL = {
    "ST elevation": "{wall} STEMI",
    "ST depression": "{wall} subendocardial ischaemia",
    "T inversion": "{wall} post-ischaemic T wave change",
    "tall T": "{wall} hyperacute T waves",
    "Q wave": "old {wall} infarction",
}
_WALL_CODES = {"inferior": "IN", "anterior": "AN", "lateral": "LA", "high lateral": "HL", "septal": "SE"}
_CHANGE_CODES = {"ST elevation": "INJ", "ST depression": "ISC", "T inversion": "NTI", "tall T": "HYT", "Q wave": "MI"}
_OTHERS: dict[str, tuple[str, str, str]] = {
    "LBBB": ("wide QRS complex with a broad R wave in leads I and V6", "left bundle branch block", "CLBBB"),
    "RBBB": ("wide QRS complex with a second R wave in V1 and a broad S in I", "right bundle branch block", "CRBBB"),
    "LAFB": ("QRS axis turned far to the left and up", "left anterior fascicular block", "LAFB"),
    "WPW": ("short PR interval and a slurred beginning of the QRS complex", "ventricular pre-excitation", "WPW"),
    "atrial fibrillation": ("irregular beats without P waves", "atrial fibrillation", "AFIB"),
    "tachycardia": ("fast regular beats, more than 100 a minute", "sinus tachycardia", "STACH"),
    "bradycardia": ("slow regular beats, less than 50 a minute", "sinus bradycardia", "SBRAD"),
    "LVH": ("very tall R waves in V5 and V6 and deep S waves in V1", "left ventricular hypertrophy", "LVH"),
    "low voltage": ("small QRS complexes in all leads", "low QRS voltage", "LVOLT"),
    "long QT": ("long time from the QRS complex to the end of the T wave", "long QT syndrome", "LNGQT"),
    "short QT": ("short time from the QRS complex to the end of the T wave", "short QT syndrome", "SHRQT"),
    "AV block I": ("long time from the P wave to the QRS complex", "first degree AV block", "1AVB"),
    "PVC": ("one early wide beat without a P wave", "premature ventricular complex", "PVC"),
}


def knowledge(name: str) -> str:
    """Say what is seen on the paper, such as `"T wave turned upside down in leads V3 and V4"`.

    Raises:
        InputError: There is no such finding.
    """
    entry = finding(name)
    return f"{_WHAT_IS_SEEN[entry.change]} in {_SEEN_IN[entry.wall]}" if entry.wall else _OTHERS[name][0]


def clinical_name(name: str) -> str:
    """Return the name in a report, such as `"inferior STEMI"`; those of compositions are compositional too.

    Raises:
        InputError: There is no such finding.
    """
    entry = finding(name)
    return _CLINICAL[entry.change].format(wall=entry.wall) if entry.wall else _OTHERS[name][1]


def code(name: str) -> str:
    """Return a statement code in the manner of SCP-ECG, such as `"INJIN"`.

    Raises:
        InputError: There is no such finding.
    """
    entry = finding(name)
    return _CHANGE_CODES[entry.change] + _WALL_CODES[entry.wall] if entry.wall else _OTHERS[name][2]


def same_change_elsewhere(entry: Finding, among: Sequence[Finding]) -> list[Finding]:
    """Return the findings that are the same change at another wall."""
    return [other for other in among if other.wall and other.change == entry.change and other.wall != entry.wall]
