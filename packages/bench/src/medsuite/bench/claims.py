"""All claims of the package."""

from medsuite.bench.finance.claims import CLAIMS as FINANCE_CLAIMS
from medsuite.core.claims import Claim

CLAIMS: tuple[Claim, ...] = FINANCE_CLAIMS
