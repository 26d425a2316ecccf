import pytest
import torch

from medsuite.bpgpt.model.prompts import Block, BrainEncoder, ConstantPrompt, PromptShape, PromptTransformer, TextMapper
from medsuite.core.errors import InputError

SHAPE = PromptShape(width=16, length=3, layers=2, heads=4)


def test_a_block_is_attention_and_mlp_written_out():
    torch.manual_seed(0)
    block, states = Block(16, 4), torch.randn(2, 5, 16)
    normed = block.before_attention(states)
    weights = block.queries_keys_values.weight
    mixed = torch.zeros(2, 5, 16)
    for head in range(4):
        columns = slice(4 * head, 4 * head + 4)
        queries, keys, values = (normed @ weights[16 * part : 16 * part + 16][columns].T for part in range(3))
        mixed[..., columns] = (queries @ keys.transpose(1, 2) / 2).softmax(-1) @ values
    attended = states + block.project(mixed)
    expected = attended + block.mlp[2](block.mlp[0](block.before_mlp(attended)).relu())
    torch.testing.assert_close(block(states), expected)


def test_queries_keys_and_values_have_no_bias():
    assert Block(16, 4).queries_keys_values.bias is None


def test_the_prompt_is_what_the_layers_make_of_the_learned_vectors():
    torch.manual_seed(0)
    transformer, sequence = PromptTransformer(SHAPE), torch.randn(2, 4, 16)
    states = torch.cat([sequence, transformer.queries.expand(2, 3, 16)], dim=1)
    for block in transformer.blocks:
        states = block(states)
    torch.testing.assert_close(transformer(sequence), states[:, 4:])


def test_every_voxel_and_row_reaches_every_prompt_vector():
    torch.manual_seed(0)
    encoder = BrainEncoder(rows=6, voxels=5, shape=SHAPE)
    bold = torch.randn(1, 6, 5, requires_grad=True)
    for position in range(SHAPE.length):
        (gradient,) = torch.autograd.grad(encoder(bold)[0, position].sum(), bold)
        assert (gradient != 0).all()


def test_the_papers_encoder_has_38_million_parameters_and_768_more_for_every_voxel():
    with torch.device("meta"):
        few, more = (BrainEncoder(10, voxels, PromptShape()) for voxels in (100, 101))
    counts = [sum(parameter.numel() for parameter in encoder.parameters()) for encoder in (few, more)]
    assert counts[0] / 1e6 == pytest.approx(38, abs=0.6)
    assert counts[1] - counts[0] == 768 + 10


def test_the_text_mapper_makes_a_prompt_of_the_same_shape():
    assert TextMapper(24, SHAPE, tokens=2)(torch.randn(5, 24)).shape == (5, 3, 16)


def test_a_constant_prompt_is_the_same_for_every_window():
    prompt = ConstantPrompt(SHAPE)(torch.randn(4, 6, 5))
    assert prompt.shape == (4, 3, 16)
    assert (prompt == prompt[0]).all()


def test_windows_of_another_subject_are_refused():
    with pytest.raises(InputError, match="6 rows and 4 voxels; expected 6 rows and 5 voxels"):
        BrainEncoder(6, 5, SHAPE)(torch.zeros(1, 6, 4))


@pytest.mark.parametrize("sizes", [{"width": 10, "heads": 4}, {"length": 0}])
def test_a_prompt_that_cannot_be_built_is_refused(sizes):
    with pytest.raises(InputError, match="the heads divide"):
        PromptShape(**sizes)
