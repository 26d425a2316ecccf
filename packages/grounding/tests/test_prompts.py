import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.grounding.knowledge import Attributes, Finding, load_knowledge
from medsuite.grounding.prompts import (
    STRATEGIES,
    NameAndKnowledge,
    ShuffledKnowledge,
    WrongClass,
    all_strategies,
    compose,
    strategy,
    token_spans,
)


def text(name, knowledge, finding, rng):
    return strategy(name, knowledge, rng).render(knowledge[finding], rng).text


def test_each_strategy_says_what_its_name_says(vindr, rng):
    cyst = "lung cyst"
    about = "round with a thin smooth wall, dark inside, any zone, no opacity around it"
    assert text("name", vindr, cyst, rng) == cyst
    assert text("knowledge", vindr, cyst, rng) == f"{cyst} means {about}"
    assert text("knowledge-without-name", vindr, cyst, rng) == about
    assert text("location-only", vindr, cyst, rng) == f"{cyst} means any zone"


@pytest.mark.parametrize("name", ["shuffled", "wrong-class"])
def test_a_control_keeps_the_name_and_takes_another_description(name, vindr, rng):
    right = {NameAndKnowledge().render(each, rng).text.split(" means ")[1]: each.id for each in vindr.findings}
    for finding in vindr.findings:
        kept, borrowed = text(name, vindr, finding.id, rng).split(" means ")
        assert kept == finding.name
        assert right[borrowed] != finding.id


@given(seed=st.integers(0, 10_000))
def test_a_shuffle_is_a_derangement_that_stays_the_same(seed):
    vindr = load_knowledge("vindr")
    shuffled = ShuffledKnowledge.of(vindr, np.random.default_rng(seed))
    assert sorted(lender.id for lender in shuffled.lender.values()) == sorted(each.id for each in vindr.findings)
    assert all(borrower != lender.id for borrower, lender in shuffled.lender.items())
    rng = np.random.default_rng(1)
    assert shuffled.render(vindr["edema"], rng) == shuffled.render(vindr["edema"], rng)


def test_a_wrong_class_is_any_other_one_drawn_anew(phantom, rng):
    asked = phantom.findings[0]
    said = {WrongClass(phantom).render(asked, rng).text for _ in range(600)}
    assert len(said) == len(phantom) - 1


@pytest.mark.parametrize("name", STRATEGIES)
def test_spans_cut_the_parts_out_of_the_text(name, vindr, rng):
    for finding in vindr.findings:
        prompt = strategy(name, vindr, rng).render(finding, rng)
        parts = [prompt.text[start:end] for start, end in prompt.spans.values()]
        assert compose(list(zip(prompt.spans, parts, strict=True))) == prompt
        if "name" in prompt.spans:
            assert parts[0] == finding.name


def test_token_spans_cover_the_words_of_each_part(tiny, vindr, rng):
    prompt = strategy("knowledge", vindr, rng).render(vindr["pneumothorax"], rng)
    tokens = tiny.tokenizer(prompt.text, add_special_tokens=False).input_ids
    for part, (start, end) in token_spans(prompt, tiny.tokenizer, offset=5).items():
        first, last = prompt.spans[part]
        assert tiny.tokenizer.decode(tokens[start - 5 : end - 5]).strip(" ,") == prompt.text[first:last]


def test_token_spans_need_a_tokenizer_that_keeps_offsets(vindr, rng):
    class Slow:
        is_fast = False

    with pytest.raises(InputError, match="a fast tokenizer"):
        token_spans(strategy("name", vindr, rng).render(vindr["edema"], rng), Slow())


def test_unknown_names_propose_the_nearest(vindr, rng):
    with pytest.raises(InputError, match="did you mean 'shuffled'"):
        strategy("shufled", vindr, rng)
    with pytest.raises(InputError, match="did you mean 'density'"):
        NameAndKnowledge(("densty",))


def test_a_strategy_that_has_nothing_to_tell_does_not_pass_for_the_bare_name(vindr, rng):
    bare = Finding(id="x", name="x", attributes=Attributes(shape="round"))
    silent = Finding(id="y", name="y", attributes=Attributes())
    base = vindr.model_copy(update={"findings": (bare, silent)})
    with pytest.raises(InputError, match="'x' has no location to tell"):
        strategy("location-only", base, rng).render(bare, rng)
    for name in ("knowledge", "knowledge-without-name"):
        with pytest.raises(InputError, match="'y' has no shape or density"):
            strategy(name, base, rng).render(silent, rng)
    for name in ("shuffled", "wrong-class"):
        with pytest.raises(InputError, match="'y' has no shape"):
            strategy(name, base, rng).render(bare, rng)


def test_a_finding_of_another_knowledge_base_borrows_nothing(vindr, phantom, rng):
    with pytest.raises(InputError, match="unknown finding 'mopex'"):
        ShuffledKnowledge.of(vindr, rng).render(phantom.findings[0], rng)


def test_all_strategies_are_said_at_once_and_those_that_cannot_speak_say_why(vindr):
    said = all_strategies(vindr["edema"], vindr, 0)
    assert list(said) == list(STRATEGIES)
    assert said["name"] == "edema"
    alone = vindr.model_copy(update={"findings": vindr.findings[:1]})
    said = all_strategies(alone.findings[0], alone, 0)
    assert said["knowledge"].startswith("aortic enlargement means")
    assert "two or more" in said["shuffled"]
    assert "two or more" in said["wrong-class"]


def test_one_finding_cannot_be_shuffled(vindr, rng):
    alone = vindr.model_copy(update={"findings": vindr.findings[:1]})
    with pytest.raises(InputError, match="two or more"):
        ShuffledKnowledge.of(alone, rng)
