"""JSON schemas: checked when they are asked for, and held against what comes."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from medsuite.core.errors import InputError, require


def schema_problem(value: Any, schema: Mapping[str, Any]) -> str | None:
    """Say in one line what a value has that its schema (draft 2020-12) does not allow; None where it fits.

    Raises:
        InputError: The schema is none.
        MissingDependencyError: jsonschema is not installed.
    """
    best_match = require("jsonschema", extra="medsuite-core[llm]").exceptions.best_match
    error = best_match(check_schema(schema).iter_errors(value))
    return None if error is None else " ".join(error.message.split())


def check_schema(schema: Mapping[str, Any]) -> Any:
    """Check that a schema is one, and return its validator; a schema that was seen before costs nothing.

    Raises:
        InputError: The schema is none.
        MissingDependencyError: jsonschema is not installed.
    """
    try:
        return _validator(json.dumps(schema))
    except TypeError as error:
        raise InputError(f"a schema that is no JSON: {error}") from error


@lru_cache(maxsize=64)
def _validator(schema: str) -> Any:
    jsonschema = require("jsonschema", extra="medsuite-core[llm]")
    kind = jsonschema.Draft202012Validator
    try:
        kind.check_schema(json.loads(schema))
    except jsonschema.SchemaError as error:
        raise InputError(f"a schema that is none: {error.message}", expected="JSON schema, draft 2020-12") from error
    return kind(json.loads(schema))
