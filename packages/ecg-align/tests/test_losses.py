import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.ecg_align import LeadSampler, UniModalAlignment, clip_sum, kept_segments, masked_bce
from medsuite.ecg_align.leads import LEADS12


def slow_clip(first, second, temperature):
    """The definition, pair by pair."""
    count = len(first)
    cosine = [[float(a @ b / (a.norm() * b.norm())) / temperature for b in second] for a in first]
    rows = sum(math.log(sum(math.exp(value) for value in cosine[i])) - cosine[i][i] for i in range(count))
    columns = sum(math.log(sum(math.exp(cosine[j][i]) for j in range(count))) - cosine[i][i] for i in range(count))
    return (rows + columns) / count


def test_the_contrastive_loss_is_the_sum_of_both_directions(generator):
    first, second = torch.randn(2, 5, 8, generator=generator, dtype=torch.float64)
    assert float(clip_sum(first, second)) == pytest.approx(slow_clip(first, second, 0.07), rel=1e-10)


def test_equal_orthogonal_pairs_have_the_closed_form_and_length_does_not_count():
    pairs = torch.eye(4)
    expected = 2 * math.log(1 + 3 * math.exp(-1 / 0.07))
    assert float(clip_sum(3 * pairs, pairs)) == pytest.approx(expected, abs=1e-6)


def test_one_pair_contrasts_nothing():
    with pytest.raises(InputError, match="at least two pairs"):
        clip_sum(torch.ones(1, 3), torch.ones(1, 3))


def test_uni_modal_alignment_is_the_same_loss_between_two_maps_of_one_feature(generator):
    alignment, feature = UniModalAlignment(6).eval(), torch.randn(4, 6)
    one, two = (feature @ view.weight.T for view in alignment.views)
    torch.testing.assert_close(alignment(feature), clip_sum(one, two))
    assert not torch.equal(alignment.views[0].weight, alignment.views[1].weight)
    alignment.train()
    assert float(alignment(feature)) != float(alignment(feature))


def test_query_supervision_is_the_mean_over_known_labels_and_unknown_ones_have_no_gradient(generator):
    logits = torch.randn(3, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([[1, 0, math.nan, 1], [math.nan] * 4, [0, 0, 1, math.nan]], dtype=torch.float64)
    weights = torch.tensor([1.0, 2.0, 0.5, 1.0], dtype=torch.float64)
    loss = masked_bce(logits, labels, positive_weight=3.0, weights=weights)
    terms = []
    for row in range(3):
        for column in range(4):
            label, p = float(labels[row, column]), 1 / (1 + math.exp(-float(logits[row, column])))
            if not math.isnan(label):
                terms.append(float(weights[column]) * -(3 * math.log(p) if label else math.log(1 - p)))
    assert float(loss) == pytest.approx(sum(terms) / len(terms), rel=1e-10)
    loss.backward()
    assert torch.equal(logits.grad != 0, ~labels.isnan())


def test_without_a_known_label_the_loss_is_zero():
    assert float(masked_bce(torch.ones(2, 2), torch.full((2, 2), math.nan))) == 0


def test_half_of_the_drawn_lead_sets_are_clinical_ones_and_numbers_are_equally_likely():
    sampler, generator = LeadSampler(), torch.Generator().manual_seed(0)
    draws = [sampler.draw(generator) for _ in range(4000)]
    single = sum(len(leads) == 1 for leads in draws) / 4000
    # 0.5 * 3/6 clinical sets of one lead, and 0.5 * 1/7 of the random ones.
    assert single == pytest.approx(0.25 + 0.5 / 7, abs=0.03)
    assert {lead for leads in draws for lead in leads} == set(LEADS12)
    assert all(list(leads) == sorted(leads, key=LEADS12.index) for leads in draws)


def test_a_sampler_that_cannot_draw_is_refused():
    with pytest.raises(InputError, match="LeadSampler"):
        LeadSampler(leads=("I", "II"), counts=(1,))
    with pytest.raises(InputError, match="LeadSampler"):
        LeadSampler(leads=("I",), counts=(2,), sets=())


@given(st.integers(1, 4), st.integers(1, 5), st.integers(1, 12), st.floats(0, 0.99), st.integers(0, 99))
def test_segment_masking_keeps_the_same_number_of_each_leads_tokens(records, leads, segments, share, seed):
    kept = kept_segments(records, leads, segments, share, torch.Generator().manual_seed(seed))
    expected = max(1, round(segments * (1 - share)))
    for row in kept:
        assert len(set(row.tolist())) == leads * expected
        assert torch.bincount(row // segments, minlength=leads).tolist() == [expected] * leads
        assert torch.equal(row, row.sort().values)


def test_leads_and_records_are_masked_independently(generator):
    kept = kept_segments(50, 2, 10, 0.5, generator).unflatten(1, (2, 5)) % 10
    assert not torch.equal(kept[:, 0], kept[:, 1])
    assert not torch.equal(kept[0], kept[1])
