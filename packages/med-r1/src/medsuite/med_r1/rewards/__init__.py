"""Rewards: the released ones, a random control, and what an adversary would be paid."""

from medsuite.core.errors import unknown_name
from medsuite.med_r1.rewards.base import Reward
from medsuite.med_r1.rewards.paper import accuracy_reward, format_reward
from medsuite.med_r1.rewards.probes import ProbeRow, ProbeTable, probe
from medsuite.med_r1.rewards.random import RandomReward

REWARDS: dict[str, Reward] = {"format": format_reward, "accuracy": accuracy_reward}
"""Rewards by name."""


def find_rewards(names: list[str]) -> dict[str, Reward]:
    """Return rewards by their names.

    Raises:
        InputError: A name is unknown.
    """
    for name in names:
        if name not in REWARDS:
            raise unknown_name("reward", name, REWARDS)
    return {name: REWARDS[name] for name in names}


__all__ = [
    "REWARDS",
    "ProbeRow",
    "ProbeTable",
    "RandomReward",
    "Reward",
    "accuracy_reward",
    "find_rewards",
    "format_reward",
    "probe",
]
