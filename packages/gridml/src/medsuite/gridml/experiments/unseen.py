"""gridml-1: do families that see the mesh keep their error on meshes that they were not trained on?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from medsuite.core.claims import Arm, Context, Drawing, Job, Measurement, Outcome, Verdict
from medsuite.core.stats import bootstrap_weighted
from medsuite.gridml.experiments.training import FINE_SPACING, RECIPES, SPACING, trained

LIMIT = 1.5
LEARNED = 0.8  # of the pointwise control's error: above it, a family has learned nothing that the control has not
CONDITIONS = {
    "error_remeshed": "a new mesh of the same domain",
    "error_fine": "a mesh with four times the nodes of the same domain",
    "error_new": "a new domain",
}
ARMS = (
    Arm("meshgraphnet", "treatment", "MeshGraphNets 32×6 with the mean over the case in each block"),
    Arm("multiscale", "treatment", "bi-stride multiscale message passing, 4 levels"),
    Arm("transolver", "treatment", "Transolver 64×4, 32 slices, weighted by volume"),
    Arm("deeponet", "rival", "DeepONet with a volume-weighted set encoder"),
    Arm("grid-unet", "rival", "U-Net on a 32×32 grid, geometric encoding"),
    Arm("grid-unet-scatter", "control", "the same U-Net on an encoding that depends on where nodes are dense"),
    Arm("pointwise", "control", "a perceptron node by node, which knows nothing of the rest of the case"),
    Arm("pod", "control", "POD on one mesh, indexed by nodes: refuses any other mesh"),
)
TESTED = tuple(arm.name for arm in ARMS if arm.name not in ("pointwise", "pod"))
GROUPS = (
    ("meshgraphnet",),
    ("multiscale",),
    ("transolver", "pod"),
    ("grid-unet", "grid-unet-scatter"),
    ("deeponet", "pointwise"),
)


@dataclass(frozen=True)
class UnseenSettings:
    """Size of the experiment.

    Attributes:
        seeds: Independent training sets, weights and test cases.
        train_cases: Domains, each with a mesh and a source of its own.
        test_cases: In each condition.
        effort: Factor on the optimiser steps of `training.RECIPES`.
    """

    seeds: tuple[int, ...]
    train_cases: int
    test_cases: int
    effort: float


def jobs(settings: UnseenSettings) -> list[Job]:
    """Return one job for each seed and group of arms."""
    return [
        Job(f"seed={seed} arms={','.join(group)}", seed, {"arms": list(group)}, seconds=14 * settings.effort)
        for seed in settings.seeds
        for group in GROUPS
    ]


def run(job: Job, context: Context) -> Iterator[Measurement]:
    """Train the job's arms and yield their error on each test case in each condition."""
    settings = context.settings
    cases = paired_cases(job.seed, settings)
    arms = job.settings["arms"]
    for done, arm in enumerate(arms):
        if arm == "pod":
            yield from _measure_pod(job.seed, settings, cases)
        else:
            surrogate = trained(context, arm, job.seed, settings.effort, settings.train_cases).surrogate
            yield from _measure(arm, job.seed, surrogate, cases)
        context.progress((done + 1) / len(arms))


def paired_cases(seed: int, settings: UnseenSettings) -> dict[str, list[Any]]:
    """Return the solved test cases by metric: training meshes with new sources, and the three conditions.

    `error_seen`, `error_remeshed` and `error_fine` are paired: the same domain and source, case by case.
    """
    from medsuite.gridml.simulation import Continuous, random_poisson, random_waves

    groups: dict[str, list[Any]] = {metric: [] for metric in ("error_seen", *CONDITIONS)}
    for index in range(min(settings.test_cases, settings.train_cases)):
        generator = np.random.default_rng([seed, index])  # as in `simulate`: draws the training domain and mesh again
        domain = random_poisson(generator).domain
        seen = Continuous(domain, random_waves(np.random.default_rng([seed, index, 1])))
        groups["error_seen"].append(seen.solved(seen.mesh(SPACING, generator)))
        groups["error_remeshed"].append(seen.solved(seen.mesh(SPACING, generator)))
        groups["error_fine"].append(seen.solved(seen.mesh(FINE_SPACING, generator)))
        fresh = np.random.default_rng([seed, index, 2])
        new = random_poisson(fresh)
        groups["error_new"].append(new.solved(new.mesh(SPACING, fresh)))
    return groups


