"""Turn what libraries raise over a broken checkpoint into one line for its owner."""

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
    try:
        yield
    except (MedsuiteError, MemoryError, torch.OutOfMemoryError):
        raise
    except ImportError as error:
        raise MissingDependencyError(f"{path} cannot be read as {purpose}: {_first_line(error)}") from error
    except Exception as error:
        # Parsers meet a broken file with whatever they stumble over; the cause stays attached for --debug.
        raise InputError(f"{path} cannot be read as {purpose}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().splitlines()[0]
