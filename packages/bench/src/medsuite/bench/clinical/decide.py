"""The verdicts on ClinicalBench's claim, from rows alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int, Shaped

from medsuite.bench.clinical.score import bootstrap_p
from medsuite.core.claims import Measurement, Outcome, Verdict
from medsuite.core.stats import Interval, bootstrap_distribution, bootstrap_weighted, holm, weighted_auroc

ViewName = Literal["retrospective", "no outcome codes", "24 h"]
VIEW_NAMES: tuple[ViewName, ...] = get_args(ViewName)
LANGUAGE, BAYES, CONSTANT = "language model", "Bayes optimum", "constant guess"
CODE_COUNT, AGE_SEX, PERMUTED = "number of codes", "age and sex", "permuted labels"
OUTCOME, PREVALENCE, VALIDATION = "outcome", "prevalence", "validation AUROC"
OTHERS = (LANGUAGE, BAYES, CONSTANT, CODE_COUNT, AGE_SEX, PERMUTED, OUTCOME)
"""Arms that are no classical model on codes."""
MARGIN = 0.05
"""An advantage in AUROC that is below this is none worth the name."""
LEAST_ANSWERED = 0.9
PERMUTED_RANGE = (0.35, 0.65)
RESAMPLES = 1000
Statistic = Callable[[Float[np.ndarray, "resample patient"]], Float[np.ndarray, " resample"]]
_SEEN = {
    "retrospective": "with all codes of the stay",
    "no outcome codes": "with all codes of the stay but the four outcome codes",
    "24 h": "with what is known after 24 hours",
}


@dataclass(frozen=True)
class Table:
    """Scores of some arms for the patients that all of them have, in one view.

    Attributes:
        scores: One row an arm.
        death: Who died.
        seed: Each patient's seed.
    """

    scores: Float[np.ndarray, "arm patient"]
    death: Shaped[np.ndarray, " patient"]
    seed: Int[np.ndarray, " patient"]

    @property
    def strata(self) -> Int[np.ndarray, " patient"]:
        """Class of each patient that a resample keeps the size of: each seed keeps its dead and its survivors."""
        return 2 * self.seed + self.death

    def auroc(self, arm: int, weights: Float[np.ndarray, "resample patient"]) -> Float[np.ndarray, " resample"]:
        """Return an arm's AUROC within each seed, averaged over seeds, under each row of weights."""
        parts = []
        for seed in np.unique(self.seed):
            mine = self.seed == seed
            parts.append(weighted_auroc(self.scores[arm, mine], self.death[mine], weights[:, mine]))
        return np.mean(parts, axis=0)


class Rows:
    """Rows of an experiment by arm and metric, so that each comparison finds its own at once."""

    def __init__(self, measurements: Sequence[Measurement]) -> None:
        self.values: dict[tuple[str, str], dict[str, float]] = {}
        self.seeds: dict[str, int] = {}
        for row in measurements:
            self.values.setdefault((row.arm, row.metric), {})[f"{row.seed} {row.unit}"] = row.value
            self.seeds[f"{row.seed} {row.unit}"] = row.seed

    def get(self, arm: str, metric: str) -> dict[str, float]:
        """Return the values of an arm in a view, by seed and patient."""
        return self.values.get((arm, metric), {})

    @property
    def views(self) -> list[ViewName]:
        """The views that were measured."""
        return [view for view in VIEW_NAMES if any(metric == view for _, metric in self.values)]

    @property
    def simulated(self) -> bool:
        """Whether the optimum is known."""
        return any(arm == BAYES for arm, _ in self.values)

    def classical(self, view: ViewName) -> list[str]:
        """List the classical models of a view, in the order of their rows."""
        return [arm for arm, metric in self.values if metric == view and arm not in OTHERS]


def decide(measurements: Sequence[Measurement]) -> list[Verdict]:
    """Compare AUROCs paired by patient, within one view, with intervals by bootstrap over patients.

    In each view the classical model that is best on validation is compared with the language model: supported where the
    interval of its advantage lies above 0, not supported where it lies below 0.05. Then all classical models are:
    supported where each is ahead with p < 0.05 after Holm, not supported where the advantage of one lies below 0.05.
    A view is void where the language model left a tenth unanswered or rounded its scores into ties, where a model
    that learned from permuted labels predicts, or where a model beats the optimum, which no honest one can. Last, the
    whole stay is compared with its first 24 hours, with the outcome codes and without them.
    """
    rows = Rows(measurements)
    problems = {view: _problem(rows, view) for view in rows.views}
    verdicts = [_best_verdict(rows, view, problem) for view, problem in problems.items()]
    verdicts += [_all_verdict(rows, view, problem) for view, problem in problems.items()]
    if len(problems) == len(VIEW_NAMES):
        verdicts += [_foreknowledge_verdict(rows), _outcome_code_verdict(rows)]
    return verdicts


