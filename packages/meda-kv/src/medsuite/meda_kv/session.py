"""The life of a compression: hooks go in, a prompt is read and observed, its cache shrinks, hooks come out."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from types import TracebackType
from typing import Any, Literal

import torch
from jaxtyping import Bool
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.cache_utils import Cache

from medsuite.core.errors import InputError
from medsuite.meda_kv.attention import (
    CACHE_ARGUMENTS,
    OBSERVER,
    attention_modules,
    base_implementation,
    cache_argument,
    observed_name,
    register,
)
from medsuite.meda_kv.cache import CompressedCache, CompressedLayer, Incoming, adopt, compressible
from medsuite.meda_kv.compression import Observation, compress_cache
from medsuite.meda_kv.generation import given_cache, read_then_guess, refuse_generate, uncached_tokens
from medsuite.meda_kv.masks import layer_mask
from medsuite.meda_kv.modality import ModalityMap, modality_from_inputs
from medsuite.meda_kv.observe.blocks import AttentionInputs
from medsuite.meda_kv.observe.observer import LayerObserver, ObservationPlan, Tokens
from medsuite.meda_kv.positions import position_holders, recall_positions, remember_positions
from medsuite.meda_kv.ragged import RaggedRows
from medsuite.meda_kv.recipe import Recipe
from medsuite.meda_kv.report import Report

Modality = Literal["auto", "text"] | Bool[Tensor, "batch tokens"]


def compress(model: PreTrainedModel, recipe: Recipe, modality: Modality = "auto") -> "Session":
    """Open a session in which every prompt that the model reads has its cache compressed.

    Inside `with compress(model, recipe) as session:` both `model.generate(...)` and bare forward passes work as
    usual; `session.report` says what was done. Leaving the block, also by an exception, restores the model.

    Args:
        model: A decoder of transformers with `sdpa` or `eager` attention, in evaluation mode.
        recipe: How much to keep and how to choose it.
        modality: `"auto"` reads the vision tokens off the inputs, `"text"` says there are none, a tensor marks them.

    Raises:
        InputError: The model cannot be observed; see `attention.base_implementation`.
    """
    return Session(model, recipe.observation(), recipe, modality)


class Session:
    """An open compression; make one with `compress`.

    Attributes:
        reports: One report per compressed prompt, oldest first.
        observation: Statistics of the latest prompt.
        cache: Cache of the latest forward pass.
    """

    def __init__(
        self, model: PreTrainedModel, plan: ObservationPlan, recipe: Recipe | None, modality: Modality = "auto"
    ) -> None:
        base_implementation(model)
        self.reports: list[Report] = []
        self.observation: Observation | None = None
        self.cache: Cache | None = None
        self._model, self._plan, self._recipe, self._modality = model, plan, recipe, modality
        self._decoder: Any = model.get_decoder()
        self._modules = attention_modules(self._decoder)
        if not self._modules:
            raise InputError(
                f"{type(model).__name__} has no attention layer that takes a cache and a mask",
                expected="a decoder on the attention interface of transformers",
            )
        self._holders = position_holders(model)
        self._stack = ExitStack()
        self._base = ""
        self._announced: int | None = None
        self._pending: int | None = None
        self._inputs: dict[str, Any] = {}
        self._incoming: Incoming | None = None
        self._seconds = 0.0

    @property
    def report(self) -> Report:
        """Report of the latest prompt.

        Raises:
            InputError: No prompt has been compressed yet.
        """
        if not self.reports:
            raise InputError("no prompt has been compressed in this session", fix="call model.generate(...) inside it")
        return self.reports[-1]

    @property
    def model(self) -> PreTrainedModel:
        """The model that the session is open on."""
        return self._model

    def begin_prefill(self, tokens: int, resume: Observation | None = None) -> None:
        """Say that the next forward passes together read a prompt of `tokens` tokens, in chunks of any size.

        Only needed for bare forward passes: `generate` knows its prompt, and a single pass over an empty cache is
        taken for the whole prompt.

        Args:
            tokens: Tokens that are still to be read.
            resume: Observation of the part that the cache already holds.
        """
        self._announced = tokens
        if resume is not None:
            self._pending, self.observation = tokens, resume

    def __enter__(self) -> "Session":
        self._base = base_implementation(self._model)
        register()
        with ExitStack() as stack:
            self._switch_attention(stack)
            self._hook(stack)
            self._wrap_forward(stack)
            self._wrap_generate(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pending = None
        self._stack.close()

    def _switch_attention(self, stack: ExitStack) -> None:
        """Route the decoder's attention through the observed functions."""
        holders: list[Any] = [self._decoder, *self._modules.values()]
        for config in {id(holder.config): holder.config for holder in holders if hasattr(holder, "config")}.values():
            stack.callback(setattr, config, "_attn_implementation", {"": config._attn_implementation})
            config._attn_implementation = {"": observed_name(self._base)}

    def _hook(self, stack: ExitStack) -> None:
        """Install the hooks; the stack removes them."""
        handles = [
            self._model.register_forward_pre_hook(self._before_model, with_kwargs=True),
            self._decoder.register_forward_pre_hook(self._before_decoder, with_kwargs=True),
            self._decoder.register_forward_hook(self._after_decoder),
        ]
        for module in self._modules.values():
            handles.append(module.register_forward_pre_hook(self._before_attention, with_kwargs=True))
            setattr(module, OBSERVER, self)
            stack.callback(delattr, module, OBSERVER)
        for handle in handles:
            stack.callback(handle.remove)

    def _wrap_generate(self, stack: ExitStack) -> None:
        """Learn the prompt's length from `generate`, which alone knows it when it reads the prompt in chunks."""
        original: Callable[..., Any] | None = getattr(self._model, "generate", None)
        if original is None:
            return

        @wraps(original)
        def generate(*args: Any, **kwargs: Any) -> Any:
            refuse_generate(self._model, kwargs)
            recall_positions(self._holders, given_cache(kwargs))
            self._announced = uncached_tokens(args, kwargs)
            try:
                return original(*args, **kwargs)
            finally:
                self._announced = self._pending = None

        stack.callback(delattr, self._model, "generate")
        object.__setattr__(self._model, "generate", generate)

    def _wrap_forward(self, stack: ExitStack) -> None:
        """Read the prompt alone where speculative decoding would guess behind it in the same pass."""
        original: Callable[..., Any] = self._model.forward

        @wraps(original)
        def forward(*args: Any, **kwargs: Any) -> Any:
            ids, prompt = kwargs.get("input_ids"), self._announced
            if args or ids is None or prompt is None or ids.shape[1] <= prompt or _is_compressed(given_cache(kwargs)):
                return original(*args, **kwargs)
            return read_then_guess(original, prompt, kwargs)

        stack.callback(delattr, self._model, "forward")
        object.__setattr__(self._model, "forward", forward)

    @torch.compiler.disable
    def _before_model(self, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Note what only the outermost forward pass sees: token ids, token types and the 2-D mask."""
        self._inputs = {**kwargs, **({"input_ids": args[0]} if args else {})}
        recall_positions(self._holders, given_cache(kwargs))

    @torch.compiler.disable
    def _before_decoder(
        self, decoder: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give the pass a cache that can be compressed, and start or go on with an observation."""
        self.cache, kwargs = self._own_cache(decoder, kwargs)
        self._incoming = incoming = self._read_incoming(args, kwargs)
        layers = compressible(self.cache)
        if self._inputs.get("output_attentions") and any(layer.ragged for layer in layers.values()):
            raise InputError(
                "output_attentions=True with heads that keep different rows or rows in 8 bits",
                expected="equal heads, rows as computed",
                fix="use Recipe(heads=EqualHeads(), store=AsComputed())",
            )
        if not layers:
            raise InputError("no layer of this cache can be compressed", expected="a full-attention layer")
        first = next(iter(layers.values()))
        if first.compressed:
            self._pending = self._announced = None
        elif first.seen == 0:
            self._pending, self._announced = self._announced or incoming.tokens, None
            self.observation, self._seconds = None, 0.0
        elif self._pending is None and self._recipe is not None:
            raise InputError(f"the cache holds {first.seen} tokens that were not observed", fix="call begin_prefill()")
        if self._pending is not None:
            self._note_tokens(incoming, first.seen)
        return args, kwargs

    def _own_cache(self, decoder: Any, kwargs: dict[str, Any]) -> tuple[Cache, dict[str, Any]]:
        if kwargs.get("use_cache") is False:
            raise InputError("use_cache=False inside compress()", expected="a cache to compress", fix="leave it unset")
        cache = given_cache(kwargs)
        if cache is None:
            cache = CompressedCache(decoder.config)
            return cache, {**kwargs, cache_argument(decoder) or CACHE_ARGUMENTS[0]: cache, "use_cache": True}
        if not (isinstance(cache, Cache) and compressible(cache)):
            adopt(cache, len(self._modules))
        return cache, kwargs

    def _read_incoming(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Incoming:
        """Shape of the pass and its padding, from the decoder's arguments or the outermost ones."""
        ids: Any = kwargs.get("inputs_embeds")
        ids = kwargs.get("input_ids", args[0] if args else None) if ids is None else ids
        batch, tokens = ids.shape[:2]
        if not batch or not tokens:
            raise InputError(f"a pass over {batch} sequences of {tokens} tokens", expected="a token at least")
        masks = [source.get("attention_mask") for source in (kwargs, self._inputs)]
        flat = next((mask for mask in masks if isinstance(mask, Tensor) and mask.ndim == 2), None)
        if flat is None and any(mask is not None for mask in masks[1:]):
            raise InputError("attention_mask is not 2-D", expected="[batch, tokens] with 0 at padding")
        valid = None if flat is None else flat[:, -tokens:].to(ids.device, torch.bool)
        return Incoming(batch, tokens, ids.device, None if valid is None or bool(valid.all()) else valid)

    def _note_tokens(self, incoming: Incoming, seen: int) -> None:
        """Append the pass's tokens to the observation."""
        valid, vision = incoming.mask(), self._vision(incoming, seen).vision
        layers = {index: LayerObserver(self._plan) for index in self._modules}
        if self.observation is not None:
            before = self.observation.tokens
            valid, vision = torch.cat([before.valid, valid], 1), torch.cat([before.vision, vision], 1)
            layers = dict(self.observation.layers)
        crossing = ModalityMap(vision).crossing(valid)
        self.observation = Observation(Tokens(valid, vision, crossing), layers)

    def _vision(self, incoming: Incoming, seen: int) -> ModalityMap:
        shape = (incoming.batch, incoming.tokens)
        if isinstance(self._modality, Tensor):
            return ModalityMap(self._modality[:, seen : seen + incoming.tokens].to(incoming.device, torch.bool))
        if self._modality == "text":
            return ModalityMap(torch.zeros(shape, dtype=torch.bool, device=incoming.device))
        ids, types = self._inputs.get("input_ids"), self._inputs.get("mm_token_type_ids")
        return modality_from_inputs(self._model.config, ids, types, shape, incoming.device)

    @torch.compiler.disable
    def _before_attention(
        self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Hand each compressed layer a mask of its own length, and announce what it will append."""
        layer = self.cache.layers[module.layer_idx] if self.cache is not None else None
        if not isinstance(layer, CompressedLayer) or self._incoming is None:
            return args, kwargs
        if layer.compressed:
            form = self._base if layer.ragged is None else "sdpa"
            kwargs = {**kwargs, "attention_mask": layer_mask(layer, self._incoming, form, self._model.dtype)}
        layer.announce(self._incoming)
        return args, kwargs

    def ragged(self, module: Any) -> RaggedRows | None:
        """Return the ragged rows of an attention module's layer, None where it has none."""
        layer = None if self.cache is None else self.cache.layers[module.layer_idx]
        return layer.ragged if isinstance(layer, CompressedLayer) else None

    @torch.no_grad()
    def observe(self, module: Any, inputs: AttentionInputs) -> None:
        """Take the statistics of one attention call while a prompt is read."""
        if self._pending is None or self.observation is None or self.cache is None:
            return
        index, started = int(module.layer_idx), time.perf_counter()
        layer = self.cache.layers[index]
        if not isinstance(layer, CompressedLayer):
            return
        cached = tuple(layer.tensors()[0].shape)
        if cached != tuple(inputs.key.shape):
            raise InputError(
                f"{type(module).__name__} caches {cached} and attends to {tuple(inputs.key.shape)}",
                expected="a cache of the keys themselves",
            )
        seen = self.observation.layers[index].observe(inputs, self.observation.tokens)
        self._seconds += time.perf_counter() - started
        self.observation = Observation(self.observation.tokens, {**self.observation.layers, index: seen}, self._seconds)

    @torch.compiler.disable
    def _after_decoder(self, decoder: nn.Module, args: tuple[Any, ...], output: object) -> None:
        """Compress once the whole prompt has passed, after the last layer: budgets need every layer's entropy."""
        if self.cache is not None:
            remember_positions(self._holders, self.cache)
        if self._pending is None or self._incoming is None or self.observation is None or self.cache is None:
            return
        self._pending -= self._incoming.tokens
        if self._pending > 0:
            return
        self._pending = None
        silent = [i for i in compressible(self.cache) if self.observation.layers[i].calls == 0]
        if silent:
            raise InputError(
                f"layers {silent} of {type(decoder).__name__} never called the attention interface",
                expected="a model whose attention goes through it",
            )
        if self._recipe is not None:
            self.reports.append(compress_cache(self.cache, self.observation, self._recipe))


def _is_compressed(cache: Any) -> bool:
    return isinstance(cache, Cache) and any(layer.compressed for layer in compressible(cache).values())
