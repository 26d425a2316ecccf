"""A vision-language model of full size behind long prompts of pictures: seconds to read, peak bytes, time per token.

    python benchmarks/vision.py --shape 2b --tokens 8192 32768 131072 --batch 1 8 --json vision.json

Speed and bytes need no trained weights: the model is transformers' Qwen2-VL in the sizes that were released, with
random weights, and the pictures are noise of 448 x 448 pixels, 256 tokens each. Every arm is one `generate` on the same
inputs, and the arms alternate over the rounds; the full cache runs without any session. `--shape tiny` tries the script
on a CPU. What does not fit into the memory is said in its row, and the next arm goes on.
"""

import argparse
import json
import platform
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration, StoppingCriteriaList

from medsuite.meda_kv import (
    H2O,
    AverageMerge,
    Budget,
    CrossModalEntropy,
    Recipe,
    Sampled,
    SnapKV,
    TextPrior,
    compress,
    storage_bytes,
)
from medsuite.meda_kv.evaluate.speed import TokenClock, synchronise, weight_bytes

GRID = 32
"""Patches along a picture's edge; four make a token."""
PICTURE_TOKENS = GRID**2 // 4
QUESTION = 64
"""Tokens of text behind the pictures."""
IMAGE, START, END, WORD = 1, 2, 3, 4
SHAPES: dict[str, dict[str, Any]] = {
    "tiny": {"hidden": 64, "inner": 128, "layers": 4, "heads": 4, "groups": 2, "vocab": 512, "vision": (1, 32, 2)},
    "2b": {
        "hidden": 1536,
        "inner": 8960,
        "layers": 28,
        "heads": 12,
        "groups": 2,
        "vocab": 151936,
        "vision": (32, 1280, 16),
    },
    "7b": {
        "hidden": 3584,
        "inner": 18944,
        "layers": 28,
        "heads": 28,
        "groups": 4,
        "vocab": 152064,
        "vision": (32, 1280, 16),
    },
}


def build(shape: str, attention: str, device: str, dtype: torch.dtype) -> Qwen2VLForConditionalGeneration:
    """A Qwen2-VL of a released size, drawn on its device."""
    size = SHAPES[shape]
    depth, width, heads = size["vision"]
    head = size["hidden"] // size["heads"]
    text = {
        "vocab_size": size["vocab"],
        "hidden_size": size["hidden"],
        "intermediate_size": size["inner"],
        "num_hidden_layers": size["layers"],
        "num_attention_heads": size["heads"],
        "num_key_value_heads": size["groups"],
        "max_position_embeddings": 1 << 18,
        "tie_word_embeddings": True,
        "rope_parameters": {
            "rope_type": "default",
            "mrope_section": [head // 8, head * 3 // 16, head * 3 // 16],
            "rope_theta": 1e6,
        },
    }
    vision = {"depth": depth, "embed_dim": width, "hidden_size": size["hidden"], "num_heads": heads}
    config = Qwen2VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=IMAGE,
        vision_start_token_id=START,
        vision_end_token_id=END,
        tie_word_embeddings=True,
        attn_implementation=attention,
    )
    torch.manual_seed(0)
    with torch.device(device):
        model = Qwen2VLForConditionalGeneration._from_config(config, dtype=dtype)
    return model.eval()