def tabulate_scores(rows: Rows, arms: Sequence[tuple[str, ViewName]]) -> Table:
    """Arrange scores of arms in views; a patient is kept if all of them have a row.

    A missing answer, NaN, gets the mean of the arm's answers in its seed, without a look at the outcome.
    """
    death = rows.get(OUTCOME, "death")
    columns = [rows.get(arm, view) for arm, view in arms]
    units = sorted(set(death).intersection(*columns))
    seeds = np.array([rows.seeds[unit] for unit in units], dtype=int)
    scores = np.array([[column[unit] for unit in units] for column in columns], dtype=float).reshape(
        len(arms), len(units)
    )
    for row in scores:
        for seed in np.unique(seeds):
            mine = seeds == seed
            known = row[mine & ~np.isnan(row)]
            row[mine & np.isnan(row)] = known.mean() if len(known) else 0.0
    return Table(scores, np.array([death[unit] == 1 for unit in units]), seeds)


def chosen_model(rows: Rows, view: ViewName) -> str:
    """Name the classical model with the best validation AUROC of a view, averaged over seeds."""
    metric = f"{view}: {VALIDATION}"
    means = {arm: np.mean(list(rows.get(arm, metric).values())) for arm in rows.classical(view)}
    return max(means, key=lambda arm: means[arm])


def mean_auroc(rows: Rows, arm: str, view: ViewName, among: str | None = None) -> float:
    """AUROC of an arm in a view, within seeds and averaged, over its patients or those that `among` has as well."""
    table = tabulate_scores(rows, [(arm, view), (among or arm, view)])
    return float(table.auroc(0, np.ones((1, len(table.death))))[0]) if len(table.death) else float("nan")


def arm_auroc(rows: Rows, arm: str, view: ViewName) -> Interval:
    """AUROC of an arm in a view, within seeds and averaged, with its interval."""
    table = tabulate_scores(rows, [(arm, view)])
    return _bootstrap(table, lambda weights: table.auroc(0, weights))


def advantage(rows: Rows, first: str, second: str, view: ViewName) -> Interval:
    """AUROC of the first arm minus that of the second, same patients, same view."""
    table = tabulate_scores(rows, [(first, view), (second, view)])
    return _bootstrap(table, lambda weights: table.auroc(0, weights) - table.auroc(1, weights))


def view_gap(rows: Rows, arm: str, more: ViewName, less: ViewName) -> Interval:
    """AUROC of one arm with more and with less knowledge, same patients: the only comparison across views."""
    table = tabulate_scores(rows, [(arm, more), (arm, less)])
    return _bootstrap(table, lambda weights: table.auroc(0, weights) - table.auroc(1, weights))


def adjusted_p(rows: Rows, view: ViewName) -> dict[str, float]:
    """P-value of each classical model's advantage over the language model, by the bootstrap; Holm over the view."""
    arms = rows.classical(view)
    tables = [tabulate_scores(rows, [(arm, view), (LANGUAGE, view)]) for arm in arms]
    return dict(zip(arms, holm(np.array([_p(table) for table in tables])).tolist(), strict=True))


def _best_verdict(rows: Rows, view: ViewName, problem: str | None) -> Verdict:
    best = chosen_model(rows, view)
    gap = advantage(rows, best, LANGUAGE, view)
    outcome = _outcome(gap.low > 0, gap.high < MARGIN)
    shown = [(arm, mean_auroc(rows, arm, view, LANGUAGE)) for arm in (LANGUAGE, best, BAYES, *OTHERS[2:6])]
    controls = "AUROC: " + ", ".join(f"{arm} {value:.2f}" for arm, value in shown if not np.isnan(value))
    statement = f"Classical models beat the language model at predicting death {_SEEN[view]}"
    reason = problem or f"{best}, chosen on validation, minus the language model"
    return _verdict(statement, "void" if problem else outcome, gap, _published(view), reason, controls)


