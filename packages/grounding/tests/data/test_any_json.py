"""Readers of JSON against files of any content: they read it or refuse it in one line, and do nothing else."""

import contextlib
import json

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.grounding import read_padchest_gr, read_predictions
from medsuite.grounding.evaluation import write_predictions
from medsuite.grounding.metrics.cases import Prediction

LEAF = st.none() | st.booleans() | st.integers(-5, 2000) | st.floats() | st.text(max_size=4)
ANY = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner), max_leaves=8
)
BOX = st.lists(st.floats(-1, 2) | st.integers(0, 900) | LEAF, max_size=5)


def entries(**fields):
    """Lists of entries whose fields are right, wrong or missing."""
    return st.lists(
        st.fixed_dictionaries({}, optional={name: ANY | right for name, right in fields.items()}), max_size=3
    )


FINDINGS = entries(
    sentence_en=st.text(max_size=5), labels=st.lists(st.text(max_size=5)), boxes=st.lists(BOX, max_size=2)
)
REPORTS = entries(ImageID=st.sampled_from(["a.png", "b.png"]), findings=FINDINGS)
ANSWERS = entries(
    image_id=st.sampled_from(["a", "b"]),
    labels=st.lists(st.text(max_size=4), max_size=2),
    boxes=st.lists(BOX, max_size=2),
    scores=st.lists(st.floats(0, 1), max_size=2),
)
WIDE = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@WIDE
@given(ANY | REPORTS)
def test_reports_are_read_or_refused(tmp_path, content):
    path = tmp_path / "reports.json"
    path.write_text(json.dumps(content))
    with contextlib.suppress(InputError):
        for record in read_padchest_gr(path, {"a.png": (300, 200), "b.png": (100, 100)}):
            assert len(record.labels) == len(record.boxes)
            assert (record.boxes[:, 2:] > record.boxes[:, :2]).all()


@WIDE
@given(ANY | ANSWERS)
def test_predictions_are_read_or_refused(tmp_path, content):
    path = tmp_path / "answers.json"
    path.write_text(json.dumps(content))
    with contextlib.suppress(InputError):
        for answer in read_predictions(path):
            assert len(answer.labels) == len(answer.boxes) == len(answer.scores)
            assert np.isfinite(answer.scores).all()


@WIDE
@given(st.lists(st.tuples(st.text(max_size=5), st.integers(0, 3), st.integers(0, 10**6)), max_size=3))
def test_what_is_written_is_read_again_to_the_last_digit(tmp_path, rows):
    answers = []
    for image, count, seed in rows:
        rng = np.random.default_rng(seed)
        near = rng.uniform(0, 500, (count, 2))
        boxes = np.concatenate([near, near + rng.uniform(1, 90, (count, 2))], axis=1)
        answers.append(Prediction(image, ("opacité",) * count, boxes, rng.random(count)))
    path = tmp_path / "answers.json"
    path.write_text(write_predictions(answers), encoding="utf-8")
    for one, other in zip(answers, read_predictions(path), strict=True):
        assert (one.image_id, one.labels) == (other.image_id, other.labels)
        np.testing.assert_array_equal(one.boxes, other.boxes)
        np.testing.assert_array_equal(one.scores, other.scores)
