"""kvpress in the same run: as arms of an evaluation and beside our times; processes of their own, since it wraps."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(importlib.util.find_spec("kvpress") is None, reason="the peer kvpress is not installed")


def meda_kv(*arguments):
    command = [sys.executable, "-c", "from medsuite.core.cli import main; main()", "meda-kv", *arguments]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout


def rows(output, first):
    """Lines that begin with a method's name, split into cells behind it."""
    pattern = re.compile(rf"^({first})\s{{2,}}(.*)$", flags=re.MULTILINE)
    return {name.strip(): cells.split() for name, cells in pattern.findall(output)}


def test_equal_settings_keep_equal_slots_and_bytes():
    methods = "snapkv,streaming_llm,meda"
    output = meda_kv(
        "bench",
        "tiny",
        "--prompt-tokens",
        "256",
        "--methods",
        methods,
        "--ratio",
        "0.5",
        "--new-tokens",
        "2",
        "--peer",
        "kvpress",
    )
    table = rows(output.partition("same slots")[2], r"\w+")
    assert set(table) == {"snapkv", "streaming_llm"}
    for cells in table.values():
        assert cells[5] == cells[6]
        assert cells[7] == "100.0"


def test_their_rows_answer_as_ours_do_where_both_keep_the_same():
    """StreamingLLM has no scores: with equal sinks both keep the same 100 of 200 rows, and the likelihoods are equal.

    The question inside the prompt makes its length odd, where kvpress rounds each layer down and ours their sum.
    """
    arguments = (
        "--context",
        "200",
        "--questions",
        "2",
        "--ratio",
        "0.5",
        "--methods",
        "streaming_llm,h2o",
        "--peer",
        "kvpress",
    )
    table = rows(meda_kv("evaluate", "tiny", *arguments), r"[a-z0-9_ ]+ 0\.5")
    assert set(table) == {"streaming_llm 0.5", "h2o 0.5", "kvpress streaming_llm 0.5"}
    assert table["kvpress streaming_llm 0.5"][-4:] == table["streaming_llm 0.5"][-4:]
    assert table["h2o 0.5"][-1] != table["streaming_llm 0.5"][-1]
