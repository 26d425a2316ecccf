"""The kept rows are those of kvpress 0.5.5 at equal settings."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.skipif(importlib.util.find_spec("kvpress") is None, reason="the peer kvpress is not installed")
@pytest.mark.parametrize("method", ["snapkv", "adakv", "pyramid", "tova", "knorm", "keydiff", "streaming"])
def test_kept_rows_equal_those_of_kvpress(method):
    script = Path(__file__).with_name("kept_rows.py")
    environment = {**os.environ, "PYTHONPATH": str(BENCHMARKS)}
    result = subprocess.run(
        [sys.executable, str(script), method], capture_output=True, text=True, check=False, env=environment
    )
    assert result.returncode == 0, result.stderr[-2000:]
    kept = [int(line.split()[-3]) for line in result.stdout.splitlines()]
    assert sum(kept) == 6 * 44
    assert method == "adakv" or kept == ([64, 64, 44, 44, 24, 24] if method == "pyramid" else [44] * 6)
