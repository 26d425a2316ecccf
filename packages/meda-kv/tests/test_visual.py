"""The hand-set LLaVA: what is kept decides what is answered, and entropies and budgets are closed forms."""

import numpy as np
import pytest
import torch
from PIL import Image

from medsuite.core.errors import InputError
from medsuite.core.models import load
from medsuite.meda_kv import (
    Budget,
    CrossModalEntropy,
    Drop,
    Exact,
    Protect,
    Random,
    Recipe,
    SnapKV,
    Uniform,
    compress,
    observing,
)
from medsuite.meda_kv.attention import cache_argument
from medsuite.meda_kv.constructed import CODE
from medsuite.meda_kv.constructed_vision import (
    IMAGE,
    WIDTH,
    census_word,
    code_table,
    draw_lookup,
    key_word,
    lookup_cross_entropy,
    picture,
    uniform_cross_entropy,
    vision_retrieval_model,
)
from medsuite.meda_kv.evaluate.prompting import Opened
from medsuite.meda_kv.evaluate.questions import ask
from medsuite.meda_kv.evaluate.visual import GALLERIES, Gallery, needle_columns, visual_question

SIDE, LOOKUP = 4, 2
BUILT = vision_retrieval_model(SIDE)
OPENED = Opened(BUILT.model, BUILT.processor)
KEYS_ONLY = sorted(name for name, gallery in GALLERIES.items() if not gallery.lead)
IMAGE_TOKEN = OPENED.model.config.image_token_id


def recipe(ratio, allocate=None, select=None):
    selector = select or SnapKV(queries=1, kernel=1)
    return Recipe(Budget(ratio=ratio), allocate or Uniform(), selector, Drop(), Protect(sinks=0), Exact())


def question(gallery, seed=0):
    return visual_question(OPENED, gallery, np.random.default_rng(seed))


def scores(gallery, plan, seed=0, watch=None):
    asked, _ = question(gallery, seed)
    with observing(OPENED.model, plan.observation()) as session:
        return {(score.arm, score.protocol): score for score in ask(session, asked, {"arm": plan}, watch)}


def test_a_picture_spells_codes_in_red_and_values_in_green():
    pixels = picture(np.array([[3, 7]] * 2), np.array([[0, 15]] * 2))
    bits = pixels[:8:2, :8:2, 0].ravel() > 0
    assert np.array_equal(np.where(bits, 1.0, -1.0), code_table()[3])
    assert np.flatnonzero(pixels[:8:2, 8::2, 1].ravel()).tolist() == [15]


