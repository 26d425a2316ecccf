"""Shared fixtures: the two knowledge bases, random boxes and cases, and a tiny Florence-2."""

import numpy as np
import pytest
import torch
from hypothesis import settings

from medsuite.grounding.knowledge import load_knowledge
from medsuite.grounding.metrics import Case

# Models this small gain nothing from a second thread, and two that wait for each other on a busy machine lose much.
torch.set_num_threads(1)
# A property is no stop-watch: on a busy machine one example may take long. A profile of the command line replaces this.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def phantom():
    return load_knowledge("phantom")


@pytest.fixture(scope="session")
def vindr():
    return load_knowledge("vindr")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def tiny():
    from medsuite.core.tiny import florence2

    return florence2()


def random_boxes(rng, count, extent=100.0):
    near = rng.uniform(0, 0.7 * extent, (count, 2))
    return np.concatenate([near, near + rng.uniform(2, 0.3 * extent, (count, 2))], axis=1)


def random_case(rng, name, classes, most=4):
    targets = random_boxes(rng, rng.integers(0, most + 1))
    kept = targets[rng.random(len(targets)) < 0.7]
    near = kept + rng.normal(0, 2, kept.shape)
    near = np.concatenate([near[:, :2], np.maximum(near[:, 2:], near[:, :2] + 1)], axis=1)
    boxes = np.concatenate([near, random_boxes(rng, rng.integers(0, 3))])
    labels = rng.integers(0, classes, len(targets)), rng.integers(0, classes, len(boxes))
    return Case(name, targets, labels[0], boxes, labels[1], rng.random(len(boxes)))


@pytest.fixture(name="random_boxes")
def random_boxes_fixture():
    return random_boxes


@pytest.fixture(name="random_case")
def random_case_fixture():
    return random_case


@pytest.fixture
def cases(rng):
    return [random_case(rng, f"image-{number}", 3) for number in range(40)]
