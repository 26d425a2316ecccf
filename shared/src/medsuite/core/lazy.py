"""Names that are imported when they are first used, so that importing a package or listing its claims costs nothing."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(package: str, module_of: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make a package's module-level `__getattr__` and `__dir__` (PEP 562).

    For example, in a package's `__init__.py`::

        __getattr__, __dir__ = lazy_names(__name__, {"Budget": "budget", "compress": "session"})

    A name is imported once and then found in the package like any other; `dir()` lists the public names alone.

    Args:
        package: The package's `__name__`.
        module_of: For each public name, the module below the package that holds it.
    """

    def get(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{module_of[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted(module_of)

    return get, names


def deferred(module: str, function: str) -> Callable[..., Any]:
    """Name a function whose module is imported when it is called, as a claim's `run`, `decide` and `draw` are.

    Args:
        module: The module's full name.
        function: The function's name.
    """

    def call(*arguments: Any) -> Any:
        return getattr(import_module(module), function)(*arguments)

    return call
