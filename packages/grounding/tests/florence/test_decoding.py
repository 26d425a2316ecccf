import numpy as np
import pytest
import torch
from scipy.special import softmax

from medsuite.core.errors import InputError
from medsuite.grounding.florence import BINS, BoxGrammar, ground, parse
from medsuite.grounding.florence.batches import encode_inputs
from medsuite.grounding.florence.decoding import location_scores
from medsuite.grounding.florence.locations import first_location

LABELS = ("edema", "lung cyst")


def random_walk(grammar, example, rng):
    written = [grammar.eos]
    while len(written) < 2 or written[-1] != grammar.eos:
        choices = list(grammar.allowed(written, example))
        written.append(int(choices[rng.integers(len(choices))]))
    return written


def test_every_sentence_of_the_grammar_parses_without_an_issue_but_repetition(tiny, rng):
    grammar = BoxGrammar.of(LABELS, tiny.tokenizer, most=3)
    for _ in range(60):
        for example, label in enumerate(LABELS):
            written = random_walk(grammar, example, rng)
            parsed = parse(tiny.tokenizer.decode(written), (640, 480))
            assert set(parsed.labels) == {label}
            assert 1 <= len(parsed.boxes) <= 3
            assert all("repeats" in issue for issue in parsed.issues)
            assert len(written) - 1 <= grammar.longest


def test_edges_that_leave_no_room_for_their_partner_are_not_offered(tiny):
    grammar = BoxGrammar.of(["edema"], tiny.tokenizer)
    first = first_location(tiny.tokenizer)
    start = [grammar.eos, grammar.bos, *grammar.labels[0]]
    assert grammar.allowed(start, 0) == range(first, first + BINS - 1)
    assert grammar.allowed([*start, first + 998, first + 3], 0) == range(first + 999, first + 1000)
    assert grammar.allowed([*start, first + 998, first + 3, first + 999], 0) == range(first + 4, first + 1000)


@pytest.mark.parametrize("beams", [1, 3])
def test_a_random_model_under_the_grammar_writes_nothing_but_boxes(beams, tiny, rng):
    images = [rng.integers(0, 255, (40, 50), dtype=np.uint8)] * 2
    grammar = BoxGrammar.of(LABELS, tiny.tokenizer, most=2)
    inputs = encode_inputs(images, LABELS, tiny.processor)
    written = tiny.model.eval().generate(
        **inputs, max_new_tokens=grammar.longest, num_beams=beams, do_sample=False, logits_processor=[grammar]
    )
    for row, label in zip(written, LABELS, strict=True):
        parsed = parse(tiny.tokenizer.decode(row), (50, 40))
        assert set(parsed.labels) == {label}
        assert all("repeats" in issue for issue in parsed.issues)


def test_without_the_grammar_the_same_model_writes_no_box(tiny, rng):
    images = [rng.integers(0, 255, (40, 50), dtype=np.uint8)]
    written = tiny.model.eval().generate(**encode_inputs(images, ["edema"], tiny.processor), max_new_tokens=12)
    assert len(parse(tiny.tokenizer.decode(written[0]), (50, 40)).boxes) == 0


def test_a_score_is_the_geometric_mean_of_four_location_probabilities(rng):
    first, logits = 7, rng.normal(size=(6, 7 + BINS + 3))
    written = [0, first + 4, first + 9, first + 800, first + 999, 2]
    among = softmax(logits[:, first : first + BINS], axis=1)
    expected = np.prod([among[step, written[step] - first] for step in (1, 2, 3, 4)]) ** 0.25
    np.testing.assert_allclose(location_scores(written, logits, first), [expected])


def test_boxes_are_in_pixels_of_the_original_image_whatever_its_size(tiny):
    torch.manual_seed(0)
    image = np.zeros((64, 64), np.uint8)
    small, wide = (
        ground(tiny.model, tiny.processor, [picture], ["edema"], ["edema"], most=1)[0]
        for picture in (image, image.repeat(2, axis=1))
    )
    np.testing.assert_allclose(wide.boxes, small.boxes * [2, 1, 2, 1])
    assert small.raw.count("<loc_") == 4


def test_asking_nothing_or_unevenly_is_refused(tiny):
    with pytest.raises(InputError, match="equally many"):
        ground(tiny.model, tiny.processor, [], [], [])
    with pytest.raises(InputError, match="words, and at least one box"):
        BoxGrammar.of([""], tiny.tokenizer)
