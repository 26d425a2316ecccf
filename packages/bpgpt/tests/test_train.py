import copy

import numpy as np
import pytest
import torch
from torch import nn

from medsuite.bpgpt.model.language import start_prompt, text_losses, tokenize
from medsuite.bpgpt.model.prompts import BrainEncoder, ConstantPrompt, PromptShape, TextMapper
from medsuite.bpgpt.train import Alignment, Schedule, fit_language, fit_prompt, fit_text_prompt, minimise
from medsuite.bpgpt.world import MicroWorld
from medsuite.bpgpt.world.language import micro_gpt2, micro_tokenizer, sentence_vectors
from medsuite.core.errors import InputError

SHAPE = PromptShape(width=32, length=4, layers=1, heads=2)
SCHEDULE = Schedule(steps=4, batch=4, rate=1e-2)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    windows = MicroWorld.random(12, rng).windows(8, 1.0, rng)
    tokens = tokenize(micro_tokenizer(), windows.texts)
    return torch.from_numpy(windows.bold), sentence_vectors(windows.texts), tokens


@pytest.fixture
def lm():
    return micro_gpt2(32, 1, seed=0)


def generator():
    return torch.Generator().manual_seed(0)


def snapshot(module):
    return copy.deepcopy(module.state_dict())


def changed(module, before):
    return [name for name, value in module.state_dict().items() if not torch.equal(value, before[name])]


def test_language_training_lowers_the_loss_of_the_text_alone(lm, data):
    _, _, tokens = data
    before = text_losses(lm, start_prompt(lm, 8), tokens).mean()
    fit_language(lm, tokens, Schedule(30, 8, 1e-2), generator())
    assert text_losses(lm, start_prompt(lm, 8), tokens).mean() < before - 1


def test_stage_1_trains_mapper_and_language_model(lm, data):
    _, sentences, tokens = data
    mapper = TextMapper(520, SHAPE, 16)
    before = snapshot(lm), snapshot(mapper)
    history = fit_text_prompt(lm, mapper, sentences, tokens, SCHEDULE, generator())
    assert len(history) == 4
    assert changed(lm, before[0])
    assert changed(mapper, before[1])


@pytest.mark.parametrize("align", [None, Alignment("infonce"), Alignment("paper"), Alignment("released")])
def test_stage_2_trains_the_encoder_and_nothing_else(lm, data, align):
    bold, sentences, tokens = data
    mapper, encoder = TextMapper(520, SHAPE, 16), BrainEncoder(15, 12, SHAPE)
    prompts = mapper(sentences)
    before = snapshot(lm), snapshot(mapper), snapshot(encoder)
    fit_prompt(lm, encoder, bold, tokens, SCHEDULE, generator(), text_prompts=prompts, align=align)
    assert changed(lm, before[0]) == changed(mapper, before[1]) == []
    assert set(changed(encoder, before[2])) >= {"position", "project.weight", "transformer.queries"}
    assert all(parameter.grad is None for parameter in [*lm.parameters(), *mapper.parameters()])


def test_alignment_brings_brain_prompts_closer_to_their_own_text_prompts(lm, data):
    bold, _, tokens = data
    prompts = torch.randn(8, 4, 32, generator=generator())
    torch.manual_seed(0)
    encoder = BrainEncoder(15, 12, SHAPE)
    fit_prompt(
        lm, encoder, bold, tokens, Schedule(60, 8, 1e-2), generator(), text_prompts=prompts, align=Alignment(weight=10)
    )
    flat = encoder(bold).flatten(1)
    similarity = nn.functional.normalize(flat - flat.mean(0), dim=1) @ nn.functional.normalize(prompts.flatten(1)).T
    assert (similarity.argmax(dim=1) == torch.arange(8)).all()


def test_a_constant_prompt_learns_the_text_without_looking_at_the_brain(lm, data):
    bold, _, tokens = data
    fit_language(lm, tokens, Schedule(30, 8, 1e-2), generator())
    prompt = ConstantPrompt(SHAPE)
    before = text_losses(lm, prompt(bold), tokens).mean()
    fit_prompt(lm, prompt, bold, tokens, Schedule(40, 8, 3e-2), generator())
    assert text_losses(lm, prompt(bold), tokens).mean() < before - 0.1


def test_the_same_seed_trains_the_same_encoder(lm, data):
    bold, _, tokens = data
    histories = []
    for _ in range(2):
        torch.manual_seed(3)
        histories.append(fit_prompt(lm, BrainEncoder(15, 12, SHAPE), bold, tokens, SCHEDULE, generator()))
    assert histories[0] == histories[1]


def test_the_rate_rises_then_falls_to_zero():
    weight = nn.Parameter(torch.zeros(1))
    positions = [0.0]

    def loss(chosen):
        positions.append(weight.item())
        return weight.sum() * 1.0

    minimise(loss, [weight], 4, Schedule(steps=20, batch=2, rate=1.0, warmup=0.25), generator())
    # AdamW's step on a constant gradient is the rate itself (its decay of so small weights is under a tenth of it).
    steps = np.abs(np.diff(positions[1:]))
    np.testing.assert_allclose(steps[:4], [0.2, 0.4, 0.6, 0.8], rtol=0.1)
    assert steps[-1] < 0.25


def test_what_cannot_be_trained_is_refused(lm, data):
    bold, _, tokens = data
    encoder = BrainEncoder(15, 12, SHAPE)
    with pytest.raises(InputError, match="7 windows, 8 texts"):
        fit_prompt(lm, encoder, bold[:7], tokens, SCHEDULE, generator())
    with pytest.raises(InputError, match="an alignment without text prompts"):
        fit_prompt(lm, encoder, bold, tokens, SCHEDULE, generator(), align=Alignment())
    with pytest.raises(InputError, match="8 windows; expected at least a batch of 9"):
        fit_prompt(lm, encoder, bold, tokens, Schedule(1, 9), generator())
    with pytest.raises(InputError, match="loss at step 0 is nan"):
        fit_prompt(lm, encoder, bold * torch.nan, tokens, SCHEDULE, generator())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "0 steps of 32 windows"),
        ({"batch": 0}, "3 steps of 0 windows"),
        ({"rate": -1.0}, "rate -1"),
        ({"rate": float("nan")}, "rate nan"),
        ({"warmup": 1.5}, "a share 1.5 of warm-up"),
    ],
)
def test_a_schedule_that_trains_nothing_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        Schedule(**({"steps": 3} | changes))


def test_the_frozen_language_model_of_stage_2_drops_nothing_out(data):
    """The released code leaves GPT-2 in training mode, so that the same prompt has another loss each time."""
    bold, _, tokens = data
    lm = micro_gpt2(32, 1, seed=0)
    for module in lm.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.5
    histories = []
    for _ in range(2):
        lm.train()
        torch.manual_seed(3)
        encoder = BrainEncoder(15, 12, SHAPE)
        histories.append(fit_prompt(lm, encoder, bold, tokens, SCHEDULE, generator()))
        assert not lm.training
    assert histories[0] == histories[1]
