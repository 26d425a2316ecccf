import numpy as np
import torch

from medsuite.grounding.dense import DenseSize
from medsuite.grounding.phantom import draw_set
from medsuite.grounding.prompts import strategy
from medsuite.grounding.training import DenseTraining, overlap_with_target, train_dense

SMALL = DenseSize(channels=16, text=32, hidden=24)


def trained(phantom, data, steps, seed=0, name="knowledge"):
    rng = np.random.default_rng(seed)
    told = strategy(name, phantom, rng)
    texts = [told.render(finding, rng).text for finding in phantom.findings]
    heard = []
    grounder = train_dense(
        data, texts, texts, DenseTraining(steps=steps, pictures=8), seed=seed, size=SMALL, progress=heard.append
    )
    return grounder, told, heard


def test_training_finds_the_lesions_of_the_pictures_that_it_saw(phantom, rng):
    pair = [(np.array([0, 24]), 2)]
    data = draw_set(phantom, 24, pair, rng)
    grounder, told, heard = trained(phantom, data, 90)
    found = overlap_with_target(grounder, data, phantom, told, rng) >= 0.5
    untrained, _, _ = trained(phantom, data, 1)
    assert found.mean() > 0.7 > (overlap_with_target(untrained, data, phantom, told, rng) >= 0.5).mean()
    assert heard[-1] == 1
    assert heard == sorted(heard)


def test_the_same_seed_trains_the_same_network(phantom, rng):
    data = draw_set(phantom, 8, [(np.arange(32), 4)], rng)
    first, again = (trained(phantom, data, 2)[0].network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    other = trained(phantom, data, 2, seed=1)[0].network.state_dict()
    assert not torch.equal(first["film.weight"], other["film.weight"])
