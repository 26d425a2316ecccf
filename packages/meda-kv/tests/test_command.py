"""What `evaluate` prints while it runs and at its end, and what the report is made of."""

from pathlib import Path

import pytest

from medsuite.core.errors import InputError
from medsuite.meda_kv.evaluate import command, html
from medsuite.meda_kv.evaluate.details import ArmDetail, Detail
from medsuite.meda_kv.evaluate.evaluation import Plan, Record, evaluate
from medsuite.meda_kv.evaluate.questions import Score
from medsuite.meda_kv.evaluate.tasks import TASKS, Scope

PLAN = Plan("passkey", "tiny", ("h2o",), (0.5,), Scope(questions=2, context=160))


def record(unit, left_out=""):
    scores = () if left_out else (Score("full", "after", 1.0, 0.5, 1.0, 10, 10),)
    return Record(unit, 10, scores, 1.25, left_out)


def test_questions_that_were_left_out_are_counted_below_the_table():
    text = command._table([record("a"), record("b", "it is long"), record("c", "it is longer")])
    assert text.endswith("2 questions were left out, the first because it is long")
    assert "left out" not in command._table([record("a")])


def test_a_run_that_asked_nothing_says_why():
    with pytest.raises(InputError, match="no question fits: it is long"):
        command._table([record("b", "it is long")])


@pytest.mark.parametrize(
    ("scope", "lines"),
    [
        (Scope(questions=2), ["[1/2] a: 1.2 s", "[2/2] b: left out: it is long"]),
        (Scope(questions=2, data=Path("/data")), ["[1] a: 1.2 s", "[2] b: left out: it is long"]),
    ],
    ids=["made here", "released files, whose number is not known"],
)
def test_a_line_a_question_is_written_where_there_is_no_terminal(scope, lines, capsys):
    with command._Progress(Plan("passkey", "tiny", scope=scope)) as progress:
        progress.notify(record("a"), 1)
        progress.notify(record("b", "it is long"), 2)
    printed = capsys.readouterr()
    assert printed.err.splitlines() == lines
    assert printed.out == ""


def test_without_a_folder_nothing_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert "h2o 0.5" in command.run(PLAN, None)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ({"task": "passkeey"}, "did you mean 'passkey"),
        ({"task": "passkey", "methods": ()}, "no methods or no shares"),
        ({"task": "passkey", "shares": ()}, "no methods or no shares"),
        ({"task": "videomme"}, "videomme needs a model"),
    ],
)
def test_a_plan_that_asks_nothing_of_nobody_is_refused(plan, message):
    with pytest.raises(InputError, match=message):
        Plan(**plan)


def test_a_plan_has_an_arm_a_method_and_share():
    plan = Plan("passkey", methods=("h2o", "meda"), shares=(0.5, 0.25))
    assert list(plan.recipes()) == ["h2o 0.5", "h2o 0.25", "meda 0.5", "meda 0.25"]
    assert (plan.asked, plan.recipes()["meda 0.25"].budget.ratio) == ("smollm2-135m", 0.25)


def test_a_task_without_questions_is_told(tmp_path):
    plan = Plan("passkey", "tiny", ("h2o",), (0.5,), Scope(questions=0))
    with pytest.raises(InputError, match="passkey has no questions"):
        evaluate(plan, tmp_path / "run")


def test_every_task_says_what_is_asked_and_measured():
    for name, task in TASKS.items():
        assert task.name == name
        assert task.summary
        assert task.measure


@pytest.mark.parametrize(("lengths", "text"), [([1200], "1,200"), ([9, 9], "9"), ([500, 12, 2000], "12 to 2,000")])
def test_the_lengths_of_prompts_are_a_range(lengths, text):
    assert html._range(lengths) == text


def test_a_question_is_shown_by_its_text_where_it_has_one_and_no_pictures_that_can_be_drawn():
    arms = [
        ArmDetail("h2o 0.5", "after", [0], [0.5], [1.0, 0.0]),
        ArmDetail("h2o 0.2", "after", [0], [0.2], [0.5, 0.0]),
    ]
    (sheet,) = html._sheets(Detail("q", ["a", "b"], [], [], [], [], arms))
    assert (sheet.title, sheet.png) == ("h2o, question after", "")
    assert [(word.text, word.kept) for word in sheet.words] == [("a", 50), ("b", 0)]
    assert html._sheets(Detail("q", [], [], [0, 1], [], ["x"], arms)) == []
