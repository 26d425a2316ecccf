import json
import shutil

import pytest
import torch
from typer.testing import CliRunner

from medsuite.core.cli import main
from medsuite.core.errors import InputError, MedsuiteError
from medsuite.synth_medvlp import SentenceBank
from medsuite.synth_medvlp.cli import app
from medsuite.synth_medvlp.pretraining import sentences_of


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def made_up_texts(monkeypatch):
    """Sentence vectors from a hash instead of the packaged encoder."""

    def encode(sentences, model="minilm-l6", batch_size=64):
        texts = sorted(set(sentences))
        rows = [torch.randn(24, generator=torch.Generator().manual_seed(hash_of(text))) for text in texts]
        pooled = torch.nn.functional.normalize(torch.stack(rows), dim=-1)
        return SentenceBank(
            {text: place for place, text in enumerate(texts)}, pooled, pooled[:, None], torch.ones(len(texts), 1).bool()
        )

    monkeypatch.setattr(SentenceBank, "encode", encode)


def hash_of(text: str) -> int:
    import zlib

    return zlib.crc32(text.encode())


def test_pairs_are_made_checked_trained_on_and_evaluated(tmp_path, shards, made_up_texts):
    shown = run("data", "generate", tmp_path / "train", "--pairs", 64, "--size", 32, "--shard", 40, "--gap", 0)
    assert shown.splitlines() == ["pairs-000000.tar: 40 pairs", "pairs-000001.tar: 24 pairs"]
    assert "64 pairs; 64 reports say what the film shows" in run("data", "check", tmp_path / "train")
    trained = run("train", tmp_path / "train", "--out", tmp_path / "model", "--steps", 6, "--batch", 16)
    assert "one direction at chance: 2.773" in trained
    shown = run("evaluate", tmp_path / "model", shards, "--out", tmp_path / "result.json")
    assert "mean;" in shown
    result = json.loads((tmp_path / "result.json").read_text())
    assert len(result["auroc"]) == 14
    assert f"{result['mean']:.3f}" in shown
    record = json.loads((tmp_path / "model/training.json").read_text())
    assert (record["loss"], record["pairs"], record["steps"]) == ("clip", 64, 6)
    with pytest.raises(InputError, match="was trained on"):
        run("evaluate", tmp_path / "model", tmp_path / "train")


@pytest.mark.parametrize("loss", ["convirt", "gloria"])
def test_the_other_losses_train_too(tmp_path, shards, made_up_texts, loss):
    run("train", shards, "--out", tmp_path, "--loss", loss, "--steps", 2, "--batch", 8)
    assert json.loads((tmp_path / "training.json").read_text())["loss"] == loss


def test_sorting_out_writes_the_keys_that_are_kept_and_training_takes_them(tmp_path, dirty_shards, made_up_texts):
    run("data", "generate", tmp_path / "other", "--pairs", 60, "--size", 32, "--gap", 0, "--dirt", "harsh")
    shown = run("data", "curate", tmp_path / "other", "--reference", dirty_shards, "--out", tmp_path / "kept.txt")
    kept = (tmp_path / "kept.txt").read_text().split()
    assert shown.startswith(f"{len(kept)} of 60 films kept")
    assert "precision" in shown
    assert "recall" in shown
    assert all(key.startswith("0000-000000-") for key in kept)
    run(
        "train",
        tmp_path / "other",
        "--out",
        tmp_path / "m",
        "--steps",
        2,
        "--batch",
        8,
        "--keep",
        tmp_path / "kept.txt",
    )
    assert json.loads((tmp_path / "m/training.json").read_text())["pairs"] == len(kept)


def test_the_data_card_shows_counts_origin_and_films(tmp_path, dirty_shards):
    run("report", dirty_shards, "--out", tmp_path / "card.html")
    page = (tmp_path / "card.html").read_text()
    assert page.count("data:image/png;base64") == 12
    assert "trained on nothing" in page
    assert "120 pairs" in page
    assert "not a chest" in page


def test_entities_are_listed_with_their_status():
    shown = run("data", "entities", "No effusion, but a mass.").splitlines()
    assert shown[0].split()[:3] == ["absent", "pleural", "effusion"]
    assert shown[1].startswith("present   mass")


def test_free_reports_are_split_into_sentences_without_headings():
    report = "FINDINGS: Heart is\nnormal. No effusion!\n\nIMPRESSION:\n1. Clear lungs.\nUnchanged"
    assert sentences_of(report) == ("Heart is normal.", "No effusion!", "1.", "Clear lungs.", "Unchanged")
    with pytest.raises(InputError, match="no sentence"):
        sentences_of("FINDINGS:\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "check", "nowhere"], r"holds no manifest\.jsonl"),
        (["data", "generate", "new", "--pairs", "0"], "at least one pair"),
        (["data", "generate", "new", "--size", "8"], "16 to 4096 pixels"),
        (["data", "generate", "new", "--gap", "2"], "gap 2"),
        (["train", "nowhere", "--out", "m"], r"holds no manifest\.jsonl"),
        (["evaluate", "nomodel", "nowhere"], "does not exist"),
        (["report", "nowhere"], r"holds no manifest\.jsonl"),
        (["data", "curate", "a", "--reference", "a", "--out", "k"], "both sorted and reference"),
        (["data", "entities", "___"], "holds no word"),
    ],
)
def test_mistakes_are_errors_of_one_line_and_leave_nothing_half_written(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MedsuiteError, match=message) as error:
        run(*arguments)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_mistakes_in_a_set_are_told_before_training(tmp_path, shards, dirty_shards, made_up_texts):
    with pytest.raises(InputError, match="at least a batch of 128"):
        run("train", shards, "--out", tmp_path / "m", "--batch", 128)
    with pytest.raises(InputError, match="is a folder"):
        run("report", shards, "--out", tmp_path)
    for keys, message in ((None, "does not exist"), ("", "lists no key"), ("x y", "2 keys that are not in the data")):
        if keys is not None:
            (tmp_path / "keys").write_text(keys)
        with pytest.raises(InputError, match=message):
            run("train", shards, "--out", tmp_path / "m", "--batch", 8, "--keep", tmp_path / "keys")
    assert not (tmp_path / "m").exists()


def test_a_cut_shard_ends_the_command_line_with_code_2(tmp_path, shards, capsys):
    folder = shutil.copytree(shards, tmp_path / "cut")
    path = folder / "pairs-000000.tar"
    path.write_bytes(path.read_bytes()[:999])
    with pytest.raises(SystemExit) as stop:
        main(["synth-medvlp", "data", "check", str(folder)])
    assert stop.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
