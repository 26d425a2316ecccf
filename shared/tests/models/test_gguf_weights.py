"""GGUF: a Llama written in llama.cpp's layout comes back with the same logits, and is converted once."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from medsuite.core import models, tiny
from medsuite.core.errors import InputError
from medsuite.core.tiny import Tiny

NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """llama.cpp rotates neighbouring pairs, transformers the two halves of a head: reorder the rows."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def tensors(source: Tiny) -> dict[str, np.ndarray]:
    config, state = source.config, {key: value.numpy() for key, value in source.model.model.state_dict().items()}
    named = {"token_embd.weight": state["embed_tokens.weight"], "output_norm.weight": state["norm.weight"]}
    for layer in range(config.num_hidden_layers):
        for ours, theirs in NAMES.items():
            named[f"blk.{layer}.{theirs}.weight"] = state[f"layers.{layer}.{ours}.weight"]
        for part, heads in (("q", config.num_attention_heads), ("k", config.num_key_value_heads)):
            name = f"blk.{layer}.attn_{part}.weight"
            named[name] = interleaved(named[name], heads)
    return named


def write_gguf(path: Path, source: Tiny) -> Path:
    import gguf

    config, bpe = source.config, json.loads(source.tokenizer.backend_tokenizer.to_str())["model"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(sorted(bpe["vocab"], key=bpe["vocab"].get))
    writer.add_token_types([3] * 3 + [1] * (config.vocab_size - 3))
    writer.add_token_merges([" ".join(merge) for merge in bpe["merges"]])
    writer.add_bos_token_id(config.bos_token_id)
    writer.add_eos_token_id(config.eos_token_id)
    for name, array in tensors(source).items():
        writer.add_tensor(name, np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_the_weights_and_the_tokens_survive_and_are_converted_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEDSUITE_CACHE", str(tmp_path / "cache"))
    source = tiny.llama()
    file = write_gguf(tmp_path / "small.gguf", source)
    loaded = models.load(file, "causal-lm", device="cpu")
    ids = torch.tensor([source.tokenizer("The heart is of normal size.")["input_ids"]])
    assert loaded.processor("The heart is of normal size.")["input_ids"] == ids[0].tolist()
    assert torch.allclose(loaded.model(ids).logits, source.model(ids).logits, atol=1e-5)
    assert loaded.processor.model_max_length == source.config.max_position_embeddings

    written = (loaded.source.folder / "model.safetensors").stat().st_mtime_ns
    again = models.load(file, "causal-lm", device="cpu")
    assert again.source == loaded.source
    assert (again.source.folder / "model.safetensors").stat().st_mtime_ns == written
    again.model.save_pretrained(tmp_path / "saved")


def test_another_file_of_the_same_name_is_converted_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDSUITE_CACHE", str(tmp_path / "cache"))
    first = models.load(write_gguf(tmp_path / "a.gguf", tiny.llama()), "causal-lm", device="cpu")
    second = models.load(write_gguf(tmp_path / "a.gguf", tiny.llama(seed=1)), "causal-lm", device="cpu")
    assert first.source.folder != second.source.folder
    assert not torch.equal(first.model.lm_head.weight, second.model.lm_head.weight)


def test_a_torn_file_is_named_and_leaves_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDSUITE_CACHE", str(tmp_path / "cache"))
    whole = write_gguf(tmp_path / "a.gguf", tiny.llama()).read_bytes()
    (tmp_path / "torn.gguf").write_bytes(whole[:1000])
    with pytest.raises(InputError, match=r"torn\.gguf cannot be read as causal language model"):
        models.load(tmp_path / "torn.gguf", "causal-lm")
    assert not [path for path in (tmp_path / "cache" / "gguf").iterdir() if path.is_dir()]
