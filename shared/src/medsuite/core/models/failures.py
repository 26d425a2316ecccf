"""Turn what libraries raise over a broken checkpoint into one line for its owner."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medsuite.core.errors import InputError, MedsuiteError, MissingDependencyError, require


@contextmanager
def explained(path: Path, purpose: str) -> Iterator[None]:
    """Report a failure to read a checkpoint as an error of its user, with the library's first line as the reason.

    Args:
        path: The folder or file that is read.
        purpose: What it is read as, such as `"tokenizer"`.

    Raises:
        InputError: The checkpoint is broken or of another sort.
        MissingDependencyError: Reading it needs a library that is not installed.
    """
    torch = require("torch", extra="medsuite-core[models]")
    safetensors = require("safetensors", extra="medsuite-core[models]")
    broken = (AttributeError, KeyError, OSError, RuntimeError, TypeError, ValueError, struct.error)
    try:
        yield
    except (MedsuiteError, torch.OutOfMemoryError):
        raise
    except ImportError as error:
        raise MissingDependencyError(f"{path} cannot be read as {purpose}: {_first_line(error)}") from error
    except (*broken, safetensors.SafetensorError) as error:
        raise InputError(f"{path} cannot be read as {purpose}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0].strip()}" if lines else type(error).__name__
