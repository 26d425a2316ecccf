import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from medsuite.core.errors import InputError
from medsuite.core.stats import auroc
from medsuite.synth_medvlp import (
    FINDINGS,
    DualEncoder,
    Pairs,
    Prompts,
    Schedule,
    fit,
    load_model,
    save_model,
    zero_shot,
)
from medsuite.synth_medvlp.cohorts import pair
from medsuite.synth_medvlp.dirt import CLEAN
from medsuite.synth_medvlp.model import Sizes, embed_films, same_texts
from medsuite.synth_medvlp.texts import PADDING, SentenceBank
from medsuite.synth_medvlp.training import LOSSES, random_sentences, shifted
from medsuite.synth_medvlp.zeroshot import prompt_directions

SMALL = Sizes(widths=(6, 8, 10), text=24, dim=16)


@pytest.fixture
def pairs(cohort, bank, rng) -> Pairs:
    reports = pair(cohort, CLEAN, rng).reports
    return Pairs(torch.from_numpy(cohort.films), bank.rows([report.sentences for report in reports]))


@pytest.mark.parametrize("loss", LOSSES)
def test_each_loss_learns_forty_pairs_by_heart(loss, pairs, bank, generator):
    model = DualEncoder(SMALL)
    fitted = fit(model, pairs, bank, loss, Schedule(70, batch=10, shift=0), generator)
    assert fitted.last < 0.75 * fitted.first
    similarity = embed_films(model, pairs.films) @ model.encode_reports(pairs.reports, bank).T
    own = similarity.diagonal().mean()
    assert own > similarity.mean() + 0.04
    assert fitted.chance == math.log(10)


def test_the_same_generator_gives_the_same_model(pairs, bank):
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        model = DualEncoder(SMALL)
        fit(model, pairs, bank, "convirt", Schedule(3, batch=8), torch.Generator().manual_seed(1))
        results.append(model.state_dict())
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_a_report_is_the_mean_of_its_sentences_and_a_prompt_lives_in_the_same_space(pairs, bank, generator):
    model = DualEncoder(SMALL)
    row = pairs.reports[0][pairs.reports[0] != PADDING]
    vectors = model.encode_sentences(bank.pooled[row])
    expected = functional.normalize(vectors.mean(0), dim=0)
    torch.testing.assert_close(model.encode_reports(pairs.reports, bank)[0], expected)
    torch.testing.assert_close(model.encode_reports(row[:1, None], bank), vectors[:1])


def test_words_of_a_report_are_those_of_its_sentences_in_order(pairs, bank, generator):
    model = DualEncoder(SMALL)
    words, is_word = model.encode_words(pairs.reports, bank)
    row = pairs.reports[1][pairs.reports[1] != PADDING]
    expected = torch.cat([bank.tokens[place][bank.is_token[place]] for place in row]) @ model.word_head.weight.T
    torch.testing.assert_close(words[1].T[is_word[1]], expected)


def test_films_are_unit_vectors_and_regions_come_from_the_last_but_one_map(pairs, generator):
    model = DualEncoder(SMALL).eval()
    image, regions = model.encode_regions(pairs.films)
    torch.testing.assert_close(image.norm(dim=1), torch.ones(40))
    assert regions.shape == (40, 16, 64)
    torch.testing.assert_close(image, embed_films(model, pairs.films, batch_size=7))


def test_the_logit_scale_is_clamped_as_in_clip():
    model = DualEncoder(SMALL)
    with torch.no_grad():
        model.log_scale.fill_(9.0)
    assert model.scale.item() == 100


def test_shifted_films_are_windows_of_films_with_repeated_edges(generator):
    films = torch.arange(2 * 36, dtype=torch.uint8).reshape(2, 6, 6)
    padded = functional.pad(films[:, None].float(), (2, 2, 2, 2), mode="replicate")[:, 0].to(torch.uint8)
    for _ in range(5):
        for film, wide in zip(shifted(films, 2, generator), padded, strict=True):
            windows = [wide[y : y + 6, x : x + 6] for y in range(5) for x in range(5)]
            assert any(torch.equal(film, window) for window in windows)


def test_a_random_sentence_is_one_of_the_report_and_each_comes_up(generator):
    reports = torch.tensor([[4, 5, PADDING], [7, PADDING, PADDING]])
    drawn = torch.cat([random_sentences(reports, generator) for _ in range(200)], dim=1)
    assert set(drawn[0].tolist()) == {4, 5}
    assert set(drawn[1].tolist()) == {7}


def test_equal_reports_are_recognised_whatever_their_length():
    rows = torch.tensor([[1, 2, PADDING], [1, 2, 3], [1, 2, PADDING]])
    assert same_texts(rows).tolist() == [[True, False, True], [False, True, False], [True, False, True]]


@pytest.mark.parametrize(
    ("loss", "batch", "message"), [("clyp", 8, "did you mean 'clip'"), ("clip", 64, "at least a batch of 64")]
)
def test_a_training_that_cannot_start_is_refused(loss, batch, message, pairs, bank, generator):
    with pytest.raises(InputError, match=message):
        fit(DualEncoder(SMALL), pairs, bank, loss, Schedule(2, batch=batch), generator)


def test_films_and_reports_come_in_pairs(pairs):
    with pytest.raises(InputError, match="3 films and 40 reports"):
        Pairs(pairs.films[:3], pairs.reports)


