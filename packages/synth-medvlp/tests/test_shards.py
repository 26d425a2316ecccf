import hashlib
import io
import json
import shutil
import subprocess
import tarfile

import numpy as np
import pytest
from PIL import Image

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


@pytest.mark.parametrize(
    "film",
    [np.zeros((4, 4)), np.zeros((4, 4, 3), np.uint8), np.zeros((0, 4), np.uint8), np.zeros((4, 4), np.uint16)],
)
def test_a_film_that_a_grey_png_of_8_bits_cannot_hold_is_refused(film):
    # Where types are checked at run time, the annotation refuses it first, by a TypeError.
    with pytest.raises((InputError, TypeError)) as refused:
        Sample("a", film, "Text.", {})
    if isinstance(refused.value, InputError):
        assert "expected 8-bit grey" in str(refused.value)


def test_the_longest_key_fits_a_plain_tar_file_and_a_longer_one_is_refused(tmp_path):
    write_shard(tmp_path, "a.tar", [sample("k" * 90)])
    assert [each.key for each in read_samples(tmp_path)] == ["k" * 90]
    with pytest.raises(InputError, match="of 91 letters; expected 90 at most"):
        sample("k" * 91)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (7, 3)])
def test_films_of_any_shape_come_back(tmp_path, shape):
    film = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    write_shard(tmp_path, "a.tar", [Sample("a", film, "Text.", {})])
    (again,) = read_samples(tmp_path)
    assert np.array_equal(again.film, film)


def listed(folder, content):
    """A shard that somebody else made, and its line."""
    (folder / "a.tar").write_bytes(content)
    line = {"name": "a.tar", "samples": 1, "sha256": hashlib.sha256(content).hexdigest()}
    (folder / MANIFEST).write_text(json.dumps(line) + "\n")
    return folder


def tarred(**members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def png(mode="L"):
    buffer = io.BytesIO()
    Image.new(mode, (4, 4)).save(buffer, "PNG")
    return buffer.getvalue()


GOOD = {"k.png": png(), "k.txt": b"Mass.", "k.json": b"{}"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"k.txt": b"\xff\xfe"}, "sample k of .* has no readable txt or json"),
        ({"k.json": b"{"}, "sample k of .* has no readable txt or json"),
        ({"k.json": b"[1]"}, "k.json of .* holds a list"),
        ({"k.png": b"GIF89a"}, "k.png of .* cannot be read"),
        ({"k.png": png()[:40]}, "k.png of .* cannot be read"),
        ({"k.png": png("RGB")}, "k.png of .* has mode RGB"),
        ({"k.txt": b" "}, "sample k has an empty report"),
    ],
)
def test_what_is_wrong_with_a_sample_of_somebody_else_is_said(tmp_path, changes, message):
    assert len(list(read_samples(listed(tmp_path, tarred(**GOOD))))) == 1
    with pytest.raises(InputError, match=message):
        list(read_samples(listed(tmp_path, tarred(**(GOOD | changes)))))


def test_a_listed_file_that_is_no_tar_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a\.tar cannot be read .*; expected a tar file"):
        list(read_samples(listed(tmp_path, b"once upon a time" * 100)))


def test_shards_of_the_systems_tar_are_read(tmp_path):
    """`tar -cf a.tar .` names files ./k.png and lists the folder itself."""
    inside = tmp_path / "inside"
    inside.mkdir()
    for name, content in GOOD.items():
        (inside / name).write_bytes(content)
    for words in ((".",), ("./k.png", "./k.txt", "./k.json"), tuple(GOOD)):
        subprocess.run(["tar", "-cf", tmp_path / "made.tar", "-C", inside, *words], check=True)
        (again,) = read_samples(listed(tmp_path, (tmp_path / "made.tar").read_bytes()))
        assert (again.key, again.report, again.meta) == ("k", "Mass.", {})


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[]", "line 1 is no object"),
        ('"x"', "line 1 is no object"),
        ("{}", "expected name, samples and sha256"),
    ],
)
def test_a_line_of_the_manifest_that_is_none_of_a_shard_is_refused(tmp_path, line, message):
    (tmp_path / MANIFEST).write_text(line + "\n")
    with pytest.raises(InputError, match=message):
        read_manifest(tmp_path)
