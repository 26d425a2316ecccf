"""A tiny Florence-2: image and prompt go into an encoder, boxes come out as location tokens."""

from typing import Any

from medsuite.core.errors import require
from medsuite.core.tiny.parts import TEXT, TextSize, Tiny, VisionSize, multiple, with_random_weights
from medsuite.core.tiny.vocabulary import VOCABULARY, SpecialTokens, Vocabulary, train_tokenizer

LOCATIONS = 1000
STRIDE = 32
VISION = VisionSize(image_size=64)
BART_TOKENS = SpecialTokens(
    leading=("<s>", "<pad>", "</s>", "<unk>", "<mask>"),
    roles={
        "bos_token": "<s>",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
        "cls_token": "<s>",
        "sep_token": "</s>",
    },
    markers={"image_token": "<image>"},
)
# "desciption" is how the released tokenizer spells it.
TASK_TOKENS = (
    *("<od>", "</od>", "<ocr>", "</ocr>"),
    *(f"<loc_{place}>" for place in range(LOCATIONS)),
    *("<cap>", "</cap>", "<ncap>", "</ncap>", "<dcap>", "</dcap>", "<grounding>", "</grounding>"),
    *("<seg>", "</seg>", "<sep>", "<region_cap>", "</region_cap>", "<region_to_desciption>", "</region_to_desciption>"),
    *("<proposal>", "</proposal>", "<poly>", "</poly>", "<and>"),
)
PARSE_TASKS = (
    "pure_text",
    "ocr",
    "phrase_grounding",
    "description_with_bboxes",
    "description_with_polygons",
    "polygons",
    "bboxes",
    "description_with_bboxes_or_polygons",
)


def florence2(
    text: TextSize = TEXT, vision: VisionSize = VISION, *, vocabulary: Vocabulary = VOCABULARY, seed: int = 0
) -> Tiny:
    """Build a Florence-2 (DaViT, BART) with random weights: for wiring, never evidence.

    An image gives (image_size / 32)^2 + 1 image tokens: 5 at the default 64 pixels. The vocabulary holds the family's
    task tokens and `<loc_0>` to `<loc_999>`, a thousand bins along each side of the image.

    Args:
        text: Size of encoder and decoder; `key_value_heads` is not used.
        vision: Size of the vision encoder, whose four stages are 1/2, 1, 2 and 2 times as wide as `hidden_size` and
            `layers` deep each; `image_size` is a multiple of 32.
        vocabulary: What the tokenizer is trained on.
        seed: Seed of the weights.

    Raises:
        InputError: The image size does not divide into image tokens.
    """
    multiple("image_size", vision.image_size, STRIDE)
    transformers = require("transformers", extra="medsuite-core[models]")
    tokenizer = train_tokenizer(vocabulary, BART_TOKENS)
    tokenizer.add_tokens(list(TASK_TOKENS), special_tokens=True)
    side = {"height": vision.image_size, "width": vision.image_size}
    image_processor = transformers.CLIPImageProcessor(size=side, do_center_crop=False)
    image_processor.image_seq_length = (vision.image_size // STRIDE) ** 2 + 1
    parsers: dict[str, dict[str, Any]] = {task: {} for task in PARSE_TASKS}
    processor = transformers.Florence2Processor(image_processor, tokenizer, post_processor_config=parsers)
    config = transformers.Florence2Config(
        text_config=_bart(text, tokenizer),
        vision_config=_davit(vision, text),
        image_token_id=tokenizer.image_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = with_random_weights(transformers.Florence2ForConditionalGeneration, config, seed=seed)
    # As in the released generation_config.json: every answer starts with <s>.
    model.generation_config.forced_bos_token_id = tokenizer.bos_token_id
    return Tiny(model, processor)


def _bart(text: TextSize, tokenizer: Any) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "model_type": "bart",
        "vocab_size": len(tokenizer),
        "d_model": text.hidden_size,
        "max_position_embeddings": text.positions,
        "init_std": text.initializer_range,
        "decoder_start_token_id": 2,
    }
    for part in ("encoder", "decoder"):
        settings[f"{part}_layers"] = text.layers
        settings[f"{part}_attention_heads"] = text.heads
        settings[f"{part}_ffn_dim"] = text.intermediate_size
    return settings


def _davit(vision: VisionSize, text: TextSize) -> dict[str, Any]:
    width, heads = vision.hidden_size, (vision.heads,) * 4
    return {
        "depths": (vision.layers,) * 4,
        "embed_dim": (width // 2, width, 2 * width, 2 * width),
        "num_heads": heads,
        "num_groups": heads,
        "projection_dim": text.hidden_size,
        "drop_path_rate": 0.0,
        "initializer_range": text.initializer_range,
    }
