"""Read recordings from files; the content decides on the format, not the suffix."""

from collections.abc import Sequence
from pathlib import Path

from medsuite.core.errors import InputError
from medsuite.ecg_align.recording import Recording


def read_recording(
    path: str | Path, *, leads: Sequence[str] | None = None, units: str | None = None, strict: bool = True
) -> Recording:
    """Read a WFDB record or a DICOM waveform as millivolts under canonical lead names.

    Args:
        path: A DICOM file, a WFDB header (`.hea`), a WFDB signal file, or a record's name without a suffix.
        leads: The leads to read, by name and in the wanted order; all without it.
        units: Unit of the samples of a WFDB header that names none; see `read_wfdb`.
        strict: Refuse a WFDB signal file that holds more samples than its header announces.

    Raises:
        InputError: There is no such file, it is neither of the formats, a wanted lead is not in it, or the reader
            refuses it.
    """
    given = Path(path)
    if given.is_dir():
        raise InputError(f"{given} is a folder", expected="one recording", fix=_records_in(given))
    header = given if given.suffix == ".hea" else given.with_name(f"{given.name}.hea")
    beside = given.with_suffix(".hea")
    if given.is_file() and _is_dicom(given):
        from medsuite.ecg_align.readers.dicom import read_dicom

        recording = read_dicom(given)
        return recording if leads is None else recording.select(leads)
    for candidate in (header, beside):
        if candidate.is_file():
            from medsuite.ecg_align.readers.wfdb import read_wfdb

            return read_wfdb(candidate, leads=leads, units=units, strict=strict)
    if not given.exists():
        raise InputError(f"{given} does not exist, nor does {header.name}", fix=_records_in(given.parent))
    raise InputError(f"{given} is not a recording that can be read", expected="a DICOM file or a WFDB record")


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def _records_in(folder: Path) -> str:
    if not folder.is_dir():
        return f"the folder {folder} does not exist either"
    names = sorted(entry.name for entry in folder.iterdir() if entry.suffix in {".hea", ".dcm"})
    shown = ", ".join(names[:3])
    return f"it holds {len(names)} recordings, such as {shown}" if names else f"no .hea or .dcm file in {folder}"
