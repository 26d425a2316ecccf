"""DICOM electrocardiograms (PS3.3 A.34): the rhythm or the median beat, in mV, with the cart's own statements."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool

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
        InputError: The file is not a DICOM waveform, lacks the group or one of the elements that PS3.3 demands, is
            stored in a way that pydicom does not decode, or a channel has no unit of voltage.
    """
    dataset = _read(Path(path))
    chosen = _find_group(dataset, group, path)
    try:
        return _recording(dataset, chosen, str(path), group)
    except InputError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: its {group} group cannot be read ({type(error).__name__}: {error})",
            expected="the elements of a waveform (PS3.3 C.10.9)",
        ) from error


def _recording(dataset: Any, chosen: int, path: str, group: Group) -> Recording:
    item = dataset.WaveformSequence[chosen]
    channels = item.ChannelDefinitionSequence
    names = canonical_names([_lead(channel) for channel in channels], path)
    factors = [
        voltage.factor(_unit(channel, name, path), f"{path} lead {name}")
        for channel, name in zip(channels, names, strict=True)
    ]
    signal = np.ascontiguousarray(dataset.waveform_array(chosen).T * np.array(factors)[:, None])
    rate = float(item.SamplingFrequency)
    if not (np.isfinite(rate) and rate > 0 and signal.size):
        raise InputError(
            f"{path}: {signal.shape[1]} samples at {rate:g} Hz", expected="at least one, at a positive rate"
        )
    valid = np.isfinite(signal) & ~_padding(dataset, chosen)
    return Recording(signal, names, rate, valid, _annotations(dataset) | {"group": group}, path)


def _padding(dataset: Any, chosen: int) -> Bool[np.ndarray, "lead sample"]:
    """Return the samples that hold the group's padding value: the cart had no measurement there."""
    from pydicom.waveforms.numpy_handler import multiplex_array

    stored = multiplex_array(dataset, chosen, as_raw=True).T
    value = dataset.WaveformSequence[chosen].get("WaveformPaddingValue")
    if value is None:
        return np.zeros(stored.shape, dtype=bool)
    return stored == np.frombuffer(value, dtype=stored.dtype, count=1)[0]


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


def _unit(channel: Any, name: str, path: str) -> str:
    codes = channel.get("ChannelSensitivityUnitsSequence") or ()
    if not codes:
        raise InputError(f"{path}: lead {name} has no sensitivity unit", expected="uV or mV")
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
        str(entry.ConceptNameCodeSequence[0].get("CodeMeaning", "")): (float(entry.NumericValue), _measured_in(entry))
        for entry in entries
        # An element with several numbers is a list of positions, not a measurement.
        if getattr(entry.get("NumericValue"), "real", None) is not None and entry.get("ConceptNameCodeSequence")
    }
    return {"statements": statements, "measurements": measurements}


def _measured_in(entry: Any) -> str:
    codes = entry.get("MeasurementUnitsCodeSequence") or ()
    return str(codes[0].CodeValue) if codes else ""
