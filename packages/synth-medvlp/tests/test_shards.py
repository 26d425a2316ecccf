import shutil

import numpy as np
import pytest

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import Sample, read_samples, write_shard
from medsuite.synth_medvlp.shards import MANIFEST, read_manifest

FILM = np.arange(256, dtype=np.uint8).reshape(16, 16)


def sample(key: str = "a-1", report: str = "FINDINGS: A mass.\nIMPRESSION: Mass.\n") -> Sample:
    return Sample(key, FILM, report, {"note": "é", "number": 3})


def test_what_was_written_is_read_back(tmp_path):
    samples = [sample("a-1"), sample("a_2", "Other text.")]
    write_shard(tmp_path / "new", "pairs-000000.tar", samples)
    again = list(read_samples(tmp_path / "new"))
    assert [(s.key, s.report, s.meta) for s in again] == [(s.key, s.report, s.meta) for s in samples]
    assert all(np.array_equal(s.film, FILM) for s in again)


def test_the_same_samples_give_the_same_bytes(tmp_path):
    shards = [write_shard(tmp_path / name, "x.tar", [sample(), sample("b")]) for name in ("one", "two")]
    assert shards[0] == shards[1]
    assert (tmp_path / "one/x.tar").read_bytes() == (tmp_path / "two/x.tar").read_bytes()


@pytest.mark.parametrize("key", ["1.2.840", "a b", "", "a/b"])
def test_a_key_that_webdataset_would_merge_or_split_is_refused(key):
    with pytest.raises(InputError, match="letters, digits"):
        sample(key)


def test_an_empty_report_is_refused():
    with pytest.raises(InputError, match="empty report"):
        sample(report=" \n")


@pytest.mark.parametrize("samples", [[], [sample(), sample()]])
def test_a_shard_without_samples_or_with_a_key_twice_is_not_written(tmp_path, samples):
    with pytest.raises(InputError, match="samples with different keys"):
        write_shard(tmp_path, "x.tar", samples)
    assert not list(tmp_path.iterdir())


def broken(shards, tmp_path):
    return shutil.copytree(shards, tmp_path / "copy")


def test_a_missing_a_cut_and_a_changed_shard_are_told_apart_from_whole_ones(tmp_path, shards):
    folder = broken(shards, tmp_path)
    second = folder / read_manifest(folder)[1].name
    content = second.read_bytes()
    for damage in (content[:5000], content[:-1], b"\0" * len(content)):
        second.write_bytes(damage)
        with pytest.raises(InputError, match=r"pairs-000001\.tar is cut or was changed"):
            list(read_samples(folder))
    second.unlink()
    with pytest.raises(InputError, match=r"pairs-000001\.tar is missing"):
        list(read_samples(folder))


def test_samples_before_a_broken_shard_are_still_had(tmp_path, shards):
    folder = broken(shards, tmp_path)
    (folder / read_manifest(folder)[1].name).unlink()
    reader = read_samples(folder)
    assert len([next(reader) for _ in range(30)]) == 30


def test_a_shard_that_is_not_listed_is_not_read(tmp_path, shards):
    folder = broken(shards, tmp_path)
    (folder / "pairs-000009.tar").write_bytes(b"half a tar")
    assert len(list(read_samples(folder))) == 70


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "holds no manifest.jsonl"),
        ("", "lists no shard"),
        ('{"name":"a.tar"}\n', "line without 'samples'"),
        ("no json\n", "line 1 is not JSON"),
    ],
)
def test_a_folder_without_a_usable_manifest_is_refused(tmp_path, manifest, message):
    if manifest is not None:
        (tmp_path / MANIFEST).write_text(manifest)
    with pytest.raises(InputError, match=message):
        list(read_samples(tmp_path))


def test_a_sample_without_its_report_is_named(tmp_path):
    import hashlib
    import io
    import json
    import tarfile

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("k.png"), io.BytesIO())
    (tmp_path / "a.tar").write_bytes(buffer.getvalue())
    digest = hashlib.sha256(buffer.getvalue()).hexdigest()
    for count, message in ((1, "sample k of .* has no txt"), (2, "holds 1 samples")):
        line = {"name": "a.tar", "samples": count, "sha256": digest}
        (tmp_path / MANIFEST).write_text(json.dumps(line) + "\n")
        with pytest.raises(InputError, match=message):
            list(read_samples(tmp_path))
