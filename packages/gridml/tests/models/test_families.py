"""What holds for every family: the same interface, the same promises."""

import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.gridml.case import BoundaryTag, Case, whole_boundary
from medsuite.gridml.mesh import Mesh, split_quadrilaterals
from medsuite.gridml.models.base import Budget, Family, Surrogate, relative_error
from medsuite.gridml.models.network import NetworkFamily
from medsuite.gridml.models.registry import FAMILIES, family
from medsuite.gridml.simulation import Continuous, random_poisson, random_waves
from medsuite.gridml.solvers.poisson import PoissonProblem, solve_poisson
from medsuite.gridml.store import load_surrogate, save_surrogate

SMALL = {
    "meshgraphnet": {"width": 8, "blocks": 2, "global_context": True},
    "multiscale": {"width": 8, "levels": 2},
    "transolver": {"width": 8, "layers": 1, "heads": 2, "slices": 4},
    "grid-unet": {"width": 4, "side": 16},
    "deeponet": {"width": 8, "modes": 4},
    "pointwise": {"width": 8},
    "pod": {"rank": 3},
    "pinn": {"width": 8, "layers": 2, "iterations": 3},
    "flow-matching": {"samples": 2, "steps": 2},
}
NETWORKS = [name for name, kind in FAMILIES.items() if issubclass(kind, NetworkFamily)]
STORED = [name for name in FAMILIES if name != "pinn"]


@pytest.fixture(scope="module")
def one_mesh_cases():
    generator = np.random.default_rng(5)
    domain = random_poisson(generator).domain
    mesh = Continuous(domain, random_waves(generator)).mesh(0.3, generator)
    return [Continuous(domain, random_waves(generator)).solved(mesh, f"case-{index}") for index in range(5)]


def fitted(name, cases, seed=0, steps=2):
    return family(name, **SMALL[name]).fit(cases, Budget(steps=steps, batch=2), seed)


def test_every_family_has_a_small_form_here():
    assert set(SMALL) == set(FAMILIES)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_fits_and_predicts_a_finite_field_that_keeps_dirichlet_data(name, one_mesh_cases):
    assert isinstance(family(name, **SMALL[name]), Family)
    surrogate = fitted(name, one_mesh_cases)
    assert isinstance(surrogate, Surrogate)
    case = one_mesh_cases[0]
    predicted = surrogate.predict(case)
    assert predicted.shape == (case.mesh.node_count,)
    assert np.isfinite(predicted).all()
    np.testing.assert_allclose(predicted[case.fixed], case.fixed_values[case.fixed], atol=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_seed_gives_the_same_surrogate_and_predicting_twice_the_same_field(name, one_mesh_cases):
    first, second = fitted(name, one_mesh_cases), fitted(name, one_mesh_cases)
    case = one_mesh_cases[1]
    np.testing.assert_array_equal(first.predict(case), second.predict(case))
    np.testing.assert_array_equal(first.predict(case), first.predict(case))


@pytest.mark.parametrize("name", [*NETWORKS, "flow-matching"])
def test_another_seed_gives_another_surrogate(name, one_mesh_cases):
    case = one_mesh_cases[1]
    first, second = fitted(name, one_mesh_cases, seed=0), fitted(name, one_mesh_cases, seed=1)
    assert not np.allclose(first.predict(case), second.predict(case))


@pytest.mark.parametrize("name", NETWORKS)
def test_renumbering_the_nodes_renumbers_the_prediction(name, cases, renumbered):
    surrogate = fitted(name, cases)
    other, order = renumbered(cases[0])
    np.testing.assert_allclose(surrogate.predict(other), surrogate.predict(cases[0])[order], atol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_training_lowers_the_error_on_the_training_cases(name, one_mesh_cases):
    before, after = (fitted(name, one_mesh_cases[:2], steps=steps) for steps in (1, 80))
    errors = [[relative_error(case, model.predict(case)) for case in one_mesh_cases[:2]] for model in (before, after)]
    assert np.mean(errors[1]) < 0.9 * np.mean(errors[0])


@pytest.mark.parametrize("name", STORED)
def test_a_stored_surrogate_predicts_the_same_when_read_again(name, one_mesh_cases, tmp_path):
    surrogate = fitted(name, one_mesh_cases, seed=3)  # flow matching also draws from it when it predicts
    save_surrogate(surrogate, tmp_path / "a.safetensors")
    again = load_surrogate(tmp_path / "a.safetensors")
    case = one_mesh_cases[2]
    np.testing.assert_array_equal(again.predict(case), surrogate.predict(case))


def test_pinn_has_nothing_to_store(one_mesh_cases, tmp_path):
    with pytest.raises(InputError, match="fitted anew for each case"):
        save_surrogate(fitted("pinn", one_mesh_cases), tmp_path / "a.safetensors")


@pytest.mark.parametrize("content", [None, b"", b"not safetensors at all"])
def test_a_missing_or_broken_surrogate_file_is_named(tmp_path, content):
    path = tmp_path / "a.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.safetensors"):
        load_surrogate(path)


def test_a_foreign_safetensors_file_is_refused(tmp_path):
    from safetensors.numpy import save_file

    save_file({"a": np.zeros(2)}, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="no surrogate of this package"):
        load_surrogate(tmp_path / "a.safetensors")


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "pinn"])
def test_no_cases_unsolved_cases_and_mixed_inputs_are_refused_before_training(name, one_mesh_cases):
    first = one_mesh_cases[0]
    unsolved = Case(first.mesh, first.inputs, first.boundary)
    other = Case(first.mesh, {"f": first.inputs["f"]}, first.boundary, first.target)
    for given, message in (([], "no case"), ([unsolved], "has no target"), ([first, other], "has inputs")):
        with pytest.raises(InputError, match=message):
            fitted(name, given)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_case_with_other_inputs_than_in_training_is_refused(name, one_mesh_cases):
    first = one_mesh_cases[0]
    with pytest.raises(InputError, match=r"has inputs \['f'\]"):
        fitted(name, one_mesh_cases).predict(Case(first.mesh, {"f": first.inputs["f"]}, first.boundary))


