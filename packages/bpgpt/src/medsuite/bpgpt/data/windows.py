"""Windows of 20 s: the rows of BOLD that answer to a stretch of story, and the words of that stretch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from medsuite.bpgpt.data.lebel import TR
from medsuite.bpgpt.data.splits import Span
from medsuite.bpgpt.data.textgrid import Word
from medsuite.core.errors import InputError


@dataclass(frozen=True)
class WindowShape:
    """How stories are cut.

    Attributes:
        length: TRs of words.
        hop: TRs from one window to the next; the paper's windows do not overlap.
        delay: TRs of response after the last word. The paper has none; 4 TRs hold the peak of every word's response.
    """

    length: int = 10
    hop: int = 10
    delay: int = 4

    def __post_init__(self) -> None:
        if self.length < 1 or self.hop < 1 or self.delay < 0:
            raise InputError(f"windows of {self}", expected="length and hop of at least 1 TR, delay of at least 0")

    @property
    def rows(self) -> int:
        """Rows of BOLD in a window."""
        return self.length + self.delay


@dataclass(frozen=True)
class Window:
    """A window of one listener's response.

    Attributes:
        span: Its rows, delay included.
        text: The words whose onset lies in it; empty where nothing was said.
    """

    span: Span
    text: str


def cut(
    subject: str, story: str, times: Float[np.ndarray, "row"], words: Sequence[Word], shape: WindowShape
) -> list[Window]:
    """Cut a story into windows; rows at the end that fill no window are left out.

    Args:
        subject: Listener.
        story: Story.
        times: Time of each row of the response in seconds.
        words: The story's words.
        shape: How to cut.

    Raises:
        InputError: The story is shorter than a window, or the rows are not a TR of 2 s apart.
    """
    if len(times) < shape.rows:
        raise InputError(f"{story} has {len(times)} rows", expected=f"at least the {shape.rows} of a window")
    if not np.allclose(np.diff(times), TR):
        raise InputError(f"the rows of {story} are {np.diff(times).mean():g} s apart", expected=f"{TR:g} s")
    windows = []
    for start in range(0, len(times) - shape.rows + 1, shape.hop):
        begin, end = times[start], times[start] + shape.length * TR
        text = " ".join(word.text for word in words if begin <= word.onset < end)
        windows.append(Window(Span(subject, story, start, start + shape.rows), text))
    return windows


@dataclass(frozen=True)
class Scaler:
    """Standardises voxels by the mean and standard deviation of the training rows.

    Attributes:
        mean: Mean of each kept voxel.
        deviation: Standard deviation of each kept voxel.
        kept: Which voxels are kept: those that are finite and not constant.
    """

    mean: Float[np.ndarray, "kept"]
    deviation: Float[np.ndarray, "kept"]
    kept: Bool[np.ndarray, "voxel"]

    @classmethod
    def fit(cls, bold: Float[np.ndarray, "row voxel"]) -> "Scaler":
        """Fit on training rows, and on nothing else.

        Raises:
            InputError: No voxel is finite and varies.
        """
        if not len(bold):
            raise InputError("no training row", expected="rows of BOLD to take mean and deviation from")
        # The deviation of a constant is not always 0: the mean of a thousand 0.1 in float32 is not 0.1.
        kept = np.isfinite(bold).all(axis=0) & (bold.max(axis=0) > bold.min(axis=0))
        if not kept.any():
            raise InputError(f"{bold.shape[1]} voxels, all constant or not finite", fix="look at the mask and the file")
        chosen = bold[:, kept].astype(np.float64)
        return cls(chosen.mean(axis=0), chosen.std(axis=0), kept)

    def __call__(self, bold: Float[np.ndarray, "row voxel"]) -> Float[np.ndarray, "row kept"]:
        """Standardise; what is not finite becomes the training mean, 0.

        Raises:
            InputError: The number of voxels is another than at the fit.
        """
        if bold.shape[1] != len(self.kept):
            expected = f"the {len(self.kept)} of the training data"
            raise InputError(f"{bold.shape[1]} voxels", expected=expected, fix="use the same mask and subject")
        scaled = (bold[:, self.kept] - self.mean) / self.deviation
        return np.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)


def stack(bold: Float[np.ndarray, "time voxel"], windows: Sequence[Window]) -> Float[np.ndarray, "window row voxel"]:
    """Take the rows of each window from a story's response.

    Args:
        bold: The response to the story that all the windows are cut from.
        windows: Windows of equal length.

    Raises:
        InputError: There is no window, their lengths differ, they are of several stories or listeners, or one goes
            beyond the response.
    """
    runs = sorted({(window.span.subject, window.span.story) for window in windows})
    lengths = sorted({window.span.stop - window.span.start for window in windows})
    if len(runs) != 1 or len(lengths) != 1:
        given = f"windows of {', '.join(' '.join(run) for run in runs) or 'nothing'} with {lengths} rows"
        raise InputError(given, expected="windows of one response and of one length")
    if (last := max(window.span.stop for window in windows)) > len(bold):
        raise InputError(f"a window up to row {last - 1} of {runs[0][1]}", expected=f"at most the {len(bold)} rows")
    return np.stack([bold[window.span.start : window.span.stop] for window in windows])
