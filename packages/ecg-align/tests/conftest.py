import numpy as np
import pytest
import torch
from hypothesis import settings

from medsuite.ecg_align.simulate import SimulatedBatch, Simulator

# Models this small gain nothing from a second thread, and two that wait for each other on a busy machine lose much.
torch.set_num_threads(1)
# A property is no stop-watch: on a busy machine one example may take long. A profile of the command line replaces this.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def generator() -> torch.Generator:
    torch.manual_seed(0)
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="session")
def simulator() -> Simulator:
    return Simulator()


@pytest.fixture(scope="session")
def batch(simulator: Simulator) -> SimulatedBatch:
    return simulator.draw(200, np.random.default_rng(0))
