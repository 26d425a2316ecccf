"""The two rewards exactly as MedVLM-R1 released them, with their quirks, in linear time.

total = format + accuracy, each with weight 1, from 0 to 2. What follows from the released code, and is kept:

- an empty think block, repeated think blocks and several answers have the format; a newline at the end has not;
- of several answers the first one is paid, also if it stands inside the think block;
- letters are looked for as characters A to J, not as words: `B) port` has one and is paid half, `B) lung` also has a G
  and is paid nothing.
"""

import re

from medsuite.med_r1.extract import first_answer, is_formatted
from medsuite.med_r1.schema import Question

_LETTER = re.compile("[A-J]")


def format_reward(completion: str, question: Question) -> float:  # noqa: ARG001
    r"""Return 1 if the whole completion is `<think>.*?</think>\s*<answer>.*?</answer>`, else 0."""
    return float(is_formatted(completion))


def accuracy_reward(completion: str, question: Question) -> float:
    """Return 1 for the right letter alone in the first answer block, 0.5 for the right one with other text, else 0.

    The block counts only if exactly one of its characters, in upper case, is one of A to J.
    """
    answer = (first_answer(completion) or "").strip()
    found = _LETTER.findall(answer.upper())
    if found != [question.letter]:
        return 0.0
    rest = re.sub(found[0], "", answer, count=1, flags=re.IGNORECASE)
    return 0.5 if rest.strip() else 1.0
