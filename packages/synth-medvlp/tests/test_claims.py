from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from medsuite.core.claims import Job, Measurement
from medsuite.synth_medvlp import FINDINGS
from medsuite.synth_medvlp.claims import CLAIMS, SYNTHETIC_PAIRS, Settings
from medsuite.synth_medvlp.evaluate import experiment
from medsuite.synth_medvlp.evaluate.arms import CEILING, GROUPS, REAL, SHUFFLED, SOURCES, SYNTHETIC, cell_name
from medsuite.synth_medvlp.why import CELLS

HEADLINE = "Synthetic pairs beat as many real ones with a long tail and harsh dirt"
SMALL = Settings(2, 48, 60, size=32, epochs=1, batch=16)


class Folders:
    """A context whose artefacts are built once in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.built = folder, []
        self.settings, self.scale, self.data = SMALL, "smoke", None
        self.fractions: list[float] = []

    def artefact(self, name, build):
        path = self.folder / name.replace(" ", "_")
        if not path.exists():
            path.mkdir()
            build(path)
            self.built.append(name)
        return path

    def progress(self, fraction):
        self.fractions.append(fraction)


@pytest.fixture(scope="module")
def context(tmp_path_factory, bank):
    """A context whose sentence bank is made up."""
    folders = Folders(tmp_path_factory.mktemp("run"))
    (folders.folder / "sentences").mkdir()
    bank.save(folders.folder / "sentences/bank.safetensors")
    return folders


@pytest.fixture(scope="module")
def rows(context):
    with pytest.MonkeyPatch.context() as patch:
        from medsuite.synth_medvlp.model import DualEncoder, Sizes

        patch.setattr(experiment, "DualEncoder", lambda: DualEncoder(Sizes((4, 6, 8), 24, 8)))
        return [row for job in SYNTHETIC_PAIRS.jobs(SMALL) for row in SYNTHETIC_PAIRS.run(job, context)]


def test_the_grid_has_a_job_for_every_seed_and_group_and_every_arm_once():
    jobs = SYNTHETIC_PAIRS.jobs(SYNTHETIC_PAIRS.settings("laptop"))
    assert len({job.name for job in jobs}) == len(jobs) == 12
    grouped = [arm for arms in GROUPS.values() for arm in arms]
    assert sorted(grouped) == sorted(SOURCES) == sorted(arm.name for arm in SYNTHETIC_PAIRS.arms)


def test_the_expected_cost_follows_the_size_of_the_sets():
    jobs = {job.settings["group"]: job.seconds for job in SYNTHETIC_PAIRS.jobs(SMALL)}
    size = {group: sum(source.share for arm in arms for source in SOURCES[arm]) for group, arms in GROUPS.items()}
    assert sorted(jobs, key=jobs.__getitem__) == sorted(size, key=size.__getitem__)


def test_cells_differ_in_what_their_names_say_and_in_nothing_else():
    for cell in CELLS:
        (source,) = SOURCES[cell_name(cell)]
        assert (source.balanced, source.dirt.bad == 0, source.synthetic) == (cell[0] == 1, cell[1] == 1, cell[2])
        assert (source.stream, source.share) == (0, 1.0)


def test_arms_that_are_compared_at_equal_size_have_it(context):
    sizes = {arm: len(experiment.training_set(arm, 0, context).films) for arm in SOURCES}
    assert {size for arm, size in sizes.items() if "double" not in arm} == {48}
    assert {size for arm, size in sizes.items() if "double" in arm} == {96}


def test_the_double_real_set_has_two_different_halves_with_the_same_tail(context):
    doubled = experiment.training_set("real double", 0, context)
    assert not np.array_equal(doubled.films[:48], doubled.films[48:])
    counts = [part.sum(0) for part in np.split(doubled.labels, 2)]
    assert np.corrcoef(*counts)[0, 1] > 0.5


def test_films_are_drawn_once_for_all_arms_and_test_films_once_for_all_seeds(context, rows):
    films = [name for name in context.built if name.startswith("films")]
    assert len(films) == len(set(films))
    # Two tails, two domains, half the gap, and a second real set.
    assert sum("seed=0 " in name for name in films) == 6
    assert sum("n=60" in name for name in films) == 1


def test_every_arm_is_measured_with_its_prompts_and_its_facts(rows):
    units = {(row.arm, row.metric, row.unit) for row in rows}
    for arm in SOURCES:
        assert {(arm, "auroc", name) for name in FINDINGS} <= units
        assert {(arm, "macro", f"prompt {place}") for place in range(6)} <= units
        assert {(arm, metric, "set") for metric in ("tail slope", "bad films", "report recall", "loss")} <= units


def test_the_same_job_gives_the_same_rows(context, rows, monkeypatch):
    from medsuite.synth_medvlp.model import DualEncoder, Sizes

    monkeypatch.setattr(experiment, "DualEncoder", lambda: DualEncoder(Sizes((4, 6, 8), 24, 8)))
    again = SYNTHETIC_PAIRS.run(Job("", 1, {"group": "levels"}), context)
    wanted = [row for row in rows if row.seed == 1 and row.arm in GROUPS["levels"]]
    # Undefined values are equal, too.
    assert repr(list(again)) == repr(wanted)


def test_progress_rises_to_the_end_of_the_last_arm(context, rows):
    assert max(context.fractions) > 0.6
    assert min(context.fractions) == 0


def test_what_did_not_learn_is_void_and_can_be_drawn(rows):
    assert {verdict.outcome for verdict in SYNTHETIC_PAIRS.decide(rows)} == {"void"}
    assert len([drawing.figure.axes for drawing in SYNTHETIC_PAIRS.draw(rows)]) == 3


def made_up(effects: dict[str, float], noise: float = 0.004, shuffled: float = 0.5) -> list[Measurement]:
    """Rows whose arms have given mean AUROCs: 0.6 for real pairs, plus the arm's effect."""
    rng, rows = np.random.default_rng(0), []
    facts = {"tail slope": 1.3, "bad films": 0.25, "report precision": 0.7, "report recall": 0.7}
    for seed in range(3):
        for arm in SOURCES:
            level = (shuffled if arm == SHUFFLED else 0.6 + effects.get(arm, 0.0)) + rng.normal(0, noise)
            offsets = rng.normal(0, 0.05, len(FINDINGS))
            for name, offset in zip(FINDINGS, offsets - offsets.mean(), strict=True):
                rows.append(Measurement(arm, seed, name, "auroc", level + offset))
            rows += [Measurement(arm, seed, f"prompt {place}", "macro", level) for place in range(6)]
            rows += [Measurement(arm, seed, "set", metric, value) for metric, value in facts.items()]
    return rows


