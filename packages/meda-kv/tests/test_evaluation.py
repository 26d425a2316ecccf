"""Evaluations: resume, both protocols, intervals, and what the report shows."""

import json
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

from medsuite.core.errors import InputError, ResumeError
from medsuite.core.runs import RunFolder
from medsuite.core.stats import wilson_interval
from medsuite.meda_kv import H2O, Budget, CrossModalEntropy, KeyNorm, Protect, Recipe, observing
from medsuite.meda_kv.evaluate import evaluation, overlays
from medsuite.meda_kv.evaluate.arms import open_model
from medsuite.meda_kv.evaluate.charts import kept_along, layer_budgets, quality
from medsuite.meda_kv.evaluate.details import ArmDetail, Detail, Recorder, kept_by_token, picture_grids
from medsuite.meda_kv.evaluate.evaluation import Plan, Record, evaluate, read_details, read_records
from medsuite.meda_kv.evaluate.html import write_report
from medsuite.meda_kv.evaluate.perplexity import continuation
from medsuite.meda_kv.evaluate.questions import Score, ask
from medsuite.meda_kv.evaluate.summary import summarise, table
from medsuite.meda_kv.evaluate.tasks import TASKS, Scope

SCOPE = Scope(questions=3, context=160)
TEXT = Plan("passkey", "tiny", ("h2o", "random"), (0.5, 0.3), SCOPE)
VISUAL = Plan("visual-needles", methods=("snapkv", "meda"), shares=(0.5, 0.3), scope=Scope(questions=2))


@pytest.fixture(scope="module")
def text_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("text") / "run"
    evaluate(TEXT, out)
    return out


@pytest.fixture(scope="module")
def visual_run(tmp_path_factory):
    out = tmp_path_factory.mktemp("visual") / "run"
    evaluate(VISUAL, out)
    return out


def outcomes(done):
    return [(record.unit, record.tokens, record.scores) for record in done]


def test_every_question_is_asked_of_every_arm_under_both_protocols(text_run):
    done = read_records(RunFolder.existing(text_run))
    arms = {"full", "h2o 0.5", "h2o 0.3", "random 0.5", "random 0.3"}
    expected = {(arm, protocol) for arm in arms for protocol in ("in prompt", "after")}
    assert len(done) == 3
    assert all({(score.arm, score.protocol) for score in record.scores} == expected for record in done)


def test_a_run_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(text_run, tmp_path):
    class KilledError(Exception):
        pass

    def kill(record, done):
        raise KilledError

    with pytest.raises(KilledError):
        evaluate(TEXT, tmp_path / "run", kill)
    file = tmp_path / "run" / "questions.jsonl"
    with file.open("a") as torn:
        torn.write('{"unit": "question 001", "sco')
    asked = []
    done = evaluate(TEXT, tmp_path / "run", lambda record, count: asked.append((record.unit, count)))
    assert asked == [("question 001", 2), ("question 002", 3)]
    assert outcomes(done) == outcomes(read_records(RunFolder.existing(text_run)))


def test_a_folder_of_another_evaluation_is_refused(text_run):
    with pytest.raises(ResumeError, match="shares"):
        evaluate(Plan("passkey", "tiny", ("h2o", "random"), (0.5,), SCOPE), text_run)


def test_questions_that_do_not_fit_are_left_out_and_say_why(tmp_path):
    long = Scope(questions=2, context=1100)
    done = evaluate(Plan("passkey", "tiny", ("h2o",), (0.5,), long), tmp_path / "run")
    assert [record.scores for record in done] == [(), ()]
    assert "at most 1,024, the model's positions" in done[0].left_out
    with pytest.raises(InputError, match="no question has been answered"):
        write_report(tmp_path / "run")


def test_an_unreadable_outcome_is_told(tmp_path):
    folder = RunFolder.open(tmp_path / "run", {"task": "passkey"})
    (folder.path / "questions.jsonl").write_text('{"unit": "a", "scores": [{"what": 1}]}\n')
    with pytest.raises(InputError, match="another version"):
        read_records(folder)


