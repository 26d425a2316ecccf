import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError, ResumeError
from medsuite.core.runs import JsonLines, RunFolder, describe_difference, write_atomically

JSON = st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=9) | st.booleans(), max_size=4)

WRITER = """
import sys
from pathlib import Path
from medsuite.core.runs import JsonLines, write_atomically
folder = Path(sys.argv[1])
lines = JsonLines(folder / "rows.jsonl")
done = {record["job"] for record in lines}
for job in range(10**6):
    if job in done:
        continue
    lines.append({"job": job, "text": "x" * (job * 37 % 3000)})
    write_atomically(folder / "state.json", '{"last": %d, "padding": "%s"}' % (job, "y" * (job * 53 % 4000)))
    print(job, flush=True)
"""


@given(st.lists(JSON, max_size=5), st.data())
def test_a_file_cut_at_any_byte_gives_back_all_whole_records(tmp_path_factory, records, data):
    path = tmp_path_factory.mktemp("lines") / "rows.jsonl"
    lines = JsonLines(path)
    for record in records:
        lines.append(record)
    content = path.read_bytes() if path.exists() else b""
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    assert list(JsonLines(path)) == records[:whole]
    JsonLines(path).append({"after": True})
    assert list(JsonLines(path)) == [*records[:whole], {"after": True}]


def test_a_damaged_line_in_the_middle_is_named_and_not_dropped(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"job": 1}\n{"jo\n{"job": 3}\n')
    with pytest.raises(InputError, match=r"rows.jsonl line 2 is not JSON"):
        list(JsonLines(path))


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "file.txt"
    write_atomically(path, "old")

    def refuse(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, "new")
    assert [child.name for child in tmp_path.iterdir()] == ["file.txt"]
    assert path.read_text() == "old"


def test_a_hundred_kills_at_random_moments_lose_and_double_nothing(tmp_path):
    """A real process is killed a hundred times; what it said was done stays done, once, in order."""
    rng = random.Random(20)
    said: list[int] = []
    script = tmp_path / "writer.py"
    script.write_text(WRITER)
    for _ in range(100):
        with subprocess.Popen([sys.executable, script, tmp_path], stdout=subprocess.PIPE, text=True) as process:
            first = process.stdout.readline()
            time.sleep(rng.random() * 0.01)
            process.send_signal(signal.SIGKILL)
            said += [int(line) for line in [first, *process.stdout] if line.endswith("\n")]
        state = tmp_path / "state.json"
        assert json.loads(state.read_text())["last"] >= 0
    jobs = [record["job"] for record in JsonLines(tmp_path / "rows.jsonl")]
    assert jobs == list(range(len(jobs)))
    assert set(said) <= set(jobs)
    assert len(said) == len(set(said))


def test_a_new_folder_gets_a_manifest_with_config_versions_and_command(tmp_path):
    folder = RunFolder.open(tmp_path / "run", {"scale": "laptop", "seed": 1})
    manifest = folder.manifest()
    assert manifest["config"] == {"scale": "laptop", "seed": 1}
    assert manifest["environment"]["versions"]["numpy"]
    assert manifest["command"] == sys.argv


def test_the_same_config_resumes_and_keeps_the_first_manifest(tmp_path):
    before = RunFolder.open(tmp_path / "run", {"scale": "laptop"}).manifest_path.read_bytes()
    after = RunFolder.open(tmp_path / "run", {"scale": "laptop"}).manifest_path.read_bytes()
    assert before == after


def test_another_config_is_refused_with_what_differs(tmp_path):
    RunFolder.open(tmp_path / "run", {"scale": "laptop", "seed": 1, "same": 0})
    with pytest.raises(ResumeError, match=r"data: \(absent\) -> x, scale: laptop -> paper, seed: 1 -> \(absent\)\)"):
        RunFolder.open(tmp_path / "run", {"scale": "paper", "data": "x", "same": 0})


@pytest.mark.parametrize("line", ["[1, 2]", "3", "null", '"text"'])
def test_a_line_that_is_no_object_is_named(tmp_path, line):
    path = tmp_path / "rows.jsonl"
    path.write_text(f'{{"job": 1}}\n{line}\n')
    with pytest.raises(InputError, match=r"rows.jsonl line 2 is no object"):
        list(JsonLines(path))


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="holds no run"):
        RunFolder.open(tmp_path, {})
    assert [child.name for child in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_damaged_manifest_is_named(tmp_path):
    folder = RunFolder.open(tmp_path / "run", {})
    folder.manifest_path.write_text("{")
    with pytest.raises(InputError, match=r"manifest.json is not JSON"):
        RunFolder.open(tmp_path / "run", {})


def test_a_folder_without_a_run_is_no_run_folder(tmp_path):
    with pytest.raises(InputError, match="is no run folder"):
        RunFolder.existing(tmp_path)


def test_two_processes_cannot_run_in_one_folder_and_a_killed_one_frees_it(tmp_path):
    folder = RunFolder.open(tmp_path / "run", {})
    holder = (
        "import sys, time; from pathlib import Path; from medsuite.core.runs import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).locked():\n    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", holder, folder.path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(ResumeError, match="another process"), folder.locked():
            pass
        process.kill()
        process.wait()
        with folder.locked():
            assert folder.manifest_path.exists()


@given(JSON, JSON)
def test_the_difference_of_configs_is_empty_only_for_equal_ones(before, after):
    assert (describe_difference(before, after) == "") == (before == after)


@pytest.mark.parametrize("name", ["../escape", "a/b", "..", "/etc/passwd"])
def test_an_artefact_stays_inside_the_run_folder(tmp_path, name):
    path = RunFolder(tmp_path).artefact(name)
    assert path.resolve().parent == (tmp_path / "artefacts").resolve()
