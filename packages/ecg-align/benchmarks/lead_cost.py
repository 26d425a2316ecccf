"""What encoding k of twelve leads costs against all twelve: `python benchmarks/lead_cost.py [OUT.json]`.

Width 192, 6 blocks, 10 s at 100 Hz: 20 tokens a lead, 240 for twelve. CPU time on one thread, interleaved, minimum of
the rounds. The target is k / 12 + 5 %.
"""

import json
import sys
import time
from pathlib import Path

import torch

from medsuite.ecg_align import LEADS12, LeadwiseEncoder

COUNTS = (1, 2, 3, 4, 6, 8, 12)
ROUNDS = 5


def measure() -> dict[int, float]:
    """Return seconds per batch of 8 recordings for each number of leads."""
    torch.manual_seed(0)
    encoder = LeadwiseEncoder(width=192, depth=6, heads=6).eval()
    signal = torch.randn(8, 12, 1000)
    best = dict.fromkeys(COUNTS, float("inf"))
    with torch.no_grad():
        for _ in range(ROUNDS + 1):
            for count in COUNTS:
                start = time.process_time()
                encoder(signal[:, :count], LEADS12[:count])
                best[count] = min(best[count], time.process_time() - start)
    return best


def main() -> None:
    """Print the table and write JSON where a path is given."""
    torch.set_num_threads(1)
    seconds = measure()
    rows = [
        {"leads": count, "relative": value / seconds[12], "target": count / 12 + 0.05}
        for count, value in seconds.items()
    ]
    print("leads  relative  target")
    for row in rows:
        print(f"{row['leads']:5d}  {row['relative']:8.3f}  {row['target']:6.3f}")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
