import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.core.errors import InputError
from medsuite.synth_medvlp import clip_loss, convirt_loss, gloria_global, gloria_local, local_similarity


def cosine(first, second):
    return float(first @ second / (first.norm() * second.norm()))


def slow_directions(logits):
    """Cross-entropies of rows and of columns, term by term."""
    count = len(logits)
    rows = sum(math.log(sum(math.exp(v) for v in logits[i])) - logits[i][i] for i in range(count))
    columns = sum(math.log(sum(math.exp(row[i]) for row in logits)) - logits[i][i] for i in range(count))
    return rows / count, columns / count


def slow_similarity(regions, words, pool):
    """GLoRIA's similarity of one image (dim, region) and one text (dim, word), word by word, no trick."""
    scores = [[float(region @ word) for word in words.T] for region in regions.T]
    over_words = [[math.exp(a) / sum(math.exp(b) for b in row) for a in row] for row in scores]
    terms = []
    for k, word in enumerate(words.T):
        weights = [math.exp(4 * row[k]) for row in over_words]
        context = sum(weight / sum(weights) * region for weight, region in zip(weights, regions.T, strict=True))
        terms.append(5 * cosine(word, context))
    if pool == "max":
        return max(terms)
    total = sum(math.exp(term) for term in terms)
    return math.log(total / len(terms) if pool == "mean" else total)


def ragged(pairs, dim, regions, lengths, generator, scale=1.0):
    image = scale * torch.randn(pairs, dim, regions, generator=generator, dtype=torch.float64)
    words = torch.randn(pairs, dim, max(lengths), generator=generator, dtype=torch.float64)
    is_word = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    return image, words, is_word


@pytest.mark.parametrize("pool", ["sum", "mean", "max"])
@pytest.mark.parametrize("scale", [0.1, 1.0, 3.0])
def test_local_similarity_is_the_definition_word_by_word(pool, scale, generator):
    lengths = [1, 9, 4, 2]
    regions, words, is_word = ragged(4, 6, 5, lengths, generator, scale)
    ours = local_similarity(regions, words, is_word, pool=pool, chunk=3)
    slow = [
        [slow_similarity(image, text[:, :length], pool) for text, length in zip(words, lengths, strict=True)]
        for image in regions
    ]
    torch.testing.assert_close(ours, torch.tensor(slow, dtype=torch.float64), rtol=1e-12, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 8), st.integers(0, 99))
def test_chunks_and_what_padding_holds_change_neither_value_nor_gradient(chunk, seed):
    generator = torch.Generator().manual_seed(seed)
    regions, words, is_word = ragged(5, 4, 6, [3, 1, 5, 2, 2], generator)
    results = []
    for size, padding in ((chunk, 0.0), (5, 7.0)):
        image = regions.clone().requires_grad_()
        text = torch.where(is_word[:, None], words, padding).requires_grad_()
        gloria_local(image, text, is_word, chunk=size).backward()
        assert text.grad is not None
        assert not text.grad.transpose(1, 2)[~is_word].any()
        results.append((image.grad, text.grad))
    for first, second in zip(*results, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-12)


def test_gradients_of_the_local_loss_are_those_of_finite_differences(generator):
    regions, words, is_word = ragged(3, 3, 4, [2, 3, 1], generator)
    inputs = (regions.requires_grad_(), words.requires_grad_())
    assert torch.autograd.gradcheck(lambda image, text: gloria_local(image, text, is_word, chunk=2), inputs)


def test_the_papers_sum_favours_long_texts_by_the_logarithm_of_their_words(generator):
    regions, words, is_word = ragged(3, 6, 5, [4, 4, 4], generator)
    # A text that says everything twice: attention over words halves, cosines stay where regions are alike.
    regions = regions[:, :, :1].expand(-1, -1, 5)
    double, twice = torch.cat([words, words], dim=2), torch.cat([is_word, is_word], dim=1)
    for pool, expected in (("sum", math.log(2)), ("mean", 0.0), ("max", 0.0)):
        gain = local_similarity(regions, double, twice, pool=pool) - local_similarity(
            regions, words, is_word, pool=pool
        )
        torch.testing.assert_close(gain, torch.full_like(gain, expected))


def test_a_zero_image_has_a_finite_gradient(generator):
    regions, words, is_word = ragged(2, 3, 4, [2, 2], generator, scale=0.0)
    regions.requires_grad_()
    gloria_local(regions, words, is_word).backward()
    assert regions.grad is not None
    assert regions.grad.isfinite().all()


