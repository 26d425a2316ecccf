import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from medsuite.core.errors import InputError
from medsuite.grounding.knowledge import (
    ATTRIBUTES,
    BUILTIN,
    Attributes,
    Finding,
    KnowledgeBase,
    load_knowledge,
    save_knowledge,
)


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
        ("name: a\nversion: 2024-02-30", "is not YAML: day is out of range.*quotes"),
        ("!!python/object:os.system {}", "is not YAML"),
        ("[" * 5000, "nested too deeply"),
        ("name: a\nversion: 1.0\nlicense: b\nsource: c", "breaks the schema at version"),
        ("\x00", "is not YAML"),
        ("", "breaks the schema at the whole"),
    ],
)
def test_a_broken_file_is_one_line_that_names_the_place(text, message, tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        load_knowledge(path)
    assert "\n" not in str(error.value)


def test_a_byte_order_mark_is_no_mistake(vindr, tmp_path):
    save_knowledge(vindr, tmp_path / "mine.yaml")
    text = (tmp_path / "mine.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8-sig")
    assert load_knowledge(tmp_path / "mine.yaml") == vindr


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
VISIBLE = WORDS.filter(lambda text: text.strip() and text.strip()[0].isprintable())


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.lists(VISIBLE, min_size=1, max_size=4, unique_by=lambda name: " ".join(name.lower().split())),
    texts=st.lists(st.none() | VISIBLE, min_size=5, max_size=5),
    suffix=st.sampled_from([".yaml", ".json", ".yml"]),
)
def test_any_knowledge_base_survives_saving_and_loading(names, texts, suffix, tmp_path):
    attributes = Attributes(**dict(zip(ATTRIBUTES, texts, strict=True)))
    findings = [Finding(id=f"id-{n}", name=name, attributes=attributes) for n, name in enumerate(names)]
    try:
        base = KnowledgeBase(name="mine", version="1", license="CC0", source="here", findings=tuple(findings))
    except ValidationError:
        return
    save_knowledge(base, tmp_path / f"mine{suffix}")
    assert load_knowledge(tmp_path / f"mine{suffix}") == base


def test_a_name_that_is_none_tells_that_files_can_be_given_too():
    with pytest.raises(InputError, match=r"unknown knowledge base 'mine\.txt'; expected one of .*a file \*\.yaml"):
        load_knowledge("mine.txt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.yaml cannot be read"):
        load_knowledge(tmp_path / "absent.yaml")
