import numpy as np
import pytest
import torch
from torch.nn import functional

from medsuite.core.errors import InputError
from medsuite.grounding.boxes import paired_iou
from medsuite.grounding.dense import (
    DenseGrounder,
    DenseSize,
    WordVocabulary,
    centres,
    generalised_iou,
    grounding_loss,
    target_places,
)
from medsuite.grounding.metrics.rodeo import generalised_iou as generalised_iou_of_arrays

SMALL = DenseSize(channels=8, text=16, hidden=8, heads=2)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return DenseGrounder(20, SMALL).eval()


def test_a_vocabulary_pads_and_refuses_a_strange_word():
    vocabulary = WordVocabulary(["Brelon means round", "dark"])
    tokens = vocabulary.encode(["brelon MEANS, round", "dark"])
    assert tokens.shape == (2, 3)
    assert (tokens[1, 1:] == 0).all()
    assert len(vocabulary) == 5
    with pytest.raises(InputError, match="word 'light'"):
        vocabulary.encode(["light"])
    with pytest.raises(InputError, match="no words"):
        vocabulary.encode(["..."])


def test_centres_are_in_the_middle_of_their_four_pixels():
    assert centres(2, 3).tolist() == [[2, 2], [6, 2], [10, 2], [2, 6], [6, 6], [10, 6]]


def test_padding_a_text_does_not_change_its_vector(network):
    short = torch.tensor([[3, 4]])
    padded = torch.tensor([[3, 4, 0, 0]])
    torch.testing.assert_close(network.text_encoder(short), network.text_encoder(padded))


def test_asking_several_texts_at_once_equals_asking_them_one_by_one(network):
    images = 255 * torch.rand(2, 32, 40)
    tokens = torch.tensor([[1, 2], [3, 0], [1, 2]])
    image_of = torch.tensor([0, 0, 1])
    boxes, scores = network.ground(images, tokens, image_of)
    for query, image in enumerate(image_of):
        box, score = network.ground(images[image, None], tokens[query, None], torch.tensor([0]))
        torch.testing.assert_close((boxes[query], scores[query]), (box[0], score[0]), atol=1e-5, rtol=1e-4)


def test_the_heat_of_a_place_is_its_equation(network):
    """MLP(silu(γ * silu(W f) + β)), for one text at one place, with γ = 1 + the first half of the film."""
    features, texts = torch.randn(2, 6, 10), torch.randn(3, 16)
    image_of = torch.tensor([0, 1, 1])
    made = network.heat(features, texts, image_of)
    for query, image in enumerate(image_of.tolist()):
        scale, shift = (network.film.weight @ texts[query] + network.film.bias).split(8)
        for place in range(6):
            own = functional.silu(network.place(features[image, place]))
            hidden = functional.silu(network.mix(functional.silu((1 + scale) * own + shift)))
            torch.testing.assert_close(made[query, place], network.score(hidden)[0], atol=1e-5, rtol=1e-4)


def test_the_box_of_a_place_does_not_hear_the_text_or_its_position(network):
    features = torch.randn(1, 80, 10)
    moved = features.clone()
    moved[..., -2:] += 1
    torch.testing.assert_close(network.boxes(features, 32, 40), network.boxes(moved, 32, 40))


def test_the_loss_is_its_definition_summed_by_hand(rng, random_boxes):
    centre = centres(6, 6)
    targets = torch.tensor(random_boxes(rng, 5, 24.0), dtype=torch.float32)
    boxes = torch.tensor(np.stack([random_boxes(rng, 36, 24.0) for _ in range(5)]), dtype=torch.float32)
    heat = torch.randn(5, 36)
    total = 0.0
    for query in range(5):
        x1, y1, x2, y2 = targets[query].tolist()
        inside = [
            abs(x - (x1 + x2) / 2) < (x2 - x1) / 4 and abs(y - (y1 + y2) / 2) < (y2 - y1) / 4
            for x, y in centre.tolist()
        ]
        distance = [(x - (x1 + x2) / 2) ** 2 + (y - (y1 + y2) / 2) ** 2 for x, y in centre.tolist()]
        inside[int(np.argmin(distance))] = True
        lit = [place for place in range(36) if inside[place]]
        log_total = float(torch.logsumexp(heat[query], 0))
        for place in lit:
            misfit = 1 - float(generalised_iou(boxes[query, place], targets[query]))
            total += (log_total - float(heat[query, place]) + misfit) / len(lit)
    assert float(grounding_loss(heat, boxes, targets, centre)) == pytest.approx(total / 5, rel=1e-4)


def test_pictures_and_prompts_that_do_not_fit_are_refused(network):
    with pytest.raises(InputError, match=r"images of 30 x 32 pixels; expected sides that are multiples of 4"):
        network.ground(torch.zeros(1, 32, 30), torch.tensor([[1]]), torch.tensor([0]))
    with pytest.raises(InputError, match="a prompt of 49 words; expected at most 48"):
        network.ground(torch.zeros(1, 32, 32), torch.ones(1, 49, dtype=torch.long), torch.tensor([0]))


def test_every_box_contains_its_centre_and_the_scores_are_probabilities(network):
    features = network.image_encoder(255 * torch.rand(1, 32, 40))
    boxes, centre = network.boxes(features, 32, 40)[0], centres(8, 10)
    assert (boxes[:, :2] < centre).all()
    assert (boxes[:, 2:] > centre).all()
    _, scores = network.ground(torch.zeros(1, 32, 40), torch.tensor([[1]]), torch.tensor([0]))
    assert 1 / 80 <= scores.item() <= 1


def test_a_target_lights_the_places_in_its_central_half(network):
    share = target_places(torch.tensor([[0.0, 0, 32, 32], [8.5, 8.5, 9.5, 9.5]]), centres(8, 8))
    lit = centres(8, 8)[share[0] > 0]
    assert ((lit > 8) & (lit < 24)).all()
    assert len(lit) == 16
    assert share[1].max() == 1
    torch.testing.assert_close(share.sum(dim=1), torch.ones(2))


def test_giou_equals_the_array_version_and_is_at_most_iou(rng, random_boxes):
    first, second = random_boxes(rng, 20), random_boxes(rng, 20)
    ours = generalised_iou(torch.tensor(first), torch.tensor(second)).numpy()
    np.testing.assert_allclose(ours, generalised_iou_of_arrays(first, second))
    assert (ours <= paired_iou(first, second) + 1e-12).all()


def test_the_loss_is_least_for_the_right_heat_and_boxes():
    centre, target = centres(8, 8), torch.tensor([[4.0, 4, 20, 20]])
    right = 50 * (target_places(target, centre) > 0).float()
    boxes = target[:, None].expand(1, 64, 4)
    best = grounding_loss(right, boxes, target, centre)
    places = target_places(target, centre)
    assert best.item() == pytest.approx(-(places[places > 0] * places[places > 0].log()).sum().item(), abs=1e-4)
    assert grounding_loss(torch.zeros(1, 64), boxes, target, centre) > best
    assert grounding_loss(right, boxes + 3, target, centre) > best
