"""The command line from making a set to scoring replies, and its errors."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from medsuite.bench.cli import app
from medsuite.bench.finance.sets import make_set, read_judgements, read_replies, read_set, write_rows
from medsuite.core.errors import InputError


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["finance", *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_set_is_made_validated_and_scored(tmp_path: Path) -> None:
    out = tmp_path / "set"
    run("data", "make", str(out), "--pictures", "1", "--style", "screen")
    table = out / "finance_en.tsv"
    assert "no problems" in run("data", "validate", str(table))
    _, questions = read_set(table, "en")
    replies = tmp_path / "replies.jsonl"
    rows = [{"index": q.index, "reply": q.answer.replace("<AND>", ", ")} for q in questions]
    replies.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    output = run("evaluate", str(table), str(replies))
    assert [line.split("│")[4].strip() for line in output.splitlines() if "all questions" in line] == ["100.0"]


def test_every_style_has_the_same_questions(tmp_path: Path) -> None:
    paths = make_set(tmp_path / "set", 1, ["screen", "light"], seed=1)
    _, questions = read_set(paths["cn"], "cn")
    texts = {style: [q.text for q in questions if q.image_style == style] for style in ("computer", "photograph")}
    assert texts["computer"] == texts["photograph"]
    assert all(question.template for question in questions)


def test_the_published_table_is_checked() -> None:
    assert "Qwen2.5VL-7B, overall: 62.00 its cells average to 59.16" in run("published", "en")


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'screen'"):
        make_set(tmp_path / "new", 1, ["scren"])
    assert not (tmp_path / "new").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(InputError, match="is not empty"):
        make_set(tmp_path / "full", 1, ["screen"])
    bad = tmp_path / "replies.jsonl"
    bad.write_text('{"index": "1"}\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1 is no reply"):
        read_replies(bad, [])
    with pytest.raises(InputError, match="does not exist"):
        read_replies(tmp_path / "none.jsonl", [])


def test_replies_must_cover_the_questions(tmp_path: Path) -> None:
    paths = make_set(tmp_path / "set", 1, ["screen"])
    _, questions = read_set(paths["en"], "en")
    some = tmp_path / "some.jsonl"
    some.write_text(json.dumps({"index": questions[0].index, "reply": "1"}), encoding="utf-8")
    with pytest.raises(
        InputError, match=f"no reply to question '{questions[1].index}' and {len(questions) - 2} others"
    ):
        read_replies(some, questions)


def test_a_models_words_may_hold_any_character(tmp_path: Path) -> None:
    paths = make_set(tmp_path / "set", 1, ["screen"])
    _, questions = read_set(paths["en"], "en")
    said = [f"line{mark}line" for mark in "\u2028\u2029\x85\x0b\x1c\n\r"] + ["\ufeff", "“1”", "\\", "𝟏"]
    replies = [said[place % len(said)] for place in range(len(questions))]
    path = tmp_path / "replies.jsonl"
    write_rows(path, ({"index": q.index, "reply": reply} for q, reply in zip(questions, replies, strict=True)))
    assert read_replies(path, questions) == replies


def test_a_byte_order_mark_and_blank_lines_are_no_replies_and_a_second_reply_is_refused(tmp_path: Path) -> None:
    paths = make_set(tmp_path / "set", 1, ["screen"])
    _, questions = read_set(paths["en"], "en")
    lines = [json.dumps({"index": question.index, "reply": "1"}) for question in questions]
    path = tmp_path / "replies.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n\r\n".join(lines).encode())
    assert read_replies(path, questions) == ["1"] * len(questions)
    path.write_text("\n".join([*lines, lines[0]]), encoding="utf-8")
    with pytest.raises(InputError, match=f"line {len(lines) + 1} is a second reply to question"):
        read_replies(path, questions)
    path.write_bytes("\n".join(lines).replace("1", "é").encode("latin-1"))
    with pytest.raises(InputError, match="no text in UTF-8"):
        read_replies(path, questions)


@pytest.mark.parametrize("score", ["6", "-1", "4.5", '"5"', "[5]", "1e400"])
def test_a_judgement_that_is_no_integer_from_zero_to_five_is_refused(tmp_path: Path, score: str) -> None:
    path = tmp_path / "judged.jsonl"
    path.write_text(f'{{"index": "1", "score": {score}, "reason": "", "attempts": 1}}\n', encoding="utf-8")
    with pytest.raises(InputError, match="line 1 is no judgement"):
        read_judgements(path)
    path.write_text('{"index": "1", "score": null, "reason": "", "attempts": 3}\n', encoding="utf-8")
    assert read_judgements(path)["1"][0].score is None


@pytest.mark.parametrize(
    "line", ["{", "[1]", "7", '{"index": "1"}', '{"index": [], "options": [], "axis_span": null, "template": ""}']
)
def test_a_truth_that_says_nothing_about_a_question_is_named(tmp_path: Path, line: str) -> None:
    paths = make_set(tmp_path / "set", 1, ["screen"])
    truth = tmp_path / "set" / "truth.jsonl"
    truth.write_text(truth.read_text(encoding="utf-8") + line, encoding="utf-8")
    with pytest.raises(InputError, match=r"truth.jsonl, line \d+ says nothing about a question"):
        read_set(paths["en"], "en")


@pytest.mark.parametrize("command", ["predict", "ask", "judge"])
def test_a_place_where_nothing_can_be_written_is_refused_before_anybody_is_asked(tmp_path: Path, command: str) -> None:
    paths = make_set(tmp_path / "set", 1, ["screen"])
    words = {
        "predict": [str(paths["en"])],
        "ask": [str(paths["en"])],
        "judge": [str(paths["en"]), str(tmp_path / "none.jsonl")],
    }[command]
    model = [] if command == "predict" else ["--model", "m", "--server", "http://127.0.0.1:9/v1"]
    for out, message in ((tmp_path / "set", "is a folder"), (paths["en"] / "a.jsonl", "finance_en.tsv is a file")):
        with pytest.raises(InputError, match=message):
            CliRunner().invoke(app, ["finance", command, *words, str(out), *model], catch_exceptions=False)
