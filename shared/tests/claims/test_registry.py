import pytest

from medsuite.core.claims.registry import find_claims
from medsuite.core.errors import InputError, MedsuiteError


def ids(claims):
    return [claim.claim.id for claim in claims if claim.package == "toy"]


def test_claims_are_found_through_entry_points_in_their_packages_order(toy):
    assert ids(find_claims()) == ["toy/coin", "toy/crash", "toy/fail", "toy/undecided", "toy/slow"]


def test_a_claim_knows_its_distribution_and_version(toy):
    (claim,) = find_claims(["toy/coin"])
    assert (claim.distribution, claim.version, claim.package) == ("medsuite-toy", "1.2.3", "toy")


def test_a_package_name_selects_all_its_claims(toy):
    assert len(find_claims(["toy"])) == 5


def test_an_unknown_claim_is_answered_with_the_nearest(toy):
    with pytest.raises(InputError, match=r"unknown claim 'toy/coins'.*did you mean 'toy/coin'"):
        find_claims(["toy/coins"])


def test_a_package_that_cannot_be_imported_is_named(toy):
    (toy / "medsuite_toy.py").rename(toy / "hidden.py")
    try:
        with pytest.raises(MedsuiteError, match="claims of medsuite-toy cannot be imported"):
            find_claims()
    finally:
        (toy / "hidden.py").rename(toy / "medsuite_toy.py")
