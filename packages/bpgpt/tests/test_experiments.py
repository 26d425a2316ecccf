import numpy as np
import pytest
import torch

from medsuite.bpgpt.claims import BRAIN
from medsuite.bpgpt.evaluate.experiments import Bench, one_thread, prepare, slot_accuracy
from medsuite.bpgpt.train import Alignment


@pytest.fixture(scope="module")
def bench() -> Bench:
    return prepare(0, BRAIN.settings("smoke"))


def test_slot_accuracy_counts_words_at_their_place():
    heard = ["old king hid drum", "tired baker sold map"]
    assert slot_accuracy(["old king drum hid", ""], heard).tolist() == [0.5, 0.0]
    assert slot_accuracy(["tired", "tired baker sold map and more"], heard).tolist() == [0.0, 1.0]


def test_training_and_test_windows_are_different(bench):
    assert not (bench.train.bold[:, None, 0, 0] == bench.test.bold[None, :, 0, 0]).any()


def test_arms_begin_from_the_same_encoder_and_see_the_same_order(bench):
    itself = np.arange(len(bench.train.slots))
    first, again = (bench.encoder(bench.train, None, itself).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    aligned = bench.encoder(bench.train, Alignment(), itself).state_dict()
    assert not torch.equal(aligned["project.weight"], first["project.weight"])


def test_a_reading_depends_on_the_prompt_alone(bench):
    prompts = bench.text_prompts(bench.test)
    reading = bench.read(prompts, bench.test)
    order = torch.arange(len(prompts) - 1, -1, -1)
    assert bench.read(prompts[order], bench.test).texts == reading.texts[::-1]


def test_one_thread_is_given_back():
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
