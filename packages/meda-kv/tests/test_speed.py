"""Timings: what is counted as a step, what is compared, and what is refused."""

from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import DynamicCache

from medsuite.core.errors import InputError
from medsuite.meda_kv import Budget, KeyNorm, Protect, Recipe
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.evaluate import peer_bench, speed
from medsuite.meda_kv.evaluate.arms import open_model
from medsuite.meda_kv.evaluate.haystack import passage
from medsuite.meda_kv.evaluate.peer import Pair
from medsuite.meda_kv.evaluate.speed import Decoding, decode_speed
from medsuite.meda_kv.evaluate.tables import decoding_table
from medsuite.meda_kv.evaluate.tasks import TASKS, Scope

OPENED = open_model("tiny")
THIRD = Recipe(Budget(ratio=1 / 3), select=KeyNorm(), protect=Protect(sinks=0))


def tokens(count=60):
    return passage(OPENED.tokenizer, count, np.random.default_rng(0))[None]


@pytest.mark.parametrize(("new_tokens", "rounds"), [(1, 3), (0, 3), (4, 0)])
def test_a_round_without_a_step_to_time_is_refused(new_tokens, rounds):
    with pytest.raises(InputError, match=f"{rounds} rounds of {new_tokens} new tokens; expected 1 round of 2 tokens"):
        decode_speed(OPENED.model, tokens(), {"third": THIRD}, new_tokens, rounds)


def test_the_full_cache_alone_can_be_timed():
    (full,) = decode_speed(OPENED.model, tokens(), {}, new_tokens=2, rounds=1)
    assert (full.arm, full.prompt_tokens, full.compress_ms, full.unsteadiness) == ("full", 60, 0.0, 1.0)


def test_every_round_times_every_arm_behind_the_same_prompt(monkeypatch):
    calls = []

    def steps(session, prompt, cache, new_tokens):
        calls.append((cache.layers[0].rows, new_tokens))
        return [0.001 * (len(calls) + 1)] * 2

    monkeypatch.setattr(speed, "_step_times", steps)
    full, third = decode_speed(OPENED.model, tokens(), {"third": THIRD}, new_tokens=5, rounds=3)
    assert calls == [(60, 5), (20, 5)] * 3
    assert (full.token_ms, third.token_ms) == pytest.approx((4.0, 5.0))
    assert (full.unsteadiness, third.unsteadiness) == pytest.approx((6 / 2, 7 / 3))


def test_the_table_holds_every_arm_against_the_full_cache():
    full = Decoding("full", 4096, 12_000_000, 50.0, 1.0, 0.0, 1.0)
    lines = decoding_table(
        [full, replace(full, arm="meda", token_ms=20.0, compress_ms=7.25, read_once=1.5)]
    ).splitlines()
    assert lines[2].split() == ["meda", "4,096", "12,000,000", "20.0", "2.50x", "1.50x", "7.2"]
    assert len({len(line) for line in lines}) == 1


class EveryThird:
    """A press that keeps every third row of each head, the last first."""

    @contextmanager
    def __call__(self, model):
        hooks = [layer.self_attn.register_forward_hook(self._cut, with_kwargs=True) for layer in model.model.layers]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def _cut(self, module, args, kwargs, output):
        layer = kwargs[cache_argument(module)].layers[module.layer_idx]
        order = torch.arange(0, layer.keys.shape[2], 3).flip(0)
        layer.keys, layer.values = layer.keys[:, :, order].contiguous(), layer.values[:, :, order].contiguous()
        return output


def test_ours_and_theirs_are_timed_on_one_prompt_and_their_slots_compared(monkeypatch):
    monkeypatch.setattr(peer_bench, "common_methods", list)
    monkeypatch.setattr(peer_bench, "pair", lambda name, share: Pair(name, THIRD, EveryThird()))
    (timing,) = peer_bench.compare_with_kvpress(OPENED.model, tokens(), ["knorm"], 1 / 3, new_tokens=2, rounds=2)
    assert (timing.method, timing.prompt_tokens) == ("knorm", 60)
    assert timing.kv_bytes[0] == timing.kv_bytes[1]
    assert min(*timing.prefill, *timing.token_ms) > 0
    expected = np.mean([len(set(head) & set(range(0, 60, 3))) / 20 for layer in shortest_keys() for head in layer])
    assert timing.same_slots == pytest.approx(expected)


def shortest_keys():
    """The twenty shortest keys of each head, read off a plain cache."""
    cache = DynamicCache(config=OPENED.model.config)
    with torch.no_grad():
        OPENED.model(tokens(), **{cache_argument(OPENED.model): cache})
    return [layer.keys[0].norm(dim=-1).argsort(-1)[:, :20].tolist() for layer in cache.layers]


@pytest.mark.parametrize("wrong", [{"questions": -1}, {"frames": 0}])
def test_a_scope_that_asks_nothing_or_shows_nothing_is_refused(wrong):
    with pytest.raises(InputError, match="expected 0 questions or more, a frame at least"):
        Scope(**wrong)


def test_a_question_depends_on_its_seed_and_number_alone():
    drawn = {(seed, number): Scope(seed=seed).rng(number).random() for seed in range(3) for number in range(3)}
    assert len(set(drawn.values())) == 9
    assert Scope(seed=2, questions=7).rng(1).random() == drawn[2, 1]


def test_released_benchmarks_need_their_files():
    with pytest.raises(
        InputError, match="longbench is read from its released files; expected --data with their folder"
    ):
        next(iter(TASKS["longbench"].questions(OPENED, Scope())))
