"""Draw the READMEs' pictures of the claims from a run's rows: `python docs/claim_pictures.py RUN`.

Every claim's first figure becomes `packages/NAME/claim-CLAIM.svg`. Nothing is run.
"""

import sys
from pathlib import Path

from medsuite.core.claims.decision import decide
from medsuite.core.claims.registry import find_claims
from medsuite.core.reporting import drawing_style
from medsuite.core.runs import RunFolder

PACKAGES = Path(__file__).parents[1] / "packages"
WHITE = {"facecolor": "white", "bbox_inches": "tight", "metadata": {"Date": None, "Creator": None}}

folder = RunFolder.existing(Path(sys.argv[1]))
scale = folder.manifest()["config"]["scale"]
for registered in find_claims():
    package, _, name = registered.claim.id.partition("/")
    rows = decide(registered, scale, folder).rows
    if rows:
        with drawing_style():
            drawing = registered.claim.draw(rows)[0]
            drawing.figure.savefig(PACKAGES / package / f"claim-{name}.svg", **WHITE)
        print(f"{package}/claim-{name}.svg: {drawing.caption}")
