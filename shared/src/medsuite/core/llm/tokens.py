"""Prompts and options as tokens."""

from collections.abc import Sequence
from typing import Any

from medsuite.core.errors import InputError
from medsuite.core.llm.model import Request


def encode_prompt(request: Request, tokenizer: Any) -> list[int]:
    """Turn a prompt into tokens.

    Messages go through the chat template, up to where the assistant's answer begins. A plain prompt is tokenised as it
    stands, with the special tokens that the tokenizer puts in front, and never through the template.

    Raises:
        InputError: Messages for a model that has no chat template, or pictures for a model that reads text.
    """
    if isinstance(request.prompt, str):
        return _encode(request.prompt, tokenizer, special=True)
    return _encode(_chat(request, tokenizer), tokenizer, special=False)


def encode_options(request: Request, tokenizer: Any) -> tuple[list[int], list[list[int]]]:
    """Turn a prompt and its options into tokens: the prompt's, and those of each option after it.

    White space at the end of a plain prompt counts as the beginning of each option: most vocabularies join a space with
    the word after it, so that a prompt that ends in a space asks for a word that cannot follow. Prompt and option are
    tokenised together wherever the prompt's own tokens stay the same. If an option's tokens are the beginning of
    another's ("1" and "10"), the end token is scored after each option.

    Raises:
        InputError: As for `encode_prompt`; or an option has no token of its own.
    """
    text = request.prompt if isinstance(request.prompt, str) else _chat(request, tokenizer)
    special = isinstance(request.prompt, str)
    body = text.rstrip() if special else text
    if not body:
        raise InputError("options after an empty prompt", expected="a prompt with words")
    prompt = _encode(body, tokenizer, special)
    options = [
        _continuation(prompt, body, text[len(body) :] + option, tokenizer, special) for option in request.options
    ]
    return prompt, _ended(options, tokenizer)


def _encode(text: str, tokenizer: Any, special: bool) -> list[int]:
    """Tokenise, with the special tokens in front where they are asked for, and never with an end token behind."""
    tokens = list(tokenizer(text, add_special_tokens=special)["input_ids"])
    if special and len(tokens) > 1 and tokens[-1] == tokenizer.eos_token_id:
        tokens.pop()
    return tokens


def _chat(request: Request, tokenizer: Any) -> str:
    if any(message.images for message in request.messages):
        raise InputError("a picture for a model that reads text alone", fix="load a model of kind image-text")
    if not getattr(tokenizer, "chat_template", None):
        raise InputError("messages for a model without a chat template", fix="give the prompt as one text")
    turns = [{"role": message.role, "content": message.text} for message in request.messages]
    return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))


def _continuation(prompt: list[int], body: str, option: str, tokenizer: Any, special: bool) -> list[int]:
    together = _encode(body + option, tokenizer, special)
    tokens = together[len(prompt) :]
    if together[: len(prompt)] != prompt:
        tokens = _encode(option, tokenizer, special=False)
    if not tokens:
        raise InputError(f"option {option!r} has no tokens")
    return tokens


def _ended(options: Sequence[list[int]], tokenizer: Any) -> list[list[int]]:
    def begins_another(option: list[int]) -> bool:
        return any(other is not option and other[: len(option)] == option for other in options)

    if not any(begins_another(option) for option in options):
        return list(options)
    if tokenizer.eos_token_id is None:
        raise InputError("an option is the beginning of another one, and the model has no end token")
    return [[*option, tokenizer.eos_token_id] for option in options]
