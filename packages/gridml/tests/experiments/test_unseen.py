from dataclasses import replace

import numpy as np
import pytest

from medsuite.core.claims import Measurement
from medsuite.gridml.experiments.unseen import CONDITIONS, TESTED, UnseenSettings, decide, draw, jobs, paired_cases

CASES = 20


def rows(error=0.05, ratios=(1.0, 1.0, 1.0), control=0.4, refused=1.0, noise=0.05):
    """Rows in which each family has an error on training meshes and ratios to it in the three conditions."""
    table = []
    for arm in (*TESTED, "pointwise"):
        generator = np.random.default_rng(0)
        level = control if arm == "pointwise" else error
        for seed in (0, 1):
            for index in range(CASES):
                own = level * np.exp(generator.normal(0, 0.3))
                unit = f"{seed}-{index}"
                table.append(Measurement(arm, seed, unit, "error_seen", own))
                for metric, ratio in zip(CONDITIONS, ratios, strict=True):
                    value = own * ratio * np.exp(generator.normal(0, noise))
                    table.append(Measurement(arm, seed, unit, metric, value))
    return [*table, *(Measurement("pod", 0, f"0-{index}", "refused", refused) for index in range(CASES))]


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        ({"ratios": (1.0, 1.1, 1.0)}, "supported"),
        ({"ratios": (1.0, 2.0, 1.0)}, "not supported"),
        ({"ratios": (2.0, 1.0, 1.0)}, "not supported"),
        ({"ratios": (1.0, 1.6, 1.0), "noise": 0.5}, "inconclusive"),
        ({"error": 0.39}, "void"),
    ],
)
def test_the_rule_says_yes_no_and_void(given, outcome):
    verdicts = decide(rows(**given))
    assert {verdict.outcome for verdict in verdicts[:-1]} == {outcome}
    assert len(verdicts) == len(TESTED) + 2


def test_one_family_that_loses_its_error_decides_the_headline():
    spoiled = [
        replace(row, value=3 * row.value) if (row.arm, row.metric) == ("multiscale", "error_fine") else row
        for row in rows()
    ]
    verdicts = {verdict.statement.split()[0]: verdict for verdict in decide(spoiled)}
    assert verdicts["graph"].outcome == verdicts["multiscale"].outcome == "not supported"
    assert verdicts["transolver"].outcome == "supported"
    assert "grid-unet" in verdicts["graph"].controls


def test_the_estimate_is_the_worst_of_the_three_ratios_with_its_interval():
    verdict = decide(rows(ratios=(1.0, 1.3, 1.1)))[0]
    assert verdict.estimate == pytest.approx(1.3, rel=0.05)
    assert verdict.low < verdict.estimate < verdict.high


@pytest.mark.parametrize(("refused", "outcome"), [(1.0, "supported"), (0.0, "not supported")])
def test_pod_is_judged_by_what_it_refuses(refused, outcome):
    assert decide(rows(refused=refused))[-1].outcome == outcome


def test_the_grid_names_each_job_once_and_covers_each_arm_and_seed():
    grid = jobs(UnseenSettings((0, 1), 4, 3, 0.1))
    assert len({job.name for job in grid}) == len(grid)
    pairs = [(job.seed, arm) for job in grid for arm in job.settings["arms"]]
    assert len(pairs) == len(set(pairs)) == 2 * (len(TESTED) + 2)


def test_test_cases_are_paired_on_training_domains_and_new_where_they_should_be():
    from medsuite.gridml.simulation import simulate

    groups = paired_cases(3, UnseenSettings((3,), 2, 2, 0.1))
    training = simulate("poisson", cases=2, seed=3)
    for index, seen in enumerate(groups["error_seen"]):
        assert seen.mesh.fingerprint == training[index].mesh.fingerprint
        assert not np.allclose(seen.inputs["f"], training[index].inputs["f"])
        remeshed, fine = groups["error_remeshed"][index], groups["error_fine"][index]
        assert remeshed.mesh.fingerprint != seen.mesh.fingerprint
        for other in (remeshed, fine):
            assert other.mesh.areas.sum() == pytest.approx(seen.mesh.areas.sum(), rel=0.01)
        assert fine.mesh.node_count == pytest.approx(4 * seen.mesh.node_count, rel=0.15)
        assert groups["error_new"][index].mesh.areas.sum() != pytest.approx(seen.mesh.areas.sum(), rel=1e-4)


def test_the_figure_shows_every_family_in_every_condition():
    (drawing,) = draw(rows())
    axes = drawing.figure.axes[0]
    assert len(axes.get_xticks()) == len(TESTED) + 1
    assert len(axes.get_legend().get_texts()) == len(CONDITIONS) + 1
