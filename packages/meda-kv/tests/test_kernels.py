import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from medsuite.meda_kv.observe.blocks import AttentionInputs
from medsuite.meda_kv.observe.kernels import usable


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
def test_the_kernels_equal_the_blockwise_statistics():
    script = Path(__file__).with_name("interpreted.py")
    result = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.count("equal") == 11


def test_the_kernels_are_not_for_cpus():
    query = torch.zeros(1, 2, 4, 8)
    assert not usable(AttentionInputs(query, query, 1.0))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_an_additive_mask_is_left_to_the_blocks():
    query = torch.zeros(1, 2, 4, 8, device="cuda")
    assert usable(AttentionInputs(query, query, 1.0))
    assert not usable(AttentionInputs(query, query, 1.0, torch.zeros(1, 1, 4, 4, device="cuda")))