def inputs_of(model: Any, tokens: int, batch: int) -> dict[str, torch.Tensor]:
    """Pictures until the prompt is full, then a question; every row of the batch has pictures of its own."""
    pictures = max(1, (tokens - QUESTION) // (PICTURE_TOKENS + 2))
    row = torch.tensor(([START] + [IMAGE] * PICTURE_TOKENS + [END]) * pictures)
    ids = torch.cat([row, torch.full((QUESTION,), WORD)]).repeat(batch, 1).to(model.device)
    channels = 3 * model.config.vision_config.temporal_patch_size * model.config.vision_config.patch_size**2
    grid = torch.tensor([[1, GRID, GRID]] * (pictures * batch), device=model.device)
    patches = torch.randn(pictures * batch * GRID**2, channels, device=model.device, dtype=model.dtype)
    return {
        "input_ids": ids,
        "attention_mask": torch.ones_like(ids),
        "pixel_values": patches,
        "image_grid_thw": grid,
        "mm_token_type_ids": (ids == IMAGE).int(),
    }


def arms(share: float) -> dict[str, Recipe | None]:
    """The full cache, MEDA as the claims have it, and SnapKV with equal layers."""
    budget = Budget(ratio=share)
    return {
        "full": None,
        "meda": Recipe(budget, CrossModalEntropy(), TextPrior(H2O()), AverageMerge(), rows=Sampled()),
        "snapkv": Recipe(budget, select=SnapKV(queries=QUESTION)),
    }


@torch.no_grad()
def generate(model: Any, inputs: dict[str, torch.Tensor], recipe: Recipe | None, new_tokens: int) -> dict[str, Any]:
    """Time one `generate`: to the first token, and each token after it."""
    on_gpu = model.device.type == "cuda"
    if on_gpu:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    context: AbstractContextManager[Any] = nullcontext() if recipe is None else compress(model, recipe)
    clock = TokenClock()
    with context as session:
        synchronise(inputs["input_ids"])
        started = time.perf_counter()
        result = model.generate(
            **inputs,
            max_new_tokens=new_tokens,
            min_new_tokens=new_tokens,
            do_sample=False,
            return_dict_in_generate=True,
            stopping_criteria=StoppingCriteriaList([clock]),
        )
        cache = result.past_key_values if session is None else session.cache
        held = storage_bytes(cache)
    return {
        "first_s": clock.times[0] - started,
        "token_ms": 1000 * float(np.median(np.diff(clock.times))),
        "kv_bytes": held,
        "peak_bytes": torch.cuda.max_memory_allocated() if on_gpu else None,
    }


def compare(model: Any, tokens: int, batch: int, given: argparse.Namespace) -> list[dict[str, Any]]:
    """All arms on the same inputs; medians over the rounds, the first of which warms up."""
    inputs, recipes = inputs_of(model, tokens, batch), arms(given.ratio)
    measured: dict[str, list[dict[str, Any]]] = {arm: [] for arm in recipes}
    failed: dict[str, str] = {}
    for _ in range(given.rounds + 1):
        for arm, recipe in recipes.items():
            if arm in failed:
                continue
            try:
                measured[arm].append(generate(model, inputs, recipe, given.new_tokens))
            except torch.cuda.OutOfMemoryError:
                failed[arm] = "does not fit"
    rows = []
    for arm, results in measured.items():
        row: dict[str, Any] = {"arm": arm, "tokens": inputs["input_ids"].shape[1], "batch": batch}
        if arm in failed:
            rows.append({**row, "error": failed[arm]})
            continue
        kept = results[1:]
        row |= {name: float(np.median([result[name] for result in kept])) for name in ("first_s", "token_ms")}
        row |= {name: kept[-1][name] for name in ("kv_bytes", "peak_bytes")}
        rows.append(row)
    weights, full = weight_bytes(model), rows[0]
    for row in rows:
        if "error" not in row and "error" not in full:
            row["speed_up"] = full["token_ms"] / row["token_ms"]
            row["first_ratio"] = row["first_s"] / full["first_s"]
            row["kept_bytes_share"] = row["kv_bytes"] / full["kv_bytes"]
            row["read_once"] = (weights + full["kv_bytes"]) / (weights + row["kv_bytes"])
    return rows


def show(row: dict[str, Any]) -> None:
    head = f"{row['tokens']:>8,}{row['batch']:>6}  {row['arm']:<8}"
    if "error" in row:
        print(head + row["error"], flush=True)
        return
    peak = "-" if row["peak_bytes"] is None else f"{row['peak_bytes'] / 2**30:.1f}"
    ratios = f"{row.get('speed_up', 0):>8.2f}x{row.get('read_once', 0):>9.2f}x"
    print(
        f"{head}{row['first_s']:>9.2f}{row['token_ms']:>10.2f}{row['kv_bytes'] / 2**20:>12,.1f}{peak:>11}{ratios}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shape", choices=sorted(SHAPES), default="2b")
    parser.add_argument("--tokens", type=int, nargs="+", default=[8192, 32768])
    parser.add_argument("--batch", type=int, nargs="+", default=[1])
    parser.add_argument("--ratio", type=float, default=0.2)
    parser.add_argument("--new-tokens", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--attention", default="sdpa", help="sdpa or flash_attention_2")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    on_gpu = torch.cuda.is_available()
    if not on_gpu and given.shape != "tiny":
        parser.error(f"--shape {given.shape} wants a GPU; give --shape tiny to try the script without one")
    device, dtype = ("cuda", torch.bfloat16) if on_gpu else ("cpu", torch.float32)
    model = build(given.shape, given.attention, device, dtype)
    name = torch.cuda.get_device_name() if on_gpu else platform.processor() or platform.machine()
    print(f"Qwen2-VL {given.shape}, random weights, {given.attention}, {dtype}, {name}, kept {given.ratio:g}")
    columns = ("first s", 9), ("ms/token", 10), ("KV MiB", 12), ("peak GiB", 11), ("faster", 9), ("read once", 10)
    print(f"{'tokens':>8}{'batch':>6}  {'arm':<8}" + "".join(f"{title:>{width}}" for title, width in columns))
    rows = []
    for tokens in given.tokens:
        for batch in given.batch:
            for row in compare(model, tokens, batch, given):
                show(row)
                rows.append(row)
    if given.json:
        versions = {"torch": torch.__version__, "transformers": transformers.__version__}
        content = {"command": " ".join(sys.argv), "device": name, "versions": versions, "rows": rows}
        given.json.write_text(json.dumps(content, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