def test_an_unknown_family_or_setting_names_the_nearest_one():
    with pytest.raises(InputError, match="did you mean 'transolver'"):
        family("transolvr")
    with pytest.raises(InputError, match="did you mean 'layers'"):
        family("transolver", layer=2)


@pytest.mark.parametrize(
    ("name", "settings"),
    [("transolver", {"width": 10, "heads": 4}), ("grid-unet", {"side": 30}), ("pinn", {"objective": "energi"})],
)
def test_settings_that_do_not_fit_together_are_refused(name, settings):
    with pytest.raises(InputError):
        family(name, **settings)


def test_a_budget_without_steps_is_refused():
    with pytest.raises(InputError, match="at least one step"):
        Budget(steps=0)


def test_the_relative_error_needs_a_solution(triangle):
    with pytest.raises(InputError, match="no target to compare with"):
        relative_error(Case(triangle, {}, whole_boundary(triangle, "dirichlet")), np.zeros(3))


TRIANGLE = Mesh(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([[0, 1, 2]]))
TWO_SQUARES = split_quadrilaterals(
    np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [2.0, 0.0], [2.0, 1.0]]),
    np.empty((0, 3), dtype=np.int64),
    np.array([[0, 1, 2, 3], [1, 4, 5, 2]]),
)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("mesh", [TRIANGLE, TWO_SQUARES], ids=["a triangle", "two squares"])
@pytest.mark.parametrize("kind", ["dirichlet", "robin"])
@pytest.mark.parametrize("name", FAMILIES)
def test_the_smallest_meshes_are_solved_or_refused_in_one_line(name, kind, mesh):
    boundary = (BoundaryTag("all", kind, np.arange(len(mesh.boundary_facets)), 1.0, rate=2.0),)
    cases = []
    for source in (1.0, 2.0, 3.0):
        problem = PoissonProblem(mesh, source, boundary)
        cases.append(problem.case(solve_poisson(problem).nodal))
    surrogate = fitted(name, cases)
    if name == "pinn" and kind == "robin":
        with pytest.raises(InputError, match="dirichlet data on the whole boundary"):
            surrogate.predict(cases[0])
    else:
        assert np.isfinite(surrogate.predict(cases[0])).all()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FAMILIES)
def test_a_solution_that_is_zero_everywhere_is_learned_as_zero(name):
    boundary, zero = whole_boundary(TWO_SQUARES, "dirichlet"), np.zeros(TWO_SQUARES.node_count)
    case = Case(TWO_SQUARES, {"f": zero, "a": zero + 1.0}, boundary, zero)
    np.testing.assert_array_equal(fitted(name, [case, case]).predict(case), 0.0)
