import io
import json
import subprocess
import tarfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from medsuite.synth_medvlp import Sample, read_samples, write_shard
from medsuite.synth_medvlp.shards import read_manifest

webdataset = pytest.importorskip("webdataset")


def test_webdataset_reads_every_sample_of_our_shards(shards):
    urls = [str(shards / shard.name) for shard in read_manifest(shards)]
    theirs = list(webdataset.WebDataset(urls, shardshuffle=False).decode("l8"))
    ours = list(read_samples(shards))
    assert [sample["__key__"] for sample in theirs] == [sample.key for sample in ours]
    for mine, other in zip(ours, theirs, strict=True):
        assert np.array_equal(other["png"], mine.film)
        assert other["txt"] == mine.report
        assert other["json"] == mine.meta


def test_members_are_laid_out_as_webdatasets_own_writer_does(tmp_path, shards):
    samples = list(read_samples(shards))[:3]
    write_shard(tmp_path, "ours.tar", samples)
    with webdataset.TarWriter(str(tmp_path / "theirs.tar")) as writer:
        for sample in samples:
            picture = io.BytesIO()
            Image.fromarray(sample.film).save(picture, "PNG")
            meta = json.dumps(sample.meta, sort_keys=True).encode()
            fields = {"png": picture.getvalue(), "txt": sample.report.encode(), "json": meta}
            writer.write({"__key__": sample.key, **fields})

    def contents(name):
        with tarfile.open(tmp_path / name) as archive:
            return {entry.name: archive.extractfile(entry).read() for entry in archive}

    assert contents("ours.tar") == contents("theirs.tar")


def test_the_systems_tar_lists_our_shards(shards):
    name = read_manifest(shards)[0].name
    listed = subprocess.run(["tar", "-tf", shards / name], capture_output=True, text=True, check=True).stdout.split()
    assert listed[:3] == ["0003-000000-000000.png", "0003-000000-000000.txt", "0003-000000-000000.json"]
    assert len(listed) == 90


def test_the_systems_tar_unpacks_every_member_byte_for_byte(tmp_path, shards):
    for shard in read_manifest(shards):
        subprocess.run(["tar", "-xf", shards / shard.name, "-C", tmp_path], check=True)
    for sample in read_samples(shards):
        with Image.open(tmp_path / f"{sample.key}.png") as picture:
            assert np.array_equal(np.array(picture), sample.film)
        assert (tmp_path / f"{sample.key}.txt").read_bytes() == sample.report.encode()
        assert json.loads((tmp_path / f"{sample.key}.json").read_text()) == sample.meta
    assert len(list(tmp_path.iterdir())) == 3 * 70


def test_a_member_says_nothing_of_the_machine_that_wrote_it(shards):
    """The same bytes everywhere: no time, owner or name of a user; readable by all, and of the oldest common format."""
    with tarfile.open(shards / read_manifest(shards)[0].name) as archive:
        for entry in archive:
            assert (entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) == (0, 0, 0, "", "")
            assert (entry.mode, entry.isfile(), entry.pax_headers) == (0o644, True, {})


def test_a_brace_pattern_names_the_shards_and_workers_share_them(shards):
    pattern = str(shards / "pairs-{000000..000002}.tar")
    keys = [sample["__key__"] for sample in webdataset.WebDataset(pattern, shardshuffle=False)]
    assert keys == [sample.key for sample in read_samples(shards)]
    dataset = webdataset.WebDataset(pattern, shardshuffle=False).to_tuple("__key__")
    loader = webdataset.WebLoader(dataset, batch_size=None, num_workers=2)
    assert sorted(key for (key,) in loader) == sorted(keys)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.from_regex(r"[A-Za-z0-9_-]{1,90}", fullmatch=True), min_size=1, max_size=4, unique=True),
    st.text(min_size=1).filter(lambda text: text.strip() and text.isprintable()),
)
def test_keys_and_reports_of_any_kind_come_through_webdataset(tmp_path, keys, report):
    film = np.eye(4, dtype=np.uint8)
    write_shard(tmp_path, "any.tar", [Sample(key, film, report, {"key": key}) for key in keys])
    theirs = list(webdataset.WebDataset(str(tmp_path / "any.tar"), shardshuffle=False).decode("l8"))
    assert [(each["__key__"], each["txt"], each["json"]["key"]) for each in theirs] == [(k, report, k) for k in keys]
