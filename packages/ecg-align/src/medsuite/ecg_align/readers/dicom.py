"""DICOM electrocardiograms (PS3.3 A.34): the rhythm or the median beat, in mV, with the cart's own statements."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from medsuite.core.errors import InputError, require
from medsuite.ecg_align import units as voltage
from medsuite.ecg_align.leads import canonical, canonical_names
from medsuite.ecg_align.recording import Recording

Group = Literal["rhythm", "median"]
_ORIGINALITY = {"rhythm": "ORIGINAL", "median": "DERIVED"}
_SCPECG = {
    "1": "I",
    "2": "II",
    "61": "III",
    "62": "aVR",
    "63": "aVL",
    "64": "aVF",
    **{str(number + 2): f"V{number}" for number in range(1, 7)},
}
"""Leads by the last part of their SCP-ECG code: `5.6.3-9-61` is III."""


def read_dicom(path: str | Path, *, group: Group = "rhythm") -> Recording:
    """Read one multiplex group of a DICOM waveform.

    Sensitivity, correction factor and baseline are applied as PS3.3 C.10.9 prescribes, and each channel is converted
    from its own unit. `meta` holds the cart's `statements` and its `measurements`, name to (value, unit).

    Args:
        path: The file.
        group: `"rhythm"`, the original signal, or `"median"`, the derived beat; they are never joined.

    Raises:
        InputError: The file is not a DICOM waveform, lacks the group, or a channel has no unit of voltage.
    """
    dataset = _read(Path(path))
    chosen = _find_group(dataset, group, path)
    item = dataset.WaveformSequence[chosen]
    channels = item.ChannelDefinitionSequence
    values = dataset.waveform_array(chosen).T
    factors = np.array([[voltage.factor(_unit(channel, path))] for channel in channels])
    names = canonical_names([_lead(channel) for channel in channels], str(path))
    signal = np.ascontiguousarray(values * factors)
    rate = float(item.SamplingFrequency)
    return Recording(signal, names, rate, np.isfinite(signal), _annotations(dataset) | {"group": group}, str(path))


def _read(path: Path) -> Any:
    pydicom = require("pydicom", extra="medsuite-ecg-align")
    if not path.is_file():
        raise InputError(f"{path} does not exist", expected="a DICOM file")
    try:
        dataset = pydicom.dcmread(path)
        held = len(dataset.WaveformSequence)
    except (pydicom.errors.InvalidDicomError, EOFError, OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as DICOM: {error}", expected="a complete DICOM file") from error
    except AttributeError as error:
        raise InputError(f"{path} is DICOM without a waveform", expected="an electrocardiogram") from error
    if not held:
        raise InputError(f"{path} has an empty waveform sequence", expected="an electrocardiogram")
    return dataset


def _find_group(dataset: Any, group: Group, path: str | Path) -> int:
    kinds = [str(item.get("WaveformOriginality", "ORIGINAL")) for item in dataset.WaveformSequence]
    if _ORIGINALITY[group] not in kinds:
        raise InputError(f"{path} has no {group} group", expected=f"one of its groups: {', '.join(kinds)}")
    return kinds.index(_ORIGINALITY[group])


def _unit(channel: Any, path: str | Path) -> str:
    codes = channel.get("ChannelSensitivityUnitsSequence") or ()
    if not codes:
        raise InputError(f"{path}: a channel has no sensitivity unit", expected="uV or mV")
    return str(codes[0].CodeValue)


def _lead(channel: Any) -> str:
    """Name a channel by its code, else by the code's meaning."""
    code = channel.ChannelSourceSequence[0]
    value, scheme = str(code.get("CodeValue", "")), str(code.get("CodingSchemeDesignator", ""))
    if scheme == "SCPECG" and value.rpartition("-")[2] in _SCPECG:
        return _SCPECG[value.rpartition("-")[2]]
    if scheme == "MDC" and value.rpartition(":")[2] in _SCPECG:
        return _SCPECG[value.rpartition(":")[2]]
    return canonical(str(code.get("CodeMeaning", value)))


def _annotations(dataset: Any) -> dict[str, Any]:
    entries: Sequence[Any] = dataset.get("WaveformAnnotationSequence") or ()
    statements = tuple(str(entry.UnformattedTextValue) for entry in entries if "UnformattedTextValue" in entry)
    measurements = {
        str(entry.ConceptNameCodeSequence[0].CodeMeaning): (float(entry.NumericValue), _measured_in(entry))
        for entry in entries
        if entry.get("NumericValue") is not None and entry.get("ConceptNameCodeSequence")
    }
    return {"statements": statements, "measurements": measurements}


def _measured_in(entry: Any) -> str:
    codes = entry.get("MeasurementUnitsCodeSequence") or ()
    return str(codes[0].CodeValue) if codes else ""
