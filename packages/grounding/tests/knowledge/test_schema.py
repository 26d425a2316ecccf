import pytest
from pydantic import ValidationError

from medsuite.core.errors import InputError
from medsuite.grounding.knowledge import ATTRIBUTES, Attributes, Finding, KnowledgeBase


def finding(name, **attributes):
    return Finding(id=name, name=name, attributes=Attributes(**attributes))


def base(*findings):
    return KnowledgeBase(name="mine", version="1", license="CC0", source="here", findings=findings)


def test_a_finding_answers_to_id_name_and_synonym_whatever_the_case(vindr):
    asked = ("nodule-or-mass", "Nodule or  MASS", "Nodule/Mass", "mass")
    assert {vindr[name].id for name in asked} == {"nodule-or-mass"}


def test_an_unknown_finding_is_an_error_that_proposes_the_nearest(vindr):
    with pytest.raises(InputError, match="did you mean 'atelectasis'"):
        vindr["atelectesis"]
    assert "atelectesis" not in vindr


def test_two_findings_cannot_share_a_name():
    first = finding("edema")
    second = Finding(id="haze", name="haze", synonyms=("Edema",), attributes=Attributes())
    with pytest.raises(ValidationError, match="names both 'edema' and 'haze'"):
        base(first, second)
    with pytest.raises(ValidationError, match="share an id"):
        base(first, first)


def test_unknown_fields_and_ids_with_spaces_are_refused():
    with pytest.raises(ValidationError, match="colour"):
        Attributes(colour="white")
    with pytest.raises(ValidationError, match="pattern"):
        finding("two words")


def test_attributes_come_in_the_order_of_the_schema_without_the_empty_ones():
    shown = Attributes(effect="e", shape="s", texture="").present()
    assert list(shown.items()) == [("shape", "s"), ("effect", "e")]
    assert ATTRIBUTES == ("shape", "density", "texture", "location", "effect")


def test_the_phantom_has_every_combination_of_its_attributes_once(phantom):
    combinations = {tuple(each.attributes.present().values()) for each in phantom.findings}
    assert len(phantom) == len(combinations) == 4 * 2 * 2 * 2


def test_the_vindr_base_covers_its_22_local_labels(vindr):
    labels = (
        "Aortic enlargement, Calcification, Enlarged PA, ILD, Lung Opacity, Nodule/Mass, Other lesion, Rib fracture"
    )
    assert len(vindr) == 22
    assert all(label in vindr for label in labels.split(", "))
