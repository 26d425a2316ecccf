"""Errors for people: one line that says what was given, what was expected and how to mend it."""

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class MedsuiteError(Exception):
    """A mistake that the user can mend; the command line prints it as one line and exits with code 2.

    Args:
        what: What was given or what happened, naming the file, the field and the value.
        expected: What was expected instead.
        fix: What to do about it.
    """

    def __init__(self, what: str, *, expected: str | None = None, fix: str | None = None) -> None:
        self.what, self.expected, self.fix = what, expected, fix
        parts = [what, f"expected {expected}" if expected else "", fix or ""]
        super().__init__(" ".join("; ".join(part for part in parts if part).split()))


class InputError(MedsuiteError, ValueError):
    """A value, file or folder is not what the function takes."""


class MissingDependencyError(MedsuiteError, ImportError):
    """An optional dependency is not installed."""


class OfflineError(MedsuiteError, OSError):
    """Something has to be fetched and the network does not give it."""


class ResumeError(MedsuiteError):
    """A run folder belongs to another configuration or another process."""


def unknown_name(kind: str, given: str, known: Iterable[str]) -> InputError:
    """Build the error for a name that is not in a registry, with the nearest known one.

    Args:
        kind: What the name stands for, such as `"claim"`.
        given: The name that was given.
        known: All names that exist.
    """
    names = sorted(known)
    nearest = difflib.get_close_matches(given, names, n=1, cutoff=0.5)
    fix = f"did you mean {nearest[0]!r}?" if nearest else None
    expected = f"one of {', '.join(names)}" if names else "nothing: there is none"
    return InputError(f"unknown {kind} {given!r}", expected=expected, fix=fix)


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional dependency, or say how to install it.

    Args:
        module: The module's import name, such as `"pydicom"`.
        extra: What to install, such as `"medsuite-core[images]"`.

    Raises:
        MissingDependencyError: The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise MissingDependencyError(f"{module} is not installed", fix=f"pip install '{extra}'") from error
