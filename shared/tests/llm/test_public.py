"""What the module needs, and when."""

import importlib
import subprocess
import sys

import pytest

from medsuite.core import llm
from medsuite.core.errors import MissingDependencyError
from medsuite.core.llm.model import Client, Request


def test_importing_it_costs_neither_torch_nor_aiohttp() -> None:
    code = "import sys, medsuite.core.llm as llm; llm.Request('?'); print({'torch', 'aiohttp'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_every_public_name_is_there() -> None:
    assert dir(llm) == sorted(llm.__all__)
    assert all(hasattr(llm, name) for name in llm.__all__)
    assert isinstance(llm.ServerClient("http://localhost/v1", "m"), Client)


def test_without_aiohttp_a_server_client_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delitem(sys.modules, "medsuite.core.llm.server", raising=False)
    with pytest.raises(MissingDependencyError, match=r"aiohttp is not installed; pip install 'medsuite-core\[llm\]'"):
        importlib.import_module("medsuite.core.llm.server")


def test_without_jsonschema_no_request_with_a_schema_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(MissingDependencyError, match=r"medsuite-core\[llm\]"):
        Request("?", schema={"title": "never seen before"})