def outcomes(rows):
    return {verdict.statement: verdict.outcome for verdict in SYNTHETIC_PAIRS.decide(rows)}


ADDITIVE = {cell_name(cell): 0.05 * cell[0] + 0.08 * cell[1] - 0.06 * cell[2] for cell in CELLS}


def test_additive_effects_are_found_with_their_signs():
    rows = made_up(ADDITIVE | {"mixed": 0.08, "mixed double": 0.15, "real double": 0.04, "mild real": 0.15})
    found = outcomes(rows)
    assert found[HEADLINE] == "supported"
    assert found["They beat real pairs with the few bad films that the paper found"] == "not supported"
    assert found["They beat twice as many real pairs, at the same size and steps"] == "supported"
    assert found["Balancing the findings helps"] == "supported"
    assert found["Cleaning films, reports and pairing helps"] == "supported"
    assert found["The synthetic domain itself helps"] == "not supported"
    headline = SYNTHETIC_PAIRS.decide(rows)[0]
    assert headline.estimate == pytest.approx(0.07, abs=0.01)
    assert "tail slope 1.30, 25% bad films" in headline.controls
    assert "against mildly dirty real pairs -0.08" in headline.controls
    parts = SYNTHETIC_PAIRS.decide(rows)[-2].controls
    assert "balance +0.05" in parts


def test_a_gain_that_one_finding_makes_alone_is_told():
    rows = made_up(ADDITIVE, noise=0.0)
    plain = SYNTHETIC_PAIRS.decide(rows)[0]
    lifted = [replace(row, value=row.value + 1.4) if one(row) else row for row in rows]
    verdict = SYNTHETIC_PAIRS.decide(lifted)[0]
    assert verdict.estimate == pytest.approx(plain.estimate + 0.1)
    without = float(verdict.controls.partition("without pacemaker ")[2].partition(";")[0])
    assert without == pytest.approx(plain.estimate, abs=0.02)


def one(row: Measurement) -> bool:
    return (row.arm, row.metric, row.unit) == (SYNTHETIC, "auroc", "pacemaker")


def test_a_domain_that_costs_more_than_it_gains_is_not_supported():
    rows = made_up(ADDITIVE | {SYNTHETIC: -0.05})
    assert outcomes(rows)[HEADLINE] == "not supported"


def test_noise_between_seeds_makes_it_inconclusive():
    assert outcomes(made_up(ADDITIVE, noise=0.08))[HEADLINE] == "inconclusive"


@pytest.mark.parametrize(
    ("effects", "shuffled", "reason"),
    [
        ({CEILING: -0.1}, 0.5, "ceiling"),
        (ADDITIVE, 0.62, "shuffled pairs reach"),
        ({REAL: 0.0, CEILING: -0.05}, 0.5, ""),
    ],
)
def test_nothing_is_decided_if_nothing_was_learned_or_shuffled_pairs_teach(effects, shuffled, reason):
    verdicts = SYNTHETIC_PAIRS.decide(made_up(effects, shuffled=shuffled))
    assert {verdict.outcome for verdict in verdicts} == {"void"}
    assert all(reason in verdict.reason for verdict in verdicts)


def test_shuffled_pairs_are_decided_by_an_interval_around_chance():
    statement = "Shuffled synthetic pairs teach nothing"
    assert outcomes(made_up(ADDITIVE))[statement] == "supported"
    assert outcomes(made_up(ADDITIVE, shuffled=0.3))[statement] == "not supported"


def test_claims_are_registered_with_settings_that_can_be_hashed():
    assert CLAIMS == (SYNTHETIC_PAIRS,)
    for scale, settings in SYNTHETIC_PAIRS.scales.items():
        assert len(SYNTHETIC_PAIRS.job_keys(scale, "0.1.0")) == settings.seeds * len(GROUPS)
        assert asdict(settings)["tail"] == 1.5