def _all_verdict(rows: Rows, view: ViewName, problem: str | None) -> Verdict:
    p = adjusted_p(rows, view)
    gaps = {arm: advantage(rows, arm, LANGUAGE, view) for arm in p}
    ahead = [arm for arm in p if gaps[arm].estimate > 0 and p[arm] < 0.05]
    level = [arm for arm in p if arm not in ahead and gaps[arm].high < MARGIN]
    least = min(gaps, key=lambda arm: gaps[arm].estimate)
    outcome = _outcome(len(ahead) == len(p), bool(level))
    reason = problem or f"{len(ahead)} of {len(p)} are ahead after Holm; the least advantage is that of {least}"
    controls = ", ".join(f"{arm} {gaps[arm].estimate:+.2f} (p {p[arm]:.2g})" for arm in p)
    statement = f"Every one of the classical models beats the language model {_SEEN[view]}"
    return _verdict(statement, "void" if problem else outcome, gaps[least], "", reason, controls)


def _foreknowledge_verdict(rows: Rows) -> Verdict:
    best = chosen_model(rows, "retrospective")
    gap = view_gap(rows, best, "retrospective", "24 h")
    statement = "Part of the classical models' AUROC for death is foreknowledge, codes from after the first 24 hours"
    reason = f"{best} with all codes minus the same with what is known after 24 hours"
    controls = _optimum_gap(rows, "retrospective")
    return _verdict(statement, _outcome(gap.low > 0, gap.high < MARGIN), gap, "", reason, controls)


def _outcome_code_verdict(rows: Rows) -> Verdict:
    best = chosen_model(rows, "retrospective")
    gap = view_gap(rows, best, "retrospective", "no outcome codes")
    whole = view_gap(rows, best, "retrospective", "24 h")
    statement = "The four outcome codes carry more than half of that foreknowledge"
    rest = view_gap(rows, best, "no outcome codes", "24 h")
    half = whole.estimate / 2
    reason = f"{best} with and without the four codes; half of the whole is {half:.3f}, and {rest.estimate:.3f} is left"
    outcome = "void" if whole.low <= 0 else _outcome(gap.low > half, gap.high < half)
    return _verdict(statement, outcome, gap, "", reason, _optimum_gap(rows, "no outcome codes"))


def _problem(rows: Rows, view: ViewName) -> str | None:
    """Say why nothing can be decided in a view, or None."""
    answers = np.array(list(rows.get(LANGUAGE, view).values()))
    known = answers[~np.isnan(answers)]
    if len(known) < LEAST_ANSWERED * len(answers) or len(known) == 0:
        return f"the language model answered {len(known)} of {len(answers)} questions"
    if len(np.unique(known)) < len(known) / 2:
        return f"the language model has {len(np.unique(known))} distinct scores for {len(known)} patients"
    permuted = mean_auroc(rows, PERMUTED, view)
    if not PERMUTED_RANGE[0] < permuted < PERMUTED_RANGE[1]:
        return f"a model that learned from permuted labels has an AUROC of {permuted:.2f}"
    best = chosen_model(rows, view)
    if rows.simulated:
        beyond = advantage(rows, best, BAYES, view)
        if beyond.low > 0:
            return f"{best} beats the optimum by {beyond.estimate:.3f}: it sees what it should not"
    return None


def _optimum_gap(rows: Rows, more: ViewName) -> str:
    if not rows.simulated:
        return ""
    return f"of the optimum, {more} minus 24 h: {view_gap(rows, BAYES, more, '24 h').estimate:.3f}"


def _published(view: ViewName) -> str:
    if view != "retrospective":
        return ""
    return "0.960 (XGBoost) against 0.865 (Gemma2-9B) and 0.854 (Llama3-8B), MIMIC-III, whole stay"


def _p(table: Table) -> float:
    draws = bootstrap_distribution(
        lambda weights: table.auroc(0, weights) - table.auroc(1, weights),
        len(table.death),
        rng=np.random.default_rng(0),
        resamples=RESAMPLES,
        strata=table.strata,
    )
    return bootstrap_p(draws)


def _bootstrap(table: Table, statistic: Statistic) -> Interval:
    strata = table.strata
    if len(strata) == 0:
        return Interval(np.nan, np.nan, np.nan, 0.95, 0, "no patient")
    rng = np.random.default_rng(0)
    return bootstrap_weighted(statistic, len(strata), rng=rng, resamples=RESAMPLES, method="percentile", strata=strata)


def _outcome(supported: bool, refuted: bool) -> Outcome:
    if supported:
        return "supported"
    return "not supported" if refuted else "inconclusive"


def _verdict(
    statement: str, outcome: Outcome, interval: Interval, published: str, reason: str, controls: str
) -> Verdict:
    method = f"95 % percentile bootstrap over {interval.n} patients, stratified by seed and outcome"
    return Verdict(statement, outcome, *interval.ends, "AUROC", published, interval.n, method, reason, controls)