def _measure(arm: str, seed: int, surrogate: Any, groups: dict[str, list[Any]]) -> Iterator[Measurement]:
    from medsuite.gridml.models.base import relative_error

    for metric, cases in groups.items():
        for index, case in enumerate(cases):
            yield Measurement(arm, seed, f"{seed}-{index}", metric, relative_error(case, surrogate.predict(case)))


def _measure_pod(seed: int, settings: UnseenSettings, groups: dict[str, list[Any]]) -> Iterator[Measurement]:
    """Fit POD on the first training mesh with as many sources as there are training cases; count what it refuses."""
    from medsuite.core.errors import InputError
    from medsuite.gridml.models.base import Budget, relative_error
    from medsuite.gridml.models.registry import family
    from medsuite.gridml.simulation import Continuous, random_poisson, random_waves

    generator = np.random.default_rng([seed, 0])
    domain = random_poisson(generator).domain
    mesh = Continuous(domain, random_waves(generator)).mesh(SPACING, generator)
    sources = (
        random_waves(np.random.default_rng([seed, index, 3]))
        for index in range(settings.train_cases + settings.test_cases)
    )
    cases = [Continuous(domain, source).solved(mesh) for source in sources]
    surrogate = family("pod").fit(cases[: settings.train_cases], Budget(), seed)
    for index, case in enumerate(cases[settings.train_cases :]):
        yield Measurement("pod", seed, f"{seed}-{index}", "error_seen", relative_error(case, surrogate.predict(case)))
    for index, case in enumerate(groups["error_remeshed"]):
        try:
            surrogate.predict(case)
            refused = 0.0
        except InputError:
            refused = 1.0
        yield Measurement("pod", seed, f"{seed}-{index}", "refused", refused)


def decide(rows: Sequence[Measurement]) -> list[Verdict]:
    """Return the headline, one verdict for each mesh-aware family on its worst condition, and one for POD."""
    control = _logs(rows, "pointwise", "error_seen")
    families = {arm: _decide_family(rows, arm, control) for arm in TESTED}
    refused = [row.value for row in rows if row.arm == "pod" and row.metric == "refused"]
    share = float(np.mean(refused))
    statement = "POD, which is indexed by nodes, cannot be run on a new mesh"
    outcome: Outcome = "supported" if share == 1.0 else "not supported"
    return [
        headline(families),
        *families.values(),
        Verdict(
            statement,
            outcome,
            100 * share,
            100 * share,
            100 * share,
            "% refused",
            "",
            len(refused),
            "count",
            "the package refuses by design: node numbers carry no meaning across meshes",
        ),
    ]


def headline(families: Mapping[str, Verdict]) -> Verdict:
    """Return the verdict on graph and attention families together: as good as the worst of them.

    Supported if all are, not supported if one is not, void where one has learned nothing, otherwise inconclusive.
    """
    treatments = {arm.name: families[arm.name] for arm in ARMS if arm.role == "treatment"}
    ranks: tuple[Outcome, ...] = ("not supported", "void", "inconclusive", "supported")
    worst = min(treatments.values(), key=lambda verdict: (ranks.index(verdict.outcome), -verdict.estimate))
    others = {name: verdict for name, verdict in families.items() if name not in treatments}
    return replace(
        worst,
        statement=f"graph and attention families keep their error on unseen meshes (worst ratio below {LIMIT})",
        reason="; ".join(
            f"{name}: {verdict.outcome} at {verdict.estimate:.2f}" for name, verdict in treatments.items()
        ),
        controls=", ".join(f"{name} {verdict.estimate:.2f}" for name, verdict in others.items()),
    )


