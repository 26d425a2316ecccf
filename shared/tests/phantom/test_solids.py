import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.phantom.chest import Chest
from medsuite.core.phantom.scan import Grid, attenuate, scan_ellipsoids, scan_tubes
from medsuite.core.phantom.solids import Domain, Ellipsoids, Tubes, chain, ellipsoids, join, select
from medsuite.core.phantom.span import Span

SIZE = 64


def rays(pitch: float = 1.0, aperture: float = 1e-3) -> Grid:
    """Make a grid with its middle pixel centre at x = z = 0."""
    half = 0.5 * SIZE * pitch
    left, top = np.float32([-half - 0.5 * pitch]), np.float32([half + 0.5 * pitch])
    return Grid(SIZE, pitch, left, top, aperture)


def chest(back: float = -5.0, front: float = 5.0) -> Chest:
    """Make a slab of air between two depths, without anything else."""
    slab = Span(np.full(SIZE**2, back, np.float32), np.full(SIZE**2, front, np.float32))
    nothing = Span(np.full(SIZE**2, 1e3, np.float32), np.full(SIZE**2, -1e3, np.float32))
    return Chest(slab, (nothing, nothing, nothing))


def image(solids: Ellipsoids | Tubes, grid: Grid, air: Chest | None = None) -> np.ndarray:
    scan = scan_tubes if isinstance(solids, Tubes) else scan_ellipsoids
    _, pixel, value = attenuate(solids, scan(solids, grid), air or chest())
    return np.bincount(pixel, value, minlength=SIZE**2).reshape(SIZE, SIZE)


def marched(solids: Ellipsoids | Tubes, grid: Grid, row: int, column: int, step: float = 0.02) -> float:
    y = np.arange(-40, 40, step) + 0.5 * step
    x, z = grid.x[0, 0, column], grid.z[0, row, 0]
    points = np.stack([np.full_like(y, x), y, np.full_like(y, z)], 1)
    return float((solids.contains(points) @ solids.delta).sum() * step)


def ball(radius: float, **options: object) -> Ellipsoids:
    return ellipsoids(np.zeros((1, 3)), (radius,) * 3, 1.0, film=np.zeros(1, int), **options)


def test_the_chord_through_the_centre_of_a_ball_is_its_diameter():
    assert image(ball(9.0), rays())[32, 32] == pytest.approx(18.0, rel=1e-5)


@pytest.mark.parametrize("offset", [0, 3, 7])
def test_the_chord_beside_the_centre_of_a_ball_is_pythagoras(offset):
    assert image(ball(9.0), rays())[32, 32 + offset] == pytest.approx(2 * np.sqrt(81 - offset**2), rel=1e-4)


def test_the_chord_across_a_long_cylinder_is_its_diameter():
    tube = chain(np.array([[-50.0, 0, 0], [50.0, 0, 0]]), 4.0, 1.0, film=0)
    assert image(tube, rays())[32, 32] == pytest.approx(8.0, rel=1e-5)


def test_a_cylinder_tilted_along_the_ray_is_longer_by_the_secant():
    tube = chain(np.array([[-50.0, -50, 0], [50.0, 50, 0]]), 4.0, 1.0, film=0)
    assert image(tube, rays())[32, 32] == pytest.approx(8.0 * np.sqrt(2), rel=1e-5)


@pytest.mark.parametrize("aperture", [1e-3, 1.0, 4.0])
def test_the_volume_of_a_ball_does_not_depend_on_the_aperture(aperture):
    grid = rays(aperture=aperture)
    assert image(ball(9.0), grid).sum() * grid.pitch**2 == pytest.approx(4 / 3 * np.pi * 9**3, rel=0.01)


@pytest.mark.parametrize("aperture", [1e-3, 1.0, 4.0])
def test_the_volume_of_a_bent_tube_does_not_depend_on_the_aperture(aperture):
    corners = np.array([[-20.0, 0, -10], [-4, 3, 8], [9, 0, 10], [22, -5, 3]])
    grid, length = rays(aperture=aperture), np.linalg.norm(np.diff(corners, axis=0), axis=1).sum()
    volume = image(chain(corners, 3.0, 1.0, film=0), grid).sum() * grid.pitch**2
    assert volume == pytest.approx(np.pi * 9 * length, rel=0.02)


def test_a_wire_thinner_than_a_pixel_keeps_its_mass():
    grid = rays(pitch=6.0, aperture=6.0)
    wire = chain(np.array([[-80.0, 0, 1.3], [80.0, 0, 1.3]]), 0.5, 1.0, film=0)
    per_column = image(wire, grid).sum(0)[32] * grid.pitch
    assert per_column == pytest.approx(np.pi * 0.25, rel=0.05)


