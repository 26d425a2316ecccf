"""gridml-4: is a surrogate faster than the solver at equal error, and not only at equal mesh?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from medsuite.core.claims import Arm, Context, Drawing, Job, Measurement, Outcome, Verdict
from medsuite.core.stats import bootstrap_mean
from medsuite.gridml.cost import CostPoint, cases_to_pay_off, median_seconds, seconds_at_error, time_ratio
from medsuite.gridml.experiments.training import SPACING, trained

SPACINGS = (0.4, 0.3, 0.2, 0.115, 0.08, 0.0575)
COMPARABLE = 0.5  # of the cases must have a solver point as accurate as the surrogate
SURROGATES = ("grid-unet", "deeponet", "transolver", "meshgraphnet")
SOLVERS = ("p1-direct", "p2-direct", "p1-multigrid", "p2-multigrid")
ARMS = (
    Arm("grid-unet", "treatment", "U-Net on a 32×32 grid, geometric encoding"),
    Arm("deeponet", "treatment", "DeepONet with a volume-weighted set encoder"),
    Arm("transolver", "treatment", "Transolver 64×4, weighted by volume"),
    Arm("meshgraphnet", "treatment", "MeshGraphNets 32×6 with the mean over the case"),
    Arm("p1-direct", "rival", "P1 elements, sparse factorisation"),
    Arm("p2-direct", "rival", "P2 elements, sparse factorisation"),
    Arm("p1-multigrid", "rival", "P1 elements, conjugate gradients with algebraic multigrid"),
    Arm("p2-multigrid", "rival", "P2 elements, conjugate gradients with algebraic multigrid"),
)


@dataclass(frozen=True)
class SpeedSettings:
    """Size of the experiment.

    Attributes:
        seeds: Independent training sets, weights and test cases.
        train_cases: As in `unseen`, so that the same surrogates serve both.
        test_cases: New domains for each seed.
        effort: Factor on the optimiser steps.
        reference: Spacing of the P2 reference solution.
        repeats: Of each timing.
    """

    seeds: tuple[int, ...]
    train_cases: int
    test_cases: int
    effort: float
    reference: float
    repeats: int


def jobs(settings: SpeedSettings) -> list[Job]:
    """Return one job a seed; nothing else may run beside it."""
    return [Job(f"seed={seed}", seed, seconds=40 + 125 * settings.effort, exclusive=True) for seed in settings.seeds]


def run(job: Job, context: Context) -> Iterator[Measurement]:
    """Yield time and error of each surrogate on the training resolution, and of each solver on each resolution."""
    settings: SpeedSettings = context.settings
    surrogates = {}
    for arm in SURROGATES:
        fitted = trained(context, arm, job.seed, settings.effort, settings.train_cases)
        surrogates[arm] = fitted.surrogate
        yield Measurement(arm, job.seed, f"{job.seed}", "training_seconds", fitted.seconds)
    for index in range(settings.test_cases):
        unit, bench = f"{job.seed}-{index}", Bench.prepare(job.seed, index, settings)
        for arm, surrogate in surrogates.items():
            yield from _rows(arm, job.seed, unit, SPACING, bench.surrogate(surrogate))
        for arm in SOLVERS:
            for spacing in SPACINGS:
                yield from _rows(arm, job.seed, unit, spacing, bench.solver(arm, spacing))
        context.progress((index + 1) / settings.test_cases)


def _rows(arm: str, seed: int, unit: str, spacing: float, measured: tuple[float, float]) -> Iterator[Measurement]:
    for metric, value in zip(("seconds", "error"), measured, strict=True):
        yield Measurement(arm, seed, unit, f"{metric}@{spacing}", value)


@dataclass(frozen=True, eq=False)
class Bench:
    """One test case with its reference solution: measures a method's time and its error against the reference.

    Errors are in L2 of the reference's domain, relative; a field is zero where its mesh does not reach.
    """

    continuous: Any
    meshes: Mapping[float, Any]
    points: Float[np.ndarray, "dofs 2"]
    reference: Float[np.ndarray, " dofs"]
    mass: Any
    repeats: int

    @classmethod
    def prepare(cls, seed: int, index: int, settings: SpeedSettings) -> "Bench":
        """Draw the case and solve it with P2 elements on a fine mesh."""
        from medsuite.gridml.simulation import random_poisson
        from medsuite.gridml.solvers import fem
        from medsuite.gridml.solvers.poisson import solve_poisson

        generator = np.random.default_rng([seed, index, 4])
        continuous = random_poisson(generator)
        solution = solve_poisson(continuous.problem(continuous.mesh(settings.reference, generator)), 2)
        meshes = {spacing: continuous.mesh(spacing, generator) for spacing in SPACINGS}
        points = solution.basis.doflocs.T.copy()
        return cls(continuous, meshes, points, solution.dofs, fem.mass(solution.basis), settings.repeats)

    def surrogate(self, surrogate: Any) -> tuple[float, float]:
        """Measure from the raw case to nodal values: graph, grid or features, network, scaling."""
        from medsuite.gridml.transfer import interpolate

        mesh = self.meshes[SPACING]
        seconds = median_seconds(
            lambda: self.continuous.problem(_fresh(mesh)).case(), lambda case: surrogate.predict(case), self.repeats
        )
        nodal = surrogate.predict(self.continuous.problem(mesh).case())
        return seconds, self._error(interpolate(mesh, nodal, self.points, outside=0.0))

    def solver(self, arm: str, spacing: float) -> tuple[float, float]:
        """Measure from the problem on a mesh to its solution: assembly and linear solve."""
        from medsuite.gridml.solvers import linear
        from medsuite.gridml.solvers.poisson import solve_poisson
        from medsuite.gridml.transfer import interpolate, interpolate_quadratic

        order, method = (1 if arm.startswith("p1") else 2), arm.split("-")[1]
        solve = {"direct": linear.direct, "multigrid": linear.algebraic_multigrid}[method]
        mesh = self.meshes[spacing]

        def work(problem: Any) -> Any:
            return solve_poisson(problem, order, solve)  # type: ignore[arg-type]

        seconds = median_seconds(lambda: self.continuous.problem(_fresh(mesh)), work, self.repeats)
        found = work(self.continuous.problem(mesh))
        if order == 1:
            return seconds, self._error(interpolate(mesh, found.nodal, self.points, outside=0.0))
        local = found.basis.element_dofs.astype(np.int64)
        return seconds, self._error(interpolate_quadratic(mesh, local, found.dofs, self.points, outside=0.0))

    def _error(self, values: Float[np.ndarray, " dofs"]) -> float:
        difference = values - self.reference
        return float(np.sqrt(difference @ (self.mass @ difference) / (self.reference @ (self.mass @ self.reference))))


def _fresh(mesh: Any) -> Any:
    """Return a copy of a mesh without anything cached."""
    return type(mesh)(mesh.points, mesh.triangles)


def decide(rows: Sequence[Measurement]) -> list[Verdict]:
    """Return the headline, and each surrogate's verdict: its time over the solver's at its own error, case by case.

    The headline is that of the surrogate with the lowest ratio: chosen after the fact, in the claim's favour.
    """
    planes = _planes(rows)
    verdicts = {arm: _decide(rows, arm, planes) for arm in SURROGATES}
    best = min(verdicts, key=lambda arm: np.nan_to_num(verdicts[arm].estimate, nan=np.inf))
    statement = f"the fastest surrogate at its error ({best}) is faster than the solver at equal error"
    return [replace(verdicts[best], statement=statement), *verdicts.values()]


def _planes(rows: Sequence[Measurement]) -> dict[str, dict[str, list[CostPoint]]]:
    """Return the points of each case by arm."""
    values: dict[tuple[str, str, str], dict[str, float]] = {}
    for row in rows:
        metric, _, spacing = row.metric.partition("@")
        if spacing:
            values.setdefault((row.unit, row.arm, spacing), {})[metric] = row.value
    planes: dict[str, dict[str, list[CostPoint]]] = {}
    for (unit, arm, spacing), pair in values.items():
        point = CostPoint(f"{arm} h={spacing}", pair["seconds"], pair["error"])
        planes.setdefault(unit, {}).setdefault(arm, []).append(point)
    return planes


def _decide(rows: Sequence[Measurement], arm: str, planes: Mapping[str, Mapping[str, list[CostPoint]]]) -> Verdict:
    ratios, savings = [], []
    for plane in planes.values():
        solver = [point for name in SOLVERS for point in plane[name]]
        ratios.append(time_ratio(plane[arm][0], solver))
        savings.append((plane[arm][0].seconds, seconds_at_error(solver, plane[arm][0].error)))
    found = np.array([value for value in ratios if np.isfinite(value)])
    statement = f"{arm} is faster than the solver at equal error"
    errors = [plane[arm][0].error for plane in planes.values()]
    if len(found) < max(2, COMPARABLE * len(ratios)):
        nan = float("nan")
        reason = f"only {len(found)} of {len(ratios)} cases have a solver point as accurate as the surrogate"
        return Verdict(statement, "void", nan, nan, nan, "time ratio", "", len(found), "none", reason)
    interval = bootstrap_mean(np.log(found), rng=np.random.default_rng(0))
    training = np.mean([row.value for row in rows if row.arm == arm and row.metric == "training_seconds"])
    surrogate, solver_seconds = np.nanmedian(np.array(savings), axis=0)
    pays = cases_to_pay_off(float(training), float(surrogate), float(solver_seconds))
    reason = (
        f"median error {np.median(errors):.3f} in {1000 * surrogate:.1f} ms, "
        f"solver at that error {1000 * solver_seconds:.1f} ms; "
        f"training ({training:.0f} s) pays off after {'no number of' if np.isinf(pays) else f'{pays:.0f}'} cases"
    )
    outcome: Outcome = "supported" if interval.high < 0 else "not supported" if interval.low > 0 else "inconclusive"
    estimate, low, high = (float(np.exp(end)) for end in interval.ends)
    method = f"95 % {interval.method} of the geometric mean over cases"
    return Verdict(statement, outcome, estimate, low, high, "time ratio", "", interval.n, method, reason)


def _medians(cases: Sequence[Sequence[CostPoint]], quantity: str) -> Float[np.ndarray, " spacings"]:
    return np.median([[getattr(point, quantity) for point in case] for case in cases], axis=0)


def draw(rows: Sequence[Measurement]) -> list[Drawing]:
    """Return the cost–accuracy plane: medians over cases, solver curves and surrogate points."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    planes = _planes(rows)
    for arm in (*SOLVERS, *SURROGATES):
        points = [plane[arm] for plane in planes.values()]
        style: dict[str, Any] = (
            {"marker": "o", "markersize": 3} if arm in SOLVERS else {"marker": "D", "linestyle": "none"}
        )
        axes.plot(1000 * _medians(points, "seconds"), _medians(points, "error"), label=arm, **style)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel("time for one case (ms)")
    axes.set_ylabel("relative L2 error against the reference")
    axes.legend(fontsize="small")
    caption = "Lower left is better. A surrogate above and to the right of a solver curve is slower at equal error."
    return [Drawing("Cost and accuracy, with the solver in the plane", caption, figure)]