def test_the_projected_patches_are_the_items_exactly():
    lookup = draw_lookup(3, SIDE, np.random.default_rng(0))
    inputs = OPENED.processor(text=" ".join([IMAGE] * 3), images=list(lookup.pictures), return_tensors="pt")
    with torch.no_grad():
        features = OPENED.model.model.get_image_features(pixel_values=inputs["pixel_values"]).pooler_output
    place = tuple(lookup.patches[0])
    patch = torch.stack(list(features))[place[0], SIDE * place[1] + place[2]]
    expected = torch.zeros(WIDTH)
    expected[:CODE] = torch.from_numpy(code_table()[lookup.asked[0]])
    expected[2 * CODE + lookup.answers[0]] = 1.0
    torch.testing.assert_close(patch, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", sorted(GALLERIES))
def test_the_full_cache_finds_every_needle_under_both_protocols(name):
    found = scores(GALLERIES[name], recipe(0.5))
    assert found["full", "in prompt"].correct
    assert found["full", "after"].correct
    assert found["full", "after"].nll == pytest.approx(found["full", "in prompt"].nll, abs=1e-4)


@pytest.mark.parametrize("name", KEYS_ONLY)
def test_a_needle_is_found_if_and_only_if_its_row_is_kept(name):
    gallery, outcomes = GALLERIES[name], []
    for seed in range(8):
        asked, lookup = question(gallery, seed)
        columns = needle_columns(asked.context, lookup, IMAGE_TOKEN)
        kept = {}
        assert asked.marks == tuple(columns.tolist())

        def look(arm, protocol, prompt, smaller, columns=columns, kept=kept):
            positions = smaller.cache.layers[LOOKUP].positions
            rows = columns if positions is None else positions[0, 0]
            kept[arm, protocol] = bool(torch.isin(columns, rows).all())

        plan = recipe(0.5, select=Random(seed))
        with observing(OPENED.model, plan.observation()) as session:
            for score in ask(session, asked, {"random": plan}, look):
                assert score.correct == kept[score.arm, score.protocol]
                outcomes.append(score.correct)
    assert {True, False} == set(outcomes)


def test_the_census_is_the_mean_of_the_rows_that_its_layers_keep():
    """The logits behind the last word are proportional to the kept patches' histogram, recounted here by hand."""
    asked, lookup = question(Gallery(6, lead=0.1))
    patches = np.concatenate([values_of(each) for each in lookup.pictures])
    image = (asked.context[0] == IMAGE_TOKEN).nonzero()[:, 0]
    said = OPENED.tokenizer.convert_tokens_to_ids([census_word(value) for value in range(CODE)])
    ids = torch.cat([asked.context, asked.question], dim=1)
    model = vision_retrieval_model(SIDE, layers=1, lookups=()).model
    with compress(model, recipe(0.3, select=Random(1))) as session, torch.no_grad():
        model(input_ids=ids, pixel_values=asked.inputs["pixel_values"])
        logits = model(input_ids=ids[:, -1:], **{cache_argument(model): session.cache}).logits[0, -1, said]
        kept = torch.isin(image, session.cache.layers[0].positions[0, 0]).numpy()
    counts = np.bincount(patches[kept], minlength=CODE)
    assert 0 < kept.sum() < len(kept)
    np.testing.assert_allclose(logits / logits.sum(), counts / counts.sum(), atol=1e-5)
    assert lookup.census == np.bincount(patches).argmax()


def values_of(drawn):
    """Read the values of a picture's patches from its green cells."""
    green = np.asarray(drawn)[::2, ::2, 1].reshape(SIDE, 4, SIDE, 4).transpose(0, 2, 1, 3)
    return green.reshape(-1, CODE).argmax(1)


@pytest.mark.parametrize("allocate", [Uniform(), CrossModalEntropy()])
def test_a_question_inside_the_prompt_keeps_its_needle_at_five_percent(allocate):
    kept = scores(GALLERIES["many-images"], recipe(0.05, allocate))["arm", "in prompt"]
    assert kept.correct
    assert kept.kept_share <= 0.05
    assert kept.kv_bytes / kept.kv_bytes_full == pytest.approx(kept.kept_share, rel=1e-6)


def observed(gallery):
    """Read a whole prompt in double precision, where closed forms can be held to rounding."""
    asked, _ = question(gallery)
    tokens = torch.cat([asked.context, asked.question], dim=1)
    model = vision_retrieval_model(SIDE).model.double()
    with compress(model, recipe(0.2, CrossModalEntropy())) as session, torch.no_grad():
        model(input_ids=tokens, pixel_values=asked.inputs["pixel_values"].double())
    asking = {OPENED.tokenizer.convert_tokens_to_ids(key_word(key)) for key in range(256)}
    columns = tuple(column for column, token in enumerate(tokens[0].tolist()) if token in asking)
    return session.report, (tokens[0] == IMAGE_TOKEN).numpy(), columns


@pytest.mark.parametrize("name", sorted(GALLERIES))
def test_entropies_are_the_closed_forms_to_a_millionth(name):
    report, vision, columns = observed(GALLERIES[name])
    expected = np.full(4, uniform_cross_entropy(vision))
    expected[LOOKUP] = lookup_cross_entropy(vision, columns)
    np.testing.assert_allclose(report.entropy[0], expected, rtol=0, atol=1e-6)
    assert expected[LOOKUP] < expected[0]


@pytest.mark.parametrize("name", sorted(GALLERIES))
def test_budgets_follow_from_the_closed_forms_by_hand(name):
    report, vision, columns = observed(GALLERIES[name])
    entropies = np.full(4, uniform_cross_entropy(vision))
    entropies[LOOKUP] = lookup_cross_entropy(vision, columns)
    target = int(0.2 * 4 * len(vision) + 1e-6)
    shares = target * np.exp(entropies) / np.exp(entropies).sum()
    assert shares.min() > max(1, 0.01 * len(vision))
    assert report.budgets.sum() == target
    assert np.abs(report.budgets[0] - shares).max() < 1


def test_pictures_without_text_between_give_the_entropy_of_the_textbook():
    """With all pictures first, every text row sees all vision tokens: `ln n_V`, and vision rows see no text."""
    _, vision, _ = observed(Gallery(4))
    assert uniform_cross_entropy(vision) == pytest.approx(np.log(4 * SIDE**2), abs=1e-12)


def test_frames_see_the_words_before_them():
    """Two frames of one patch each after a word each: rows t1 v1 t2 v2 see -, 1, 1, 2 of the other side."""
    vision = np.array([False, True, False, True])
    assert uniform_cross_entropy(vision) == pytest.approx((np.log(1)) + (np.log(1) + np.log(2)) / 2)
    assert lookup_cross_entropy(vision, (2,)) == uniform_cross_entropy(vision)


def test_the_model_is_a_folder_like_any_other(tmp_path):
    OPENED.model.save_pretrained(tmp_path)
    OPENED.processor.save_pretrained(tmp_path)
    loaded = load(tmp_path, "image-text", device="cpu", dtype="float32")
    asked, lookup = question(GALLERIES["visual-needle"])
    again = loaded.processor(text=" ".join([IMAGE] * 4), images=list(lookup.pictures), return_tensors="pt")
    assert torch.equal(again["input_ids"], asked.context)
    assert torch.equal(again["pixel_values"], asked.inputs["pixel_values"])
    with observing(loaded.model, recipe(0.5).observation()) as session:
        assert all(score.correct for score in ask(session, asked, {}))


def test_a_picture_saved_as_png_is_read_back_to_the_same_items(tmp_path):
    lookup = draw_lookup(1, SIDE, np.random.default_rng(0))
    lookup.pictures[0].save(tmp_path / "picture.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "picture.png")), np.asarray(lookup.pictures[0]))


def test_one_value_is_more_frequent_than_any_other_even_where_chance_made_a_tie():
    for seed in range(60):
        lookup = draw_lookup(2, SIDE, np.random.default_rng(seed), needles=3)
        counts = np.bincount(np.concatenate([values_of(each) for each in lookup.pictures]), minlength=CODE)
        best, second = np.sort(counts)[:-3:-1]
        assert best > second
        assert counts.argmax() == lookup.census
        assert [counts[answer] for answer in lookup.answers] == [1, 1, 1]


def test_needles_have_values_that_no_other_patch_has():
    lookup = draw_lookup(2, SIDE, np.random.default_rng(3), needles=3)
    assert len(set(lookup.answers)) == 3
    green = np.concatenate(
        [
            np.asarray(each)[..., 1].reshape(SIDE, 8, SIDE, 8).transpose(0, 2, 1, 3).reshape(-1, 64)[:, :]
            for each in lookup.pictures
        ]
    )
    patterns = [np.eye(16)[value].reshape(4, 4).repeat(2, 0).repeat(2, 1).ravel() * 255 for value in lookup.answers]
    assert [int((green == pattern).all(1).sum()) for pattern in patterns] == [1, 1, 1]


@pytest.mark.parametrize(("pictures", "needles"), [(0, 1), (3, 0), (3, 16)])
def test_impossible_galleries_are_refused(pictures, needles):
    with pytest.raises(InputError, match="a picture and 1 to 15 needles"):
        Gallery(pictures, needles)
