import importlib
import sys

import pytest

from medsuite.core.lazy import deferred, lazy_names


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with two public names, one of them in a module that cannot be imported."""
    folder = tmp_path / "sleepy"
    folder.mkdir()
    (folder / "__init__.py").write_text(
        "from medsuite.core.lazy import lazy_names\n"
        "__getattr__, __dir__ = lazy_names(__name__, {'answer': 'deep', 'broken': 'bad'})\n"
    )
    (folder / "deep.py").write_text("calls = []\ndef answer(*given):\n    return (42, *given)\n")
    (folder / "bad.py").write_text("import no_such_module_at_all")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module("sleepy")
    for name in [name for name in sys.modules if name.partition(".")[0] == "sleepy"]:
        del sys.modules[name]


def test_importing_the_package_imports_none_of_its_modules(package):
    assert "sleepy.deep" not in sys.modules


def test_a_name_is_imported_when_it_is_used_and_then_belongs_to_the_package(package):
    assert package.answer() == (42,)
    assert vars(package)["answer"] is sys.modules["sleepy.deep"].answer


def test_dir_lists_the_public_names_before_they_are_imported(package):
    assert dir(package) == ["answer", "broken"]
    assert "sleepy.deep" not in sys.modules


def test_an_unknown_name_is_an_attribute_error_that_names_the_package(package):
    with pytest.raises(AttributeError, match="module 'sleepy' has no attribute 'question'"):
        package.question  # noqa: B018


def test_an_error_inside_a_module_is_not_hidden(package):
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all"):
        package.broken  # noqa: B018


def test_a_deferred_function_is_imported_when_it_is_called_with_what_it_is_given(package):
    call = deferred("sleepy.deep", "answer")
    assert "sleepy.deep" not in sys.modules
    assert call(1, 2) == (42, 1, 2)


def test_the_lazy_names_are_those_that_make_them():
    get, names = lazy_names("medsuite.core", {"InputError": "errors"})
    assert get("InputError") is importlib.import_module("medsuite.core.errors").InputError
    assert "InputError" in names()