@pytest.mark.parametrize("name", ["passkeys", "perplexity", "video"])
def test_tasks_make_the_same_questions_whatever_was_asked_before(name):
    opened = open_model("tiny" if TASKS[name].model == "smollm2-135m" else "constructed")
    scope = Scope(questions=2, context=300)
    _, (_, later) = TASKS[name].questions(opened, scope)
    alone = list(TASKS[name].questions(opened, scope))[1][1]()
    assert torch.equal(later().context, alone.context)


def test_the_number_on_a_picture_is_asked_of_any_vision_language_model():
    from medsuite.core import tiny
    from medsuite.meda_kv.evaluate.prompting import Opened

    made = tiny.llava()
    ((unit, make),) = TASKS["numbered-pictures"].questions(
        Opened(made.model, made.processor), Scope(questions=1, frames=3)
    )
    question = make()
    image_tokens = int((question.context == made.config.image_token_id).sum())
    assert image_tokens == 3 * made.config.image_seq_length
    colours = [picture.getpixel((3, 3)) for picture in question.pictures]
    assert len(set(colours)) == 3
    assert "number is written on the" in made.tokenizer.decode(question.question[0])
    assert unit == "question 000"


def test_perplexity_is_the_models_own_cross_entropy():
    opened = open_model("tiny")
    question = continuation(opened.tokenizer, 64, np.random.default_rng(0), continued=20)
    with observing(opened.model, Recipe(Budget(ratio=0.5), select=H2O()).observation()) as session:
        (score,) = ask(session, question, {})
    ids = torch.cat([question.context, question.opening, question.answer.reference], dim=1)
    with torch.no_grad():
        logits = opened.model(ids).logits[0, 63:-1]
    assert score.protocol == "after"
    assert score.nll == pytest.approx(float(torch.nn.functional.cross_entropy(logits, ids[0, 64:])), abs=1e-4)
    assert score.value == pytest.approx(float((logits.argmax(-1) == ids[0, 64:]).float().mean()))


def released_row(number, answer):
    return {
        "input": f"What is {number}?",
        "context": "A text about the heart. " * 9,
        "answers": [answer],
        "_id": "same",
    }


@pytest.fixture
def short_answers(monkeypatch):
    """Let answers end early: how long they may be is tested with the readers."""
    longbench, milebench = map(
        import_module, ("medsuite.meda_kv.evaluate.released.longbench", "medsuite.meda_kv.evaluate.released.milebench")
    )

    monkeypatch.setitem(longbench.TASKS, "hotpotqa", longbench.Task(longbench.measures.qa_f1, 2))
    monkeypatch.setitem(milebench.MOST, "needle", 1)


@pytest.mark.usefixtures("short_answers")
def test_a_released_file_is_evaluated_as_far_as_asked_and_equal_names_stay_apart(tmp_path):
    file = tmp_path / "hotpotqa.jsonl"
    file.write_text("".join(json.dumps(released_row(number, "x")) + "\n" for number in range(4)))
    plan = Plan("longbench", "tiny", ("h2o",), (0.5,), Scope(questions=3, data=file))
    done = evaluate(plan, tmp_path / "run")
    assert [record.unit for record in done] == ["hotpotqa same", "hotpotqa same (2)", "hotpotqa same (3)"]
    assert all(score.value == 0.0 for record in done for score in record.scores)
    assert "nats/token" not in table(summarise(done))
    assert len(list(TASKS["longbench"].questions(open_model("tiny"), Scope(questions=0, data=file)))) == 4


@pytest.mark.usefixtures("short_answers")
def test_a_damaged_line_stops_the_run_and_what_came_before_it_stays(tmp_path):
    file = tmp_path / "hotpotqa.jsonl"
    file.write_text(json.dumps(released_row(0, "x")) + '\n{"input": "cut')
    plan = Plan("longbench", "tiny", ("h2o",), (0.5,), Scope(data=file))
    with pytest.raises(InputError, match="line 2 is not JSON; the last line is cut off"):
        evaluate(plan, tmp_path / "run")
    assert [record.unit for record in read_records(RunFolder.existing(tmp_path / "run"))] == ["hotpotqa same"]
    file.write_text(json.dumps(released_row(0, "x")) + "\n" + json.dumps(released_row(1, "x")) + "\n")
    assert len(evaluate(plan, tmp_path / "run")) == 2


