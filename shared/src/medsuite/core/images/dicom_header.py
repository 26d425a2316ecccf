"""What a DICOM header says about one frame, wherever it says it: functional groups first, then the data set."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydicom import Dataset

# The macros that hold what is asked for here (PS3.3 C.7.6.16.2); others repeat the same words with another meaning.
_MACROS = (
    "PixelMeasuresSequence",
    "PlaneOrientationSequence",
    "FrameVOILUTSequence",
    "PixelValueTransformationSequence",
)
_AXES = ("L", "R"), ("P", "A"), ("H", "F")


class FrameHeader:
    """The attributes of one frame, and the notes on those that are odd.

    Args:
        dataset: The data set.
        frame: Index of the frame.
        notes: Where remarks go.
    """

    def __init__(self, dataset: "Dataset", frame: int, notes: list[str]) -> None:
        self.dataset, self.notes = dataset, notes
        self._sources = [*_macros(dataset, frame), dataset]

    def get(self, keyword: str) -> Any:
        """Give the first value that is not empty, or None."""
        values = (source.get(keyword) for source in self._sources)
        return next((value for value in values if value not in (None, "") and value != []), None)

    def text(self, keyword: str) -> str | None:
        """Give a value as text, or None."""
        value = self.get(keyword)
        return None if value is None else str(value).strip() or None

    def numbers(self, keyword: str) -> list[float]:
        """Give a value as finite numbers; what is none is noted and left out."""
        try:
            value = self.get(keyword)
            values = [value] if isinstance(value, str | int | float) else list(value or [])
            found = [float(item) for item in values if item not in (None, "")]
        except (ValueError, TypeError):
            self.notes.append(f"{keyword} is not a number: ignored")
            return []
        return found if all(map(math.isfinite, found)) else []


def _macros(dataset: "Dataset", frame: int) -> list["Dataset"]:
    per_frame = dataset.get("PerFrameFunctionalGroupsSequence") or []
    groups = [*per_frame[frame : frame + 1], *(dataset.get("SharedFunctionalGroupsSequence") or [])[:1]]
    return [group[name][0] for group in groups for name in _MACROS if group.get(name)]


def spacing(header: FrameHeader) -> tuple[float, float] | None:
    """Give the distance between rows and between columns in the patient, in mm; None, with one note, where unknown."""
    given = header.numbers("PixelSpacing")
    if len(given) == 2 and min(given) > 0:
        at_detector = header.numbers("ImagerPixelSpacing")
        if at_detector == given:
            header.notes.append("PixelSpacing equals ImagerPixelSpacing: it may not be corrected for magnification")
        return given[0], given[1]
    reason = f"PixelSpacing is {_listed(given)}" if given else "no PixelSpacing"
    for keyword in ("ImagerPixelSpacing", "NominalScannedPixelSpacing"):
        if instead := header.numbers(keyword):
            reason += f", only {keyword} {_listed(instead)}, which is not measured in the patient"
    ratio = header.numbers("PixelAspectRatio")
    if len(ratio) == 2 and ratio[0] != ratio[1]:
        reason += f", PixelAspectRatio {_listed(ratio)}"
    header.notes.append(f"{reason}: spacing unknown")
    return None


def orientation(header: FrameHeader) -> tuple[str, str] | None:
    """Give where columns and rows grow to, from Image Orientation (Patient) or else Patient Orientation."""
    cosines = header.numbers("ImageOrientationPatient")
    if len(cosines) == 6:
        return _direction(cosines[:3]), _direction(cosines[3:])
    stated = header.get("PatientOrientation")
    if isinstance(stated, Sequence) and not isinstance(stated, str) and len(stated) == 2 and all(stated):
        return str(stated[0]), str(stated[1])
    return None


def _direction(cosines: list[float]) -> str:
    main = max(range(3), key=lambda axis: abs(cosines[axis]))
    return _AXES[main][0 if cosines[main] > 0 else 1]


def _listed(numbers: list[float]) -> str:
    return " x ".join(f"{number:g}" for number in numbers)
