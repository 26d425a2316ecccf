"""All families by name, with a line on what each is."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from medsuite.core.errors import InputError, unknown_name
from medsuite.gridml.models.base import Family
from medsuite.gridml.models.deeponet import DeepONet, Pointwise
from medsuite.gridml.models.flow import FlowMatching
from medsuite.gridml.models.grid_unet import GridUNet
from medsuite.gridml.models.meshgraphnet import MeshGraphNet
from medsuite.gridml.models.multiscale import Multiscale
from medsuite.gridml.models.pinn import Pinn
from medsuite.gridml.models.pod import Pod
from medsuite.gridml.models.transolver import Transolver

FAMILIES: Mapping[str, type] = {
    kind.name: kind
    for kind in (MeshGraphNet, Multiscale, Transolver, GridUNet, DeepONet, Pointwise, Pod, Pinn, FlowMatching)
}


def family(name: str, **settings: Any) -> Family:
    """Return a family with some of its hyperparameters set.

    Example:
        >>> family("transolver", layers=2).layers
        2

    Raises:
        InputError: An unknown family or hyperparameter, with the nearest known one; or a value that it does not take.
    """
    if name not in FAMILIES:
        raise unknown_name("family", name, FAMILIES)
    kind = FAMILIES[name]
    known = {field.name: field.type for field in fields(kind)}
    for setting in settings:
        if setting not in known:
            raise unknown_name(f"setting of {name}", setting, known)
    try:
        return kind(**settings)
    except TypeError as error:
        raise InputError(f"settings {settings} of {name}: {error}") from error
