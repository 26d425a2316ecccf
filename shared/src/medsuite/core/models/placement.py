"""Where a model goes and in which precision."""

from typing import Any

from medsuite.core.errors import InputError, unknown_name

DTYPES = ("float32", "bfloat16", "float16")


def find_device(name: str) -> Any:
    """Turn a device name into a `torch.device` that exists here.

    Args:
        name: `"auto"` (CUDA if it is there, else Apple's MPS, else the CPU), or a name such as `"cuda:1"`.

    Raises:
        InputError: There is no such device.
    """
    import torch

    usable = _usable_devices()
    if name == "auto":
        return torch.device(usable[0])
    kind, _, number = name.partition(":")
    if kind not in usable or (number and not _has(kind, number)):
        raise InputError(f"device {name!r} is not here", expected=f"auto or one of {', '.join(usable)}")
    return torch.device(name)


def find_dtype(name: str, device: Any) -> Any:
    """Turn the name of a precision into a `torch.dtype`.

    Args:
        name: `"auto"` (bfloat16 on a CUDA GPU that computes in it, float32 elsewhere), or one of `DTYPES`.
        device: Where the model goes.

    Raises:
        InputError: There is no such precision.
    """
    import torch

    if name == "auto":
        native = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float32
    if name not in DTYPES:
        raise unknown_name("dtype", name, ("auto", *DTYPES))
    return getattr(torch, name)


def _usable_devices() -> list[str]:
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [kind for kind, usable in present.items() if usable]


def _has(kind: str, number: str) -> bool:
    import torch

    count = torch.cuda.device_count() if kind == "cuda" else 1
    return number.isdigit() and int(number) < count
