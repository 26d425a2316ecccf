import json
import shutil

import numpy as np
import pytest

from medsuite.core.errors import InputError, ResumeError
from medsuite.synth_medvlp import FINDINGS, Recipe, extract, generate, read_samples
from medsuite.synth_medvlp.shards import MANIFEST, read_manifest


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".tar"}


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(tmp_path, shards):
    folder = shutil.copytree(shards, tmp_path / "killed")
    first = (folder / MANIFEST).read_text().splitlines(keepends=True)[0]
    # The second shard is there and not listed, the third half written, and the manifest's last line torn.
    (folder / MANIFEST).write_text(first + '{"name":"pairs-0000')
    (folder / "pairs-000002.tar").write_bytes(b"half")
    lines = []
    generate(folder, Recipe(pairs=70, size=32, shard=30, seed=3), lines.append)
    assert lines == ["pairs-000001.tar: 30 pairs", "pairs-000002.tar: 10 pairs"]
    assert contents(folder) == contents(shards)
    assert read_manifest(folder) == read_manifest(shards)


def test_shards_that_were_cut_or_lost_are_made_again(tmp_path, shards):
    folder = shutil.copytree(shards, tmp_path / "damaged")
    (folder / "pairs-000000.tar").unlink()
    (folder / "pairs-000002.tar").write_bytes(b"half")
    lines = []
    generate(folder, Recipe(pairs=70, size=32, shard=30, seed=3), lines.append)
    assert lines == ["pairs-000000.tar: 30 pairs", "pairs-000002.tar: 10 pairs"]
    assert contents(folder) == contents(shards)
    assert len(list(read_samples(folder))) == 70
    generate(folder, Recipe(pairs=70, size=32, shard=30, seed=3), lambda line: pytest.fail(line))


@pytest.mark.parametrize("tail", [None, 1.5])
def test_a_last_shard_of_one_normal_film_is_made(tmp_path, tail):
    """One film in ten has no finding; that a shard holds no other is no reason to stop after a thousand pairs."""
    for seed in range(60):
        folder = tmp_path / str(seed)
        generate(folder, Recipe(pairs=1, size=16, tail=tail, seed=seed))
        (sample,) = read_samples(folder)
        if not sample.meta["findings"]:
            break
    assert sample.meta["findings"] == sample.meta["stated"] == []
    assert "Normal study." in sample.report


def test_patients_belong_to_the_seed_and_not_to_domain_tail_or_dirt(tmp_path):
    """What the refusal of shared seeds rests on: the same scene seeds, so the same anatomy."""
    films = {}
    for name, changes in {"real": {"gap": 0.0}, "synthetic": {"gap": 1.0}, "other": {"gap": 1.0, "seed": 8}}.items():
        generate(tmp_path / name, Recipe(**({"pairs": 40, "size": 32, "seed": 7} | changes)))
        stack = np.stack([sample.film for sample in read_samples(tmp_path / name)]).reshape(40, -1).astype(float)
        stack -= stack.mean(0)
        films[name] = stack / np.linalg.norm(stack, axis=1, keepdims=True)
    own = (films["real"] * films["synthetic"]).sum(1).mean()
    others = (films["real"] * films["other"]).sum(1).mean()
    assert own > others + 0.2


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_recipe_is_refused(tmp_path, content):
    (tmp_path / "dataset.json").write_text(content)
    with pytest.raises(InputError, match=r"dataset\.json"):
        generate(tmp_path, Recipe(pairs=1))


def test_a_folder_of_another_recipe_is_left_alone(tmp_path, shards):
    with pytest.raises(ResumeError, match="seed: 3 -> 4"):
        generate(shards, Recipe(pairs=70, size=32, shard=30, seed=4))
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(InputError, match="not empty and holds no data set"):
        generate(tmp_path, Recipe(pairs=1))
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_reports_of_clean_pairs_say_what_the_film_shows(shards):
    for sample in read_samples(shards):
        shown = {finding["concept"] for finding in sample.meta["findings"]}
        affirmed = {entity.concept for entity in extract(sample.report) if entity.status == "present"}
        assert affirmed == shown == set(sample.meta["stated"])
        assert sample.meta["fault"] == "good"


def test_clean_pairs_are_balanced_in_every_shard(shards):
    shown = [finding["concept"] for sample in list(read_samples(shards))[:30] for finding in sample.meta["findings"]]
    counts = [shown.count(name) for name in FINDINGS]
    assert max(counts) <= -(-len(shown) // len(FINDINGS))


def test_dirty_pairs_have_a_common_tail_bad_films_and_wrong_reports(dirty_shards):
    samples = list(read_samples(dirty_shards))
    halves = [[f["concept"] for s in part for f in s.meta["findings"]] for part in (samples[:60], samples[60:])]
    counts = [[half.count(name) for name in FINDINGS] for half in halves]
    assert np.corrcoef(*counts)[0, 1] > 0.8
    assert 0.1 < np.mean([sample.meta["fault"] != "good" for sample in samples]) < 0.4
    wrong = [{f["concept"] for f in sample.meta["findings"]} != set(sample.meta["stated"]) for sample in samples]
    assert np.mean(wrong) > 0.3
    assert samples[0].meta["origin"] == {"simulator": "medsuite.core.phantom", "gap": 0.0, "seed": 5}


def test_the_recipe_lies_beside_the_shards(shards):
    assert json.loads((shards / "dataset.json").read_text())["pairs"] == 70


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pairs": 0}, "at least one pair"),
        ({"pairs": 5, "dirt": "harch"}, "did you mean 'harsh'"),
        ({"pairs": 5, "tail": -1.0}, "exponent above 0"),
        ({"pairs": 5, "gap": 3.0}, "gap 3"),
        ({"pairs": 5, "size": 8}, "16 to 4096"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Recipe(**settings)
