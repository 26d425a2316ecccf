"""The micro-world as text."""

import numpy as np

from medsuite.bpgpt.world.windows import MicroWorld, write_window
from medsuite.core.errors import InputError

VOXELS, SHOWN = 160, 3


def decode_table(snr: float, windows: int, seed: int) -> str:
    """Decode new windows with the exact Bayes decoder and print a few of them.

    Args:
        snr: Signal-to-noise ratio.
        windows: Number of windows.
        seed: Seed of the world.

    Raises:
        InputError: The ratio is negative or not finite, there is no window, or the seed is negative.
    """
    if not 0 <= snr < float("inf") or windows < 1:
        raise InputError(f"{windows} windows at SNR {snr:g}", expected="at least 1 window and a ratio of 0 or more")
    if seed < 0:
        raise InputError(f"seed {seed}", expected="a seed of 0 or more")
    rng = np.random.default_rng(seed)
    world = MicroWorld.random(VOXELS, rng)
    heard = world.windows(windows, snr, rng)
    oracle = world.decode(heard, snr)
    lines = []
    for text, slots in list(zip(heard.texts, oracle.best, strict=True))[:SHOWN]:
        lines += [f"heard   {text}", f"decoded {write_window(slots)}"]
    right = float((oracle.best == heard.slots).mean())
    lines.append(
        f"slot accuracy {100 * right:.1f} %, expected {100 * oracle.expected_accuracy:.1f} %, "
        f"chance {100 * world.grammar.chance:.1f} % ({windows} windows, SNR {snr:g})"
    )
    return "\n".join(lines)
