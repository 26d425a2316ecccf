"""The extractor on 3,955 real reports, beside what the collection's annotators marked.

The reports come with torchxrayvision, which is not imported; they are read and not copied (CC BY-NC-ND 4.0).
"""

import importlib.util
import tarfile
from pathlib import Path

import pytest

from medsuite.synth_medvlp import extract, read_openi
from medsuite.synth_medvlp.openi import OpenI


@pytest.fixture(scope="module")
def collection(tmp_path_factory) -> OpenI:
    found = importlib.util.find_spec("torchxrayvision")
    if found is None or found.origin is None:
        pytest.skip("torchxrayvision, which carries the reports, is not installed")
    folder = tmp_path_factory.mktemp("openi")
    with tarfile.open(Path(found.origin).parent / "data/NLMCXR_reports.tgz") as archive:
        archive.extractall(folder, filter="data")
    return read_openi(folder)


def test_all_reports_are_read_and_those_without_text_counted(collection):
    assert len(collection.reports) == 3955 - 28
    assert collection.left_out == {"neither findings nor impression": 28}
    assert sum(len(report.images) for report in collection.reports) > 7000


@pytest.mark.parametrize(
    ("name", "marked", "recall", "precision"),
    [
        ("cardiomegaly", 375, 0.84, 0.95),
        ("pleural effusion", 161, 0.80, 0.88),
        ("pneumothorax", 23, 0.80, 0.75),
        ("calcified granuloma", 284, 0.85, 0.80),
    ],
)
def test_what_is_extracted_agrees_with_the_annotators(collection, name, marked, recall, precision):
    theirs = {report.key for report in collection.reports if name in report.concepts}
    ours = {
        report.key
        for report in collection.reports
        if any(entity.concept == name and entity.status == "present" for entity in extract(report.text))
    }
    # The collection marks effusions and granulomas in a few reports without text.
    assert marked - 12 <= len(theirs) <= marked
    assert len(ours & theirs) / len(theirs) > recall
    assert len(ours & theirs) / len(ours) > precision


def test_real_reports_name_findings_with_a_long_tail(collection):
    tail = collection.pool().tail()
    assert 0.8 < tail.slope < 1.6
    assert tail.effective < 10.5
