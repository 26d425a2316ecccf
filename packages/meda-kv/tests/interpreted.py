"""Compare the Triton kernels in Triton's interpreter with the blockwise statistics; needs a process of its own."""

import os
import sys

os.environ["TRITON_INTERPRET"] = "1"

import torch

from medsuite.meda_kv.observe import kernels
from medsuite.meda_kv.observe.blocks import AttentionInputs
from medsuite.meda_kv.observe.observer import LayerObserver, ObservationPlan, Tokens
from medsuite.meda_kv.observe.sampling import Exact, Sampled

STATISTICS = {
    "causal": frozenset({"full entropy", "cross entropy", "accumulated attention"}),
    "unmasked": frozenset({"unmasked cross entropy"}),
}


def draw(case):
    generator = torch.Generator().manual_seed(len(case))
    tokens, past, dim = 83, 9 if case == "chunk" else 0, 24
    query = torch.randn(2, 4, tokens, dim, generator=generator)
    key = torch.randn(2, 2, tokens + past, dim, generator=generator)
    valid = torch.ones(2, tokens + past, dtype=torch.bool)
    vision = torch.rand(2, tokens + past, generator=generator) < 0.4
    mask = None
    if case == "padding":
        valid[1, :20] = False
        mask = (torch.ones(tokens, tokens).tril().bool() & valid[:, None, :])[:, None]
    if case == "one modality":
        vision[1] = False
    crossing = (vision & valid).any(1) & (~vision & valid).any(1)
    softcap = 5.0 if case == "softcap" else None
    return AttentionInputs(query, key, 0.4, mask, softcap), Tokens(valid, vision, crossing)


def main():
    for case in ("plain", "chunk", "padding", "one modality", "softcap", "sampled"):
        inputs, tokens = draw(case)
        rows = Sampled(16) if case == "sampled" else Exact()
        for name, statistics in STATISTICS.items():
            if name == "unmasked" and case == "chunk":
                continue
            observer = LayerObserver(ObservationPlan(statistics, rows=rows))
            kernels.usable = lambda _: False
            expected = observer.observe(inputs, tokens)
            kernels.usable = lambda _: True
            found = observer.observe(inputs, tokens)
            for kind in statistics - {"accumulated attention"}:
                torch.testing.assert_close(found.entropy(kind), expected.entropy(kind), rtol=1e-5, atol=1e-5)
                torch.testing.assert_close(
                    found.entropy_error(kind), expected.entropy_error(kind), rtol=1e-4, atol=1e-5
                )
            if expected.mass is not None:
                torch.testing.assert_close(found.mass, expected.mass, rtol=1e-5, atol=1e-5)
            print(f"{case}, {name}: equal")


if __name__ == "__main__":
    sys.exit(main())
