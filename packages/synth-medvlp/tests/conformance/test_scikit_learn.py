"""Zero-shot evaluation against scikit-learn's AUROC of scores that are computed prompt by prompt."""

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from medsuite.synth_medvlp import FINDINGS, DualEncoder, zero_shot
from medsuite.synth_medvlp.model import Sizes


def unit(vector):
    return vector / np.linalg.norm(vector)


@pytest.fixture(scope="module")
def asked(bank, prompts):
    """A model with random weights, 200 films on a coarse grid of scores with ties, and random labels."""
    torch.manual_seed(0)
    model = DualEncoder(Sizes(widths=(4, 6, 8), text=24, dim=12)).eval()
    rng = np.random.default_rng(0)
    images = rng.integers(-1, 2, (200, 12)).astype(np.float32)
    labels = rng.random((200, len(FINDINGS))) < rng.uniform(0.05, 0.6, len(FINDINGS))
    return model, images, labels, zero_shot(model, torch.from_numpy(images), labels, prompts, bank)


def sentence(model, bank, text):
    with torch.no_grad():
        return model.encode_sentences(bank.pooled[[bank.index[text]]])[0].double().numpy()


def test_the_ensemble_is_the_auroc_of_the_difference_of_mean_prompts(asked, bank, prompts):
    model, images, labels, result = asked
    for place in range(len(FINDINGS)):
        affirming, denying = (
            unit(np.mean([sentence(model, bank, text) for text in side[place]], axis=0))
            for side in (prompts.affirming, prompts.denying)
        )
        # Rounded, since equal films get equal scores up to the order of a sum.
        scores = np.round(images.astype(float) @ (affirming - denying), 5)
        assert result.ensemble[place] == pytest.approx(roc_auc_score(labels[:, place], scores), abs=2e-3)


def test_every_pair_of_prompts_has_its_own_auroc(asked, bank, prompts):
    model, images, labels, result = asked
    pairs = len(prompts.affirming[0])
    assert result.single.shape == (pairs, len(FINDINGS)) == (6, 14)
    for pair in range(pairs):
        for place in (0, 5, 13):
            texts = prompts.affirming[place][pair], prompts.denying[place][pair]
            first, second = (sentence(model, bank, text) for text in texts)
            expected = roc_auc_score(labels[:, place], np.round(images.astype(float) @ (first - second), 5))
            assert result.single[pair, place] == pytest.approx(expected, abs=2e-3)
    assert result.spread == pytest.approx((result.single.mean(1).min(), result.single.mean(1).max()))
    assert result.worst == pytest.approx(result.single.min(0).mean())


def test_the_ranking_is_that_of_chexzeros_softmax(asked, bank, prompts):
    """exp(u p+) / (exp(u p+) + exp(u p-)) rises with u (p+ - p-)."""
    model, images, labels, result = asked
    place, pair = 3, 2
    texts = prompts.affirming[place][pair], prompts.denying[place][pair]
    first, second = (np.exp(images.astype(float) @ sentence(model, bank, text)) for text in texts)
    scores = np.round(first / (first + second), 6)
    assert result.single[pair, place] == pytest.approx(roc_auc_score(labels[:, place], scores), abs=2e-3)


def test_neither_scale_nor_order_of_the_films_matters(asked, bank, prompts):
    model, images, labels, result = asked
    order = np.random.default_rng(1).permutation(len(images))
    moved = zero_shot(model, torch.from_numpy(4 * images[order]), labels[order], prompts, bank)
    np.testing.assert_allclose(moved.ensemble, result.ensemble, atol=1e-6)
    mirrored = zero_shot(model, torch.from_numpy(-images), labels, prompts, bank)
    np.testing.assert_allclose(mirrored.ensemble, 1 - result.ensemble, atol=1e-6)
