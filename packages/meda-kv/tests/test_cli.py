import re

from typer.testing import CliRunner

from medsuite.core import tiny
from medsuite.meda_kv.cli import app


def invoke(*arguments):
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_inspect_counts_layers_and_bytes(tmp_path):
    output = invoke("inspect", str(tiny.llama().save(tmp_path)))
    config = tiny.llama().config
    width = config.hidden_size // config.num_attention_heads
    cost = 2 * config.num_hidden_layers * config.num_key_value_heads * width * 4
    assert f"{config.num_hidden_layers} x DynamicLayer" in output
    assert f"{cost:,} bytes per token" in output
    assert "supported with sdpa attention" in output


def test_bench_prints_bytes_and_time_of_every_arm():
    output = invoke(
        "bench", "tiny", "--prompt-tokens", "128", "--methods", "h2o, meda", "--ratio", "0.25", "--new-tokens", "3"
    )
    rows = {line.split()[0]: line.split() for line in output.splitlines()[1:]}
    assert list(rows) == ["full", "h2o", "meda"]
    full, kept = (int(rows[arm][2].replace(",", "")) for arm in ("full", "h2o"))
    assert kept * 4 == full


def test_evaluate_prints_both_protocols():
    output = invoke("evaluate", "tiny", "--context", "160", "--questions", "2", "--methods", "h2o", "--ratio", "0.5")
    assert "question in prompt" in output
    assert "question after" in output
    assert re.search(r"^h2o +0\.500", output, flags=re.MULTILINE)
