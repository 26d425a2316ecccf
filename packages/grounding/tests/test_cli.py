import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from medsuite.core.cli import main

TABLE = "image_id,rad_id,class_name,x_min,y_min,x_max,y_max\n" + "".join(
    f"i{number},R{reader},Edema,{10 + reader},20,50,60\n" for number in range(5) for reader in range(2)
)


def run(*words):
    main(["grounding", *(str(word) for word in words)])


def succeed(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        run(*words)
    assert stop.value.code == 0
    return capsys.readouterr().out


def fail(capsys, *words):
    with pytest.raises(SystemExit) as stop:
        run(*words)
    assert stop.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith("medsuite: ")
    assert text.count("\n") == 1
    return text


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "train.csv"
    path.write_text(TABLE)
    return path


def test_a_knowledge_base_is_listed_and_checked(capsys):
    shown = succeed(capsys, "knowledge", "vindr")
    assert "22 findings" in shown
    assert shown.endswith("0 issues\n")


def test_prompts_shows_every_strategy(capsys):
    assert "lung cyst means round with a thin smooth wall" in succeed(capsys, "prompts", "lung cyst")


def test_data_counts_boxes_before_and_after_fusion(capsys, table):
    assert "5 images, 10 boxes, 0 dropped" in succeed(capsys, "data", table)
    assert "5 images, 5 boxes" in succeed(capsys, "data", table, "--fuse", "0.4")


def test_evaluate_prints_and_writes_the_measures(capsys, table, tmp_path):
    answers = [{"image_id": f"i{n}", "labels": ["Edema"], "boxes": [[10.5, 20, 50, 60]]} for n in range(5)]
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    out = tmp_path / "out.json"
    shown = succeed(capsys, "evaluate", tmp_path / "answers.json", table, "--fuse", "0.4", "--out", out)
    assert "AP 50 1.0000" in shown
    assert "found at 0.5   1" in shown
    assert json.loads(out.read_text())["rodeo"]["matched"] == 5


def test_predict_asks_a_florence_2_from_a_folder(capsys, tiny, tmp_path):
    tiny.save(tmp_path / "model")
    Image.fromarray(np.zeros((50, 40), np.uint8)).save(tmp_path / "film.png")
    out = tmp_path / "answers.json"
    words = ["--find", "nodule", "--find", "edema", "--model", tmp_path / "model", "--out", out]
    shown = succeed(capsys, "predict", tmp_path / "film.png", *words)
    (answer,) = json.loads(out.read_text())
    assert shown.count("score") == len(answer["boxes"])
    assert set(answer["labels"]) == {"nodule or mass", "edema"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("knowledge", "vindir"), "did you mean 'vindr'"),
        (("prompts", "edemma"), "did you mean 'edema'"),
        (("data", "absent.csv"), "cannot be read"),
        (("evaluate", "absent.json", "absent.csv"), "cannot be read"),
        (("data", "absent.json", "--format", "padchest-gr"), "--images"),
        (("predict", "absent.png", "--find", "edema", "--model", "m"), "no readable image"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, message, capsys):
    assert message in fail(capsys, *words)


def test_sixteen_bits_need_a_window_first(capsys, tmp_path):
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "film.png")
    shown = fail(capsys, "predict", tmp_path / "film.png", "--find", "edema", "--model", "m")
    assert "more than 8 bits" in shown


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "holds a dict"),
        ('[{"image_id": "i0"}]', "is no prediction"),
        ('[{"image_id": "i0", "labels": ["Edema"], "boxes": []}]', "0 boxes, 1 labels"),
        ('[{"image_id": "i0", "labels": ["Edema"], "boxes": [[5, 5, 1, 1]]}]', "has no area"),
    ],
)
def test_broken_predictions_write_nothing(content, message, capsys, table, tmp_path):
    (tmp_path / "answers.json").write_text(content)
    out = tmp_path / "out.json"
    assert message in fail(capsys, "evaluate", tmp_path / "answers.json", table, "--out", out)
    assert not out.exists()


def test_importing_the_package_its_commands_and_claims_is_light():
    code = (
        "import sys, medsuite.grounding, medsuite.grounding.cli, medsuite.grounding.claims\n"
        "print([name for name in ('torch', 'transformers', 'matplotlib', 'pydantic') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_public_name_exists():
    import medsuite.grounding as package

    assert all(getattr(package, name) is not None for name in dir(package))
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        getattr(package, "absent")  # noqa: B009
