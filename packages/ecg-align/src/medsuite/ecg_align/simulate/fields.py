"""From the heart's dipole to electrodes and from electrodes to leads, so that the limb identities hold with noise."""

import numpy as np
from jaxtyping import Float

DOWER: Float[np.ndarray, "8 3"] = np.array(
    [
        [0.632, -0.235, 0.059],
        [0.235, 1.066, -0.132],
        [-0.515, 0.157, -0.917],
        [0.044, 0.164, -1.387],
        [0.882, 0.098, -1.277],
        [1.213, 0.127, -0.601],
        [1.125, 0.127, -0.086],
        [0.831, 0.076, 0.230],
    ]
)
"""Leads I, II and V1 to V6 of a dipole along X (left), Y (foot) and Z (back), in mV per mV (Dower et al. 1980)."""

ELECTRODES = ("RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6")
_FROM_ELECTRODES: dict[str, dict[str, float]] = {
    "I": {"LA": 1, "RA": -1},
    "II": {"LL": 1, "RA": -1},
    "III": {"LL": 1, "LA": -1},
    "aVR": {"RA": 1, "LA": -1 / 2, "LL": -1 / 2},
    "aVL": {"LA": 1, "RA": -1 / 2, "LL": -1 / 2},
    "aVF": {"LL": 1, "RA": -1 / 2, "LA": -1 / 2},
    **{f"V{k}": {f"V{k}": 1, "RA": -1 / 3, "LA": -1 / 3, "LL": -1 / 3} for k in range(1, 7)},
}
LEAD_MATRIX: Float[np.ndarray, "12 9"] = np.array(
    [[weights.get(name, 0.0) for name in ELECTRODES] for weights in _FROM_ELECTRODES.values()]
)
"""The twelve leads as differences of the nine electrodes' potentials, chest leads against Wilson's terminal."""


def electrode_fields(lead_fields: Float[np.ndarray, "*record 8 3"]) -> Float[np.ndarray, "*record 9 3"]:
    """Return the potentials of the nine electrodes per unit dipole, against the mean of the three limbs.

    Args:
        lead_fields: Rows I, II, V1 to V6.
    """
    first, second = lead_fields[..., 0:1, :], lead_fields[..., 1:2, :]
    right = -(first + second) / 3
    return np.concatenate([right, right + first, right + second, lead_fields[..., 2:, :]], axis=-2)


def personal_fields(
    rng: np.random.Generator, records: int, *, spread: float = 0.25, tilt: float = 15.0
) -> Float[np.ndarray, "record 8 3"]:
    """Draw a person's lead fields: Dower's, turned, stretched and displaced electrode by electrode.

    Each component of a chest row moves by N(0, spread |row|), limb rows by 0.3 of that; then the heart is turned
    about each axis by up to `tilt` degrees and stretched by 0.8 to 1.25 along each. At 0.25 one linear map for all
    people explains about as much of a missing chest lead as it does in real records.

    Args:
        rng: Source of randomness.
        records: Number of people.
        spread: Relative standard deviation of the chest rows.
        tilt: Largest angle in degrees.
    """
    norms = np.linalg.norm(DOWER, axis=1, keepdims=True)
    limb_less = np.where(np.arange(8) < 2, 0.3, 1.0)[:, None]
    rows = DOWER + rng.standard_normal((records, 8, 3)) * spread * norms * limb_less
    angles = np.radians(rng.uniform(-tilt, tilt, (records, 3)))
    stretch = rng.uniform(0.8, 1.25, (records, 1, 3))
    return rows @ rotations(angles) * stretch


def rotations(angles: Float[np.ndarray, "record 3"]) -> Float[np.ndarray, "record 3 3"]:
    """Return the product of the rotations about X, Y and Z by three angles in radians."""
    cosine, sine = np.cos(angles), np.sin(angles)
    result = np.tile(np.eye(3), (len(angles), 1, 1))
    for axis in range(3):
        one, two = (axis + 1) % 3, (axis + 2) % 3
        turn = np.tile(np.eye(3), (len(angles), 1, 1))
        turn[:, one, one] = turn[:, two, two] = cosine[:, axis]
        turn[:, one, two], turn[:, two, one] = -sine[:, axis], sine[:, axis]
        result = result @ turn
    return result
