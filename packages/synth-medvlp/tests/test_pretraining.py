"""Training on shards and asking about others: what is refused before anything is trained."""

import json
import shutil

import numpy as np
import pytest
import torch

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import DualEncoder, Recipe, Sample, Schedule, generate, save_model, write_shard
from medsuite.synth_medvlp.datacard import DataCard, write_card
from medsuite.synth_medvlp.pretraining import LoadedPairs, evaluate_on, findings_of, provenance, train_on
from medsuite.synth_medvlp.sorting import sort_out
from medsuite.synth_medvlp.texts import SentenceBank


@pytest.fixture(autouse=True)
def made_up_texts(monkeypatch):
    """Sentence vectors from the letters of a sentence instead of the packaged encoder."""

    def encode(sentences, model="minilm-l6", batch_size=64):
        texts = sorted(set(sentences))
        rows = torch.tensor([[text.lower().count(letter) for letter in "abcdefghijklmnoprstuvy"] for text in texts])
        pooled = torch.nn.functional.normalize(rows + 0.01, dim=-1)
        place = {text: number for number, text in enumerate(texts)}
        return SentenceBank(place, pooled, pooled[:, None], torch.ones(len(texts), 1).bool())

    monkeypatch.setattr(SentenceBank, "encode", encode)


@pytest.fixture
def model(shards, tmp_path):
    train_on(shards, tmp_path / "model", schedule=Schedule(2, 8))
    return tmp_path / "model"


def test_a_model_is_not_tested_on_a_copy_of_its_films(model, shards, tmp_path):
    copy = shutil.copytree(shards, tmp_path / "copy")
    with pytest.raises(InputError, match="was trained on films of"):
        evaluate_on(model, copy)


def test_a_model_is_not_tested_on_its_patients_in_another_domain(model, tmp_path):
    generate(tmp_path / "test", Recipe(pairs=30, size=32, gap=0.0, seed=3))
    with pytest.raises(
        InputError, match=r"simulated patients of seed 3, .*; expected other patients; .* another --seed"
    ):
        evaluate_on(model, tmp_path / "test")
    generate(tmp_path / "other", Recipe(pairs=30, size=32, gap=0.0, seed=4))
    assert evaluate_on(model, tmp_path / "other").classes


def test_thresholds_are_not_chosen_on_the_patients_that_are_sorted(dirty_shards, tmp_path):
    generate(tmp_path / "same", Recipe(pairs=30, size=32, gap=0.0, dirt="harsh", seed=5))
    with pytest.raises(InputError, match=r"thresholds are chosen on .* seed 5"):
        sort_out(tmp_path / "same", dirty_shards, tmp_path / "kept")
    with pytest.raises(InputError, match="is a folder"):
        sort_out(tmp_path / "same", dirty_shards, tmp_path)
    assert not (tmp_path / "kept").exists()


def test_films_that_are_not_simulated_are_told_by_their_shards_alone(tmp_path, rng):
    def real(name, seed):
        films = np.random.default_rng(seed).integers(0, 255, (10, 32, 32)).astype(np.uint8)
        findings = [[{"concept": "mass"}] if place % 2 else [] for place in range(10)]
        samples = [
            Sample(f"s{place}", film, "A mass." if place % 2 else "Clear lungs.", {"findings": findings[place]})
            for place, film in enumerate(films)
        ]
        write_shard(tmp_path / name, "a.tar", samples)
        return tmp_path / name

    train, test = real("train", 0), real("test", 1)
    assert provenance(train, LoadedPairs.read(train))["patients"] == []
    train_on(train, tmp_path / "model", schedule=Schedule(1, 4))
    result = evaluate_on(tmp_path / "model", test)
    assert len(result.undefined) == 13
    assert 0 <= result.macro <= 1
    with pytest.raises(InputError, match="was trained on films"):
        evaluate_on(tmp_path / "model", train)


