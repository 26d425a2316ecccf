import pytest

from medsuite.grounding.knowledge import Attributes, Finding, KnowledgeBase, lint

WHOLE = {"shape": "round", "density": "bright", "location": "any zone"}


def rules(*findings, **options):
    knowledge = KnowledgeBase(name="mine", version="1", license="CC0", source="here", findings=findings)
    return [(issue.rule, issue.finding) for issue in lint(knowledge, **options)]


def finding(name, **attributes):
    return Finding(id=name, name=name, attributes=Attributes(**{**WHOLE, **attributes}))


def test_the_built_in_bases_have_no_issue(phantom, vindr):
    assert lint(vindr) == ()
    assert lint(phantom) == ()


@pytest.mark.parametrize(
    ("attributes", "rule"),
    [
        ({"location": None}, "missing-attribute"),
        ({"shape": "a classic cyst, round"}, "name-leak"),
        ({"density": "bright and dark"}, "contradiction"),
        ({"effect": "opacité"}, "not-ascii"),
        ({"effect": "very " * 50}, "too-long"),
    ],
)
def test_each_rule_finds_its_mistake_and_no_other(attributes, rule):
    assert rules(finding("cyst", **attributes)) == [(rule, "cyst")]


def test_a_dark_centre_in_a_bright_rim_is_no_contradiction():
    assert rules(finding("cavity", density="dark centre in a bright rim")) == []


def test_two_descriptions_that_no_reader_could_tell_apart_are_an_error():
    assert rules(finding("cyst"), finding("bulla")) == [("near-duplicate", "bulla")]
    assert rules(finding("cyst"), finding("bulla", shape="crescent")) == []


def test_errors_come_before_warnings():
    found = rules(finding("alpha", location=None), finding("beta", density="bright and dark", shape="oval"))
    assert found == [("contradiction", "beta"), ("missing-attribute", "alpha")]


def test_the_length_limit_is_the_caller_s():
    assert rules(finding("cyst"), max_words=3) == [("too-long", "cyst")]
