"""The decision of the claim `med-r1/transfer`: pure, from rows alone."""

from collections.abc import Sequence

import numpy as np

from medsuite.core.claims import Measurement, Outcome, Verdict
from medsuite.core.stats import Interval, bootstrap_crossed_mean, tabulate, wilson_interval
from medsuite.med_r1.claims import OTHER_DOMAINS, RIVALS, TRAINED_DOMAIN

NEGLIGIBLE = 0.03
"""An advantage out of domain whose interval stays below this is none."""
SEEN = 0.10
"""Accuracy that the base must owe to the image."""
LEARNT = 0.03
"""Gain in sampled accuracy in domain that reinforcement learning must have and a random reward must not."""
LEAK_LEVEL = 0.99
"""Level of the intervals of the text-only reader, one a domain."""
PAPER = "+23.1 points in the mean of three modalities; SFT +5.7"


def domain(row: Measurement) -> str:
    """Return the domain of a row's question, with which its id begins."""
    return row.unit.partition("-")[0]


def of_domains(rows: Sequence[Measurement], domains: Sequence[str]) -> list[Measurement]:
    """Return the rows of some domains."""
    return [row for row in rows if domain(row) in domains]


def mean(rows: Sequence[Measurement], arm: str, metric: str, domains: Sequence[str]) -> float:
    """Return the mean of a metric over the questions of some domains and the seeds."""
    return float(np.nanmean(tabulate(of_domains(rows, domains), arm=arm, metric=metric).values))


def gain(rows: Sequence[Measurement], arm: str, metric: str, domains: Sequence[str]) -> float:
    """Return an arm's mean less the base's."""
    return mean(rows, arm, metric, domains) - mean(rows, "base", metric, domains)


def decide(rows: Sequence[Measurement]) -> list[Verdict]:
    """Put GRPO before each supervised rival on the domains that neither trained on, one verdict each.

    D = [acc(GRPO) - acc(base)] - [acc(rival) - acc(base)] = acc(GRPO) - acc(rival), greedy, paired by seed and
    question; its interval is a bootstrap over seeds and questions. Supported if the lower end is over 0, not supported
    if the upper end is under 3 points. Void where the experiment could not tell: the text gives the answer away, the
    base does not look at the image, reinforcement learning gained nothing in its own domain, or a random reward did.
    """
    void = _void(rows)
    return [_against(rows, rival, void) for rival in RIVALS]


def advantage(rows: Sequence[Measurement], rival: str, metric: str) -> Interval:
    """Return GRPO less a rival over the other domains."""
    kept = of_domains(rows, OTHER_DOMAINS)
    difference = tabulate(kept, arm="GRPO", metric=metric) - tabulate(kept, arm=rival, metric=metric)
    return bootstrap_crossed_mean(difference.values, rng=np.random.default_rng(0))


def _against(rows: Sequence[Measurement], rival: str, void: str) -> Verdict:
    greedy, sampled = advantage(rows, rival, "greedy"), advantage(rows, rival, "sampled")
    outcome: Outcome = "inconclusive"
    if greedy.low > 0:
        outcome = "supported"
    elif greedy.high < NEGLIGIBLE:
        outcome = "not supported"
    reason = (
        f"the interval is compared with 0 and with {NEGLIGIBLE:+.2f}; sampled answers give {sampled.estimate:+.3f} "
        f"[{sampled.low:+.3f}, {sampled.high:+.3f}]; one of four comparisons, not adjusted"
    )
    return Verdict(
        statement=f"On CT and film GRPO gains more than {_described(rival)}",
        outcome="void" if void else outcome,
        estimate=greedy.estimate,
        low=greedy.low,
        high=greedy.high,
        unit="accuracy",
        published=PAPER if rival == "letter" else "",
        n=greedy.n,
        method=f"95 % {greedy.method}",
        reason=void or reason,
        controls=_controls(rows, rival),
    )


def _described(rival: str) -> str:
    return {
        "own samples": "fine-tuning on the base's own right answers",
        "letter": "fine-tuning on bare letters",
        "empty think": "fine-tuning with empty think blocks",
        "rationale": "fine-tuning on rationales",
    }[rival]


def _controls(rows: Sequence[Measurement], rival: str) -> str:
    """Accuracy of the arms in the other domains and in the trained one, greedy / sampled."""
    parts = []
    for arm in ("base", "GRPO", rival, "random reward"):
        here, there = (
            "/".join(f"{mean(rows, arm, metric, domains):.2f}" for metric in ("greedy", "sampled"))
            for domains in ((TRAINED_DOMAIN,), OTHER_DOMAINS)
        )
        parts.append(f"{arm} {there} (MR {here})")
    return "greedy/sampled: " + ", ".join(parts)


def _void(rows: Sequence[Measurement]) -> str:
    """Return why the run says nothing, or nothing."""
    leak = _leak(rows)
    if leak:
        return leak
    everywhere = (TRAINED_DOMAIN, *OTHER_DOMAINS)
    reliance = mean(rows, "base", "greedy", everywhere) - mean(rows, "base", "swapped", everywhere)
    if reliance < SEEN:
        return f"the base owes {100 * reliance:.0f} points to the image, fewer than {100 * SEEN:.0f}"
    learnt = gain(rows, "GRPO", "sampled", (TRAINED_DOMAIN,))
    if learnt < LEARNT:
        return f"reinforcement learning did not work: {100 * learnt:+.1f} points in its own domain, sampled"
    drift = gain(rows, "random reward", "sampled", (TRAINED_DOMAIN,))
    if drift > LEARNT:
        return f"a random reward gains {100 * drift:+.1f} points in domain: the gain is not the reward's"
    return ""


def _leak(rows: Sequence[Measurement]) -> str:
    for name in (TRAINED_DOMAIN, *OTHER_DOMAINS):
        kept = [row for row in of_domains(rows, (name,)) if row.arm == "text only"]
        right = [row.value for row in kept if row.metric == "greedy"]
        chance = float(np.mean([row.value for row in kept if row.metric == "chance"]))
        interval = wilson_interval(int(sum(right)), len(right), level=LEAK_LEVEL)
        if interval.low > chance:
            return f"a reader of the text alone gets {interval.estimate:.2f} on {name}, chance is {chance:.2f}"
    return ""
