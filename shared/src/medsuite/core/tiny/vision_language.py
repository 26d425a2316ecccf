"""Tiny vision-language models whose image features stand in the prompt: Qwen2-VL and LLaVA."""

from typing import Any

from medsuite.core.errors import require
from medsuite.core.tiny.language import END_OF_TEXT, llama_settings
from medsuite.core.tiny.parts import TEXT, VISION, TextSize, Tiny, VisionSize, multiple, with_random_weights
from medsuite.core.tiny.vision import PATCH, tower_settings
from medsuite.core.tiny.vocabulary import VOCABULARY, SpecialTokens, Vocabulary, train_tokenizer

MERGE = 2
QWEN_TOKENS = SpecialTokens(
    leading=(
        END_OF_TEXT,
        "<|im_start|>",
        "<|im_end|>",
        "<|vision_start|>",
        "<|vision_end|>",
        "<|image_pad|>",
        "<|video_pad|>",
    ),
    roles={"eos_token": "<|im_end|>", "pad_token": END_OF_TEXT},
    markers={"image_token": "<|image_pad|>", "video_token": "<|video_pad|>"},
)
LLAVA_TOKENS = SpecialTokens(
    leading=("<unk>", "<s>", "</s>", "<pad>", "<image>"),
    roles={"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"},
    markers={"image_token": "<image>"},
)
QWEN_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>"
    "{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAVA_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] | upper }}: "
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %} "
    "{% endfor %}{% if add_generation_prompt %}ASSISTANT:{% endif %}"
)


def qwen2_vl(
    text: TextSize = TEXT, vision: VisionSize = VISION, *, vocabulary: Vocabulary = VOCABULARY, seed: int = 0
) -> Tiny:
    """Build a Qwen2-VL with random weights: for wiring, never evidence.

    An image of H x W pixels after resizing gives (H / 28)(W / 28) image tokens: 4 at the default 56 pixels. The
    processor keeps the shape of an image that is not square and brings its area near to `image_size` squared.

    Args:
        text: Size of the language model.
        vision: Size of the vision encoder; `image_size` is a multiple of 28.
        vocabulary: What the tokenizer is trained on.
        seed: Seed of the weights.

    Raises:
        InputError: The image size does not divide into image tokens.
    """
    multiple("image_size", vision.image_size, PATCH * MERGE)
    transformers = require("transformers", extra="medsuite-core[models]")
    tokenizer = train_tokenizer(vocabulary, QWEN_TOKENS, padding_side="left")
    area = {"shortest_edge": vision.image_size**2, "longest_edge": vision.image_size**2}
    processor = transformers.Qwen2VLProcessor(
        transformers.Qwen2VLImageProcessor(size=area),
        tokenizer,
        transformers.Qwen2VLVideoProcessor(size=area),
        chat_template=QWEN_TEMPLATE,
    )
    config = transformers.Qwen2VLConfig(
        text_config=llama_settings(text, tokenizer) | {"rope_parameters": _three_axis_rope(text.head_size)},
        vision_config={
            "depth": vision.layers,
            "embed_dim": vision.hidden_size,
            "hidden_size": text.hidden_size,
            "num_heads": vision.heads,
            "patch_size": PATCH,
            "spatial_merge_size": MERGE,
            "initializer_range": text.initializer_range,
        },
        image_token_id=tokenizer.image_token_id,
        video_token_id=tokenizer.video_token_id,
        vision_start_token_id=tokenizer.convert_tokens_to_ids("<|vision_start|>"),
        vision_end_token_id=tokenizer.convert_tokens_to_ids("<|vision_end|>"),
        tie_word_embeddings=True,
    )
    return Tiny(with_random_weights(transformers.Qwen2VLForConditionalGeneration, config, seed=seed), processor)


def llava(
    text: TextSize = TEXT, vision: VisionSize = VISION, *, vocabulary: Vocabulary = VOCABULARY, seed: int = 0
) -> Tiny:
    """Build a LLaVA (CLIP tower, two-layer projector, Llama) with random weights: for wiring, never evidence.

    Every image is cut to a square and gives (image_size / 14)^2 image tokens: 16 at the default 56 pixels.

    Args:
        text: Size of the language model.
        vision: Size of the vision tower; `image_size` is a multiple of 14.
        vocabulary: What the tokenizer is trained on.
        seed: Seed of the weights.

    Raises:
        InputError: The image size does not divide into patches.
    """
    transformers = require("transformers", extra="medsuite-core[models]")
    tower = tower_settings(vision)
    tokenizer = train_tokenizer(vocabulary, LLAVA_TOKENS, padding_side="left")
    square = {"height": vision.image_size, "width": vision.image_size}
    # The tower's class token is among its features and is dropped by the strategy "default": hence 1 more, 1 fewer.
    processor = transformers.LlavaProcessor(
        transformers.CLIPImageProcessor(size={"shortest_edge": vision.image_size}, crop_size=square),
        tokenizer,
        patch_size=PATCH,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA_TEMPLATE,
    )
    config = transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**tower, projection_dim=text.hidden_size),
        text_config=transformers.LlamaConfig(**llama_settings(text, tokenizer)),
        image_token_id=tokenizer.image_token_id,
        image_seq_length=(vision.image_size // PATCH) ** 2,
        vision_feature_layer=-1,
    )
    return Tiny(with_random_weights(transformers.LlavaForConditionalGeneration, config, seed=seed), processor)


def _three_axis_rope(head_size: int) -> dict[str, Any]:
    """Share a head's rotary pairs between time, height and width as the real model does: 16, 24, 24 of 64."""
    pairs = head_size // 2
    side = 3 * pairs // 8
    return {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [pairs - 2 * side, side, side]}
