import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medsuite.core.claims.decision import decide
from medsuite.core.claims.journal import Journal, finished
from medsuite.core.claims.registry import find_claims
from medsuite.core.claims.runner import Plan, Silence, run
from medsuite.core.runs import JsonLines, RunFolder


@pytest.fixture
def plan(toy, tmp_path):
    def make(*names, scale="smoke"):
        folder = RunFolder.open(tmp_path / "run", {"scale": scale, "data": None})
        return Plan(find_claims(names), scale, folder)

    return make


class Recorder(Silence):
    def __init__(self):
        self.order, self.done = [], None

    def begin(self, pending, done):
        self.done = done

    def ended(self, task, record):
        self.order.append((task.claim, task.job.seed))


def records(plan, claim="toy/coin"):
    (registered,) = [entry for entry in plan.claims if entry.claim.id == claim]
    jobs = registered.claim.job_keys(plan.scale, registered.version)
    return Journal.of(plan.folder, claim).records(jobs)


def test_every_job_of_the_grid_leaves_its_rows_once(plan):
    coins = plan("toy/coin")
    run(coins)
    result = decide(coins.claims[0], "smoke", coins.folder)
    assert (result.done, result.jobs, result.seeds) == (3, 3, (0, 1, 2))
    assert len(result.rows) == 24


def test_rows_come_in_grid_order_whatever_order_the_jobs_ended_in(plan):
    coins, recorder = plan("toy/coin"), Recorder()
    run(coins, watcher=recorder)
    assert [seed for _, seed in recorder.order] == [2, 1, 0]
    seeds = [row.seed for row in decide(coins.claims[0], "smoke", coins.folder).rows]
    assert seeds == sorted(seeds)


def test_the_rows_do_not_depend_on_the_number_of_processes(plan, tmp_path):
    one = plan("toy/coin")
    run(one)
    two = Plan(one.claims, "smoke", RunFolder.open(tmp_path / "two", {}))
    run(two, processes=2)
    assert decide(one.claims[0], "smoke", one.folder).rows == decide(two.claims[0], "smoke", two.folder).rows


def test_a_finished_job_is_not_run_again(plan):
    coins, again = plan("toy/coin"), Recorder()
    run(coins)
    run(coins, watcher=again)
    assert (again.order, again.done) == ([], 3)


def test_an_artefact_is_built_once_for_all_jobs(plan):
    coins = plan("toy/coin")
    run(coins, processes=2)
    assert [path.name for path in coins.folder.path.glob("artefacts/*/coin.txt")] == ["coin.txt"]


def test_a_job_that_raises_is_recorded_and_the_others_go_on(plan):
    failing = plan("toy/fail")
    run(failing)
    result = decide(failing.claims[0], "smoke", failing.folder)
    assert result.failures == ("seed=1: ZeroDivisionError: no such coin",)
    assert "in fail" in result.traceback
    assert (result.done, result.status) == (2, "failed")


def test_a_worker_that_dies_costs_its_own_job_only(plan):
    crashing = plan("toy/crash")
    run(crashing, processes=2)
    result = decide(crashing.claims[0], "smoke", crashing.folder)
    assert result.failures == ("seed=1: the worker process died, as when memory runs out",)
    assert result.done == 2


def test_a_failed_job_is_tried_again_by_the_next_run(plan):
    failing, again = plan("toy/fail"), Recorder()
    run(failing)
    run(failing, watcher=again)
    assert again.order == [("toy/fail", 1)]


def test_rows_of_another_version_are_passed_over(plan, toy):
    coins = plan("toy/coin")
    run(coins)
    metadata = toy / "medsuite_toy-1.2.3.dist-info" / "METADATA"
    content = metadata.read_text()
    metadata.write_text(content.replace("1.2.3", "1.3.0"))
    try:
        newer = Plan(find_claims(["toy/coin"]), "smoke", coins.folder)
        assert len(newer.pending()) == 3
    finally:
        metadata.write_text(content)


def test_cheap_claims_go_first(plan):
    both = plan("toy/coin", "toy/slow")
    costs = [(task.claim, task.job.seconds) for task in both.pending()]
    assert costs[0] == ("toy/coin", 1)
    assert [claim for claim, _ in costs] == ["toy/coin"] * 3 + ["toy/slow"] * 4


def test_a_run_killed_at_random_moments_finishes_each_job_exactly_once(toy, tmp_path):
    """The whole command is killed again and again; no finished job is lost or repeated."""
    out = tmp_path / "run"
    program = "from medsuite.core.cli import main; main()"
    command = [sys.executable, "-c", program, "reproduce", "toy/slow", "--scale", "smoke", "--out", str(out)]
    rng = random.Random(3)
    journal = JsonLines(out / "claims" / "toy-slow.jsonl")
    seen: list[str] = []
    for _ in range(8):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as process:
            time.sleep(0.4 + rng.random())
            process.kill()
        jobs = [record["job"] for record in journal]
        assert jobs[: len(seen)] == seen
        seen = jobs
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    jobs = [record["job"] for record in journal]
    assert len(jobs) == len(set(jobs)) == 4
    assert json.loads((out / "results.json").read_text())["claims"][0]["done"] == 4


def test_workers_end_when_the_runner_is_killed(toy, tmp_path):
    out = tmp_path / "run"
    program = "import sys; from medsuite.core.cli import main; main()"
    command = [sys.executable, "-c", program, "reproduce", "toy/slow", "--scale", "smoke", "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        pattern = out / "artefacts"
        while not list(pattern.glob("*/coin.txt")):
            time.sleep(0.02)
        worker = int(next(iter(pattern.glob("*/coin.txt"))).read_text())
        process.kill()
    deadline = time.monotonic() + 10
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _alive(worker)


def _alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z" if sys.platform == "linux" else True


def test_the_record_of_a_finished_job_names_what_ran(plan):
    coins = plan("toy/coin")
    run(coins)
    record = next(iter(finished(records(coins)).values()))
    assert record["name"].startswith("seed=")
    assert record["seconds"] >= 0
    assert {row["arm"] for row in record["rows"]} == {"coin"}
