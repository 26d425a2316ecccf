import numpy as np
import pytest

from medsuite.core.claims import Measurement
from medsuite.gridml.experiments.speed import (
    SOLVERS,
    SPACINGS,
    SURROGATES,
    Bench,
    SpeedSettings,
    decide,
    draw,
    jobs,
)


def rows(seconds, error):
    """Solvers whose error is the square of the spacing and whose time is 1/spacing² ms; surrogates at one point."""
    generator, table = np.random.default_rng(0), []
    table += [Measurement(arm, 0, "0", "training_seconds", 100.0) for arm in SURROGATES]
    for index in range(6):
        unit = f"0-{index}"
        for arm in SOLVERS:
            for spacing in SPACINGS:
                table.append(Measurement(arm, 0, unit, f"seconds@{spacing}", 1e-3 / spacing**2))
                table.append(Measurement(arm, 0, unit, f"error@{spacing}", spacing**2))
        for arm in SURROGATES:
            table.append(Measurement(arm, 0, unit, "seconds@0.115", seconds * np.exp(generator.normal(0, 0.05))))
            table.append(Measurement(arm, 0, unit, "error@0.115", error))
    return table


def test_time_over_error_is_constant_here_so_the_ratio_is_known():
    verdicts = decide(rows(seconds=0.2, error=0.01))  # the solver takes 0.1 s at an error of 0.01
    assert [verdict.outcome for verdict in verdicts] == ["not supported"] * (len(SURROGATES) + 1)
    for verdict in verdicts:
        assert verdict.estimate == pytest.approx(2.0, rel=0.1)
        assert "no number of cases" in verdict.reason


def test_a_surrogate_twice_as_fast_is_supported_and_pays_off():
    (verdict, *_) = decide(rows(seconds=0.05, error=0.01))
    assert verdict.outcome == "supported"
    cases = float(verdict.reason.split("pays off after ")[1].split()[0])
    assert cases == pytest.approx(100 / (0.1 - 0.05), rel=0.1)


def test_a_surrogate_more_accurate_than_any_solution_is_not_compared():
    (verdict, *_) = decide(rows(seconds=0.05, error=1e-5))
    assert verdict.outcome == "void"
    assert "only 0 of 6 cases" in verdict.reason


def test_errors_in_the_bench_fall_with_the_spacing_and_the_exact_solution_has_none():
    bench = Bench.prepare(0, 0, SpeedSettings((0,), 2, 1, 1.0, reference=0.06, repeats=1))
    errors = [bench.solver("p1-direct", spacing)[1] for spacing in (0.4, 0.2, 0.115)]
    assert errors == sorted(errors, reverse=True)
    assert bench.solver("p2-direct", 0.2)[1] < errors[1]
    assert bench.solver("p1-multigrid", 0.2)[1] == pytest.approx(errors[1], rel=1e-6)

    class Solver:
        def predict(self, case):
            from medsuite.gridml.solvers.poisson import PoissonProblem, solve_poisson

            return solve_poisson(PoissonProblem(case.mesh, bench.continuous.source, case.boundary)).nodal

    seconds, error = bench.surrogate(Solver())
    assert error == pytest.approx(errors[2], rel=1e-9)
    assert seconds > 0


def test_jobs_run_alone_because_they_measure_time():
    assert all(job.exclusive for job in jobs(SpeedSettings((0, 1), 2, 1, 1.0, 0.06, 1)))


def test_the_figure_has_a_curve_for_each_solver_and_a_point_for_each_surrogate():
    (drawing,) = draw(rows(0.1, 0.01))
    assert len(drawing.figure.axes[0].lines) == len(SOLVERS) + len(SURROGATES)
