"""A report's shares and sentences from numbers by hand."""

from dataclasses import replace

import numpy as np
import pytest

from medsuite.meda_kv.report import Report

PLAIN = Report(
    requested="ratio 0.25",
    tokens=np.array([100, 50]),
    layers=(0, 2),
    budgets=np.array([[30, 20], [10, 15]]),
    head_budgets=np.array([[[30, 30], [20, 20]], [[10, 10], [15, 15]]]),
    entropy=np.full((2, 2), np.nan),
    entropy_error=np.zeros((2, 2)),
    bytes_before=8_000_000,
    bytes_after=2_000_000,
    peak_bytes=9_400_000,
    index_bytes=300_000,
    padded_rows=0,
)


def test_the_kept_share_is_slots_of_slots_and_the_saved_share_bytes_of_bytes():
    assert PLAIN.kept_share == pytest.approx(75 / 300)
    assert PLAIN.saved_share == pytest.approx(0.75)


def test_a_report_says_what_was_asked_kept_and_freed():
    assert str(PLAIN).splitlines() == [
        "requested ratio 0.25, kept 0.250 of 150 tokens x 2 layers",
        "keys and values 8.0 MB -> 2.0 MB (-75.0 %), at most 9.4 MB meanwhile, beside them 0.3 MB of positions",
        "layers keep 0.200 to 0.300 of a prompt",
    ]


def test_heads_are_named_where_they_differ():
    heads = np.array([[[40, 20], [20, 20]], [[10, 10], [15, 15]]])
    assert "heads keep 0.200 to 0.400 of a prompt, stored without padding" in str(replace(PLAIN, head_budgets=heads))


@pytest.mark.parametrize(("error", "text"), [(0.0, "1.00 to 4.00 nats"), (0.0625, "1.00 to 4.00 nats +- 0.062")])
def test_an_entropy_has_its_range_and_its_error_where_there_is_one(error, text):
    entropy = np.array([[1.0, 2.0], [3.0, 4.0]])
    told = str(replace(PLAIN, entropy=entropy, entropy_error=np.full((2, 2), error)))
    assert told.splitlines()[-1] == f"attention entropy {text}"


def test_notes_come_last():
    assert str(replace(PLAIN, notes=("one", "two"))).splitlines()[-2:] == ["note: one", "note: two"]
