import pytest
import torch

from medsuite.bpgpt.model.language import Tokens, start_prompt, text_losses, tokenize, write
from medsuite.bpgpt.world.language import micro_gpt2, micro_tokenizer
from medsuite.core.errors import InputError

TEXTS = ["old baker found lamp outside young king hid", "tired king hid"]


@pytest.fixture(scope="module")
def tokenizer():
    return micro_tokenizer()


@pytest.fixture(scope="module")
def lm():
    return micro_gpt2(32, 2, seed=0)


def test_every_text_ends_with_the_token_that_stops_writing(tokenizer):
    tokens = tokenize(tokenizer, TEXTS)
    for ids, mask in zip(tokens.ids, tokens.mask, strict=True):
        assert ids[int(mask.sum()) - 1] == tokenizer.eos_token_id
    assert tokens.mask.sum(dim=1).tolist() == [9, 4]


def test_the_loss_equals_transformers_own_with_the_prompt_left_out(lm, tokenizer):
    tokens = tokenize(tokenizer, TEXTS[:1])
    prompt = torch.randn(1, 4, 32, generator=torch.Generator().manual_seed(0))
    labels = torch.cat([torch.full((1, 4), -100), tokens.ids], dim=1)
    embeddings = torch.cat([prompt, lm.get_input_embeddings()(tokens.ids)], dim=1)
    expected = lm(inputs_embeds=embeddings, labels=labels).loss
    torch.testing.assert_close(text_losses(lm, prompt, tokens), expected[None])


def test_padding_changes_no_loss(lm, tokenizer):
    tokens = tokenize(tokenizer, TEXTS)
    prompt = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(0))
    alone = [text_losses(lm, prompt[i : i + 1], tokenize(tokenizer, [TEXTS[i]])) for i in range(2)]
    torch.testing.assert_close(text_losses(lm, prompt, tokens), torch.cat(alone))


def test_writing_takes_the_most_probable_token_again_and_again(lm, tokenizer):
    prompt = torch.randn(3, 4, 32, generator=torch.Generator().manual_seed(1))
    written = write(lm, tokenizer, prompt, max_new_tokens=5)
    for number in range(3):
        states, expected = prompt[number : number + 1], []
        for _ in range(5):
            token = lm(inputs_embeds=states).logits[0, -1].argmax()
            if token == tokenizer.eos_token_id:
                break
            expected.append(int(token))
            states = torch.cat([states, lm.get_input_embeddings()(token)[None, None]], dim=1)
        assert written[number] == tokenizer.decode(expected, skip_special_tokens=True).strip()


def test_the_model_alone_is_prompted_with_its_first_token(lm, tokenizer):
    expected = lm.get_input_embeddings().weight[tokenizer.bos_token_id]
    torch.testing.assert_close(start_prompt(lm, 2)[1, 0], expected)


def test_a_prompt_and_text_beyond_the_models_positions_are_refused_with_the_sum(lm, tokenizer):
    prompt = torch.zeros(1, 60, 32)
    with pytest.raises(InputError, match="60 prompt vectors and 9 tokens of text need 69 positions; expected at most"):
        text_losses(lm, prompt, tokenize(tokenizer, TEXTS[:1]))
    with pytest.raises(InputError, match="need 70 positions"):
        write(lm, tokenizer, prompt, max_new_tokens=10)


def test_a_model_that_was_left_in_training_writes_without_dropout_and_is_left_so(tokenizer):
    lm = micro_gpt2(32, 2, seed=0)
    for module in lm.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    prompt = torch.randn(2, 4, 32, generator=torch.Generator().manual_seed(1))
    expected = write(lm.eval(), tokenizer, prompt, max_new_tokens=6)
    lm.train()
    assert [write(lm, tokenizer, prompt, max_new_tokens=6) for _ in range(3)] == [expected] * 3
    assert lm.training


def test_a_model_without_a_first_token_or_of_another_width_is_refused(tokenizer):
    lm = micro_gpt2(32, 1, seed=0)
    with pytest.raises(InputError, match="width 16; expected the language model's 32"):
        write(lm, tokenizer, torch.zeros(1, 2, 16), max_new_tokens=3)
    for numbers in ({"max_new_tokens": 0}, {"max_new_tokens": 3, "num_beams": 0}):
        with pytest.raises(InputError, match="at least 1 of each"):
            write(lm, tokenizer, torch.zeros(1, 2, 32), **numbers)
    lm.config.bos_token_id = None
    with pytest.raises(InputError, match="without a begin-of-text token"):
        start_prompt(lm, 1)


def test_a_model_without_a_limit_of_positions_takes_any_length(tokenizer):
    from transformers import BloomConfig, BloomForCausalLM

    config = BloomConfig(vocab_size=len(tokenizer), hidden_size=16, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=2)
    lm = BloomForCausalLM(config).eval()
    assert text_losses(lm, start_prompt(lm, 2), tokenize(tokenizer, TEXTS)).isfinite().all()
    assert len(write(lm, tokenizer, torch.zeros(2, 3, 16), max_new_tokens=2)) == 2


def test_no_text_and_a_bare_string_are_refused(tokenizer):
    for texts in ([], "tired king"):
        with pytest.raises(InputError, match="sequence of at least one text"):
            tokenize(tokenizer, texts)


def test_choosing_texts_keeps_ids_and_masks_together():
    tokens = Tokens(torch.arange(6).view(3, 2), torch.ones(3, 2, dtype=torch.long))
    assert tokens[torch.tensor([2, 0])].ids.tolist() == [[4, 5], [0, 1]]
    assert len(tokens) == 3
