"""What a folder of story data holds, as text."""

from pathlib import Path

from medsuite.bpgpt.data.lebel import TR, LebelDataset, Run
from medsuite.bpgpt.data.textgrid import Word
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
        _refuse_another_story(run, words)
        windows = cut(subject, story, run.times, words, shape)
        silent = sum(not window.text for window in windows)
        total += len(windows)
        lines.append(f"{story:28}{run.shape[0]:6}{run.shape[1]:8}{len(words):7}{len(windows):9}{silent:8}")
    lines.append(f"{len(stories)} stories, {total} windows of {2 * shape.length} s with {2 * shape.delay} s of delay")
    for name, left_out in (
        ("responses without a transcript", dataset.heard(subject) - dataset.transcribed),
        ("stories that respdict.json does not list, their rows unchecked", set(stories) - dataset.trs.keys()),
    ):
        if left_out:
            lines.append(f"{len(left_out)} {name}: {', '.join(sorted(left_out))}")
    return "\n".join(lines)


def _refuse_another_story(run: Run, words: list[Word]) -> None:
    """Refuse a transcript that goes on after the scan, which it cannot if both are of one story."""
    if run.trs is None or not words:
        return
    end, scanned = max(word.offset for word in words), TR * run.trs
    if end > scanned:
        raise InputError(
            f"the transcript of {run.story} ends at {end:.0f} s, its {run.trs} TRs at {scanned:.0f} s",
            expected="a transcript within the scan",
            fix="look whether the TextGrid is another story's, and its times in seconds",
        )
