"""What the tests of statistics share."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from medsuite.core.errors import InputError


@pytest.fixture
def rng():
    return np.random.default_rng(20240607)


@pytest.fixture
def expect_refusal():
    """Expect an `InputError`; for a wrong shape or literal, the shape checker speaks first where it is switched on."""

    def expect(message):
        return pytest.raises((InputError, TypeCheckError), match=f"{message}|Type-check error")

    return expect