def test_a_straight_chain_of_many_pieces_equals_one_piece():
    ends = np.array([[-25.0, -3, -11], [25.0, 8, 14]])
    pieces = ends[0] + np.linspace(0, 1, 12)[:, None] * (ends[1] - ends[0])
    one, many = (image(chain(points, 2.5, 1.0, film=0), rays()) for points in (ends, pieces))
    np.testing.assert_allclose(many, one, atol=2e-3)


coordinate = st.floats(-12, 12)
axis = st.floats(1, 14)


@settings(deadline=None)
@given(st.tuples(coordinate, coordinate, coordinate), st.tuples(axis, axis, axis), st.floats(-3, 3))
def test_chords_of_any_ellipsoid_match_marching_through_its_implicit_equation(centre, axes, roll):
    solids = ellipsoids(np.array([centre]), axes, 1.0, film=np.zeros(1, int), roll=roll)
    drawn = image(solids, rays())
    for row, column in ((32, 32), (28, 37), (40, 24)):
        assert drawn[row, column] == pytest.approx(marched(solids, rays(), row, column), abs=0.06)


@settings(deadline=None)
@given(st.tuples(*[coordinate] * 3), st.tuples(*[coordinate] * 3), st.floats(1, 5), st.floats(0.3, 2))
def test_chords_of_any_tube_match_marching_through_its_distance_to_the_axis(start, stop, radius, flatness):
    vector = np.subtract(stop, start)
    if np.hypot(vector[0], vector[2]) < 2 or abs(vector[1]) > 2 * np.hypot(vector[0], vector[2]):
        return
    tube = chain(np.array([start, stop]), radius, 1.0, film=0, flatness=flatness)
    drawn = image(tube, rays())
    for row, column in ((32, 32), (29, 35), (38, 27)):
        x, z = rays().x[0, 0, column], rays().z[0, row, 0]
        edges = [(np.array([x, z]) - np.array(end)[[0, 2]]) @ tube.cut_start[0] for end in (start, stop)]
        if min(np.abs(edges)) > 1e-3:
            assert drawn[row, column] == pytest.approx(marched(tube, rays(), row, column), abs=0.06)


def test_a_solid_of_the_lung_acts_only_in_its_air():
    assert image(ball(9.0, domain=Domain.AIR), rays(), chest(-5, 2))[32, 32] == pytest.approx(7.0, rel=1e-5)


def test_gas_in_tissue_acts_only_outside_the_lung():
    assert image(ball(9.0, domain=Domain.TISSUE), rays(), chest(-5, 2))[32, 32] == pytest.approx(11.0, rel=1e-5)


def test_solids_outside_the_film_touch_no_pixel():
    far = ellipsoids(np.array([[500.0, 0, 0], [0, 0, -500.0]]), (9.0, 9.0, 9.0), 1.0, film=np.zeros(2, int))
    assert scan_ellipsoids(far, rays()).count.sum() == 0


def test_each_solid_is_drawn_on_its_own_film():
    grid = Grid(SIZE, 1.0, np.float32([-32.5] * 3), np.float32([32.5] * 3), 1e-3)
    solids = ellipsoids(np.zeros((2, 3)), (5.0, 5.0, 5.0), 1.0, film=np.array([0, 2]))
    air = Span(np.zeros(3 * SIZE**2), np.zeros(3 * SIZE**2))
    _, pixel, _ = attenuate(solids, scan_ellipsoids(solids, grid), Chest(air, (air, air, air)))
    assert set(pixel // SIZE**2) == {0, 2}


def test_taking_and_joining_solids_keeps_every_attribute():
    solids = ellipsoids(np.arange(9.0).reshape(3, 3), (1.0, 2.0, 3.0), np.arange(3.0), film=np.arange(3), slot=4)
    joined = join([select(solids, np.array([0])), select(solids, np.array([1, 2]))])
    for name, value in vars(solids).items():
        np.testing.assert_array_equal(getattr(joined, name), value, err_msg=name)


def test_outlines_enclose_the_solids_in_the_image_plane():
    rng = np.random.default_rng(0)
    tubes = chain(rng.uniform(-20, 20, (5, 6, 3)), 3.0, 1.0, film=0)
    points = rng.uniform(-40, 40, (4000, 3))
    centre, radius = tubes.outline()
    distance = np.linalg.norm(points[:, None, [0, 2]] - centre, axis=-1)
    inside = tubes.contains(points)
    assert inside.any()
    assert (distance[inside] <= np.broadcast_to(radius, distance.shape)[inside]).mean() > 0.99
