"""From attenuation to the grey values of a CT and of an MR slice: one material table, two laws.

The phantom's materials have an attenuation each; `TISSUES` adds what a magnet sees of them. A point between two
materials is taken for a mixture of the two, so that one number per point, its attenuation μ, makes both slices and
agrees with the film, which is the integral of the same μ.

- CT: HU = 1000 (μ - μ_water) / μ_water with Gaussian noise, in a lung window.
- MR: spin echo, S = ρ (1 - exp(-TR / T1)) exp(-TE / T2), times a smooth bias field, with Rician noise.

Lung holds a quarter of the protons of soft tissue and is dark on both; fat is brighter than soft tissue on MR and
darker on CT; calcification is the brightest on CT and film and black on MR. That is the shift between the domains.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from medsuite.core.phantom import MATERIALS

Slice = Float[np.ndarray, "height width"]


@dataclass(frozen=True)
class Tissue:
    """What a magnet sees of a material.

    Attributes:
        protons: Density ρ of mobile protons, 1 for water.
        t1_ms: Longitudinal relaxation time.
        t2_ms: Transverse relaxation time.
    """

    protons: float
    t1_ms: float
    t2_ms: float


TISSUES = {
    "air": Tissue(0.0, 1000.0, 1.0),
    "lung": Tissue(0.19, 1000.0, 50.0),
    "fat": Tissue(0.90, 260.0, 85.0),
    "soft tissue": Tissue(0.75, 900.0, 50.0),
    "spongy bone": Tissue(0.45, 400.0, 60.0),
    "cortical bone": Tissue(0.05, 1000.0, 2.0),
}
"""Round values for 1.5 T; calcification attenuates as cortical bone does and is as black."""

TR_MS, TE_MS = 3000.0, 20.0
"""Repetition and echo time of the MR slice, a proton-density weighting, in which the lung is not yet black."""
MR_WHITE = 0.65
"""MR signal that is drawn white."""
CT_LEVEL_HU, CT_WIDTH_HU = -450.0, 1500.0
"""The lung window."""


def hounsfield(attenuation: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Return CT numbers in HU, 1000 (μ - μ_water) / μ_water, of attenuations in 1/mm."""
    water = MATERIALS["fluid"]
    return 1000.0 * (attenuation - water) / water


def spin_echo(tissue: Tissue) -> float:
    """Return the signal S = ρ (1 - exp(-TR / T1)) exp(-TE / T2) of a tissue."""
    return float(tissue.protons * -np.expm1(-TR_MS / tissue.t1_ms) * np.exp(-TE_MS / tissue.t2_ms))


def magnetic_signal(attenuation: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Return the MR signal of points by their attenuation in 1/mm, mixing the two materials that enclose it."""
    names = sorted(TISSUES, key=lambda name: MATERIALS[name])
    return np.interp(attenuation, [MATERIALS[name] for name in names], [spin_echo(TISSUES[name]) for name in names])


def render_ct(attenuation: Slice, noise_hu: float, rng: np.random.Generator) -> Slice:
    """Draw a CT slice, 0 black to 1 white.

    Args:
        attenuation: In 1/mm.
        noise_hu: Standard deviation of the noise in HU.
        rng: Source of the noise.
    """
    values = hounsfield(attenuation) + noise_hu * rng.standard_normal(attenuation.shape)
    return np.clip((values - CT_LEVEL_HU) / CT_WIDTH_HU + 0.5, 0.0, 1.0)


def render_mr(attenuation: Slice, noise: float, rng: np.random.Generator) -> Slice:
    """Draw an MR slice, 0 black to 1 white: |S B + n₁ + i n₂| with a bias field B = exp(a x + b z + c x z).

    Args:
        attenuation: In 1/mm.
        noise: Standard deviation of the noise in each channel, in units of water's signal.
        rng: Source of the field and the noise.
    """
    height, width = attenuation.shape
    z, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    along_x, along_z, across = rng.uniform(-0.2, 0.2, 3)
    signal = magnetic_signal(attenuation) * np.exp(along_x * x + along_z * z + across * x * z)
    real, imaginary = noise * rng.standard_normal((2, height, width))
    return np.clip(np.hypot(signal + real, imaginary) / MR_WHITE, 0.0, 1.0)
