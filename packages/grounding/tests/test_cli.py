import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from medsuite.core.cli import main
from medsuite.grounding.knowledge import save_knowledge
from medsuite.grounding.prediction import read_picture

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


def test_data_says_how_far_readers_agree(capsys, table):
    shown = succeed(capsys, "data", table, "--agreement")
    assert "one reader against another" in shown
    assert "AP 50 1.0000" in shown
    assert "two readers marked" in fail(capsys, "data", table, "--agreement", "--fuse", "0.4")


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


def test_what_predict_writes_evaluate_reads_under_the_data_set_s_own_names(capsys, tiny, tmp_path):
    """VinDr-CXR lists `Nodule/Mass` and images without a suffix; the knowledge base says `nodule or mass`."""
    tiny.save(tmp_path / "model")
    for name in ("f1.png", "f2.png"):
        Image.fromarray(np.zeros((50, 40), np.uint8)).save(tmp_path / name)
    rows = "f1,R1,Nodule/Mass,5,5,30,30\nf1,R2,ILD,5,5,30,30\nf2,R1,Nodule/Mass,1,2,30,40\nf3,R1,No finding,,,,\n"
    (tmp_path / "test.csv").write_text(TABLE.splitlines()[0] + "\n" + rows)
    out, films = tmp_path / "answers.json", [tmp_path / "f1.png", tmp_path / "f2.png"]
    finds = ["--find", "mass", "--find", "ILD", "--find", "Nodule/Mass"]
    shown = succeed(capsys, "predict", *films, *finds, "--model", tmp_path / "model", "--out", out)
    answers = json.loads(out.read_text())
    assert [answer["image_id"] for answer in answers] == ["f1.png", "f2.png"]
    # A finding under two of its names is asked for once.
    assert [set(answer["labels"]) for answer in answers] == [{"nodule or mass", "interstitial lung disease"}] * 2
    assert {line.split()[0] for line in shown.splitlines()} == {"f1.png", "f2.png"}
    measured = succeed(capsys, "evaluate", out, tmp_path / "test.csv", "--out", tmp_path / "measures.json")
    assert "3 images\n" in measured
    parts = json.loads((tmp_path / "measures.json").read_text())["rodeo"]
    assert parts["matched"] + parts["missed"] == 3


def test_predict_reads_dicom_as_it_should_look(capsys, tiny, tmp_path):
    """A real PA chest film of pydicom-data: 15 bits, MONOCHROME1, a window of its own."""
    film = Path(str(get_testdata_file("RG1_UNCR.dcm")))
    picture = read_picture(film)
    assert picture.shape == (1955, 1841)
    stored = pydicom.dcmread(film).pixel_array
    # High values are dark in MONOCHROME1: the air around the patient is black once it is read.
    assert np.corrcoef(stored[::20, ::20].ravel(), picture[::20, ::20].ravel())[0, 1] < -0.8
    tiny.save(tmp_path / "model")
    shown = succeed(capsys, "predict", film, "--find", "pneumothorax", "--model", tmp_path / "model")
    (line, *_) = shown.splitlines()
    edges = [float(edge) for edge in re.findall(r"[\d.]+(?=[,\s])", line.split("pneumothorax: ")[1])[:4]]
    assert 0 <= edges[0] < edges[2] <= 1841
    assert 0 <= edges[1] < edges[3] <= 1955


