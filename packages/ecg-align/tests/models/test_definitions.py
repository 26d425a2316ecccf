"""Encoders and the query network against their equations, token by token, and against torch's own layers."""

import math

import pytest
import torch
from torch import nn

from medsuite.core.errors import InputError
from medsuite.ecg_align import LEADS12, LeadwiseEncoder, MixingEncoder, QueryNetwork, TextSpace
from medsuite.ecg_align.models.blocks import Attention, Block, Tokens, sinusoids
from medsuite.ecg_align.models.leadwise import STRIDE


@pytest.fixture
def signal(generator) -> torch.Tensor:
    return torch.randn(2, 12, 300, generator=generator)


def multihead(attention: Attention) -> nn.MultiheadAttention:
    """Torch's attention with the same weights."""
    peer = nn.MultiheadAttention(attention.query.in_features, attention.heads, batch_first=True)
    with torch.no_grad():
        peer.in_proj_weight.copy_(torch.cat([attention.query.weight, attention.key_value.weight]))
        peer.in_proj_bias.copy_(torch.cat([attention.query.bias, attention.key_value.bias]))
        peer.out_proj.load_state_dict(attention.output.state_dict())
    return peer


def test_a_block_is_torchs_pre_norm_encoder_layer(generator):
    block, tokens = Block(16, 4), torch.randn(3, 9, 16, generator=generator)
    present = torch.rand(3, 9, generator=generator) > 0.3
    peer = nn.TransformerEncoderLayer(
        16, 4, 32, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
    )  # fmt: skip
    peer.self_attn = multihead(block.attention)
    norm, first, _, second = block.mlp
    for theirs, ours in ((peer.norm1, block.norm), (peer.norm2, norm), (peer.linear1, first), (peer.linear2, second)):
        theirs.load_state_dict(ours.state_dict())
    expected = peer(tokens, src_key_padding_mask=~present)
    torch.testing.assert_close(block(tokens, present), expected, atol=1e-5, rtol=1e-5)


