"""What a folder of story data holds, as text."""

from pathlib import Path

from medsuite.bpgpt.data.lebel import LebelDataset
from medsuite.bpgpt.data.windows import WindowShape, cut
from medsuite.core.errors import InputError


def summarise(folder: Path, subject: str, shape: WindowShape | None = None) -> str:
    """Check every story of a listener and count its windows; headers and transcripts are read, no responses.

    Args:
        folder: Folder of ds003020.
        subject: Listener.
        shape: How to cut; the default is 20 s without overlap and 8 s of delay.

    Raises:
        InputError: Something is missing or does not fit together, or the listener has no story.
    """
    dataset, shape = LebelDataset(folder), shape or WindowShape()
    stories = dataset.stories(subject)
    if not stories:
        raise InputError(f"{subject} has no story with a response and a transcript", fix="download both")
    lines = [f"{'story':28}{'rows':>6}{'voxels':>8}{'words':>7}{'windows':>9}{'silent':>8}"]
    total = 0
    for story in stories:
        run, words = dataset.run(subject, story), dataset.words(story)
        windows = cut(subject, story, run.times, words, shape)
        silent = sum(not window.text for window in windows)
        total += len(windows)
        lines.append(f"{story:28}{run.shape[0]:6}{run.shape[1]:8}{len(words):7}{len(windows):9}{silent:8}")
    lines.append(f"{len(stories)} stories, {total} windows of {2 * shape.length} s with {2 * shape.delay} s of delay")
    return "\n".join(lines)
