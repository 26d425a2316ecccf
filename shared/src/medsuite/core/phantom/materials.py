"""Linear attenuation coefficients at 60 keV, the effective energy of a 120 kVp chest film."""

from collections.abc import Mapping
from types import MappingProxyType

MATERIALS: Mapping[str, float] = MappingProxyType(
    {
        "air": 0.00002,
        "lung": 0.0052,
        "fat": 0.01875,
        "soft tissue": 0.0206,
        "fluid": 0.0206,
        "spongy bone": 0.0300,
        "cortical bone": 0.0604,
        "calcification": 0.0604,
        "barium polymer": 0.1500,
        "metal": 0.3500,
    }
)
"""Linear attenuation in 1/mm: mass attenuation of NIST XCOM at 60 keV times density.

Lung is at full inspiration (0.25 g/cm³), soft tissue and pleural fluid are water (their 4 % do not show on a film),
spongy bone is marrow with trabeculae, and the polymer is a catheter filled with barium. Metal is titanium.
"""


def replacing(material: str, tissue: str) -> float:
    """Return the change of attenuation in 1/mm where a material takes the place of a tissue, Δμ = μ₁ - μ₀.

    Args:
        material: What is there now, a key of `MATERIALS`.
        tissue: What was there before, a key of `MATERIALS`.
    """
    return MATERIALS[material] - MATERIALS[tissue]
