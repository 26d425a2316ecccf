"""Find the claims of the installed packages through the entry-point group `medsuite.claims`."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from medsuite.core.claims.model import Claim
from medsuite.core.errors import MedsuiteError, unknown_name

GROUP = "medsuite.claims"


@dataclass(frozen=True)
class RegisteredClaim:
    """A claim with the distribution that registered it."""

    claim: Claim
    distribution: str
    version: str

    @property
    def package(self) -> str:
        """The part of the id before the slash."""
        return self.claim.id.partition("/")[0]


def find_claims(selection: Sequence[str] = ()) -> list[RegisteredClaim]:
    """Return the registered claims: packages by name, and each package's as it lists them, its headline first.

    Args:
        selection: Claim ids (`meda-kv/memory`) or packages (`meda-kv`); empty for all.

    Raises:
        InputError: A selected name does not exist; the message names the nearest.
        MedsuiteError: A registered package cannot be imported, or two claims have the same id.
    """
    claims = [claim for point in sorted(entry_points(group=GROUP)) for claim in _load(point)]
    if len({claim.claim.id for claim in claims}) < len(claims):
        raise MedsuiteError("two installed packages register the same claim id", fix="uninstall one of them")
    names = {claim.claim.id for claim in claims} | {claim.package for claim in claims}
    for name in selection:
        if name not in names:
            raise unknown_name("claim", name, names)
    return [claim for claim in claims if not selection or {claim.claim.id, claim.package} & set(selection)]


def _load(point) -> list[RegisteredClaim]:  # type: ignore[no-untyped-def]  # importlib.metadata.EntryPoint
    try:
        claims = point.load()
    except ImportError as error:
        fix = f"reinstall {point.dist.name}"
        raise MedsuiteError(f"the claims of {point.dist.name} cannot be imported ({error})", fix=fix) from error
    return [RegisteredClaim(claim, point.dist.name, point.dist.version) for claim in claims]
