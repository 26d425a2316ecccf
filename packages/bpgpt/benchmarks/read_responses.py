"""Reading a listener's response: the voxels of a mask, against h5py alone in its two obvious forms.

    python benchmarks/read_responses.py --json read_responses.json

A file of real size, 300 TRs of 95,000 voxels in float64, as the data set has them, of which 10,000 voxels are kept in
float32. Every form runs in a process of its own, and the file lies in the system's cache; memory is how far the
resident memory rises (Linux).
"""

import argparse
import json
import multiprocessing
import re
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

from medsuite.bpgpt.data.lebel import Run

ROWS, VOXELS, KEPT = 300, 95_000, 10_000


def mask() -> np.ndarray:
    """Voxels spread over the brain, as a mask has them."""
    chosen = np.zeros(VOXELS, dtype=bool)
    chosen[np.random.default_rng(0).choice(VOXELS, KEPT, replace=False)] = True
    return chosen


def ours(path: Path) -> np.ndarray:
    return Run("UTS03", "story", path, None).bold(mask())


def everything(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        return file["data"][:][:, mask()].astype(np.float32)


def on_disk(path: Path) -> np.ndarray:
    with h5py.File(path) as file:
        return file["data"][:, np.flatnonzero(mask())].astype(np.float32)


FORMS = {"bold(mask)": ours, "all of it, then the mask": everything, "the mask on disk": on_disk}


def peak_bytes() -> int:
    """Most bytes that this process has held since `forget_peak`."""
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text()).group(1))


def forget_peak() -> None:
    """Let the peak begin at what is held now."""
    Path("/proc/self/clear_refs").write_text("5")


def measure(name: str, path: Path) -> dict[str, object]:
    """Time one form and watch its memory."""
    forget_peak()
    before, started = peak_bytes(), time.perf_counter()
    values = FORMS[name](path)
    taken = time.perf_counter() - started
    return {"form": name, "seconds": taken, "extra_bytes": peak_bytes() - before, "values": values.tobytes()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "story.hf5"
        with h5py.File(path, "w") as file:
            file["data"] = np.random.default_rng(1).standard_normal((ROWS, VOXELS))
        rows = []
        for name in FORMS:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                rows.append(pool.apply(measure, (name, path)))
    same = len({row.pop("values") for row in rows}) == 1
    print(f"{'form':<28}{'seconds':>9}{'extra MiB':>11}")
    for row in rows:
        print(f"{row['form']:<28}{row['seconds']:>9.2f}{row['extra_bytes'] / 2**20:>11.0f}")
    print("same values" if same else "DIFFERENT VALUES")
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