def test_films_without_any_finding_to_tell_apart_are_no_test(model, tmp_path):
    film = np.zeros((32, 32), np.uint8)
    write_shard(tmp_path / "normal", "a.tar", [Sample(f"n{n}", film, "Clear.", {"findings": []}) for n in range(3)])
    with pytest.raises(InputError, match=r"no finding is in some films of .* and not in others"):
        evaluate_on(model, tmp_path / "normal")
    card = DataCard.of(LoadedPairs.read(tmp_path / "normal"))
    assert card.lines()[1] == "tail: no film shows a finding"
    write_card(tmp_path / "normal", tmp_path / "card.html")
    assert "all films are normal" in (tmp_path / "card.html").read_text()


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_record_of_the_training_is_refused(model, dirty_shards, content):
    (model / "training.json").write_text(content)
    with pytest.raises(InputError, match=r"training\.json"):
        evaluate_on(model, dirty_shards)


def test_a_model_that_was_made_elsewhere_is_asked_all_the_same(tmp_path, dirty_shards):
    from medsuite.synth_medvlp.model import Sizes

    torch.manual_seed(0)
    save_model(DualEncoder(Sizes(text=22)), tmp_path)
    assert 0.2 < evaluate_on(tmp_path, dirty_shards).macro < 0.8


def test_the_record_says_what_was_used(model, shards):
    record = json.loads((model / "training.json").read_text())
    assert (record["patients"], len(record["shards"])) == ([3], 3)


def test_a_file_in_the_place_of_the_models_folder_is_refused_before_training(shards, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="is a file; expected a folder for the model"):
        train_on(shards, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_films_of_two_sizes_are_no_set(tmp_path):
    samples = [Sample(f"k{side}", np.zeros((side, side), np.uint8), "Clear.", {}) for side in (16, 17)]
    write_shard(tmp_path, "a.tar", samples)
    with pytest.raises(InputError, match=r"films of \[\(16, 16\), \(17, 17\)\] pixels; expected one size"):
        LoadedPairs.read(tmp_path)
    with pytest.raises(InputError, match=r"k16\.json has no findings"):
        _ = LoadedPairs(tuple(samples), np.zeros((2, 16, 16), np.uint8)).labels


@pytest.mark.parametrize(
    ("findings", "message"),
    [
        ([{"concept": "Nodule"}], "unknown finding in k.json 'Nodule'.*did you mean 'nodule'"),
        (["nodule"], "findings of k.json are .*nodule.*; expected a list such as"),
        ([{"name": "nodule"}], "expected a list such as"),
        (3, "findings of k.json are 3"),
    ],
)
def test_findings_in_another_form_or_by_another_name_are_refused(findings, message):
    sample = Sample("k", np.zeros((16, 16), np.uint8), "Clear.", {"findings": findings})
    with pytest.raises(InputError, match=message):
        findings_of(sample)


def test_a_list_of_keys_of_any_system_is_taken(shards, tmp_path):
    pairs = LoadedPairs.read(shards)
    keys = [sample.key for sample in pairs.samples[::7]]
    (tmp_path / "keys").write_bytes("\r\n".join(keys).encode("utf-8-sig"))
    kept = pairs.kept(tmp_path / "keys")
    assert [sample.key for sample in kept.samples] == keys
    assert np.array_equal(kept.films, pairs.films[::7])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "0 steps"),
        ({"batch": 1}, "5 steps of 1 pairs"),
        ({"rate": 0.0}, "rate 0"),
        ({"warmup": 1.0}, "warm-up 1"),
        ({"decay": -1.0}, "decay -1"),
        ({"shift": -1}, "shift -1"),
    ],
)
def test_a_schedule_that_trains_nothing_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        Schedule(**({"steps": 5} | changes))


@pytest.mark.parametrize("steps", [1, 2, 3, 7])
def test_the_shortest_trainings_end(shards, tmp_path, steps):
    fitted = train_on(shards, tmp_path / "m", schedule=Schedule(steps, 4))
    assert np.isfinite([fitted.first, fitted.last]).all()
