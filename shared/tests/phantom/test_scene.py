from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.core.phantom import (
    LABELS,
    SHAPES,
    Anatomy,
    Finding,
    Request,
    Scene,
    draw,
    sample_anatomy,
    sample_finding,
    sample_scene,
)
from medsuite.core.phantom.disease import CHANGES, nearest_rib
from medsuite.core.phantom.placement import zone_heights
from medsuite.core.phantom.shapes import SOLID

NODULE = Finding("nodule", "round", "right", "upper", 20.0, 0.015, (-70.0, 0.0, 80.0))


@settings(deadline=None)
@given(st.integers(0, 2**40))
def test_a_scene_depends_on_its_seed_alone(seed):
    assert sample_scene(seed) == sample_scene(seed)


def test_the_patient_is_the_same_with_any_findings():
    assert sample_scene(9, ["mass"]).anatomy == sample_scene(9, []).anatomy == sample_scene(9).anatomy


def test_the_seeds_of_patient_findings_and_noise_are_independent_streams():
    scene = sample_scene(3, ["nodule"])
    assert len({scene.anatomy.vessel_seed, scene.findings[0].seed, int(scene.noise().integers(2**32))}) == 3


def test_unasked_findings_are_zero_to_three_different_labels_from_all():
    drawn = [[finding.label for finding in sample_scene(seed).findings] for seed in range(300)]
    assert {len(labels) for labels in drawn} == {0, 1, 2, 3}
    assert all(len(set(labels)) == len(labels) for labels in drawn)
    assert {label for labels in drawn for label in labels} == set(LABELS)


@pytest.mark.parametrize("label", LABELS)
def test_findings_of_a_label_stay_within_its_template(label):
    template = LABELS[label]
    for seed in range(15):
        (finding,) = sample_scene(seed, [label]).findings
        assert finding.label == label
        assert finding.shape in template.shapes
        assert finding.side in template.sides
        assert finding.zone in template.zones
        assert finding.margin in template.margins
        assert finding.texture in template.textures
        assert template.size_mm[0] <= finding.size_mm <= template.size_mm[1]
        low, high = sorted(template.attenuation)
        assert low <= finding.attenuation <= high


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("zone", ["upper", "middle", "lower"])
def test_a_requested_lesion_is_centred_on_its_side_and_in_its_zone(side, zone):
    for seed in range(20):
        scene = sample_scene(seed, [Request("nodule", side=side, zone=zone)])
        x, _, z = scene.findings[0].position
        low, high = zone_heights(scene.anatomy, zone)
        assert (x > 0) == (side == "left")
        assert low < z < high


def test_requested_size_and_contrast_are_taken():
    plain, strong = (sample_scene(4, [Request("mass", size_mm=40.0, contrast=c)]).findings[0] for c in (1.0, 0.5))
    assert strong.size_mm == 40.0
    assert strong.attenuation == pytest.approx(0.5 * plain.attenuation)
    assert replace(strong, attenuation=plain.attenuation) == plain


def test_zones_are_equal_thirds_from_the_diaphragm_to_the_apex():
    edges = [zone_heights(Anatomy(), zone) for zone in ("lower", "middle", "upper")]
    assert edges[0][0] == Anatomy().dome_right
    assert edges[2][1] == pytest.approx(Anatomy().lung_apex)
    assert edges[0][1] == edges[1][0]
    assert np.ptp([high - low for low, high in edges]) < 1e-9
    assert zone_heights(Anatomy(), "all") == (edges[0][0], pytest.approx(edges[2][1]))


@pytest.mark.parametrize(
    ("attenuation", "word"),
    [(-0.005, "lucent"), (0.004, "faint"), (0.0154, "soft tissue"), (0.055, "calcified"), (0.33, "metal")],
)
def test_density_is_named_by_attenuation(attenuation, word):
    assert replace(NODULE, attenuation=attenuation).density == word


def test_leaving_a_finding_out_keeps_the_others_in_order():
    scene = sample_scene(1, ["mass", "cavity", "pneumothorax"])
    assert [finding.label for finding in scene.without(1).findings] == ["mass", "pneumothorax"]
    assert scene.without(1).anatomy == scene.anatomy


def test_every_shape_either_adds_solids_or_changes_organs():
    assert set(SHAPES) == set(SOLID) | set(CHANGES)
    assert not set(SOLID) & set(CHANGES)
    assert {shape for template in LABELS.values() for shape in template.shapes} <= set(SHAPES)