def test_sixteen_bits_are_windowed_and_colour_stays(tmp_path):
    deep = np.linspace(0, 60_000, 40 * 30).reshape(40, 30).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    grey = read_picture(tmp_path / "deep.png")
    assert (grey.dtype, grey.shape) == (np.uint8, (40, 30))
    assert np.corrcoef(grey.ravel(), deep.ravel())[0, 1] > 0.99
    colour = np.random.default_rng(0).integers(0, 255, (6, 5, 3), dtype=np.uint8)
    Image.fromarray(colour).save(tmp_path / "colour.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "colour.png"), colour)


def test_prompts_for_a_base_of_one_finding_and_for_another_seed(capsys, vindr, tmp_path):
    save_knowledge(vindr.model_copy(update={"findings": vindr.findings[:1]}), tmp_path / "mine.yaml")
    shown = succeed(capsys, "prompts", "Aortic Enlargement", "--knowledge", tmp_path / "mine.yaml")
    assert "knowledge:              aortic enlargement means widened" in shown
    assert "two or more" in shown
    said = {succeed(capsys, "prompts", "edema", "--seed", str(seed)) for seed in range(4)}
    assert len(said) > 1


def test_a_knowledge_base_with_an_error_is_listed_and_exits_with_1(capsys, vindr, tmp_path):
    twin = vindr.findings[0].model_copy(update={"id": "twin", "name": "twin", "synonyms": ()})
    save_knowledge(vindr.model_copy(update={"findings": (vindr.findings[0], twin)}), tmp_path / "mine.json")
    with pytest.raises(SystemExit) as stop:
        run("knowledge", tmp_path / "mine.json")
    assert stop.value.code == 1
    assert "error: twin: is described as aortic-enlargement is (near-duplicate)" in capsys.readouterr().out


def test_bad_boxes_are_listed_and_left_out_of_both_layouts(capsys, table, tmp_path):
    table.write_text(TABLE + "i9,R1,Edema,5,5,1,1\n")
    assert "box (5, 5, 1, 1) has no area" in fail(capsys, "data", table)
    assert "6 images, 10 boxes, 1 dropped" in succeed(capsys, "data", table, "--drop-bad-boxes")
    Image.new("L", (100, 50)).save(tmp_path / "one.png")
    findings = [{"sentence_en": "Mass.", "boxes": [[0, 0, 0.5, 0.5], [0, 0, 2, 2]]}]
    (tmp_path / "reports.json").write_text(json.dumps([{"ImageID": "one.png", "findings": findings}]))
    words = ["data", tmp_path / "reports.json", "--format", "padchest-gr", "--images", tmp_path]
    assert "leaves the image" in fail(capsys, *words)
    assert "1 images, 1 boxes, 1 dropped" in succeed(capsys, *words, "--drop-bad-boxes")


@pytest.mark.parametrize("words", [[], ["knowledge"], ["prompts"], ["data"], ["predict"], ["evaluate"]])
def test_every_command_explains_itself(capsys, words):
    assert "Usage:" in succeed(capsys, *words, "--help")


@pytest.mark.parametrize("out", ["folder", "file/below"])
def test_a_place_that_cannot_be_written_is_one_line(out, capsys, table, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "answers.json").write_text("[]")
    shown = fail(capsys, "evaluate", tmp_path / "answers.json", table, "--out", tmp_path / out)
    assert "cannot be written" in shown


def test_one_film_alone_is_measured_without_an_interval(capsys, tmp_path):
    (tmp_path / "one.csv").write_text(TABLE.splitlines()[0] + "\ni0,R1,Edema,10,20,50,60\n")
    answers = [{"image_id": "i0", "labels": ["Edema"], "boxes": [[10, 20, 50, 60]]}]
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    out = tmp_path / "out.json"
    shown = succeed(capsys, "evaluate", tmp_path / "answers.json", tmp_path / "one.csv", "--out", out)
    assert "1 images" in shown
    assert "AP 50 1.0000" in shown
    assert "found at 0.5   1, 1 image gives no interval" in shown
    assert json.loads(out.read_text())["found"]["low"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("knowledge", "vindir"), "did you mean 'vindr'"),
        (("prompts", "edemma"), "did you mean 'edema'"),
        (("data", "absent.csv"), "cannot be read"),
        (("evaluate", "absent.json", "absent.csv"), "cannot be read"),
        (("data", "absent.json", "--format", "padchest-gr"), "--images"),
        (("predict", "absent.png", "--find", "edema", "--model", "m"), "cannot be opened"),
        (("predict", "a/f.png", "b/f.png", "--find", "edema", "--model", "m"), "two images have the name f.png"),
        (("predict", "absent.png", "--find", "edemma", "--model", "m"), "did you mean 'edema'"),
        (("predict", "a.png", "--find", "edema", "--model", "m", "--strategy", "knowlege"), "did you mean 'knowledge'"),
        (("evaluate", "absent.json", "absent.csv", "--fuse", "1.5"), "cannot be read"),
        (("data", "."), "cannot be read"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, message, capsys):
    assert message in fail(capsys, *words)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"no image at all"])
def test_a_broken_image_is_refused_before_a_model_is_loaded(content, capsys, tmp_path):
    (tmp_path / "film.png").write_bytes(content)
    assert "film.png" in fail(capsys, "predict", tmp_path / "film.png", "--find", "edema", "--model", "m")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "holds a dict"),
        ('[{"image_id": "i0"}]', "is no prediction"),
        ('[{"image_id": "i0", "labels": ["Edema"], "boxes": []}]', "0 boxes, 1 labels"),
        ('[{"image_id": "i0", "labels": ["Edema"], "boxes": [[5, 5, 1, 1]]}]', "has no area"),
        ('[{"image_id": "i0", "labels": "Edema", "boxes": []}]', "has the labels 'Edema'"),
        ('[{"image_id": "i0", "labels": null, "boxes": []}]', "has the labels None"),
        ('[{"image_id": "i0", "labels": ["Edema"], "boxes": [[5, 5, 9, 9]], "scores": ["high"]}]', "has the scores"),
        ('[{"image_id": "i0", "labels": ["Edema"], "boxes": [[5, 5, 9, 9]], "scores": [NaN]}]', "finite numbers"),
        ('[{"image_id": "i0", "labels": ["Edema"], "boxes": [[5, 5, 9, 9]], "scores": 1}]', "finite numbers"),
        ('[{"image_id": "i0", "labels": ["Edema"], "boxes": [[5, 5, 9, 9]], "scores": []}]', "and 0 scores"),
        ('[{"image_id": "i0", "labels": ["Edema"], "boxes": [[0.1, 0.1, 0.9, 0.9]]}]', "as in unit coordinates"),
        ('[{"image_id": "i7", "labels": [], "boxes": []}]', "such as 'i0'"),
        ('[{"image_id": "i0", "labels": ["Oedema"], "boxes": [[5, 5, 9, 9]]}]', "did you mean 'Edema'"),
        ('[{"image_id": "i0", "labels": ["Edema"], "boxes": null}]', "boxes"),
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
