"""The linear rival: ridge regression from BOLD to sentence vectors, which the text mapper turns into prompts."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from medsuite.core.errors import InputError

PENALTIES = tuple(np.logspace(0, 6, 7).tolist())


@runtime_checkable
class Splitter(Protocol):
    """What scikit-learn calls a splitter, such as `PredefinedSplit` with a fold for each story."""

    def split(self, *arrays: Any) -> Iterable[tuple[Int[np.ndarray, "train"], Int[np.ndarray, "test"]]]:
        """Yield the numbers of training and of test windows."""


@dataclass(frozen=True)
class RidgeDecoder:
    """A linear decoder, v = vec(x C) W + b: spatial components of the training windows, then ridge (himalaya).

    Attributes:
        components: C, the leading spatial components.
        solver: The fitted `himalaya.ridge.RidgeCV`, with a penalty for every feature of the sentence vector.
    """

    components: Float[np.ndarray, "voxel component"]
    solver: Any

    @classmethod
    def fit(
        cls,
        bold: Float[np.ndarray, "window row voxel"],
        sentences: Float[np.ndarray, "sentence feature"],
        *,
        components: int,
        folds: int | Splitter,
    ) -> "RidgeDecoder":
        """Fit components, penalties and weights on training windows.

        O(window (row component)^2) for each fold.

        Args:
            bold: Training windows.
            sentences: Their sentence vectors.
            components: Number of spatial components.
            folds: Splits that choose the penalties, such as one fold per story: the default of most libraries, random
                windows, lets neighbours of one story stand on both sides. A number is for independent windows.

        Raises:
            InputError: The numbers of windows differ, a value is not finite, or there are fewer voxels than components.
        """
        if len(bold) != len(sentences):
            raise InputError(f"{len(bold)} windows and {len(sentences)} sentence vectors", expected="one for each")
        if not (np.isfinite(bold).all() and np.isfinite(sentences).all()):
            raise InputError("windows or sentence vectors that are not finite", fix="standardise them with a Scaler")
        if not 1 <= components <= bold.shape[2]:
            raise InputError(f"{components} components of {bold.shape[2]} voxels", expected=f"1 to {bold.shape[2]}")
        from himalaya.ridge import RidgeCV

        rows = bold.reshape(-1, bold.shape[2]).astype(np.float64)
        _, vectors = np.linalg.eigh(rows.T @ rows)
        leading = vectors[:, ::-1][:, :components].astype(np.float32)
        solver = RidgeCV(alphas=np.array(PENALTIES), fit_intercept=True, cv=folds, solver_params={"warn": False})
        solver.fit((bold @ leading).reshape(len(bold), -1), sentences)
        return cls(leading, solver)

    def predict(self, bold: Float[np.ndarray, "window row voxel"]) -> Float[np.ndarray, "window feature"]:
        """Predict sentence vectors.

        Raises:
            InputError: The windows have another number of voxels than those of the fit.
        """
        if bold.shape[2] != len(self.components):
            raise InputError(f"windows of {bold.shape[2]} voxels", expected=f"the {len(self.components)} of the fit")
        return np.asarray(self.solver.predict((bold @ self.components).reshape(len(bold), -1)), dtype=np.float32)