def test_clip_convirt_and_gloria_weigh_the_same_two_directions(generator):
    image, text = torch.randn(2, 5, 8, generator=generator, dtype=torch.float64)
    cosines = [[cosine(u, s) for s in text] for u in image]

    def directions(factor):
        return slow_directions([[factor * value for value in row] for row in cosines])

    rows, columns = directions(10)
    assert float(convirt_loss(image, text)) == pytest.approx(0.75 * rows + 0.25 * columns, rel=1e-10)
    assert float(gloria_global(image, text)) == pytest.approx(rows + columns, rel=1e-10)
    assert float(clip_loss(image, text, 10.0)) == pytest.approx((rows + columns) / 2, rel=1e-10)
    assert float(convirt_loss(text, image)) == pytest.approx(0.75 * columns + 0.25 * rows, rel=1e-10)


def test_pairs_with_the_same_text_are_no_negatives_of_each_other(generator):
    image, text = torch.randn(2, 4, 6, generator=generator, dtype=torch.float64)
    text[3] = text[1]
    same = torch.eye(4, dtype=torch.bool)
    same[1, 3] = same[3, 1] = True
    logits = torch.tensor([[5 * cosine(u, s) for s in text] for u in image], dtype=torch.float64)
    terms = []
    for i in range(4):
        others = [j for j in range(4) if j == i or not same[i, j]]
        terms += [float(line[others].logsumexp(0) - line[i]) for line in (logits[i], logits[:, i])]
    assert float(clip_loss(image, text, 5.0, same)) == pytest.approx(sum(terms) / 8, rel=1e-10)
    assert float(clip_loss(image, text, 5.0)) > float(clip_loss(image, text, 5.0, same))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: clip_loss(torch.ones(1, 3), torch.ones(1, 3), 1.0), "at least two pairs"),
        (lambda: clip_loss(torch.ones(2, 3), torch.ones(2, 3), 1.0, torch.ones(2, 2).bool()), "texts of a batch are"),
        (
            lambda: gloria_local(torch.ones(2, 3, 4), torch.ones(2, 3, 2), torch.zeros(2, 2).bool()),
            "text 0 has no word",
        ),
        (lambda: gloria_local(torch.ones(2, 3, 4), torch.ones(2, 3, 2), torch.ones(2, 2).bool(), pool="lse"), "pool"),
    ],
)
def test_what_cannot_be_contrasted_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_gloria_without_false_negatives_is_its_definition(generator):
    lengths = [2, 3, 1, 3]
    regions, words, is_word = ragged(4, 5, 4, lengths, generator)
    words[3], same = words[1], torch.eye(4, dtype=torch.bool)
    same[1, 3] = same[3, 1] = True
    image, text = torch.randn(2, 4, 6, generator=generator, dtype=torch.float64)
    similar = [[slow_similarity(each, words[j][:, : lengths[j]], "mean") for j in range(4)] for each in regions]
    for logits, value in (
        ([[10 * v for v in row] for row in similar], gloria_local(regions, words, is_word, same=same)),
        ([[10 * cosine(u, s) for s in text] for u in image], gloria_global(image, text, same=same)),
    ):
        total = 0.0
        for i in range(4):
            kept = [j for j in range(4) if j == i or not same[i, j]]
            for line in (logits[i], [row[i] for row in logits]):
                total += math.log(sum(math.exp(line[j]) for j in kept)) - line[i]
        assert float(value) == pytest.approx(total / 4, rel=1e-10)


def test_chunks_of_no_text_are_refused(generator):
    with pytest.raises(InputError, match="chunks of 0 texts"):
        local_similarity(*ragged(2, 3, 4, [1, 2], generator), chunk=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 6), st.integers(0, 999), st.sampled_from(["sum", "mean", "max"]))
def test_the_order_of_pairs_regions_and_words_does_not_matter(pairs, seed, pool):
    generator = torch.Generator().manual_seed(seed)
    regions, words, is_word = ragged(pairs, 4, 5, [3] * pairs, generator)
    value = gloria_local(regions, words, is_word, pool=pool)
    order, spots, places = (torch.randperm(n, generator=generator) for n in (pairs, 5, 3))
    moved = gloria_local(regions[order][:, :, spots], words[order][:, :, places], is_word, pool=pool)
    torch.testing.assert_close(moved, value)
