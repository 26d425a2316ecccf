"""Bytes and milliseconds per token behind the full cache and smaller ones, at several prompt lengths, in one run.

python benchmarks/decode.py --contexts 1024 2048 4096 --json decode.json
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from medsuite.meda_kv import method
from medsuite.meda_kv.evaluate.arms import load_model
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.evaluate.speed import decode_speed
from medsuite.meda_kv.evaluate.tables import decoding_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--contexts", type=int, nargs="+", default=[1024, 2048, 4096])
    parser.add_argument("--methods", nargs="+", default=["snapkv", "meda"])
    parser.add_argument("--ratio", type=float, default=0.28)
    parser.add_argument("--new-tokens", type=int, default=16)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    model, tokenizer = load_model(given.model)
    recipes = {name: method(name, ratio=given.ratio, exact=False) for name in given.methods}
    rows = []
    for context in given.contexts:
        tokens = passage(tokenizer, context, np.random.default_rng(context))[None]
        results = decode_speed(model, tokens, recipes, given.new_tokens)
        print(decoding_table(results), end="\n\n", flush=True)
        rows += [asdict(result) for result in results]
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