@pytest.mark.usefixtures("short_answers")
def test_a_milebench_folder_is_evaluated_with_the_truth_of_the_hand_set_model(tmp_path):
    """From released files to the report: the needle is found with the question in the prompt, whatever the rest."""
    from medsuite.meda_kv.constructed_vision import draw_lookup, key_word, value_word, vision_retrieval_model

    built = vision_retrieval_model(8)
    built.model.save_pretrained(tmp_path / "model")
    built.processor.save_pretrained(tmp_path / "model")
    folder, rows = tmp_path / "ImageNeedleInAHaystack", []
    (folder / "images").mkdir(parents=True)
    for number in range(2):
        lookup = draw_lookup(2, 8, np.random.default_rng(number))
        names = [f"{number}-{place}.png" for place in range(2)]
        for name, picture in zip(names, lookup.pictures, strict=True):
            picture.save(folder / "images" / name)
        key = key_word(lookup.asked[0])
        instance = {"context": "{image#1} and {image#2} what stands at " + f"{key} : {key}", "images_path": names}
        rows.append({"sample_id": number, "task_instance": instance, "response": value_word(lookup.answers[0])})
    meta = {"task_instruction": ["Look."], "question_type": "open-ended"}
    (folder / f"{folder.name}.json").write_text(json.dumps({"meta_data": meta, "data": rows}))
    scope = Scope(questions=0, data=tmp_path, datasets=(folder.name,))
    done = evaluate(Plan("milebench", str(tmp_path / "model"), ("snapkv",), (0.4,), scope), tmp_path / "run")
    cells = {line.method: line.cells for line in summarise(done)}
    assert cells["full"]["after"].value.estimate == cells["full"]["in prompt"].value.estimate == 1.0
    assert cells["snapkv"]["in prompt"].value.estimate == 1.0
    page = write_report(tmp_path / "run").read_text(encoding="utf-8")
    assert page.count('alt="Pictures') == 2 * 3


def records(values, protocol="after", nll=1.0):
    return [
        Record(f"q{number}", 10, tuple(Score(arm, protocol, value, nll, share, 10, 20) for arm, value, share in row))
        for number, row in enumerate(values)
    ]


def test_intervals_are_wilsons_for_right_and_wrong_and_differences_are_paired():
    done = records([[("full", 1.0, 1.0), ("h2o 0.5", float(number % 2), 0.5)] for number in range(8)])
    full, half = summarise(done)
    assert (half.method, half.requested, half.measured) == ("h2o", 0.5, 0.5)
    assert half.cells["after"].value == wilson_interval(4, 8)
    loss = half.cells["after"].loss
    assert loss.estimate == -0.5
    assert -1 <= loss.low < -0.5 < loss.high <= 0
    assert full.cells["after"].loss.ends == (0, 0, 0)


def test_a_constant_loss_has_no_width_although_the_grades_vary():
    grades = np.linspace(0.3, 0.9, 7)
    done = records([[("full", float(grade), 1.0), ("h2o 0.5", float(grade) - 0.25, 0.5)] for grade in grades])
    _, half = summarise(done)
    assert half.cells["after"].loss.ends == pytest.approx((-0.25,) * 3)
    assert half.cells["after"].value.high - half.cells["after"].value.low > 0.1


def test_one_question_has_no_interval_and_written_answers_no_likelihood():
    (line,) = summarise(records([[("full", 0.4, 1.0)]], nll=float("nan")))
    assert np.isnan(line.cells["after"].value.low)
    assert line.cells["after"].nll is None
    assert "nats" not in table([line])
    assert "[" not in table([line])


