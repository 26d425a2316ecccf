import pytest

from medsuite.core.errors import InputError, MedsuiteError, MissingDependencyError, require, unknown_name


def test_an_error_says_what_was_given_what_was_expected_and_how_to_mend_it():
    error = InputError("ratio 1.5", expected="a number in (0, 1]", fix="pass --ratio 0.5")
    assert str(error) == "ratio 1.5; expected a number in (0, 1]; pass --ratio 0.5"


def test_an_error_is_one_line_whatever_it_quotes():
    assert "\n" not in str(MedsuiteError("first\nsecond\t third"))
    assert str(MedsuiteError("first\nsecond\t third")) == "first second third"


def test_input_errors_are_value_errors_so_that_library_users_can_catch_them():
    with pytest.raises(ValueError, match="ratio"):
        raise InputError("ratio 1.5")


def test_an_unknown_name_is_answered_with_the_nearest_known_one():
    message = str(unknown_name("selector", "snapvk", ["snapkv", "h2o"]))
    assert "snapvk" in message
    assert "one of h2o, snapkv" in message
    assert "did you mean 'snapkv'?" in message


def test_an_unknown_name_far_from_all_others_suggests_nothing():
    assert "did you mean" not in str(unknown_name("selector", "zzz", ["snapkv"]))
    assert "there is none" in str(unknown_name("selector", "zzz", []))


def test_a_missing_dependency_is_answered_with_its_install_line():
    with pytest.raises(MissingDependencyError, match=r"pip install 'medsuite-core\[images\]'"):
        require("no_such_module_at_all", extra="medsuite-core[images]")


def test_an_error_inside_an_installed_dependency_is_not_taken_for_its_absence(tmp_path, monkeypatch):
    (tmp_path / "half_broken.py").write_text("import no_such_module_at_all")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError, match="no_such_module_at_all") as caught:
        require("half_broken", extra="x")
    assert not isinstance(caught.value, MissingDependencyError)


def test_an_installed_dependency_is_returned():
    assert require("json", extra="x").loads("[1]") == [1]
