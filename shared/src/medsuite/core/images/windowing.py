"""From stored values to grey: the VOI transformations of DICOM PS3.3 C.11.2, and the ranges that stand in for them."""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Integer, Num

from medsuite.core.errors import InputError

Function = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


@dataclass(frozen=True)
class Window:
    """The part of the value range that is spread over black to white (PS3.3 C.11.2.1.2 and C.11.2.1.3).

    With values x, centre c and width w, and limited to 0 to 1:

    - `LINEAR`: y = (x - (c - 1/2)) / (w - 1) + 1/2, where w >= 1
    - `LINEAR_EXACT`: y = (x - c) / w + 1/2, where w > 0
    - `SIGMOID`: y = 1 / (1 + exp(-4 (x - c) / w)), where w > 0

    Args:
        center: Value that becomes mid grey, in the unit of the pixels (Hounsfield units for CT).
        width: Extent of values around it.
        function: One of the three functions above.
        explanation: What the file says about it, such as `"BONE"`, or where the range comes from.

    Raises:
        InputError: The function is unknown, or the width is too small for it.
    """

    center: int | float
    width: int | float
    function: Function = "LINEAR"
    explanation: str = ""

    def __post_init__(self) -> None:
        if self.function not in ("LINEAR", "LINEAR_EXACT", "SIGMOID"):
            raise InputError(f"window function {self.function!r}", expected="LINEAR, LINEAR_EXACT or SIGMOID")
        wide_enough = self.width >= 1 if self.function == "LINEAR" else self.width > 0
        if not (wide_enough and math.isfinite(self.center) and math.isfinite(self.width)):
            least = "of at least 1" if self.function == "LINEAR" else "above 0"
            raise InputError(
                f"window centre {self.center}, width {self.width}", expected=f"finite numbers and a width {least}"
            )

    def apply(self, values: Num[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Map values to [0, 1]; the equations stand above."""
        if self.function == "SIGMOID":
            shown = values.astype(_floating(values))
            # The same function without an exponential that overflows: 1 / (1 + exp(-2 t)) = (1 + tanh t) / 2.
            return (0.5 + 0.5 * np.tanh(2 * (shown - self.center) / self.width)).astype(np.float32)
        half_bin = 0.5 if self.function == "LINEAR" else 0.0
        center, width = self.center - half_bin, self.width - 2 * half_bin
        if width == 0:
            return (values > center).astype(np.float32)
        shown = values.astype(_floating(values))
        shown -= center - width / 2
        shown /= width
        return np.clip(shown, 0, 1).astype(np.float32, copy=False)


@dataclass(frozen=True, eq=False)
class LookupTable:
    """A table of output values: `entries[x - first]` for a value x, limited to both ends (PS3.3 C.11.1.1, C.11.2.1.1).

    Args:
        first: Value that the first entry belongs to.
        entries: Output values.
        bits: Number of bits of an entry; white is 2^bits - 1.
        explanation: What the file says about it.
    """

    first: int
    entries: Integer[np.ndarray, " entries"] = field(repr=False)
    bits: int
    explanation: str = ""

    def look_up(self, values: Num[np.ndarray, "*shape"]) -> Integer[np.ndarray, "*shape"]:
        """Give each value its entry; values between integers take the nearest one's."""
        whole = values if np.issubdtype(values.dtype, np.integer) else np.rint(values)
        places = np.clip(whole.astype(np.int64) - self.first, 0, len(self.entries) - 1)
        return self.entries[places]

    def apply(self, values: Num[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Map values to [0, 1]: entry / (2^bits - 1)."""
        return np.clip(self.look_up(values) / np.float32(2**self.bits - 1), 0, 1).astype(np.float32, copy=False)


def range_window(low: float, high: float, explanation: str) -> Window:
    """Spread low to high over black to white; where both are equal, all is mid grey."""
    return Window((low + high) / 2, high - low if high > low else 1.0, "LINEAR_EXACT", explanation)


def data_window(
    values: Num[np.ndarray, "height width *channels"], padding: Bool[np.ndarray, "height width"] | None
) -> Window:
    """Spread the range of the values outside the padding over black to white."""
    kept = values if padding is None else values[~padding]
    low, high = (float(kept.min()), float(kept.max())) if kept.size else (0.0, 1.0)
    return range_window(low, high, "range of the values")


def _floating(values: Num[np.ndarray, "..."]) -> np.dtype:
    """Give the floating type that holds the values: single precision up to 16 bits, double beyond."""
    return np.result_type(values.dtype, np.float32)