def _decide_family(rows: Sequence[Measurement], arm: str, control: dict[str, float]) -> Verdict:
    seen = _logs(rows, arm, "error_seen")
    ratios = {metric: _ratio(seen, _logs(rows, arm, metric), paired=metric != "error_new") for metric in CONDITIONS}
    worst = max(ratios, key=lambda metric: ratios[metric].estimate)
    interval = ratios[worst]
    level = np.exp(np.mean(list(seen.values())) - np.mean(list(control.values())))
    statement = f"{arm} keeps its error on unseen meshes (worst of three ratios below {LIMIT})"
    others = ", ".join(f"{np.exp(value.estimate):.2f} on {CONDITIONS[metric]}" for metric, value in ratios.items())
    reason = (
        f"ratios to the training meshes: {others}; error {np.exp(np.mean(list(seen.values()))):.3f} on training meshes"
    )
    outcome: Outcome
    if level > LEARNED:
        outcome, reason = (
            "void",
            f"its error is {level:.2f} times that of the pointwise control: nothing to keep; {reason}",
        )
    elif all(np.exp(value.high) < LIMIT for value in ratios.values()):
        outcome = "supported"
    else:
        outcome = "not supported" if np.exp(interval.low) > LIMIT else "inconclusive"
    estimate, low, high = (float(np.exp(end)) for end in interval.ends)
    method = f"95 % {interval.method} of the geometric mean over cases, stratified by seed"
    return Verdict(statement, outcome, estimate, low, high, "ratio", "", interval.n, method, reason)


def _logs(rows: Sequence[Measurement], arm: str, metric: str) -> dict[str, float]:
    return {row.unit: float(np.log(row.value)) for row in rows if row.arm == arm and row.metric == metric}


def _ratio(seen: dict[str, float], other: dict[str, float], *, paired: bool) -> Any:
    """Return the interval of the log ratio of geometric means; paired by case or two independent groups."""
    rng = np.random.default_rng(0)
    if paired:
        units = sorted(seen)
        values = np.array([other[unit] - seen[unit] for unit in units])
        sign, groups = np.ones(len(values)), np.array([unit.split("-")[0] for unit in units])
        return bootstrap_weighted(_signed_mean(values, sign), len(values), rng=rng, strata=groups, method="percentile")
    values = np.array([*seen.values(), *other.values()])
    sign = np.repeat([-1.0, 1.0], [len(seen), len(other)])
    groups = np.array([f"{side}-{unit.split('-')[0]}" for side, part in enumerate((seen, other)) for unit in part])
    return bootstrap_weighted(_signed_mean(values, sign), len(values), rng=rng, strata=groups, method="percentile")


def _signed_mean(values: Float[np.ndarray, " units"], sign: Float[np.ndarray, " units"]) -> Any:
    """Return a statistic of weights: the positive group's mean minus that of the negative one, if there is one."""

    def statistic(weights: Float[np.ndarray, "resamples units"]) -> Float[np.ndarray, " resamples"]:
        total = np.zeros(len(weights))
        for side in np.unique(sign):
            group = weights[:, sign == side]
            total = total + side * (group @ values[sign == side]) / group.sum(axis=1)
        return total

    return statistic


def draw(rows: Sequence[Measurement]) -> list[Drawing]:
    """Return the error of each family on training meshes and in each condition."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    metrics = {"error_seen": "training mesh, new source", **CONDITIONS}
    names = [name for name in RECIPES if any(row.arm == name for row in rows)]
    for offset, (metric, label) in enumerate(metrics.items()):
        errors = [np.exp(list(_logs(rows, name, metric).values())) for name in names]
        places = np.arange(len(names)) + 0.2 * (offset - 1.5)
        middle = np.array([np.median(values) for values in errors])
        reach = np.abs(np.array([np.percentile(values, (25, 75)) for values in errors]).T - middle)
        axes.errorbar(places, middle, yerr=reach, fmt="o", capsize=2, label=label)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    axes.set_xticks(range(len(names)), [name.replace("-", "-\n") for name in names])
    axes.set_ylabel("relative L2 error")
    axes.legend(fontsize="small")
    caption = "Median and quartiles over test cases. A family that keeps its error has its four marks at one height."
    return [Drawing("Error on meshes that were not trained on", caption, figure)]
