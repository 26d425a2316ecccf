"""What does not need kvpress itself: how its rows become a cache of ours. The peer runs in `conformance`."""

from contextlib import contextmanager

import numpy as np
import pytest
import torch

from medsuite.core.errors import InputError, MissingDependencyError
from medsuite.meda_kv import Budget, KeyNorm, Protect, Recipe, observing, read
from medsuite.meda_kv.evaluate import peer
from medsuite.meda_kv.evaluate.arms import open_model
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.evaluate.peer_bench import PeerTiming, peer_lines
from medsuite.meda_kv.evaluate.perplexity import continuation
from medsuite.meda_kv.evaluate.questions import ask

OPENED = open_model("tiny")
PLAN = Recipe(Budget(ratio=0.5), select=KeyNorm(), protect=Protect(sinks=0)).observation()


class EveryThird:
    """A press in kvpress's manner: a context in which each layer's cache is cut by hooks, in an order of its own."""

    def __init__(self, model):
        self.model = model

    @contextmanager
    def __call__(self, model):
        hooks = [
            layer.self_attn.register_forward_hook(self.forward_hook, with_kwargs=True) for layer in model.model.layers
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def forward_hook(self, module, args, kwargs, output):
        cache = kwargs.get("past_key_values", kwargs.get("cache"))
        layer = cache.layers[module.layer_idx]
        order = torch.arange(0, layer.keys.shape[2], 3).flip(0)
        layer.keys, layer.values = layer.keys[:, :, order].contiguous(), layer.values[:, :, order].contiguous()
        return output


def test_rows_of_a_press_are_sorted_and_know_where_they_come_from():
    tokens = passage(OPENED.tokenizer, 50, np.random.default_rng(0))[None]
    with observing(OPENED.model, PLAN) as session:
        prompt = read(session, tokens)
        cache = peer.pressed(session, EveryThird(OPENED.model), prompt, tokens)
    for pressed, whole in zip(cache.layers, prompt.cache.layers, strict=True):
        assert pressed.positions.tolist() == [[list(range(0, 50, 3))] * 2]
        torch.testing.assert_close(pressed.keys, whole.keys[:, :, ::3], atol=1e-5, rtol=0)
        torch.testing.assert_close(pressed.values, whole.values[:, :, ::3], atol=1e-5, rtol=0)
        assert pressed.seen == 50
    assert all(not layer.self_attn._forward_hooks for layer in OPENED.model.model.layers)


def test_their_arm_answers_as_a_full_cache_whose_other_rows_are_hidden():
    """The strongest check there is: attention over the kept rows only, at the positions that they had."""
    question = continuation(OPENED.tokenizer, 61, np.random.default_rng(0), continued=10)
    tokens = question.context
    with observing(OPENED.model, PLAN) as session:
        arm = peer._arm(session, EveryThird(OPENED.model))
        scores = {score.arm: score for score in ask(session, question, {"third": arm})}
    rest = torch.cat([question.opening, question.answer.reference[:, :-1]], dim=1)
    visible = torch.ones(60 + 10, 60 + 10, dtype=torch.bool).tril()
    visible[60:, :60] &= torch.arange(60) % 3 == 0
    with torch.no_grad():
        logits = OPENED.model(torch.cat([tokens, rest], dim=1), attention_mask=visible[None, None]).logits[0, 60:]
    expected = torch.nn.functional.cross_entropy(logits, question.answer.reference[0])
    assert scores["third"].nll == pytest.approx(float(expected), abs=1e-4)
    assert scores["third"].kept_share == pytest.approx(1 / 3)
    assert scores["third"].kv_bytes * 3 == scores["full"].kv_bytes


def test_methods_that_only_we_have_are_passed_over():
    assert peer.common_methods(["meda", "knorm", "snapkv"]) == ["knorm", "snapkv"]
    with pytest.raises(InputError, match="kvpress has none of meda"):
        peer.common_methods(["meda"])


def test_models_that_take_pictures_are_refused():
    with observing(open_model("constructed").model, PLAN) as session, pytest.raises(InputError, match="text model"):
        peer.peer_arms(session, session.model, ["snapkv"], [0.5])


def test_a_missing_peer_is_told_with_the_command_that_installs_it(monkeypatch):
    monkeypatch.setattr("medsuite.meda_kv.evaluate.peer.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="pip install --no-deps kvpress"):
        peer.check_installed()


def test_the_hook_of_a_press_gets_the_names_that_it_expects():
    seen = {}

    class Press:
        def forward_hook(self, module, args, kwargs, output):
            seen.update(kwargs)
            return output

    class Layer:
        def get_seq_length(self):
            return 12

    module, cache = type("Module", (), {"layer_idx": 0})(), type("Cache", (), {"layers": [Layer()]})()
    peer.adapted(Press()).forward_hook(module, (), {"cache": cache, "hidden_states": torch.zeros(1, 5, 2)}, "output")
    assert seen["past_key_values"] is cache
    assert seen["cache_position"].tolist() == [7, 8, 9, 10, 11]


def test_the_table_of_the_peer_has_a_line_a_method():
    lines = peer_lines([PeerTiming("snapkv", 256, (1.0, 1.25, 1.5), (10.0, 11.0), (1024, 2048), 0.995)]).splitlines()
    assert lines[1].split() == ["snapkv", "1.00", "1.25", "1.50", "10.0", "11.0", "1,024", "2,048", "99.5", "%"]
