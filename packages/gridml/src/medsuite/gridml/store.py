"""Fitted surrogates on disk: one safetensors file with the weights, the family and its hyperparameters."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from medsuite.core.errors import InputError
from medsuite.gridml.models import pod
from medsuite.gridml.models.base import Surrogate
from medsuite.gridml.models.flow import FlowMatching, FlowSurrogate
from medsuite.gridml.models.network import NetworkFamily, NetworkSurrogate
from medsuite.gridml.models.normalise import Normaliser
from medsuite.gridml.models.pinn import PinnSurrogate
from medsuite.gridml.models.registry import family
from medsuite.gridml.models.transolver import Transolver

FORMAT = "medsuite-gridml surrogate 1"


def save_surrogate(surrogate: Surrogate, path: Path) -> None:
    """Write a fitted surrogate.

    Raises:
        InputError: The surrogate holds nothing to write (`pinn` is fitted anew for each case).
    """
    from safetensors.numpy import save_file

    if isinstance(surrogate, PinnSurrogate):
        raise InputError("pinn has no weights to store: it is fitted anew for each case", fix="call predict directly")
    if not isinstance(surrogate, NetworkSurrogate | FlowSurrogate | pod.PodSurrogate):
        raise InputError(f"no way to store a {type(surrogate).__name__}")
    header = {
        "format": FORMAT,
        "family": surrogate.family.name,
        "settings": json.dumps(asdict(surrogate.family)),
        "inputs": json.dumps(_input_names(surrogate)),
        "mesh": surrogate.fingerprint if isinstance(surrogate, pod.PodSurrogate) else "",
        "seed": str(surrogate.seed) if isinstance(surrogate, FlowSurrogate) else "0",
    }
    arrays = {name: np.ascontiguousarray(values) for name, values in surrogate.arrays().items()}
    save_file(arrays, path, metadata=header)


def _input_names(surrogate: "NetworkSurrogate | FlowSurrogate | pod.PodSurrogate") -> list[str]:
    return list(surrogate.names if isinstance(surrogate, pod.PodSurrogate) else surrogate.normaliser.names)


def load_surrogate(path: Path) -> Surrogate:
    """Read a fitted surrogate.

    Raises:
        InputError: The file is missing, cut, or written by something else.
    """
    header, arrays = _read(path)
    if header.get("format") != FORMAT:
        raise InputError(
            f"{path} is no surrogate of this package", expected="a file written by `medsuite gridml train`"
        )
    settings, inputs = json.loads(header["settings"]), json.loads(header["inputs"])
    if header["family"] == FlowMatching.name:
        settings["backbone"] = Transolver(**settings["backbone"])
    kind = family(header["family"], **settings)
    if isinstance(kind, pod.Pod):
        return pod.from_arrays(kind, header["mesh"], inputs, arrays)
    return _network(kind, inputs, arrays, int(header.get("seed", "0")))


def _read(path: Path) -> tuple[Mapping[str, str], Mapping[str, np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"{path} does not exist", expected="a file written by `medsuite gridml train`")
    try:
        with safe_open(path, framework="numpy") as stream:
            return stream.metadata() or {}, {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"{path} cannot be read: {error}", expected="a complete safetensors file") from error


def _network(kind: Any, inputs: list[str], arrays: Mapping[str, np.ndarray], seed: int) -> Surrogate:
    import torch

    scaling = {
        name.removeprefix("normaliser."): values for name, values in arrays.items() if name.startswith("normaliser.")
    }
    normaliser = Normaliser.from_arrays(inputs, scaling)
    if not isinstance(kind, NetworkFamily | FlowMatching):
        raise InputError(f"family {kind.name} has no stored weights")
    surrogate = kind.prepare(normaliser, len(inputs) + 3, seed)
    weights = {name.removeprefix("network."): values for name, values in arrays.items() if name.startswith("network.")}
    surrogate.network.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in weights.items()})
    return surrogate
