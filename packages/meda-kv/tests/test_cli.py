import re

import pytest
from typer.testing import CliRunner

from medsuite.core import tiny
from medsuite.core.cli import main
from medsuite.meda_kv.cli import app


def invoke(*arguments):
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(capsys, *arguments):
    """Run the whole command line and return its one line of complaint, which comes last."""
    with pytest.raises(SystemExit) as caught:
        main(["meda-kv", *map(str, arguments)])
    assert caught.value.code == 2
    progress = capsys.readouterr().err.splitlines()
    assert sum(line.startswith("medsuite: ") for line in progress) == 1
    return progress[-1]


def test_inspect_counts_layers_heads_and_bytes(tmp_path):
    output = invoke("inspect", tiny.llama().save(tmp_path), "--prompt-tokens", 0)
    config = tiny.llama().config
    width = config.hidden_size // config.num_attention_heads
    cost = 2 * config.num_hidden_layers * config.num_key_value_heads * width * 4
    assert f"{config.num_hidden_layers} x DynamicLayer" in output
    assert f"{config.num_attention_heads} query heads on {config.num_key_value_heads} key heads" in output
    assert f"{cost:,} bytes per token" in output
    assert "supported with sdpa attention" in output


def test_inspect_shows_what_every_layer_would_keep():
    output = invoke("inspect", "tiny", "--prompt-tokens", 256, "--ratio", 0.5, "--methods", "snapkv,meda")
    layers = [line.split() for line in output.splitlines() if re.match(r"\d+ ", line)][1:]
    assert [int(row[1]) for row in layers] == [128, 128]
    assert sum(int(row[2]) for row in layers) == 256
    assert "65,536" in output
    assert "of 131,072" in output
    assert "full-row entropy in place of cross-modal entropy" in output


def test_bench_prints_bytes_and_time_of_every_arm():
    output = invoke(
        "bench", "tiny", "--prompt-tokens", 128, "--methods", "h2o, meda", "--ratio", 0.25, "--new-tokens", 3
    )
    rows = {line.split()[0]: line.split() for line in output.splitlines()[1:]}
    assert list(rows) == ["full", "h2o", "meda"]
    full, kept = (int(rows[arm][2].replace(",", "")) for arm in ("full", "h2o"))
    assert kept * 4 == full


def test_evaluate_prints_both_protocols_with_asked_and_measured_share():
    output = invoke("evaluate", "tiny", "--context", 160, "--questions", 2, "--methods", "h2o", "--ratio", "0.5")
    assert "question in prompt" in output
    assert "question after" in output
    assert re.search(r"^h2o 0\.5 +0\.500 +0\.500", output, flags=re.MULTILINE)


def test_evaluate_writes_a_report_that_report_writes_again(tmp_path):
    run, again = tmp_path / "run", tmp_path / "again.html"
    output = invoke(
        "evaluate", "--task", "visual-needle", "--questions", 2, "--methods", "snapkv", "--ratio", "0.3", "--out", run
    )
    assert output.strip().endswith(str(run / "report.html"))
    assert invoke("report", run, "--output", again).strip() == str(again)
    assert again.read_text() == (run / "report.html").read_text()


def test_tasks_are_listed_with_the_model_that_they_ask():
    assert re.search(r"^many-images .*constructed$", invoke("tasks"), flags=re.MULTILINE)


BAD = {
    "a wrong task": (("evaluate", "--task", "pasky"), "did you mean 'passkey'"),
    "a wrong method": (("evaluate", "tiny", "--methods", "snapvk"), "did you mean 'snapkv'"),
    "a share that is no number": (("evaluate", "tiny", "--ratio", "a"), "numbers separated by commas"),
    "a share above one": (("evaluate", "tiny", "--ratio", "1.5"), "0 < ratio <= 1"),
    "no model": (("evaluate", "--task", "milebench"), "milebench needs a model"),
    "no data": (("evaluate", "tiny", "--task", "longbench"), "--data"),
    "no folder": (("evaluate", "tiny", "--task", "ruler", "--data", "/nowhere"), "/nowhere does not exist"),
    "pictures for a text model": (("evaluate", "tiny", "--task", "video"), "the model 'constructed'"),
    "a budget below what is protected": (("evaluate", "tiny", "--context", "160", "--ratio", "0.05"), "snapkv 0.05: "),
    "a text that is too long": (("evaluate", "tiny", "--context", "5000"), "no question fits"),
    "no run": (("report", "/"), "no run folder"),
    "a wrong peer": (("bench", "tiny", "--peer", "kvpres"), "did you mean 'kvpress'"),
    "a short text to inspect": (("inspect", "tiny", "--prompt-tokens", "64"), "--prompt-tokens 0"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_mistake_is_told_in_one_line(case, capsys):
    arguments, message = BAD[case]
    assert message in refused(capsys, *arguments)


def test_a_peer_that_is_not_installed_is_named_with_the_way_to_install_it(capsys, monkeypatch):
    monkeypatch.setattr("medsuite.meda_kv.evaluate.peer.find_spec", lambda name: None)
    assert "pip install --no-deps kvpress==0.5.5" in refused(capsys, "bench", "tiny", "--peer", "kvpress")
