import io
import json
import subprocess
import tarfile

import numpy as np
import pytest
from PIL import Image

from medsuite.synth_medvlp import read_samples, write_shard
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
