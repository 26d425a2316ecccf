"""Large organs as stacks of cross-sections: at each height z one ellipse-like curve in the axial plane.

A section is the set |u|ⁿ + v² ≤ level with u = (x - x₀)/a and v = (y - y₀)/b, where x₀, a, y₀, b and the level are
functions of z. A ray along y meets it in the interval y₀ ± b √(level - |u|ⁿ): closed form for any outline in z.
"""

from typing import NamedTuple

import numpy as np

from medsuite.core.phantom.span import Span

Value = np.ndarray | float


class Section(NamedTuple):
    """Cross-sections of one organ; all entries broadcast against x, y and z."""

    centre_x: Value
    half_width: Value
    centre_y: Value
    half_depth: Value
    level: Value = 1.0
    power: int = 2

    def span(self, x: np.ndarray) -> Span:
        """Return the interval of depth that the organ covers on the ray at x; of length zero beside it."""
        reach = self.reach(x)
        return Span(self.centre_y - reach, self.centre_y + reach)

    def reach(self, x: np.ndarray) -> np.ndarray:
        """Return half the chord along y at x."""
        square = (x - self.centre_x) * (1 / self.half_width)
        square = square * square
        if self.power == 4:
            square = square * square
        return self.half_depth * np.sqrt(np.maximum(self.level - square, 0.0))

    def contains(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Tell whether points lie in the organ, from the inequality itself."""
        across, deep = (x - self.centre_x) / self.half_width, (y - self.centre_y) / self.half_depth
        return np.abs(across) ** self.power + deep**2 <= self.level


def _bump(z: np.ndarray, centre: Value, width: float) -> np.ndarray:
    return np.exp(-0.5 * ((z - centre) / width) ** 2)


def _ramp(z: np.ndarray, start: Value, stop: Value) -> np.ndarray:
    """Rise smoothly from 0 at `start` to 1 at `stop`."""
    share = np.clip((z - start) / (stop - start), 0.0, 1.0)
    return share * share * (3 - 2 * share)


def _sided(x: np.ndarray, right: Section, left: Section) -> Section:
    """Take the right organ at negative x and the left one at positive x."""
    right_side = x < 0
    centre_x, half_width, centre_y, half_depth, level = (
        a if a is b else np.where(right_side, a, b).astype(x.dtype, copy=False)
        for a, b in zip(right[:5], left[:5], strict=True)
    )
    return Section(centre_x, half_width, centre_y, half_depth, level, right.power)


def torso(body: np.ndarray, z: np.ndarray) -> Section:
    """Return chest, shoulders and neck: soft tissue from skin to skin."""
    chest = 0.5 * (body["lung_lateral_right"] + body["lung_lateral_left"]) + body["wall_lateral"]
    axilla = body["shoulder"] - 95
    arms = chest - 6 * _bump(z, axilla, 22.0) + 120 * _ramp(z, axilla, axilla + 75)
    slope = np.clip((body["shoulder"] + 42 - z) / 46, 0.0, 1.6)
    half_width = np.minimum(arms, 60 + 130 * slope**1.8)
    depth = body["lung_half_depth"] + body["wall_depth"]
    half_depth = depth + (70 - depth) * _ramp(z, axilla - 10, body["shoulder"] + 15)
    return Section(0.0, half_width, 0.0, half_depth, power=4)


def breast(body: np.ndarray, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the thickness of the breast tissue that lies on the front of the torso, in mm."""
    across, along = (np.abs(x) - 78) / 62, (z + 62) / np.where(z > -62, np.float32(85), np.float32(48))
    return body["breast_depth"] * np.sqrt(np.maximum(1 - across * across - along * along, 0.0))


def lung(body: np.ndarray, x: np.ndarray, z: np.ndarray) -> Section:
    """Return the pleural cavities, which healthy lungs fill, without what the mediastinum and the domes take away."""
    share = np.clip((body["lung_apex"] - z) / (body["lung_apex"] - body["lung_base"]), 0.0, 1.0)
    above = np.maximum(0.72 - share, 0.0) / 0.72
    below = np.maximum(share - 0.72, 0.0) / 0.28
    widening = np.sqrt(1 - above**2.6) - 0.05 * below**2
    depth = body["lung_half_depth"] * np.sqrt((1 - above**2.2) * (1 - below**4))
    medial = 44 - 38 * np.sqrt(1 - above**5)
    centre_y = -4 - 14 * (1 - widening)

    def side(sign: float, lateral: np.ndarray) -> Section:
        outer = 44 + (lateral - 44) * widening
        return Section(sign * 0.5 * (outer + medial), 0.5 * (outer - medial) + 1e-3, centre_y, depth + 1e-3)

    return _sided(x, side(-1.0, body["lung_lateral_right"]), side(1.0, body["lung_lateral_left"]))


def collapsed_lung(body: np.ndarray, x: np.ndarray, z: np.ndarray, line: float = 0.0) -> Section:
    """Return the lung drawn together towards its root and the diaphragm by the air of a pneumothorax.

    The air of a standing patient lies above and beside the lung, less in front of it and behind.

    Args:
        body: Patients.
        x: Positions in mm.
        z: Positions in mm.
        line: Thickness of the visceral pleura to leave out, mm.
    """
    rim = np.where(x < 0, body["collapse_right"], body["collapse_left"])
    floor = body["dome_right"] - 45
    factor = 1 - (rim + line) / (body["lung_apex"] - floor)
    fixed_x = np.where(x < 0, -body["hilum_x"], body["hilum_x"])
    whole = lung(body, x, floor + (z - floor) / factor)
    return whole._replace(
        centre_x=fixed_x + factor * (whole.centre_x - fixed_x),
        half_width=factor * whole.half_width,
        half_depth=(0.7 + 0.3 * factor) * whole.half_depth,
    )


def dome_heights(body: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return z of the top of the right and of the left hemidiaphragm."""
    right = body["dome_right"] - body["hyperinflation"]
    return right, right - body["dome_left_below_right"]


def abdomen(body: np.ndarray, x: np.ndarray, z: np.ndarray) -> Section:
    """Return what lies under the two domes of the diaphragm."""
    sag = body["dome_sag"] - 0.8 * body["hyperinflation"]
    right, left = (
        Section(sign * 62.0, 84.0, 8.0, 92.0, level=(top - z) / sag)
        for sign, top in zip((-1.0, 1.0), dome_heights(body), strict=True)
    )
    return _sided(x, right, left)


def aerated_bowl(body: np.ndarray, x: np.ndarray, z: np.ndarray) -> Section:
    """Return what a pleural effusion leaves to the lung: a bowl, as the fluid climbs along the chest wall."""
    tops = dome_heights(body)
    right, left = (
        Section(sign * 38.0, 96.0, 0.0, 84.0, level=np.where(height > 0, (z - top - height + 30) / 46, 1e3))
        for sign, top, height in zip((-1.0, 1.0), tops, (body["effusion_right"], body["effusion_left"]), strict=True)
    )
    return _sided(x, right, left)


def mediastinum(body: np.ndarray, z: np.ndarray) -> Section:
    """Return great vessels, right atrium, oesophagus and spine, with their outline on both sides."""
    half, growth = body["mediastinum_half_width"], body["aorta_growth"]
    knob, trunk = body["carina"] + 18, body["carina"] - 18
    atrium = body["right_atrium"] + 0.4 * body["heart_growth"]
    flare = 12 * _ramp(z, knob + 40, knob + 80)
    left = half + (body["aortic_knob"] + growth - half) * _bump(z, knob, 13.0) + flare
    left = left + (body["pulmonary_trunk"] - half) * _bump(z, trunk, 16.0)
    cava = body["vena_cava"] + 0.4 * growth - half
    right = half + cava * _ramp(z, 5.0, 35.0) * (1 - _ramp(z, knob, knob + 40)) + flare
    right = right + (atrium - half) * _bump(z, body["heart_z"] + 14, 32.0)
    half_depth = body["mediastinum_half_depth"] * (0.74 + 0.26 * _ramp(z, body["heart_z"], body["carina"]))
    return Section(0.5 * (left - right), 0.5 * (left + right), 0.0, half_depth, power=4)


def heart(body: np.ndarray, z: np.ndarray) -> Section:
    """Return the ventricles: an ellipsoid whose long axis points down to the patient's left."""
    growth = 1 + body["heart_growth"] / 118
    long, broad = body["heart_half_length"] * growth, body["heart_half_breadth"] * growth
    angle = np.deg2rad(body["heart_axis"])
    cosine, sine = np.cos(angle), -np.sin(angle)
    xx = (cosine / long) ** 2 + (sine / broad) ** 2
    xz = cosine * sine * (1 / long**2 - 1 / broad**2)
    zz = (sine / long) ** 2 + (cosine / broad) ** 2
    height = z - body["heart_z"]
    level = 1 - (zz - xz**2 / xx) * height**2
    centre_x = body["heart_x"] + 0.1 * body["heart_growth"] - xz / xx * height
    return Section(centre_x, 1 / np.sqrt(xx), body["heart_y"], body["heart_half_depth"] * growth, level=level)
