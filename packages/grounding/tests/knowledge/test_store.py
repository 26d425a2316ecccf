import pytest

from medsuite.core.errors import InputError
from medsuite.grounding.knowledge import BUILTIN, load_knowledge, save_knowledge


@pytest.mark.parametrize("name", BUILTIN)
@pytest.mark.parametrize("suffix", [".yaml", ".json"])
def test_what_is_saved_is_loaded_again(name, suffix, tmp_path):
    knowledge = load_knowledge(name)
    save_knowledge(knowledge, tmp_path / f"mine{suffix}")
    assert load_knowledge(tmp_path / f"mine{suffix}") == knowledge


def test_an_unknown_name_proposes_a_built_in_one():
    with pytest.raises(InputError, match="did you mean 'vindr'"):
        load_knowledge("vinder")


def test_another_suffix_is_refused_when_saving(vindr, tmp_path):
    with pytest.raises(InputError, match=r"suffix '\.txt'"):
        save_knowledge(vindr, tmp_path / "mine.txt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: [", "is not YAML"),
        ("name: mine", "breaks the schema at version"),
        ("- 1", "breaks the schema at the whole"),
        ("name: a\nversion: '1'\nlicense: b\nsource: c\nfindings: []", "at findings"),
    ],
)
def test_a_broken_file_is_one_line_that_names_the_place(text, message, tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        load_knowledge(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.yaml cannot be read"):
        load_knowledge(tmp_path / "absent.yaml")