def test_a_fracture_is_on_the_rib_nearest_to_its_position():
    for seed in range(10):
        scene = sample_scene(seed, [Request("rib fracture", side="left")])
        side, rib, angle = nearest_rib(scene.findings[0].position, scene.anatomy)
        assert side == 1
        assert 3 <= rib <= 9
        assert 40 < angle < 80
        disease = scene.disease()
        assert (disease.fracture_left, disease.fracture_rib) == (1, rib)


@pytest.mark.parametrize(
    ("label", "changed"),
    [
        ("cardiomegaly", {"heart_growth"}),
        ("aortic enlargement", {"aorta_growth"}),
        ("emphysema", {"hyperinflation"}),
        ("nodule", set()),
    ],
)
def test_findings_change_only_their_organ(label, changed):
    disease, healthy = sample_scene(2, [label]).disease(), sample_scene(2, []).disease()
    assert {name for name in vars(disease) if getattr(disease, name) != getattr(healthy, name)} == changed


@pytest.mark.parametrize("label", ["pleural effusion", "pneumothorax"])
def test_pleural_findings_on_both_sides_change_both_pleurae(label):
    disease = sample_scene(2, [Request(label, side="both", size_mm=33.0)]).disease()
    assert sorted(vars(disease).values()).count(33.0) == 2


@pytest.mark.parametrize(
    ("shape", "side", "size_mm", "message"),
    [
        ("meniscus", "midline", 40.0, "unknown side of fluid 'midline'"),
        ("fracture", "both", 8.0, "unknown side of fluid 'both'"),
        ("pleural air", "left", 150.0, "size_mm 150.0 of fluid; expected at most 130.0 mm"),
        ("hyperinflation", "both", 41.0, "at most 40.0 mm"),
    ],
)
def test_changes_that_an_organ_cannot_take_are_refused(shape, side, size_mm, message):
    finding = Finding("fluid", shape, side, "lower", size_mm, 0.015, (0.0, 0.0, 0.0))
    with pytest.raises(InputError, match=message):
        Scene(Anatomy(), (finding,))


@pytest.mark.parametrize("shape", CHANGES)
def test_the_largest_change_of_any_organ_still_gives_a_film(shape):
    change = CHANGES[shape]
    for seed in range(4):
        anatomy = sample_anatomy(np.random.default_rng(seed), 1.5)
        finding = Finding("x", shape, change.sides[-1], "lower", change.largest_mm, 0.015, (60.0, 0.0, 0.0))
        films = draw([Scene(anatomy, (finding,))], 64)
        assert np.isfinite(films.line_integral).all()
        assert films.line_integral.min() >= -1e-3


def test_of_two_findings_in_one_organ_the_later_counts():
    small, large = (replace(NODULE, shape="pleural air", size_mm=size) for size in (20.0, 50.0))
    assert Scene(Anatomy(), (large, small)).disease().collapse_right == 20.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"side": "rihgt"}, "unknown side 'rihgt'.*did you mean 'right'"),
        ({"zone": "top"}, "unknown zone"),
        ({"margin": "soft"}, "unknown margin"),
        ({"texture": "rough"}, "unknown texture"),
        ({"size_mm": 0.0}, "size_mm 0.0 of nodule"),
        ({"size_mm": float("nan")}, "size_mm nan"),
        ({"attenuation": 11.0}, "attenuation 11.0"),
        ({"attenuation": 0.0}, "attenuation 0.0"),
        ({"position": (0.0, float("nan"), 0.0)}, "position"),
    ],
)
def test_findings_with_impossible_attributes_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        replace(NODULE, **change)


def test_an_unknown_shape_is_refused_with_the_nearest_one():
    with pytest.raises(InputError, match=r"unknown shape 'rond'.*'round'"):
        Scene(Anatomy(), (replace(NODULE, shape="rond"),))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"label": "nodul"}, "unknown finding 'nodul'.*'nodule'"),
        ({"label": "nodule", "side": "midline"}, "unknown side of nodule"),
        ({"label": "pneumothorax", "zone": "lower"}, "unknown zone of pneumothorax"),
        ({"label": "nodule", "contrast": 0.0}, "contrast 0.0 of nodule"),
    ],
)
def test_requests_that_no_template_can_meet_are_refused(request_, message):
    with pytest.raises(InputError, match=message):
        Request(**request_)


def test_a_negative_seed_is_refused():
    with pytest.raises(InputError, match="seed -1"):
        sample_scene(-1)


def test_findings_can_be_drawn_into_a_patient_of_the_callers_choice():
    finding = sample_finding(Request("cavity", side="left"), Anatomy(), np.random.default_rng(0))
    assert Scene(Anatomy(), (finding,)).findings[0].side == "left"