def test_a_token_is_its_segment_plus_its_lead_plus_its_time(signal):
    torch.manual_seed(0)
    encoder = LeadwiseEncoder(depth=0).eval()
    names = ["V2", "aVR", "I"]
    rows = [LEADS12.index(name) for name in names]
    tokens = encoder(signal[:, rows], names)
    place = 0
    for row in rows:
        for segment in range(300 // STRIDE):
            alone = encoder.stem(signal[:, row, None])[:, :, segment]
            seconds = (segment + 0.5) * STRIDE / 100
            periods = [0.5 * (100 / 0.5) ** (step / 23) for step in range(24)]
            time = torch.tensor(
                [math.sin(2 * math.pi * seconds / period) for period in periods]
                + [math.cos(2 * math.pi * seconds / period) for period in periods]
            )
            expected = encoder.norm(alone + encoder.lead_embedding[row] + time)
            torch.testing.assert_close(tokens.states[:, place], expected, atol=1e-4, rtol=1e-4)
            assert tokens.time[0, place] == pytest.approx(seconds)
            assert tokens.lead[0, place] == rows.index(row)
            place += 1
    assert place == tokens.states.shape[1]


@pytest.mark.parametrize(("sample", "token"), [(50 - 15, 1), (50 + 59, 1), (50 - 16, 0), (50 + 60, 2)])
def test_a_token_sees_seventy_five_samples_around_its_fifty(sample, token, signal):
    """Token k reads samples 50 k - 15 to 50 k + 59: its own fifty, fifteen before and ten after."""
    torch.manual_seed(0)
    stem = LeadwiseEncoder().eval().stem
    before = stem(signal[:, :1])
    touched = signal[:, :1].clone()
    touched[..., sample] += 1
    changed = (stem(touched) != before).any(dim=1)[0].nonzero().flatten().tolist()
    assert token in changed
    assert changed == [k for k in range(6) if 50 * k - 15 <= sample <= 50 * k + 59]


def test_times_are_told_apart_from_a_quarter_of_a_second_to_a_day():
    seconds = torch.tensor([0.25, 0.75, 5.0, 60.0, 86_400.0])
    rows = sinusoids(seconds, 48)
    assert torch.cdist(rows, rows).fill_diagonal_(1).min() > 0.1
    torch.testing.assert_close(rows.square().sum(-1), torch.full((5,), 24.0))


def test_the_query_network_is_its_equation(generator):
    """Q = W g; Q += MHA(LN Q, Z, Z); Q += FFN(LN Q); s = w LN(Q) + b, for each query alone."""
    torch.manual_seed(0)
    network, queries = QueryNetwork(10, width=16, depth=2), torch.randn(4, 10, generator=generator)
    states = torch.randn(3, 7, 16, generator=generator)
    present = torch.rand(3, 7, generator=generator) > 0.4
    present[:, 0] = True
    tokens = Tokens(states, torch.zeros(3, 7, dtype=torch.long), torch.zeros(3, 7), present)
    made = network(queries, tokens).detach()
    for record in range(3):
        kept = states[record, present[record]][None]
        for number, text in enumerate(queries):
            query = (network.embedding.weight @ text + network.embedding.bias)[None, None]
            for layer in network.layers:
                query = query + multihead(layer.attention)(layer.norm(query), kept, kept, need_weights=False)[0]
                norm, first, _, second = layer.mlp
                query = query + second(nn.functional.gelu(first(norm(query))))
            norm, linear = network.score
            expected = float(linear(norm(query)).detach())
            assert float(made[record, number]) == pytest.approx(expected, abs=1e-5)


def test_the_mixing_encoders_token_reads_all_leads_of_its_own_samples_only(signal):
    torch.manual_seed(0)
    encoder = MixingEncoder(12, 300, depth=0).eval()
    tokens = encoder(signal).states
    kernel = encoder.embedding
    for patch in range(12):
        window = signal[:, :, 25 * patch : 25 * patch + 25]
        by_hand = torch.einsum("rls,wls->rw", window, kernel.weight) + kernel.bias
        expected = encoder.norm(by_hand + encoder.position[patch])
        torch.testing.assert_close(tokens[:, patch], expected, atol=1e-4, rtol=1e-4)


def test_pooling_is_the_mean_of_the_present_tokens_and_zero_of_none(generator):
    states = torch.randn(2, 5, 3, generator=generator)
    present = torch.tensor([[True, False, True, True, False], [False] * 5])
    tokens = Tokens(states, torch.zeros(2, 5, dtype=torch.long), torch.zeros(2, 5), present)
    torch.testing.assert_close(tokens.pooled()[0], states[0, [0, 2, 3]].mean(0))
    assert torch.equal(tokens.pooled()[1], torch.zeros(3))


def test_a_recording_without_a_usable_segment_is_refused_and_named(signal):
    encoder = LeadwiseEncoder().eval()
    valid = torch.ones(2, 2, 300, dtype=torch.bool)
    valid[1] = False
    with pytest.raises(InputError, match="recordings 1 of the batch have no segment"):
        encoder(signal[:, :2], ["I", "II"], valid=valid)
    # Half of one segment in one lead is enough.
    valid[1, 0, 50:75] = True
    assert torch.isfinite(encoder(signal[:, :2], ["I", "II"], valid=valid).states).all()


@pytest.mark.parametrize("lost", [math.nan, math.inf])
def test_a_lost_sample_without_its_mask_is_an_error_and_not_a_score(lost, signal):
    spoilt = signal.clone()
    spoilt[1, 3, 7] = lost
    with pytest.raises(InputError, match="recordings 1 of the batch have samples that are no numbers"):
        LeadwiseEncoder()(spoilt, LEADS12)
    with pytest.raises(InputError, match="are no numbers"):
        MixingEncoder(12, 300)(spoilt)
    assert torch.isfinite(LeadwiseEncoder()(spoilt, LEADS12, valid=torch.isfinite(spoilt)).states).all()


def test_the_residual_is_what_least_squares_on_the_training_texts_leaves(generator):
    training, queries = torch.randn(7, 30, generator=generator) + 2, torch.randn(5, 30, generator=generator) + 2
    centre = training.double().mean(0)
    centred, asked = training.double() - centre, queries.double() - centre
    solved = torch.linalg.lstsq(centred.T, asked.T, driver="gelsd").solution
    left = (asked.T - centred.T @ solved).square().sum(0) / asked.square().sum(1)
    made = TextSpace.fit(training).residual(queries).double()
    torch.testing.assert_close(made, left, atol=1e-5, rtol=1e-4)
