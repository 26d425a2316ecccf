import pytest
import torch
from transformers import LlamaConfig

from medsuite.core import tiny
from medsuite.core.errors import InputError
from medsuite.meda_kv import H2O, Budget, CrossModalEntropy, Protect, Recipe, TextPrior, compress
from medsuite.meda_kv.modality import ModalityMap, modality_from_inputs

CPU = torch.device("cpu")


def test_segments_are_the_runs_of_vision_tokens():
    vision = torch.tensor([[True, True, False, True, False], [False] * 5])
    assert ModalityMap(vision).segments(0) == [(0, 2), (3, 4)]
    assert ModalityMap(vision).segments(1) == []


def test_padding_does_not_make_a_sequence_multimodal():
    vision = torch.tensor([[False, True, True], [True, True, False]])
    valid = torch.tensor([[False, True, True], [True, True, True]])
    assert ModalityMap(vision).crossing(valid).tolist() == [False, True]


def test_token_types_of_the_processor_come_first():
    types = torch.tensor([[0, 1, 2, 0]])
    found = modality_from_inputs(LlamaConfig(), torch.tensor([[5, 5, 5, 5]]), types, (1, 4), CPU)
    assert found.vision.tolist() == [[False, True, True, False]]


def test_placeholder_tokens_are_found_by_the_configuration():
    config = LlamaConfig()
    config.image_token_id, config.video_token_id = 7, 9
    found = modality_from_inputs(config, torch.tensor([[7, 1, 9]]), None, (1, 3), CPU)
    assert found.vision.tolist() == [[True, False, True]]


def test_a_text_model_has_no_vision_tokens():
    assert not modality_from_inputs(LlamaConfig(), None, None, (2, 3), CPU).vision.any()


def test_embeddings_for_a_vision_model_need_a_map():
    config = LlamaConfig()
    config.image_token_id = 7
    with pytest.raises(InputError, match="modality="):
        modality_from_inputs(config, None, None, (1, 3), CPU)


@pytest.mark.parametrize("build", [tiny.llava, tiny.qwen2_vl], ids=["llava", "qwen2-vl"])
def test_image_prompts_are_allocated_by_cross_modal_entropy(build):
    from PIL import Image

    loaded = build()
    image = Image.effect_noise((56, 56), 80).convert("RGB")
    messages = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What does the film show?"}]}]
    text = loaded.processor.apply_chat_template(messages, add_generation_prompt=True)
    inputs = loaded.processor(images=[image], text=[text], return_tensors="pt")
    plain = loaded.model.generate(**inputs, max_new_tokens=4, do_sample=False)
    for ratio in (1.0, 0.5):
        recipe = Recipe(Budget(ratio=ratio), CrossModalEntropy(), TextPrior(H2O()), protect=Protect(sinks=1))
        with compress(loaded.model, recipe) as session:
            ours = loaded.model.generate(**inputs, max_new_tokens=4, do_sample=False)
        assert ratio < 1 or torch.equal(ours, plain)
        assert session.report.notes == ()
        assert bool(session.observation.tokens.crossing.all())
    vision = session.observation.tokens.vision
    assert session.report.kept_share == pytest.approx(0.5, abs=0.05)
    for layer in session.cache.layers:
        kept_vision = vision[0, layer.positions[0, 0].long()].sum()
        assert layer.kept - kept_vision == min(layer.kept, int((~vision).sum())) or kept_vision <= layer.kept // 2
