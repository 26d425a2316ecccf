"""GLoRIA's local loss against a loop over texts: `python benchmarks/local_loss.py [--peer FILE] [--out OUT.json]`.

The peer is the public implementation (github.com/marshuang80/gloria, `gloria/loss/gloria_loss.py`) if the path of that
file is given, otherwise the same loop written here: one text after the other, with the context of every word formed.
CPU time of forward and backward on one thread, interleaved, minimum of the rounds; batch 64, 8 to 32 words.
"""

import argparse
import importlib.util
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from medsuite.synth_medvlp import gloria_local

SHAPES = ((768, 49), (256, 49), (128, 49))
ROUNDS = 3
Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def loop(regions: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
    """Compare every image with one text after the other; contexts are formed."""
    columns = []
    for text, length in zip(words, lengths.tolist(), strict=True):
        word = text[:, :length].expand(len(regions), -1, -1)
        attention = (4 * (regions.transpose(1, 2) @ word).softmax(dim=2)).softmax(dim=1)
        cosine = functional.cosine_similarity(word, regions @ attention, dim=1)
        columns.append((5 * cosine).logsumexp(dim=1))
    logits = 10 * torch.stack(columns, dim=1)
    targets = torch.arange(len(logits))
    return functional.cross_entropy(logits, targets) + functional.cross_entropy(logits.T, targets)


def ours(regions: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
    """Return the package's loss in the paper's form."""
    is_word = torch.arange(words.shape[2]) < lengths[:, None]
    return gloria_local(regions, words, is_word, pool="sum")


def public(path: Path) -> Loss:
    """Load the public implementation from a checkout."""
    spec = importlib.util.spec_from_file_location("gloria_loss", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def loss(regions: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
        side = int(regions.shape[2] ** 0.5)
        first, second, _ = module.local_loss(regions.unflatten(2, (side, side)), words, lengths.tolist())
        return first + second

    return loss


def timed(loss: Loss, inputs: tuple[Tensor, Tensor, Tensor]) -> tuple[float, float]:
    """Return CPU seconds of forward and backward, and the loss."""
    regions, words = (side.clone().requires_grad_() for side in inputs[:2])
    start = time.process_time()
    value = loss(regions, words, inputs[2])
    value.backward()
    return time.process_time() - start, value.item()


def measure(dim: int, count: int, peer: Loss) -> dict[str, float]:
    """Measure one shape."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(8, 33, (64,), generator=generator)
    inputs = (
        torch.randn(64, dim, count, generator=generator) / dim**0.5,
        torch.randn(64, dim, 32, generator=generator),
        lengths,
    )
    best, values = {"ours": float("inf"), "peer": float("inf")}, {}
    for _ in range(ROUNDS):
        for name, loss in (("ours", ours), ("peer", peer)):
            seconds, values[name] = timed(loss, inputs)
            best[name] = min(best[name], seconds)
    difference = abs(values["ours"] - values["peer"]) / abs(values["peer"])
    return {"dim": dim, "regions": count, **best, "ratio": best["peer"] / best["ours"], "difference": difference}


def main() -> None:
    """Print the table and write JSON where a path is given."""
    parser = argparse.ArgumentParser(description="GLoRIA's local loss against a loop over texts.")
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    peer = public(arguments.peer) if arguments.peer else loop
    rows = [measure(dim, count, peer) for dim, count in SHAPES]
    print("  dim regions   ours s   peer s  ratio  relative difference of the loss")
    for row in rows:
        print("{dim:5d} {regions:7d} {ours:8.2f} {peer:8.2f} {ratio:6.1f}  {difference:.1e}".format(**row))
    if arguments.out:
        arguments.out.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
