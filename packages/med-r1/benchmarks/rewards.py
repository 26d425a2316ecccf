"""Rewards a second, and the time of a hostile completion, against the released regular expressions in the same run.

python packages/med-r1/benchmarks/rewards.py [--out rewards.json]
"""

import argparse
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from medsuite.med_r1 import Question, accuracy_reward, format_reward

QUESTION = Question("q", "i", "What is shown?", ("port", "effusion", "nodule", "mass"), 1, "MR")
TYPICAL = "<think>" + "The lesion in the right upper zone is bright. " * 26 + "</think>\n<answer>B</answer>"
HOSTILE = "<think>a</think><answer>" * 2500


def released(text: str) -> float:
    """Both rewards by the released expressions."""
    formatted = re.fullmatch(r"<think>.*?</think>\s*<answer>.*?</answer>", text, re.DOTALL)
    found = re.search(r"<answer>(.*?)</answer>", text, flags=re.DOTALL | re.IGNORECASE)
    letters = re.findall("[A-J]", found.group(1).strip().upper()) if found else []
    return float(bool(formatted)) + float(letters == ["B"])


def ours(text: str) -> float:
    """Both rewards of this package."""
    return format_reward(text, QUESTION) + accuracy_reward(text, QUESTION)


def seconds(function: Callable[[str], float], text: str, least: float = 0.3) -> float:
    """CPU seconds of one call, over as many calls as take a while."""
    calls, begin = 0, time.process_time()
    while time.process_time() - begin < least:
        function(text)
        calls += 1
    return (time.process_time() - begin) / calls


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path)
    out = parser.parse_args().out
    rows = {
        name: {"ours_ms": 1e3 * seconds(ours, text), "released_ms": 1e3 * seconds(released, text)}
        for name, text in (("typical, 1.2 kB", TYPICAL), ("2,500 unclosed tags, 60 kB", HOSTILE))
    }
    for name, row in rows.items():
        row["ratio"] = row["released_ms"] / row["ours_ms"]
        print(f"{name:28} ours {row['ours_ms']:9.4f} ms   released {row['released_ms']:9.4f} ms   x {row['ratio']:.1f}")
    if out:
        out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
