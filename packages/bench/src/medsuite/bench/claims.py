"""All claims of the package."""

from medsuite.bench.clinical.claims import CLAIMS as CLINICAL_CLAIMS
from medsuite.bench.finance.claims import CLAIMS as FINANCE_CLAIMS
from medsuite.core.claims import Claim

CLAIMS: tuple[Claim, ...] = (*CLINICAL_CLAIMS, *FINANCE_CLAIMS)
