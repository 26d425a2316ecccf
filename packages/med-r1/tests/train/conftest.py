import pytest
import torch


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def history(trainer_state, *names):
    return [[entry[name] for name in names] for entry in trainer_state]


@pytest.fixture
def same_weights():
    def check(first, second):
        left, right = first.model.state_dict(), second.model.state_dict()
        assert left.keys() == right.keys()
        return max((left[name] - right[name]).abs().max().item() for name in left)

    return check
