"""Time the chest phantom against the least that any simulator must do with a film, and check its physics.

    python benchmarks/phantom.py [--json phantom.json] [--sheet sheets] [--repeats 5]

The limit is what remains when the patient is for free: one FFT blur for the scatter and Poisson noise on arrays of the
same size. Both sides alternate in this process. Films per second are wall time, so run it on an idle machine; the
ratio is of CPU times on one thread, which a busy machine changes little. Findings are as `sample_scene` draws them:
none to three a film, about a third of which need a second projection.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import scipy
from scipy import fft

from medsuite.core.phantom import LABELS, Acquisition, attenuation, contact_sheet, draw, sample_scene
from medsuite.core.phantom.projection import make_grid, project

GOALS = {64: 300, 224: 20}
FIELD = Acquisition().field_of_view_mm


@dataclass(frozen=True)
class Row:
    """Speed at one size.

    Attributes:
        size: Pixels on a side.
        films: How many were drawn in one call.
        per_s: Films per second of wall time, on one thread and on two.
        goal_per_s: What was asked for on two cores.
        cpu_ms: CPU time for a film on one thread, ms.
        limit_ms: CPU time of one FFT blur and Poisson noise, ms.
    """

    size: int
    films: int
    per_s: tuple[float, float]
    goal_per_s: float
    cpu_ms: float
    limit_ms: float

    @property
    def ratio(self) -> float:
        """How many times the limit a film costs."""
        return self.cpu_ms / self.limit_ms


def timed(call: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    call()
    return clock() - start


def blur_and_noise(line_integral: np.ndarray) -> np.ndarray:
    """Form films from ready line integrals with plain tools."""
    size = line_integral.shape[-1]
    frequency = np.hypot(fft.fftfreq(size)[:, None], fft.rfftfreq(size)).astype(np.float32)
    kernel = np.exp(-2 * (np.pi * 0.1 * size * frequency) ** 2)
    primary = np.exp(-line_integral)
    total = primary + 0.8 * fft.irfft2(fft.rfft2(primary) * kernel, s=(size, size))
    return np.random.default_rng(0).poisson(np.maximum(total, 0) * 1e5)


def measure(size: int, films: int, repeats: int) -> Row:
    scenes = [sample_scene(seed) for seed in range(films)]
    lines = draw(scenes, size).line_integral
    pairs = [
        (timed(lambda: draw(scenes, size), time.process_time), timed(lambda: blur_and_noise(lines), time.process_time))
        for _ in range(repeats)
    ]
    ours, limit = (1e3 * statistics.median(side) / films for side in zip(*pairs, strict=True))

    def rate(threads: int) -> float:
        return films / min(
            timed(lambda: draw(scenes, size, workers=threads), time.perf_counter) for _ in range(repeats)
        )

    return Row(size, films, (rate(1), rate(2)), GOALS[size], ours, limit)


def largest_error(rays: int = 40) -> float:
    """Return the largest difference of line integrals from ray marching in steps of 0.1 mm, over random rays."""
    rng, errors = np.random.default_rng(0), []
    for seed in range(rays // 2):
        scene = sample_scene(seed)
        grid, lines = make_grid([scene], 64, FIELD), project([scene], 64, FIELD, aperture_mm=1e-3).line_integral[0]
        for row, column in rng.integers(4, 60, (2, 2)):
            y = np.arange(-170, 200, 0.1) + 0.05
            x, z = np.full_like(y, grid.x[0, 0, column]), np.full_like(y, grid.z[0, row, 0])
            errors.append(lines[row, column] - 0.1 * attenuation(scene, np.stack([x, y, z], 1)).sum())
    return float(np.abs(errors).max())


def write_sheets(folder: Path) -> None:
    """Write contact sheets of healthy patients and of every label."""
    folder.mkdir(parents=True, exist_ok=True)
    healthy = draw([sample_scene(seed, []) for seed in range(12)], 256, workers=2)
    contact_sheet(healthy, columns=4).save(folder / "healthy.png")
    scenes = [sample_scene(100 + 7 * place, [label]) for place, label in enumerate(LABELS)]
    contact_sheet(draw(scenes, 256, workers=2), columns=6).save(folder / "findings.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, default=Path("phantom.json"))
    parser.add_argument("--sheet", type=Path, help="folder for contact sheets")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    rows = [measure(64, 512, options.repeats), measure(224, 48, options.repeats)]
    print(f"{'size':>5} {'films/s, 1 and 2 threads':>26} {'goal':>6} {'CPU ms':>8} {'limit ms':>9} {'ratio':>6}")
    for row in rows:
        print(
            f"{row.size:>5} {row.per_s[0]:>17.0f} {row.per_s[1]:>8.0f} {row.goal_per_s:>6.0f} "
            f"{row.cpu_ms:>8.2f} {row.limit_ms:>9.2f} {row.ratio:>5.1f}x"
        )
    error = largest_error()
    print(f"largest difference from ray marching: {error:.3f} of line integrals up to 6")
    if options.sheet:
        write_sheets(options.sheet)
    machine = {"cpus": os.cpu_count(), "python": platform.python_version()}
    versions = {"numpy": np.__version__, "scipy": scipy.__version__}
    table = [asdict(row) | {"ratio": row.ratio} for row in rows]
    report = {"machine": machine | versions, "rows": table, "marching_error": error}
    options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
