"""kvpress in the same run: as arms of an evaluation and beside our times; a process of its own, since it wraps."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("kvpress") is None, reason="the peer kvpress is not installed")

BENCH = "bench tiny --prompt-tokens 256 --methods snapkv,streaming_llm,meda --ratio 0.5 --new-tokens 2 --peer kvpress"
EVALUATE = "evaluate tiny --context 200 --questions 2 --ratio 0.5 --methods streaming_llm,h2o --sampled --peer kvpress"
SEAM = "-----"
SCRIPT = f"""
from medsuite.core.cli import main
for words in ({BENCH!r}, {EVALUATE!r}):
    try:
        main(["meda-kv", *words.split()])
    except SystemExit as end:
        if end.code:
            raise
    print({SEAM!r}, flush=True)
"""


@pytest.fixture(scope="module")
def outputs():
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-c", SCRIPT]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout.split(SEAM)


def rows(output, first):
    """Lines that begin with a method's name, split into cells behind it."""
    pattern = re.compile(rf"^({first})\s{{2,}}(.*)$", flags=re.MULTILINE)
    return {name.strip(): cells.split() for name, cells in pattern.findall(output)}


def test_equal_settings_keep_equal_slots_and_bytes(outputs):
    table = rows(outputs[0].partition("same slots")[2], r"\w+")
    assert set(table) == {"snapkv", "streaming_llm"}
    for cells in table.values():
        assert cells[5] == cells[6]
        assert cells[7] == "100.0"


def test_their_rows_answer_as_ours_do_where_both_keep_the_same(outputs):
    """StreamingLLM has no scores: with equal sinks both keep the same 100 of 200 rows, and the likelihoods are equal.

    The question inside the prompt makes its length odd, where kvpress rounds each layer down and ours their sum.
    """
    table = rows(outputs[1], r"[a-z0-9_ ]+ 0\.5")
    assert set(table) == {"streaming_llm 0.5", "h2o 0.5", "kvpress streaming_llm 0.5"}
    assert table["kvpress streaming_llm 0.5"][-4:] == table["streaming_llm 0.5"][-4:]
    assert table["h2o 0.5"][-1] != table["streaming_llm 0.5"][-1]
