"""Pairs in WebDataset shards: tar files that any WebDataset reader takes, with a manifest that says what is whole.

A shard holds three members for each sample, `KEY.png`, `KEY.txt` (the report) and `KEY.json` (what was asked, seen and
done), one sample after the other. `manifest.jsonl` has a line for each finished shard with its number of samples and
SHA-256. A shard is written under another name, renamed, and then listed; so a crash leaves a listed shard whole, and
what is not listed is written again.
"""

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from medsuite.core.errors import InputError
from medsuite.core.runs import JsonLines, write_atomically

MANIFEST = "manifest.jsonl"
_KEY = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_KEY = 90
"""A name in a tar file of the plain kind has room for 100 bytes."""
_MEMBERS = ("png", "txt", "json")


@dataclass(frozen=True)
class Sample:
    """One pair.

    Attributes:
        key: Letters, digits, hyphens and underscores, 90 at most; WebDataset would merge keys that have a dot silently.
        film: 8-bit film.
        report: Text of the report.
        meta: What else is known of it, as JSON values.
    """

    key: str
    film: UInt8[np.ndarray, "height width"]
    report: str
    meta: dict[str, Any]

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise InputError(f"key {self.key!r}", expected="letters, digits, - and _ (a dot would merge samples)")
        if len(self.key) > _LONGEST_KEY:
            raise InputError(f"key {self.key[:20]}... of {len(self.key)} letters", expected=f"{_LONGEST_KEY} at most")
        if not self.report.strip():
            raise InputError(f"sample {self.key} has an empty report", expected="text")
        if self.film.ndim != 2 or self.film.dtype != np.uint8 or not self.film.size:
            given = f"the film of sample {self.key} is {self.film.dtype} of shape {self.film.shape}"
            raise InputError(given, expected="8-bit grey, height x width")


@dataclass(frozen=True)
class Shard:
    """A line of the manifest."""

    name: str
    samples: int
    sha256: str


def write_shard(folder: Path, name: str, samples: Sequence[Sample]) -> Shard:
    """Write one shard and list it in the manifest; the same samples give the same bytes.

    Args:
        folder: The data set's folder; created.
        name: File name that ends in `.tar`.
        samples: At least one, with different keys.

    Raises:
        InputError: There is no sample, or a key occurs twice.
    """
    keys = [sample.key for sample in samples]
    if not keys or len(set(keys)) < len(keys):
        raise InputError(f"{len(keys)} samples with {len(set(keys))} keys", expected="samples with different keys")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for sample in samples:
            for ending, content in _contents(sample):
                entry = tarfile.TarInfo(f"{sample.key}.{ending}")
                entry.size, entry.mode = len(content), 0o644
                archive.addfile(entry, io.BytesIO(content))
    content = buffer.getvalue()
    write_atomically(folder / name, content)
    shard = Shard(name, len(samples), hashlib.sha256(content).hexdigest())
    JsonLines(folder / MANIFEST).append(vars(shard))
    return shard


def read_manifest(folder: Path) -> list[Shard]:
    """Return the finished shards of a folder, in the order of their names.

    Raises:
        InputError: The folder holds no manifest, or a line of it is not one of a shard.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(f"{folder} holds no {MANIFEST}", expected="a folder that `synth-medvlp data generate` wrote")
    shards = {}
    for line in JsonLines(path):
        if not isinstance(line, dict):
            raise InputError(f"{path} has a line {json.dumps(line)[:40]}", expected="name, samples and sha256")
        if missing := [name for name in ("name", "samples", "sha256") if name not in line]:
            raise InputError(f"{path} has a line without {missing[0]!r}", expected="name, samples and sha256")
        shards[str(line["name"])] = Shard(str(line["name"]), line["samples"], line["sha256"])
    return [shards[name] for name in sorted(shards)]


def is_whole(folder: Path, shard: Shard) -> bool:
    """Tell whether a listed shard is there as it was written."""
    path = folder / shard.name
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == shard.sha256


def read_samples(folder: Path) -> Iterator[Sample]:
    """Yield the samples of all listed shards, each shard checked before its first sample.

    Raises:
        InputError: A shard is missing, cut or changed, lists no sample, or a sample lacks a member.
    """
    shards = read_manifest(folder)
    if not shards:
        raise InputError(f"{folder / MANIFEST} lists no shard", fix="finish `synth-medvlp data generate`")
    for shard in shards:
        yield from _samples_of(folder / shard.name, _checked(folder, shard), shard.samples)


def _checked(folder: Path, shard: Shard) -> bytes:
    path = folder / shard.name
    fix = "generate again by the same command, which writes it anew, or restore it"
    if not path.is_file():
        raise InputError(f"{path} is missing", expected="every shard that the manifest lists", fix=fix)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != shard.sha256:
        raise InputError(f"{path} is cut or was changed ({len(content)} bytes)", expected="the listed content", fix=fix)
    return content


def _samples_of(path: Path, content: bytes, count: int) -> Iterator[Sample]:
    members = _members(path, content)
    if len(members) != count:
        raise InputError(f"{path} holds {len(members)} samples", expected=f"the {count} of the manifest")
    for key, parts in members.items():
        if missing := [ending for ending in _MEMBERS if ending not in parts]:
            raise InputError(f"sample {key} of {path} has no {missing[0]}", expected="png, txt and json")
        try:
            report, meta = parts["txt"].decode(), json.loads(parts["json"])
        except ValueError as error:
            raise InputError(f"sample {key} of {path} has no readable txt or json ({error})") from error
        if not isinstance(meta, dict):
            raise InputError(f"{key}.json of {path} holds a {type(meta).__name__}", expected="an object")
        yield Sample(key, _decode(parts["png"], path, key), report, meta)


def _members(path: Path, content: bytes) -> dict[str, dict[str, bytes]]:
    """Group a shard's files by key, as WebDataset does: what stands before the first dot of the name."""
    members: dict[str, dict[str, bytes]] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for entry in archive:
                if file := archive.extractfile(entry):
                    key, _, ending = entry.name.removeprefix("./").partition(".")
                    members.setdefault(key, {})[ending] = file.read()
    except tarfile.TarError as error:
        raise InputError(f"{path} cannot be read ({error})", expected="a tar file") from error
    return members


def _contents(sample: Sample) -> list[tuple[str, bytes]]:
    from PIL import Image

    picture = io.BytesIO()
    Image.fromarray(sample.film).save(picture, "PNG")
    meta = json.dumps(sample.meta, sort_keys=True)
    return list(zip(_MEMBERS, (picture.getvalue(), sample.report.encode(), meta.encode()), strict=True))


def _decode(content: bytes, path: Path, key: str) -> UInt8[np.ndarray, "height width"]:
    from PIL import Image

    try:
        picture = Image.open(io.BytesIO(content))
        picture.load()
    except OSError as error:
        raise InputError(f"{key}.png of {path} cannot be read ({error})", expected="a PNG film") from error
    if picture.mode != "L":
        raise InputError(f"{key}.png of {path} has mode {picture.mode}", expected="8-bit grey")
    return np.array(picture)
