"""Tiny language models: GPT-2 (learnt positions, LayerNorm) and Llama (rotary positions, grouped queries)."""

from typing import Any

from medsuite.core.errors import require
from medsuite.core.tiny.parts import TEXT, TextSize, Tiny, with_random_weights
from medsuite.core.tiny.vocabulary import VOCABULARY, SpecialTokens, Vocabulary, train_tokenizer

END_OF_TEXT = "<|endoftext|>"
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def gpt2(text: TextSize = TEXT, *, vocabulary: Vocabulary = VOCABULARY, seed: int = 0) -> Tiny:
    """Build a GPT-2 with random weights: for wiring, never evidence.

    Args:
        text: Size of the model; `key_value_heads` is not used.
        vocabulary: What the tokenizer is trained on; `<|endoftext|>` begins, ends and pads.
        seed: Seed of the weights.
    """
    transformers = require("transformers", extra="medsuite-core[models]")
    roles = dict.fromkeys(("bos_token", "eos_token", "pad_token", "unk_token"), END_OF_TEXT)
    tokenizer = train_tokenizer(vocabulary, SpecialTokens((END_OF_TEXT,), roles, {}), padding_side="left")
    config = transformers.GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=text.positions,
        n_embd=text.hidden_size,
        n_layer=text.layers,
        n_head=text.heads,
        n_inner=text.intermediate_size,
        initializer_range=text.initializer_range,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return Tiny(with_random_weights(transformers.GPT2LMHeadModel, config, seed=seed), tokenizer)


def llama(text: TextSize = TEXT, *, vocabulary: Vocabulary = VOCABULARY, seed: int = 0) -> Tiny:
    """Build a Llama with random weights: for wiring, never evidence.

    The special tokens and the chat template are those of SmolLM2, a small Llama: `<|im_start|>user ...`.

    Args:
        text: Size of the model.
        vocabulary: What the tokenizer is trained on.
        seed: Seed of the weights.
    """
    transformers = require("transformers", extra="medsuite-core[models]")
    roles = {
        "bos_token": "<|im_start|>",
        "eos_token": "<|im_end|>",
        "pad_token": "<|im_end|>",
        "unk_token": END_OF_TEXT,
    }
    special = SpecialTokens((END_OF_TEXT, "<|im_start|>", "<|im_end|>"), roles, {})
    tokenizer = train_tokenizer(vocabulary, special, padding_side="left")
    tokenizer.chat_template = CHATML
    config = transformers.LlamaConfig(**llama_settings(text, tokenizer), tie_word_embeddings=True)
    return Tiny(with_random_weights(transformers.LlamaForCausalLM, config, seed=seed), tokenizer)


def llama_settings(text: TextSize, tokenizer: Any) -> dict[str, Any]:
    """The fields that Llama's configuration shares with those of its relatives."""
    return {
        "vocab_size": len(tokenizer),
        "hidden_size": text.hidden_size,
        "intermediate_size": text.intermediate_size,
        "num_hidden_layers": text.layers,
        "num_attention_heads": text.heads,
        "num_key_value_heads": text.key_value_heads,
        "max_position_embeddings": text.positions,
        "initializer_range": text.initializer_range,
        **{name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")},
    }
