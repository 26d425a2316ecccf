import numpy as np
import pytest
import torch
from torch.nn import functional

from medsuite.core.errors import InputError
from medsuite.grounding.florence import Example, FlorenceBatch, collate, ground, train_step
from medsuite.grounding.florence.batches import IGNORED, answer_log_likelihood, encode_inputs


def examples(rng):
    grey = rng.integers(0, 255, (50, 40), dtype=np.uint8)
    colour = rng.integers(0, 255, (64, 96, 3), dtype=np.uint8)
    return [
        Example(grey, "lung cyst means round, dark inside", "lung cyst", np.array([[2.0, 3, 20, 30], [5, 5, 39, 49]])),
        Example(colour, "edema", "edema", np.array([[20.0, 3, 60, 30]])),
    ]


def test_an_answer_repeats_its_label_before_each_box_and_padding_is_masked(tiny, rng):
    batch = collate(examples(rng), tiny.processor)
    first, second = batch.labels
    text = tiny.tokenizer.decode(first)
    assert text == "<s>lung cyst<loc_50><loc_60><loc_500><loc_600>lung cyst<loc_125><loc_100><loc_975><loc_980></s>"
    assert (second == IGNORED).any()
    assert tiny.tokenizer.decode(second[second != IGNORED]).endswith("<loc_625><loc_468></s>")
    assert batch.inputs["pixel_values"].shape[0] == batch.inputs["attention_mask"].shape[0] == 2


@pytest.mark.parametrize("height", [1, 3])
def test_a_picture_as_high_as_there_are_channels_is_not_turned_inside_out(height, tiny, rng):
    """Left to guess, the processor takes such a picture for one whose channels come first."""
    row = rng.integers(0, 255, (1, 40, 3), dtype=np.uint8)
    low = row.repeat(height, axis=0)
    made, expected = (
        encode_inputs([image], ["x"], tiny.processor)["pixel_values"] for image in (low, row.repeat(8, 0))
    )
    torch.testing.assert_close(made, expected, atol=0.05, rtol=0)


def test_padding_changes_no_likelihood(tiny, rng):
    both = examples(rng)
    together = answer_log_likelihood(tiny.model.eval(), collate(both, tiny.processor))
    alone = [answer_log_likelihood(tiny.model.eval(), collate([each], tiny.processor))[0] for each in both]
    torch.testing.assert_close(together, torch.stack(alone), atol=1e-4, rtol=1e-4)


def test_a_step_descends_the_mean_cross_entropy_of_the_answer_s_tokens(rng):
    from medsuite.core.tiny import florence2

    tiny = florence2()
    batch = collate(examples(rng), tiny.processor)
    known = (batch.labels != IGNORED).sum()
    before = -answer_log_likelihood(tiny.model.eval(), batch).sum() / known
    optimizer = torch.optim.SGD(tiny.model.parameters(), 1e-2)
    # The tiny model has dropout only if told to; the loss of the step is the one before it.
    reported = train_step(tiny.model.eval(), batch, optimizer)
    assert reported == pytest.approx(float(before), rel=0.05)
    assert -answer_log_likelihood(tiny.model.eval(), batch).sum() / known < before


def test_more_padding_of_the_answers_changes_no_gradient(rng):
    """The released code trains on its padding; here the same answers beside a longer one have the same gradient."""
    from medsuite.core.tiny import florence2

    tiny = florence2()
    batch = collate(examples(rng), tiny.processor)
    longer = FlorenceBatch(batch.inputs, functional.pad(batch.labels, (0, 7), value=IGNORED))
    gradients = []
    for each in (batch, longer):
        tiny.model.eval().zero_grad()
        tiny.model(**each.inputs, labels=each.labels).loss.backward()
        gradients.append([p.grad.clone() for p in tiny.model.parameters() if p.grad is not None])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-4)


def test_a_prompt_longer_than_the_model_has_places_for_is_refused(tiny):
    image = np.zeros((8, 8), np.uint8)
    with pytest.raises(InputError, match=r"image and prompt make \d+ tokens; expected at most"):
        ground(tiny.model, tiny.processor, [image], ["bright " * 3000], ["edema"])
    example = Example(image, "bright " * 3000, "edema", np.array([[1.0, 1, 4, 4]]))
    with pytest.raises(InputError, match="shorten the description"):
        train_step(tiny.model, collate([example], tiny.processor), torch.optim.SGD(tiny.model.parameters(), 0.1))


def test_the_wiring_learns_two_answers_by_heart_and_writes_them(rng):
    from medsuite.core.tiny import florence2

    tiny, asked = florence2(), examples(rng)
    torch.manual_seed(0)
    batch = collate(asked, tiny.processor)
    optimizer = torch.optim.AdamW(tiny.model.parameters(), 3e-3)
    losses = [train_step(tiny.model, batch, optimizer) for _ in range(60)]
    assert losses[-1] < 0.2 < losses[0]
    answers = ground(
        tiny.model,
        tiny.processor,
        [each.image for each in asked],
        [each.prompt for each in asked],
        [each.label for each in asked],
    )
    for answer, each in zip(answers, asked, strict=True):
        half_a_bin = np.tile(each.size, 2) / 2000
        assert (np.abs(answer.boxes - each.boxes) <= half_a_bin + 1e-9).all()
        assert (answer.scores > 0.8).all()
        assert answer.issues == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": np.zeros((0, 4))}, "has no box"),
        ({"boxes": np.array([[5.0, 5, 1, 9]])}, "answer 'edema': box"),
        ({"image": np.zeros((4, 4, 4), np.uint8)}, "shape"),
        ({"image": np.zeros((4, 4))}, "float64"),
    ],
)
def test_an_example_that_cannot_be_one_is_refused(change, message, tiny):
    whole = {"image": np.zeros((8, 8), np.uint8), "prompt": "x", "label": "edema", "boxes": np.array([[1.0, 1, 4, 4]])}
    with pytest.raises(InputError, match=message):
        collate([Example(**{**whole, **change})], tiny.processor)


def test_a_batch_needs_an_example(tiny):
    with pytest.raises(InputError, match="no examples"):
        collate([], tiny.processor)
