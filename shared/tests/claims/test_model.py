import importlib
from dataclasses import FrozenInstanceError, replace

import pytest

from medsuite.core.claims import Job
from medsuite.core.errors import InputError


@pytest.fixture
def coin(toy):
    return importlib.import_module("medsuite_toy").CLAIMS[0]


def test_a_claim_cannot_be_changed(coin):
    with pytest.raises(FrozenInstanceError):
        coin.statement = "Coins are fair."


def test_a_jobs_key_depends_on_all_that_its_rows_depend_on():
    job = Job("seed=0", 0, {"bias": 0.1})
    key = job.key("toy/coin", "1.0", {"tosses": 8})
    others = [
        replace(job, seed=1).key("toy/coin", "1.0", {"tosses": 8}),
        replace(job, settings={"bias": 0.2}).key("toy/coin", "1.0", {"tosses": 8}),
        job.key("toy/other", "1.0", {"tosses": 8}),
        job.key("toy/coin", "1.1", {"tosses": 8}),
        job.key("toy/coin", "1.0", {"tosses": 9}),
    ]
    assert key not in others
    assert len(set(others)) == len(others)


def test_a_jobs_key_does_not_depend_on_its_expected_cost():
    job = Job("seed=0", 0, {"b": 1, "a": 2}, seconds=1)
    assert job.key("c", "1", {}) == replace(job, seconds=99, settings={"a": 2, "b": 1}).key("c", "1", {})


def test_a_scale_that_the_claim_lacks_is_named(coin):
    with pytest.raises(InputError, match=r"toy/coin has no scale 'paper'; expected one of smoke, laptop"):
        coin.settings("paper")


def test_a_scale_that_nobody_has_is_answered_with_the_nearest(coin):
    with pytest.raises(InputError, match="did you mean 'laptop'"):
        coin.settings("labtop")
