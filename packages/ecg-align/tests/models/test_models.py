import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from medsuite.core.errors import InputError
from medsuite.ecg_align import LEADS12, LeadwiseEncoder, MixingEncoder, QueryNetwork, TextSpace, embed, kept_segments
from medsuite.ecg_align.models.blocks import Attention
from medsuite.ecg_align.models.mixing import shifted
from medsuite.ecg_align.training import Schedule, fit


@pytest.fixture
def encoder(generator) -> LeadwiseEncoder:
    return LeadwiseEncoder().eval()


@pytest.fixture
def signal(generator) -> torch.Tensor:
    return torch.randn(3, 12, 500, generator=generator)


def peer_of(attention: Attention, width: int, heads: int) -> nn.MultiheadAttention:
    peer = nn.MultiheadAttention(width, heads, batch_first=True)
    with torch.no_grad():
        peer.in_proj_weight.copy_(torch.cat([attention.query.weight, attention.key_value.weight]))
        peer.in_proj_bias.copy_(torch.cat([attention.query.bias, attention.key_value.bias]))
        peer.out_proj.load_state_dict(attention.output.state_dict())
    return peer


def test_attention_and_its_weights_are_torchs_multihead_attention(generator):
    attention, (queries, tokens) = Attention(16, 4), (torch.randn(2, 3, 16), torch.randn(2, 7, 16))
    present = torch.rand(2, 7) > 0.3
    expected, weights = peer_of(attention, 16, 4)(queries, tokens, tokens, key_padding_mask=~present)
    torch.testing.assert_close(attention(queries, tokens, present), expected, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(attention.weights(queries, tokens, present), weights, atol=1e-6, rtol=1e-5)


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(12)), st.integers(1, 12))
def test_leads_are_known_by_name_so_that_their_order_changes_no_score(order, count):
    torch.manual_seed(0)
    encoder, network, signal = LeadwiseEncoder().eval(), QueryNetwork(8), torch.randn(2, 12, 200)
    queries, chosen = torch.randn(5, 8), order[:count]
    names = [LEADS12[index] for index in chosen]
    shuffled = network(queries, encoder(signal[:, chosen], names))
    ascending = sorted(chosen)
    sorted_names = [LEADS12[index] for index in ascending]
    torch.testing.assert_close(
        shuffled, network(queries, encoder(signal[:, ascending], sorted_names)), atol=1e-5, rtol=0
    )


def test_an_absent_lead_makes_no_token(encoder, signal):
    assert encoder(signal[:, :2], ["I", "II"]).states.shape == (3, 20, 48)
    assert encoder(signal, LEADS12).states.shape == (3, 120, 48)


@pytest.mark.parametrize("content", [0.0, float("nan"), 1e6])
def test_what_lost_samples_hold_changes_nothing_bit_for_bit(encoder, signal, content):
    valid = torch.ones_like(signal, dtype=torch.bool)
    valid[:, 3, 100:290] = False
    spoilt = torch.where(valid, signal, torch.tensor(content))
    first, second = (encoder(values, LEADS12, valid=valid) for values in (signal, spoilt))
    assert torch.equal(first.states, second.states)
    # Tokens of 50 samples: two are lost whole, the third has 40 of 50 lost, the one after that none.
    assert (~first.present[0]).nonzero().flatten().tolist() == [32, 33, 34, 35]


def test_a_lead_that_is_lost_whole_counts_as_one_that_was_not_given(encoder, signal):
    valid = torch.ones_like(signal, dtype=torch.bool)
    valid[:, 2:] = False
    masked, given = encoder(signal, LEADS12, valid=valid), encoder(signal[:, :2], ["I", "II"])
    torch.testing.assert_close(masked.pooled(), given.pooled(), atol=1e-5, rtol=1e-5)


def test_a_batch_is_its_records_one_by_one(encoder, signal):
    single = torch.cat([encoder(record[None], LEADS12).states for record in signal])
    torch.testing.assert_close(encoder(signal, LEADS12).states, single, atol=1e-5, rtol=1e-5)


def test_shifting_by_a_whole_segment_shifts_the_stems_tokens(encoder, signal):
    lone = LeadwiseEncoder(depth=0).eval()
    tokens = lone.stem(signal[:, :1])
    moved = lone.stem(signal[:, :1].roll(50, dims=-1))
    torch.testing.assert_close(moved[..., 2:-1], tokens[..., 1:-2], atol=1e-5, rtol=1e-5)


