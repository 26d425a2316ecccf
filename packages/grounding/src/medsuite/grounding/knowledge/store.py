"""Read and write knowledge bases: built-in ones by name, others as YAML or JSON files."""

from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import ValidationError

from medsuite.core.errors import InputError, unknown_name
from medsuite.core.runs import write_atomically
from medsuite.grounding.knowledge.schema import KnowledgeBase

BUILTIN: tuple[str, ...] = ("phantom", "vindr")
SUFFIXES = (".yaml", ".yml", ".json")


def load_knowledge(source: str | Path) -> KnowledgeBase:
    """Load a knowledge base.

    Args:
        source: Name of a built-in one (`"phantom"`, `"vindr"`), or the path of a YAML or JSON file.

    Raises:
        InputError: The name or the file does not exist, is no YAML, or does not follow the schema.
    """
    if str(source) in BUILTIN:
        text = files("medsuite.grounding.knowledge").joinpath("builtin", f"{source}.yaml").read_text(encoding="utf-8")
        return _parse(text, str(source))
    path = Path(source)
    if path.suffix not in SUFFIXES:
        raise unknown_name("knowledge base", str(source), (*BUILTIN, "a file *.yaml", "a file *.yml", "a file *.json"))
    try:
        return _parse(path.read_text(encoding="utf-8-sig"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"knowledge base {path} cannot be read ({error})", expected="a YAML or JSON file") from error


def save_knowledge(knowledge: KnowledgeBase, path: Path) -> None:
    """Write a knowledge base as YAML or JSON, by the suffix of the path; loading it gives the same again.

    Raises:
        InputError: Another suffix.
    """
    content = knowledge.model_dump(mode="json", exclude_defaults=True)
    if path.suffix == ".json":
        text = knowledge.model_dump_json(indent=2, exclude_defaults=True) + "\n"
    elif path.suffix in SUFFIXES:
        text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)
    else:
        raise InputError(f"{path} has the suffix {path.suffix!r}", expected=" or ".join(SUFFIXES))
    write_atomically(path, text)


def _parse(text: str, origin: str) -> KnowledgeBase:
    try:
        return KnowledgeBase.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise InputError(f"{origin} is not YAML: {error}") from error
    except RecursionError as error:
        raise InputError(f"{origin} is nested too deeply", expected="a knowledge base") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise InputError(f"{origin} breaks the schema at {where}: {first['msg']}{more}") from error
    except ValueError as error:
        # A text that YAML takes for a date and that is none, such as 2024-02-30.
        raise InputError(f"{origin} is not YAML: {error}", fix="put texts in quotes") from error
