import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.gridml.case import BoundaryTag, Case, whole_boundary


def test_fixed_nodes_and_values_follow_from_the_dirichlet_tags(make_square):
    mesh = make_square(1)
    middle = mesh.points[mesh.boundary_facets].mean(axis=1)
    left = middle[:, 0] == 0
    boundary = (
        BoundaryTag("left", "dirichlet", np.flatnonzero(left), lambda x: 10 + x[1]),
        BoundaryTag("rest", "neumann", np.flatnonzero(~left), 1.0),
    )
    case = Case(mesh, {}, boundary)
    assert case.fixed.tolist() == (mesh.points[:, 0] == 0).tolist()
    np.testing.assert_allclose(case.fixed_values[case.fixed], 10 + mesh.points[case.fixed, 1])
    assert not case.fixed_values[~case.fixed].any()


def test_where_facets_disagree_a_node_takes_the_mean(triangle):
    tag = BoundaryTag("all", "dirichlet", np.arange(3), np.array([1.0, 2.0, 6.0]))  # facets (0,1), (0,2), (1,2)
    np.testing.assert_allclose(Case(triangle, {}, (tag,)).fixed_values, [1.5, 3.5, 4.0])


@pytest.mark.parametrize("facets", [[0, 1], [0, 1, 2, 2], [0, 1, 2, 3]])
def test_each_facet_needs_exactly_one_tag(triangle, facets):
    with pytest.raises(InputError, match="boundary facets without exactly one tag"):
        Case(triangle, {}, (BoundaryTag("some", "dirichlet", np.array(facets)),))


def test_fields_of_another_length_or_with_nan_are_refused(triangle):
    boundary = whole_boundary(triangle, "dirichlet")
    with pytest.raises(InputError, match=r"field 'f' has \(2,\)"):
        Case(triangle, {"f": np.zeros(2)}, boundary)
    with pytest.raises(InputError, match="field 'target' has 1 values that are not finite"):
        Case(triangle, {}, boundary, np.array([0.0, np.nan, 1.0]))


def test_an_unknown_kind_names_the_nearest_known_one():
    with pytest.raises(InputError, match="did you mean 'dirichlet'"):
        BoundaryTag("wall", "dirichlett", np.arange(3))


def test_values_of_another_number_than_facets_are_refused():
    with pytest.raises(InputError, match="has 2 values"):
        BoundaryTag("wall", "neumann", np.arange(3), np.zeros(2))


def test_a_facet_below_zero_is_refused_as_one_that_does_not_exist(triangle):
    with pytest.raises(InputError, match="names facet -1"):
        Case(triangle, {}, (BoundaryTag("some", "dirichlet", np.array([0, 1, 2, -1])),))