def test_segment_masking_drops_tokens_before_the_blocks(encoder, signal, generator):
    kept = kept_segments(3, 2, 10, 0.25, generator)
    tokens = encoder(signal[:, :2], ["I", "II"], kept=kept)
    assert tokens.states.shape[1] == kept.shape[1] == 16
    assert torch.equal(tokens.lead, kept // 10)
    torch.testing.assert_close(tokens.time, (kept % 10 + 0.5) * 0.5)
    everything = torch.arange(20).expand(3, -1)
    torch.testing.assert_close(
        encoder(signal[:, :2], ["I", "II"], kept=everything).states, encoder(signal[:, :2], ["I", "II"]).states
    )


@pytest.mark.parametrize(
    ("leads", "samples", "message"),
    [(["I", "V9"], 100, "unknown lead 'V9'"), (["I"], 100, "one row per lead"), (["I", "II"], 49, "0.5 s")],
)
def test_signals_that_do_not_fit_are_refused(encoder, leads, samples, message):
    with pytest.raises(InputError, match=message):
        encoder(torch.zeros(1, 2, samples), leads)


def test_the_mixing_encoder_makes_a_token_of_all_leads_and_takes_its_own_size_only(signal):
    encoder = MixingEncoder(12, 500)
    tokens = encoder(signal)
    assert tokens.states.shape == (3, 20, 48)
    torch.testing.assert_close(tokens.time[0, :2], torch.tensor([0.125, 0.375]))
    with pytest.raises(InputError, match="12 x 500"):
        encoder(signal[:, :8])


def test_shifting_turns_all_leads_of_a_record_alike(signal, generator):
    turned = shifted(signal, generator)
    for before, after in zip(signal, turned, strict=True):
        shift = int((after[0] == before[0, 0]).nonzero()[0])
        assert torch.equal(before.roll(shift, dims=-1), after)


def test_adding_a_query_changes_no_other_score(encoder, signal):
    network, queries = QueryNetwork(8, depth=2), torch.randn(6, 8)
    tokens = encoder(signal, LEADS12)
    torch.testing.assert_close(network(queries, tokens)[:, :4], network(queries[:4], tokens), atol=1e-6, rtol=0)


def test_scores_come_with_the_attention_of_each_query_to_present_tokens(encoder, signal):
    network, queries = QueryNetwork(8, depth=2), torch.randn(4, 8)
    valid = torch.ones_like(signal, dtype=torch.bool)
    valid[:, 0] = False
    tokens = encoder(signal, LEADS12, valid=valid)
    scores = network.scores(queries, tokens)
    torch.testing.assert_close(scores.logits, network(queries, tokens))
    torch.testing.assert_close(scores.attention.sum(-1), torch.ones(3, 4))
    assert (scores.attention[..., :10] == 0).all()


def test_text_is_centred_and_scaled_by_the_training_texts_and_their_span_has_no_residual(generator):
    training = torch.randn(6, 20, generator=generator) + 3
    space = TextSpace.fit(training)
    assert float(space(training).std()) == pytest.approx(1, rel=1e-4)
    torch.testing.assert_close(space(training).mean(0), torch.zeros(20), atol=1e-5, rtol=0)
    mixture = training.mean(0) + 0.5 * (training[0] - training[1])
    assert float(space.residual(mixture[None])) < 1e-5
    assert 0.4 < float(space.residual(torch.randn(1, 20, generator=generator) + 3)) <= 1


def test_a_space_needs_texts_that_differ():
    with pytest.raises(InputError, match="at least two"):
        TextSpace.fit(torch.ones(3, 4))


def test_the_packaged_text_encoder_knows_what_was_noted_of_it():
    texts = ["left bundle branch block", "right bundle branch block", "LBBB"]
    vectors = embed(texts)
    cosines = vectors @ vectors.T
    assert vectors.shape == (3, 384)
    assert float(cosines[0, 1]) == pytest.approx(0.965, abs=0.01)
    assert float(cosines[0, 2]) == pytest.approx(0.104, abs=0.01)
    with pytest.raises(InputError, match="text 1 is empty"):
        embed(["sinus rhythm", " "])


def test_training_finds_the_least_squares_line_and_refuses_too_few_records():
    torch.manual_seed(0)
    inputs = torch.randn(64, 2)
    targets = inputs @ torch.tensor([[1.0], [-2.0]]) + 0.5
    line = nn.Linear(2, 1)
    schedule = Schedule(steps=400, batch=16, rate=0.1, decay=0.0)
    generator, heard = torch.Generator().manual_seed(0), []
    left = fit(
        [line], lambda at: (line(inputs[at]) - targets[at]).square().mean(), 64, schedule, generator, heard.append
    )
    np.testing.assert_allclose(line.weight.detach().numpy(), [[1, -2]], atol=1e-2)
    assert left < 1e-3
    assert heard[-1] == 1
    with pytest.raises(InputError, match="at least a batch of 16"):
        fit([line], lambda at: line(inputs[at]).mean(), 8, schedule, generator)
