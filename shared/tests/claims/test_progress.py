"""The time left, from expected costs and what finished jobs took."""

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from medsuite.core.claims import Job, progress
from medsuite.core.claims.progress import Progress
from medsuite.core.claims.worker import Task


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "monotonic", clock)
    return clock


def tasks(*costs, exclusive=False):
    return [
        Task("demo/claim", f"key{place}", Job(f"job {place}", 0, {}, cost, exclusive), "smoke", Path(), None)
        for place, cost in enumerate(costs)
    ]


def lines(clock, costs, took):
    """What is printed when each job takes what it takes, one after the other."""
    console = Console(file=io.StringIO(), width=200)
    shown = Progress(console)
    pending = tasks(*costs)
    shown.begin(pending, done=0)
    for task, seconds in zip(pending, took, strict=False):
        clock.now += seconds
        shown.ended(task, {"rows": [], "seconds": seconds})
    return console.file.getvalue().splitlines()


def test_the_expected_whole_is_said_first(clock):
    assert lines(clock, [300, 300], []) == ["2 jobs to run; about 10.0 min"]


@pytest.mark.parametrize(("exclusive", "expected"), [(False, "5.0 min"), (True, "10.0 min")])
def test_processes_share_the_work_except_where_a_job_runs_alone(exclusive, expected):
    console = Console(file=io.StringIO(), width=200)
    Progress(console, processes=2).begin(tasks(300, 300, exclusive=exclusive), done=0)
    assert console.file.getvalue() == f"2 jobs to run; about {expected}\n"


def test_jobs_that_take_what_was_expected_leave_what_was_expected(clock):
    assert lines(clock, [600, 600, 600], [600, 600])[1:] == [
        "[1/3] demo/claim job 0: 0 rows in 10.0 min, 20.0 min left",
        "[2/3] demo/claim job 1: 0 rows in 10.0 min, 10.0 min left",
    ]


def test_jobs_twice_as_slow_soon_double_what_is_left(clock):
    left = lines(clock, [600] * 10, [1200] * 9)[-1]
    minutes = float(re.search(r"([\d.]+) min left", left).group(1))
    assert minutes == pytest.approx(20, rel=0.02)


def test_one_slow_start_does_not_foretell_a_slow_day(clock):
    """A first job of 3 expected seconds that takes 40, as when weights are unpacked, is no factor of thirteen."""
    left = lines(clock, [3, 3600], [40])[-1]
    assert left.endswith("1.6 h left")


def test_a_job_that_failed_says_why(clock):
    console = Console(file=io.StringIO(), width=200)
    shown, (task,) = Progress(console), tasks(10)
    shown.begin([task], done=4)
    clock.now += 5
    shown.ended(task, {"error": "out of memory", "seconds": 5.0})
    assert console.file.getvalue().splitlines() == [
        "1 job to run, 4 finished earlier; about 10 s",
        "[1/1] demo/claim job 0: failed: out of memory in 5 s, 0 s left",
    ]
