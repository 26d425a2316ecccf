"""What it costs to keep whole pages of slots, as a server with a block table would have to: the pass key, in one run.

python benchmarks/pages.py --sizes 4 16 64 --json pages.json
"""

import argparse
import json
from pathlib import Path

import numpy as np

from medsuite.core.stats import bootstrap_mean
from medsuite.meda_kv import Budget, Pages, Recipe, SnapKV, observing
from medsuite.meda_kv.evaluate.arms import load_model
from medsuite.meda_kv.evaluate.needle import passkey
from medsuite.meda_kv.evaluate.questions import PROTOCOLS, ask
from medsuite.meda_kv.recipe import shared_plan

FREE = "slots, each head its own"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--context", type=int, default=500)
    parser.add_argument("--questions", type=int, default=30)
    parser.add_argument("--ratio", type=float, default=0.4)
    parser.add_argument("--sizes", type=int, nargs="+", default=[4, 16, 64])
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    budget, slots = Budget(ratio=given.ratio), SnapKV()
    arms = {FREE: Recipe(budget, select=slots)}
    arms |= {f"pages of {size}": Recipe(budget, select=Pages(slots, size)) for size in given.sizes}
    model, tokenizer = load_model(given.model)
    nll: dict[tuple[str, str], list[float]] = {}
    with observing(model, shared_plan(arms.values())) as session:
        for number in range(given.questions):
            for score in ask(session, passkey(tokenizer, given.context, np.random.default_rng([7, number])), arms):
                nll.setdefault((score.protocol, score.arm), []).append(score.nll)
    rows = [row(protocol, arm, nll) for protocol in PROTOCOLS for arm in ("full", *arms)]
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


def row(protocol: str, arm: str, nll: dict[tuple[str, str], list[float]]) -> dict[str, object]:
    """Print an arm's nats per digit and its difference to free slots, paired over questions."""
    values = np.array(nll[protocol, arm])
    interval = bootstrap_mean(values - np.array(nll[protocol, FREE]), rng=np.random.default_rng(0))
    difference = f"{interval.estimate:+.2f} [{interval.low:+.2f}, {interval.high:+.2f}]"
    print(f"question {protocol:<12}{arm:<28}{values.mean():>6.2f} nats   {difference}")
    return {"protocol": protocol, "arm": arm, "nll": float(values.mean()), "difference": list(interval.ends)}


if __name__ == "__main__":
    main()
