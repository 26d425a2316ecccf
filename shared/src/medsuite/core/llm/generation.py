"""Writing answers with a local model: inputs for texts and for pictures, drawing, and reading what was drawn."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import torch

from medsuite.core.llm.model import Answer, Request, Sampling


def text_inputs(prompts: Sequence[Sequence[int]], tokenizer: Any, device: Any) -> dict[str, Any]:
    """Put prompts into one batch, padded on the left, where the answers do not follow the padding."""
    width, padding = max(map(len, prompts)), padding_token(tokenizer)
    return {
        "input_ids": torch.tensor([[padding] * (width - len(row)) + list(row) for row in prompts], device=device),
        "attention_mask": torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in prompts], device=device),
    }


def picture_inputs(request: Request, processor: Any, device: Any) -> Mapping[str, Any]:
    """Make the inputs of one conversation for a model that sees: its chat template marks where the pictures stand."""
    from PIL import Image

    turns = [
        {"role": turn.role, "content": [*({"type": "image"} for _ in turn.images), {"type": "text", "text": turn.text}]}
        for turn in request.messages
    ]
    text = processor.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    pictures = [Image.open(BytesIO(image)).convert("RGB") for turn in request.messages for image in turn.images]
    return processor(text=[text], images=pictures or None, return_tensors="pt").to(device)


@torch.inference_mode()
def draw(model: Any, tokenizer: Any, inputs: Mapping[str, Any], sampling: Sampling, seed: int) -> list[list[int]]:
    """Continue each row of a batch and return the new tokens; the global generators are left as they were."""
    settings: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
    if sampling.temperature > 0:
        settings = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
    if sampling.stop:
        settings |= {"stop_strings": list(sampling.stop), "tokenizer": tokenizer}
    settings |= {"max_new_tokens": sampling.max_tokens, "pad_token_id": padding_token(tokenizer)}
    with torch.random.fork_rng([model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(seed)
        rows = model.generate(**inputs, **settings)
    return [row[inputs["input_ids"].shape[1] :].tolist() for row in rows]


def read_tokens(tokens: Sequence[int], model: Any, tokenizer: Any, sampling: Sampling) -> Answer:
    """Decode the new tokens alone, up to the end token or the first stop."""
    ends = model.generation_config.eos_token_id
    ends = set(ends if isinstance(ends, list) else [ends])
    length = next((place for place, token in enumerate(tokens) if token in ends), None)
    text = tokenizer.decode(tokens[:length], skip_special_tokens=True)
    cut = min((place for stop in sampling.stop if (place := text.find(stop)) >= 0), default=None)
    return Answer(
        "answered",
        text=text[:cut],
        finish="length" if length is None and cut is None else "stop",
        answer_tokens=len(tokens) if length is None else length,
    )


def padding_token(tokenizer: Any) -> int:
    """The token to pad with: any will do, since it is masked."""
    return next((token for token in (tokenizer.pad_token_id, tokenizer.eos_token_id) if token is not None), 0)
