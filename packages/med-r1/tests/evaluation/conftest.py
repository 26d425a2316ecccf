import numpy as np
import pytest

from medsuite.med_r1 import Question, QuestionSet
from medsuite.med_r1.pictures import GreyPictures


@pytest.fixture
def questions():
    rng = np.random.default_rng(0)
    words = ("edema", "fracture", "nodule", "mass")
    items = tuple(
        Question(str(n), str(n), "What?", tuple(rng.permutation(words).tolist()), int(rng.integers(4)), "MR")
        for n in range(40)
    )
    grey = rng.integers(0, 255, (40, 8, 8)).astype(np.uint8)
    return QuestionSet(items, GreyPictures([str(n) for n in range(40)], grey))