def test_kept_tokens_are_counted_over_layers_and_heads():
    opened = open_model("tiny")
    question = continuation(opened.tokenizer, 40, np.random.default_rng(0))
    recipe = Recipe(Budget(ratio=0.5), select=KeyNorm(), protect=Protect(sinks=2))
    kept, counts = {}, torch.zeros(39)

    def look(arm, protocol, prompt, smaller):
        kept[arm] = kept_by_token(smaller.cache, 39)
        for head in (head for layer in smaller.cache.layers if arm != "full" for head in layer.positions[0]):
            counts[head.long()] += 1

    with observing(opened.model, recipe.observation()) as session:
        ask(session, question, {"arm": recipe}, look)
    np.testing.assert_allclose(kept["arm"], counts / 4)
    assert kept["arm"][:2].tolist() == [1, 1]
    assert kept["arm"].sum() == pytest.approx(0.5 * 39, abs=0.5)
    assert kept["full"].tolist() == [1.0] * 39


def test_heads_with_budgets_of_their_own_are_counted_one_by_one(tmp_path):
    evaluate(Plan("passkey", "tiny", ("adakv",), (0.5,), Scope(questions=1, context=160)), tmp_path / "run")
    (detail,) = read_details(RunFolder.existing(tmp_path / "run"))
    (line,) = [line for line in summarise(read_records(RunFolder.existing(tmp_path / "run"))) if line.method == "adakv"]
    for arm in detail.arms:
        assert np.mean(arm.share) == pytest.approx(0.5, abs=0.01)
        assert np.mean(arm.kept) == pytest.approx(0.5, abs=0.01)
    assert line.kv_bytes / line.kv_bytes_full == pytest.approx(0.5, abs=0.01)
    assert "adakv" in write_report(tmp_path / "run").read_text(encoding="utf-8")


def test_details_survive_the_disk_and_a_damaged_file_is_named(visual_run, tmp_path):
    detail = read_details(RunFolder.existing(visual_run))[0]
    detail.save(tmp_path / "again.json")
    assert Detail.load(tmp_path / "again.json") == detail
    (tmp_path / "again.json").write_text("{}")
    with pytest.raises(InputError, match=r"again\.json is damaged"):
        Detail.load(tmp_path / "again.json")


def test_details_hold_the_needles_the_grids_and_the_closed_form_entropies(visual_run):
    detail = read_details(RunFolder.existing(visual_run))[0]
    assert detail.grids == [(8, 8)] * 4
    assert len(detail.marks) == 3
    assert set(detail.marks) <= set(detail.vision)
    (entropies,) = detail.entropies.values()
    assert list(detail.entropies) == ["cross-modal entropy"]
    assert entropies[0][0] == pytest.approx(np.log(256), abs=1e-4)
    found = {(arm.arm, arm.protocol): np.array(arm.kept)[detail.marks] for arm in detail.arms}
    assert (found["snapkv 0.3", "in prompt"] > 0).all()
    assert (found["snapkv 0.3", "after"] == 0).any()


def test_grids_follow_from_the_processor_or_are_squares():
    sizes = {"image_grid_thw": torch.tensor([[1, 4, 8], [1, 8, 8]])}
    assert picture_grids(2, 24, sizes) == [(2, 4), (4, 4)]
    assert picture_grids(3, 27, {}) == [(3, 3)] * 3
    assert picture_grids(2, 7, {}) == []


def pixels(png):
    import base64
    import io

    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")).astype(int)


def test_evicted_patches_fade_and_kept_ones_stay_as_they_are(visual_run):
    detail = read_details(RunFolder.existing(visual_run))[0]
    bare = Detail(detail.unit, [], [], detail.vision, detail.grids, detail.pictures)
    kept = np.zeros(300)
    kept[detail.vision[:32]] = 1.0
    whole, faded = (
        pixels(overlays.sheet(bare, arm)) for arm in (None, ArmDetail("a", "after", [0], [0.5], kept.tolist()))
    )
    half = overlays.CELL // 2
    assert np.array_equal(whole[:half, : overlays.CELL], faded[:half, : overlays.CELL])
    below = faded[half : overlays.CELL, : overlays.CELL]
    assert np.abs(below - overlays.PAPER).max() <= 0.13 * 255
    assert np.abs(whole[half : overlays.CELL, : overlays.CELL] - overlays.PAPER).max() > 100


