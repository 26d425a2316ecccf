import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD
from sklearn.linear_model import Ridge

from medsuite.bpgpt.ridge import PENALTIES, RidgeDecoder
from medsuite.core.errors import InputError


def windows(count=60, rows=3, voxels=6, features=4, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    bold = rng.standard_normal((count, rows, voxels)).astype(np.float32)
    weights = rng.standard_normal((rows * voxels, features)).astype(np.float32)
    target = bold.reshape(count, -1) @ weights + noise * rng.standard_normal((count, features)).astype(np.float32)
    return bold, target.astype(np.float32)


def test_predictions_equal_scikit_learns_ridge_on_the_same_components():
    bold, target = windows()
    decoder = RidgeDecoder.fit(bold, target, components=4, folds=3)
    projection = TruncatedSVD(4, algorithm="arpack", random_state=0).fit(bold.reshape(-1, 6).astype(np.float64))
    reduced = projection.transform(bold.reshape(-1, 6)).reshape(60, -1)
    chosen = np.asarray(decoder.solver.best_alphas_)
    assert np.isclose(chosen[:, None], PENALTIES).any(axis=1).all()
    for feature, penalty in enumerate(chosen):
        expected = Ridge(alpha=penalty).fit(reduced, target[:, feature]).predict(reduced)
        np.testing.assert_allclose(decoder.predict(bold)[:, feature], expected, rtol=1e-3, atol=1e-3)


def test_a_linear_world_is_predicted_on_new_windows():
    bold, target = windows(200, noise=0.1)
    decoder = RidgeDecoder.fit(bold[:150], target[:150], components=6, folds=3)
    residual = decoder.predict(bold[150:]) - target[150:]
    assert residual.var() < 0.02 * target.var()


def test_folds_by_story_are_taken_as_they_are_given():
    bold, target = windows(40)
    seen = []

    class Folds:
        def split(self, *arrays):
            seen.append(len(arrays[0]))
            yield np.arange(20), np.arange(20, 40)

        def get_n_splits(self, *arrays):
            return 1

    RidgeDecoder.fit(bold, target, components=3, folds=Folds())
    assert set(seen) == {40}


def test_what_does_not_fit_together_is_refused():
    bold, target = windows(10)
    with pytest.raises(InputError, match="10 windows and 9 sentence vectors"):
        RidgeDecoder.fit(bold, target[:9], components=2, folds=2)
    with pytest.raises(InputError, match="7 components of 6 voxels"):
        RidgeDecoder.fit(bold, target, components=7, folds=2)
    decoder = RidgeDecoder.fit(bold, target, components=2, folds=2)
    with pytest.raises(InputError, match="windows of 5 voxels"):
        decoder.predict(bold[:, :, :5])
    bold[3, 0, 0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        RidgeDecoder.fit(bold, target, components=2, folds=2)
