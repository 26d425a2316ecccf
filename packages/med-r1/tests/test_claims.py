from importlib.metadata import entry_points

import pytest

from medsuite.core.claims import SCALES
from medsuite.core.errors import InputError
from medsuite.med_r1.claims import ARMS, CLAIMS, RIVALS, TRAINED, TRANSFER


def test_the_entry_points_lead_to_the_claim_and_the_commands():
    (claims,) = entry_points(group="medsuite.claims", name="med-r1")
    (commands,) = entry_points(group="medsuite.commands", name="med-r1")
    assert claims.load() is CLAIMS
    assert commands.load().info.help.startswith("Reinforcement learning for medical VQA")


def test_the_arms_of_the_claim_are_what_is_trained_and_its_controls():
    names = [arm.name for arm in ARMS]
    assert len(set(names)) == len(names)
    assert set(names) - set(TRAINED) == {"base", "text only"}
    assert set(RIVALS) < set(TRAINED)


@pytest.mark.parametrize("scale", ["smoke", "laptop", "workstation"])
def test_a_larger_scale_has_every_arm_and_costs_more(scale):
    jobs = TRANSFER.jobs(TRANSFER.settings(scale))
    assert {job.settings["arm"] for job in jobs} == {*TRAINED, "base"}
    assert len({job.name for job in jobs}) == len(jobs)
    assert all(job.seconds > 0 for job in jobs)
    smaller = {"smoke": None, "laptop": "smoke", "workstation": "laptop"}[scale]
    if smaller:
        less = TRANSFER.jobs(TRANSFER.settings(smaller))
        assert sum(job.seconds for job in jobs) > sum(job.seconds for job in less)


def test_the_prototype_s_sizes_and_rates_are_the_laptop_s():
    settings = TRANSFER.settings("laptop")
    assert (settings.generations, settings.prompts, settings.grpo_steps, settings.grpo_rate) == (8, 8, 70, 2e-4)
    assert (settings.sft_steps, settings.batch, settings.sft_rate, settings.tries) == (80, 64, 1e-3, 4)
    assert (settings.train_questions, settings.noise_steps, settings.noise, settings.seeds) == (600, 60, 0.4, 3)


def test_there_is_no_paper_scale_since_no_data_set_is_read():
    assert set(TRANSFER.scales) < set(SCALES)
    with pytest.raises(InputError, match="has no scale 'paper'"):
        TRANSFER.settings("paper")