def test_needles_are_framed(visual_run):
    detail = read_details(RunFolder.existing(visual_run))[0]
    bare = Detail(detail.unit, [], [], detail.vision, detail.grids, detail.pictures)
    changed = (pixels(overlays.sheet(detail, None)) != pixels(overlays.sheet(bare, None))).any(-1)
    patch = overlays.CELL // 8
    assert 0 < changed.sum() <= 3 * 4 * 3 * (patch + 3)


def test_many_pictures_are_cut_to_the_first_and_those_with_needles():
    vision = list(range(40))
    detail = Detail("q", [], [39], vision, [(1, 1)] * 40, ["x"] * 40)
    chosen = overlays._chosen_pictures(detail)
    assert len(chosen) == overlays.MOST
    assert chosen[-1] == 39
    assert overlays.can_draw(detail)
    assert not overlays.can_draw(Detail("q", [], [], vision, [], ["x"]))


def test_text_is_shown_around_the_needles_with_gaps():
    words = [f"w{number}" for number in range(400)]
    kept = [0.5] * 400
    shown = overlays.text_around_needles(
        Detail("q", words, [200, 201], [], [], []), ArmDetail("a", "after", [0], [0.5], kept)
    )
    assert [word.text for word in shown][:2] == ["", "w150"]
    assert [word.text for word in shown if word.needle] == ["w200", "w201"]
    assert shown[-1].text == ""
    assert shown[5].kept == 50


def test_figures_show_every_method_and_every_layer(text_run):
    lines = summarise(read_records(RunFolder.existing(text_run)))
    details = read_details(RunFolder.existing(text_run))
    names = [text.get_text() for text in quality(lines, "right").legends[0].get_texts()]
    assert sorted(names) == ["full cache", "h2o", "random"]
    (left, right) = layer_budgets(details).axes
    assert [len(line.get_xdata()) for line in left.lines] == [2, 2]
    assert {label.get_text() for label in kept_along(details[0], "after").axes[0].get_yticklabels()} == {
        arm.arm for arm in details[0].arms
    }
    assert right.get_title() == "question after"


@pytest.mark.parametrize("run", ["text_run", "visual_run"])
def test_the_report_is_one_file_with_every_number_and_picture(run, request):
    page = write_report(request.getfixturevalue(run)).read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert "<script" not in page
    assert "random weights" in page or "hand-set weights" in page
    assert page.count("<figure") >= 2 + 2 * len(read_details(RunFolder.existing(request.getfixturevalue(run))))
    done = read_records(RunFolder.existing(request.getfixturevalue(run)))
    for line in summarise(done):
        assert f"<b>{line.method}</b>" in page
        assert f"{line.kv_bytes:,.0f}" in page
    assert ('alt="Pictures' in page) == (run == "visual_run")
    assert ('class="tokens"' in page) == (run == "text_run")


def test_a_run_folder_of_something_else_is_refused(tmp_path):
    RunFolder.open(tmp_path / "run", {"claims": []})
    with pytest.raises(InputError, match="not the run of an evaluation"):
        write_report(tmp_path / "run")


def test_the_run_folder_holds_its_settings(text_run):
    manifest = json.loads((Path(text_run) / "manifest.json").read_text())
    assert manifest["config"]["methods"] == ["h2o", "random"]
    assert manifest["config"]["scope"]["context"] == 160
    assert len(list((Path(text_run) / "artefacts").iterdir())) == evaluation.SHOWN


def test_entropies_of_a_text_are_called_what_they_are():
    opened = open_model("tiny")
    question = continuation(opened.tokenizer, 40, np.random.default_rng(0))
    recipe = Recipe(Budget(ratio=0.5), CrossModalEntropy(), H2O())
    recorder = Recorder(question, opened.tokenizer)
    with observing(opened.model, recipe.observation()) as session:
        ask(session, question, {"arm": recipe}, recorder)
    assert list(recorder.detail().entropies) == ["entropy over all tokens"]
