"""Writing behind prompts in a batch, against one prompt at a time: `python benchmarks/writing.py [OUT.json]`.

A GPT-2 of 4 layers and 256 wide with random weights, 64 prompts of 16 vectors, 12 tokens each. CPU time on one thread,
interleaved, minimum of the rounds; the texts have to be the same.
"""

import json
import sys
import time
from pathlib import Path

import torch

from medsuite.bpgpt import write
from medsuite.bpgpt.world.language import micro_gpt2, micro_tokenizer

PROMPTS, LENGTH, TOKENS, WIDTH, ROUNDS = 64, 16, 12, 256, 3


def main() -> None:
    """Print the table and write JSON where a path is given."""
    torch.set_num_threads(1)
    lm, tokenizer = micro_gpt2(WIDTH, 4, seed=0), micro_tokenizer()
    prompts = torch.randn(PROMPTS, LENGTH, WIDTH, generator=torch.Generator().manual_seed(0))

    def together() -> list[str]:
        return write(lm, tokenizer, prompts, max_new_tokens=TOKENS)

    def apart() -> list[str]:
        return [text for prompt in prompts for text in write(lm, tokenizer, prompt[None], max_new_tokens=TOKENS)]

    best, texts = {"batch": float("inf"), "one by one": float("inf")}, {}
    for _ in range(ROUNDS):
        for name, run in (("batch", together), ("one by one", apart)):
            start = time.process_time()
            texts[name] = run()
            best[name] = min(best[name], time.process_time() - start)
    same = sum(a == b for a, b in zip(texts["batch"], texts["one by one"], strict=True))
    ratio = best["one by one"] / best["batch"]
    print(f"batch {best['batch']:.2f} s, one by one {best['one by one']:.2f} s: {ratio:.1f} times as fast")
    print(f"{same} of {PROMPTS} texts are the same")
    if len(sys.argv) > 1:
        result = best | {"ratio": ratio, "same": same, "texts": PROMPTS}
        Path(sys.argv[1]).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