def test_films_smaller_than_the_networks_steps_are_refused():
    with pytest.raises(InputError, match="at least 8"):
        DualEncoder(SMALL).encode_images(torch.zeros(2, 7, 9, dtype=torch.uint8))


def test_a_saved_model_is_the_same_and_a_damaged_one_is_refused(tmp_path, pairs):
    model = DualEncoder(SMALL).eval()
    save_model(model, tmp_path / "model")
    again = load_model(tmp_path / "model")
    torch.testing.assert_close(embed_films(again, pairs.films), embed_films(model, pairs.films))
    weights = tmp_path / "model/model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(InputError, match="no usable model"):
        load_model(tmp_path / "model")
    with pytest.raises(InputError, match="does not exist"):
        load_model(tmp_path)


def test_zero_shot_is_the_auroc_of_the_difference_to_both_prompts(pairs, bank, prompts, cohort, generator):
    model = DualEncoder(SMALL).eval()
    images = embed_films(model, pairs.films)
    result = zero_shot(model, images, cohort.labels, prompts, bank)
    mean = {}
    for side in ("affirming", "denying"):
        for name, texts in zip(FINDINGS, getattr(prompts, side), strict=True):
            vectors = model.encode_sentences(torch.stack([bank.pooled[bank.index[text]] for text in texts]))
            mean[side, name] = functional.normalize(vectors.mean(0), dim=0).detach()
            if name == FINDINGS[2] and side == "affirming":
                single = vectors[4].detach()
    for place, name in enumerate(FINDINGS):
        logits = torch.stack([images @ mean[side, name] for side in ("affirming", "denying")])
        # CheXzero's softmax over the two prompts.
        score = logits.softmax(dim=0)[0].double().numpy()
        assert result.ensemble[place] == pytest.approx(auroc(score, cohort.labels[:, place]), abs=0.02)
    denied = model.encode_sentences(bank.pooled[[bank.index[prompts.denying[2][4]]]])[0].detach()
    expected = auroc((images @ single - images @ denied).numpy(), cohort.labels[:, 2])
    assert result.single[4, 2] == pytest.approx(expected)
    assert result.spread[0] <= np.nanmean(result.single) <= result.spread[1]
    assert result.worst <= result.spread[0]


def test_a_model_that_knows_the_answers_scores_one_and_its_mirror_zero(bank, prompts, cohort, generator):
    torch.manual_seed(0)
    model = DualEncoder(SMALL).eval()
    together, _ = prompt_directions(model, prompts, bank)
    assert torch.linalg.matrix_rank(together) == len(FINDINGS)
    basis = torch.linalg.pinv(together.double()).T.float()
    images = torch.from_numpy(cohort.labels).float() @ basis
    assert zero_shot(model, images, cohort.labels, prompts, bank).macro == 1
    assert zero_shot(model, -images, cohort.labels, prompts, bank).macro == 0


def test_a_finding_that_no_film_or_every_film_has_is_named_and_left_out(pairs, bank, prompts, cohort):
    labels = cohort.labels.copy()
    labels[:, 0], labels[:, 1] = False, True
    model = DualEncoder(SMALL).eval()
    result = zero_shot(model, embed_films(model, pairs.films), labels, prompts, bank)
    assert result.undefined == FINDINGS[:2]
    assert result.macro == pytest.approx(result.ensemble[2:].mean())


def test_unknown_and_missing_classes_are_refused(bank, prompts, cohort):
    with pytest.raises(InputError, match="did you mean 'nodule'"):
        Prompts.of(["nodul"])
    with pytest.raises(InputError, match="no classes"):
        Prompts.of([])
    with pytest.raises(InputError, match="3 labels for 14 classes"):
        zero_shot(DualEncoder(SMALL), torch.zeros(40, 16), cohort.labels[:, :3], prompts, bank)


def test_a_sentence_bank_survives_the_disk_and_knows_what_it_holds(tmp_path, bank):
    bank.save(tmp_path / "bank.safetensors")
    again = SentenceBank.load(tmp_path / "bank.safetensors")
    assert again.index == bank.index
    assert torch.equal(again.pooled, bank.pooled)
    torch.testing.assert_close(again.tokens, bank.tokens, atol=5e-3, rtol=1e-3)
    with pytest.raises(InputError, match=r"'Nothing\.' is not in the sentence bank"):
        bank.rows([["Nothing."]])
    with pytest.raises(InputError, match="without a sentence"):
        bank.rows([[]])


def test_the_packaged_encoder_pools_the_tokens_that_the_bank_keeps():
    sentences = ["There is a mass.", "No pleural effusion on the left.", "There is a mass."]
    bank = SentenceBank.encode(sentences)
    assert len(bank.index) == 2
    from medsuite.core.models import load

    expected = load("minilm-l6", "sentence-encoder", device="cpu").model.encode(sorted(bank.index, key=len))
    torch.testing.assert_close(bank.pooled, expected, atol=1e-5, rtol=1e-4)
    counts = bank.is_token.sum(1, keepdim=True)
    torch.testing.assert_close(
        functional.normalize(bank.tokens.sum(1) / counts, dim=-1), expected, atol=1e-5, rtol=1e-4
    )
    with pytest.raises(InputError, match="empty one"):
        SentenceBank.encode([" "])
