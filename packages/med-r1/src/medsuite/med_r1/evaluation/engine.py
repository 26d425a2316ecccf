"""Asking a policy: batched generation, greedy or sampled, in the order of the questions."""

from collections.abc import Iterator, Sequence

import torch
from jaxtyping import Int
from torch import Tensor

from medsuite.core.errors import InputError
from medsuite.med_r1.policy import Policy
from medsuite.med_r1.prompts import conversation
from medsuite.med_r1.schema import Question, QuestionSet


def answer(
    policy: Policy,
    questions: QuestionSet,
    *,
    style: str = "clean",
    new_tokens: int = 512,
    batch: int = 64,
    temperature: float = 0.0,
    tries: int = 1,
    seed: int = 0,
) -> list[list[str]]:
    """Return the policy's completions of each question, as text without special tokens.

    Args:
        policy: The policy.
        questions: What to ask.
        style: Prompt style.
        new_tokens: Longest completion.
        batch: Completions that are generated together; greedy ones are the same with any number.
        temperature: 0 for greedy decoding, else that of sampling from the whole distribution.
        tries: Completions of each question.
        seed: Of the sampling.

    Returns:
        For each question in order, `tries` completions.

    Raises:
        InputError: Several tries at temperature 0, which are all the same; a number that is not positive; or prompt and
            completion do not fit into the model's positions.
    """
    if min(batch, tries, new_tokens) < 1 or not 0 <= temperature < float("inf"):
        given = f"{tries} tries of {new_tokens} tokens in batches of {batch} at temperature {temperature:g}"
        raise InputError(given, expected="at least 1 of each, and a temperature of 0 or more")
    if tries > 1 and temperature == 0:
        raise InputError(f"{tries} tries at temperature 0", fix="sample with temperature 1")
    texts: list[list[str]] = []
    devices = [policy.model.device] if policy.model.device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.manual_seed(seed)
        for block in _blocks(questions.questions, max(1, batch // tries)):
            ids = _generate(policy, block, questions, style, new_tokens, temperature, tries)
            decoded = policy.tokenizer.batch_decode(ids, skip_special_tokens=True)
            texts += [decoded[start : start + tries] for start in range(0, len(decoded), tries)]
    return texts


def _blocks(questions: Sequence[Question], size: int) -> Iterator[Sequence[Question]]:
    for start in range(0, len(questions), size):
        yield questions[start : start + size]


@torch.no_grad()
def _generate(
    policy: Policy,
    block: Sequence[Question],
    questions: QuestionSet,
    style: str,
    new_tokens: int,
    temperature: float,
    tries: int,
) -> Int[Tensor, "completion token"]:
    prompts = [
        policy.processor.apply_chat_template(conversation(question, style), tokenize=False, add_generation_prompt=True)
        for question in block
    ]
    pictures = [questions.picture(question) for question in block]
    inputs = policy.processor(text=prompts, images=pictures, padding=True, padding_side="left", return_tensors="pt")
    _check_room(policy, inputs["input_ids"].shape[1], new_tokens, block)
    inputs = inputs.to(policy.model.device)
    sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0, "num_return_sequences": tries}
    ids = policy.model.generate(
        **inputs,
        max_new_tokens=new_tokens,
        suppress_tokens=policy.suppressed,
        pad_token_id=policy.tokenizer.pad_token_id,
        eos_token_id=policy.tokenizer.eos_token_id,
        disable_compile=True,
        **(sampling if temperature else {"do_sample": False}),
    )
    return ids[:, inputs["input_ids"].shape[1] :]


def _check_room(policy: Policy, prompt: int, new_tokens: int, block: Sequence[Question]) -> None:
    room = getattr(policy.model.config.get_text_config(), "max_position_embeddings", None)
    if room is not None and prompt + new_tokens > room:
        given = f"prompts of up to {prompt} tokens, pictures included, and {new_tokens} new ones"
        where = f"among questions {block[0].id} to {block[-1].id}"
        raise InputError(f"{given} {where}", expected=f"at most the model's {room}", fix="ask for fewer new tokens")
