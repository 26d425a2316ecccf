"""From what a user writes to a folder on this machine: a packaged name, a path, or a model id of the hub."""

from dataclasses import dataclass
from pathlib import Path

from medsuite.core.errors import InputError, OfflineError
from medsuite.core.models.gguf_weights import dequantised
from medsuite.core.models.hub import fetch, is_hub_name
from medsuite.core.models.wheels import Packaged, find_packaged, locate, packaged


@dataclass(frozen=True)
class Source:
    """Where weights came from.

    Attributes:
        name: What they are called: a title, a folder's name or a hub id.
        origin: What brought them and which version of it, for manifests and reports.
        folder: The folder to load.
    """

    name: str
    origin: str
    folder: Path


def find_source(name_or_path: str | Path) -> Source:
    """Find weights, fetching or converting them where that is needed.

    In this order: a packaged name (`smollm2-135m`, `packaged:minilm-l6`), a folder or a GGUF file that exists, a hub id
    (`owner/model`, `owner/model@revision`). A folder that is called like a packaged model is reached as `./NAME`.

    Raises:
        InputError: It is none of these.
        MissingDependencyError: A packaged model's wheel is not installed.
        OfflineError: The hub does not answer.
    """
    name = str(name_or_path)
    entry = find_packaged(name)
    if entry is not None:
        return _from_wheel(entry)
    path = Path(name).expanduser()
    if path.exists():
        return _from_path(path)
    if isinstance(name_or_path, str) and is_hub_name(name) and not name.startswith("."):
        return _from_hub(name)
    names = ", ".join(entry.name for entry in packaged())
    raise InputError(f"there is no {name!r}", expected=f"a folder, a .gguf file, a hub id, or one of {names}")


def _from_wheel(entry: Packaged) -> Source:
    file, version = locate(entry)
    origin = f"wheel {entry.distribution} {version}"
    if file.suffix == ".gguf":
        return Source(entry.title, f"{origin} ({file.name}, de-quantised)", dequantised(file, version=version))
    return Source(entry.title, origin, file.parent)


def _from_path(path: Path) -> Source:
    if path.is_dir():
        return Source(path.resolve().name, f"folder {path}", path)
    if path.suffix == ".gguf":
        return Source(path.stem, f"file {path} (de-quantised)", dequantised(path, version="local"))
    raise InputError(f"{path} is a file", expected="a .gguf file or a folder", fix=f"give the folder {path.parent}")


def _from_hub(name: str) -> Source:
    try:
        folder = fetch(name)
    except OfflineError as error:
        names = ", ".join(entry.name for entry in packaged())
        raise OfflineError(error.what, fix=f"{error.fix}; without any network there are {names}") from error
    return Source(name, f"hub, commit {folder.name}", folder)
