"""Shared fixtures: a question, a set of simulated ones, a tiny policy saved to disk."""

import numpy as np
import pytest

from medsuite.med_r1 import Question


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def question():
    return Question("q", "a.png", "What is shown?", ("port", "lung", "nodule", "mass"), 1, "MR")


@pytest.fixture(scope="session")
def simulated():
    from medsuite.med_r1.simulation import simulate

    return simulate(12, "MR", np.random.default_rng(0), side=28)


@pytest.fixture(scope="session")
def policy(tmp_path_factory):
    from medsuite.med_r1.policy import tiny_policy
    from medsuite.med_r1.transfer.base import corpus

    return tiny_policy(corpus(), tmp_path_factory.mktemp("policy"), side=28)
