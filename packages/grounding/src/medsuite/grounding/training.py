"""Train a dense grounder on phantom pictures under one prompt strategy, and measure where it points."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medsuite.grounding.boxes import paired_iou
from medsuite.grounding.dense import STRIDE, DenseGrounder, DenseSize, WordVocabulary, centres, grounding_loss
from medsuite.grounding.knowledge import KnowledgeBase
from medsuite.grounding.phantom import PhantomSet
from medsuite.grounding.prompts import Strategy


@dataclass(frozen=True)
class DenseTraining:
    """How a dense grounder is trained: AdamW under a one-cycle schedule.

    Attributes:
        steps: Optimiser steps.
        pictures: Pictures a step; every lesion of a picture is a query.
        learning_rate: Its peak.
        weight_decay: Of AdamW.
        largest_gradient: Norm to which gradients are clipped.
    """

    steps: int = 300
    pictures: int = 32
    learning_rate: float = 4e-3
    weight_decay: float = 0.01
    largest_gradient: float = 1.0


@dataclass(frozen=True)
class TrainedGrounder:
    """A trained network with the vocabulary that it reads."""

    network: DenseGrounder
    vocabulary: WordVocabulary


def train_dense(
    data: PhantomSet,
    texts: Sequence[str],
    corpus: Sequence[str],
    training: DenseTraining,
    *,
    seed: int,
    size: DenseSize | None = None,
    progress: Callable[[float], None] | None = None,
) -> TrainedGrounder:
    """Train a grounder that hears one text per class.

    The seed fixes weights and batches: grounders of one seed that differ in their texts see the same pictures in the
    same order.

    Args:
        data: Pictures; every lesion in them is asked for.
        texts: The prompt of each class, by class index.
        corpus: All texts that will be asked later, for the vocabulary.
        training: Schedule.
        seed: Seed of weights and batches.
        size: Size of the network.
        progress: Hears the fraction that is done.
    """
    torch.manual_seed(seed)
    vocabulary = WordVocabulary([*texts, *corpus])
    network = DenseGrounder(len(vocabulary), size)
    batches = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), training.learning_rate, weight_decay=training.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, training.learning_rate, total_steps=training.steps)
    tokens = vocabulary.encode(texts)
    for step in range(training.steps):
        chosen = batches.integers(len(data), size=training.pictures)
        optimizer.zero_grad(set_to_none=True)
        _loss(network, data, chosen, tokens).backward()
        nn.utils.clip_grad_norm_(network.parameters(), training.largest_gradient)
        optimizer.step()
        schedule.step()
        if progress:
            progress((step + 1) / training.steps)
    return TrainedGrounder(network.eval(), vocabulary)


def _loss(
    network: DenseGrounder, data: PhantomSet, chosen: Int[np.ndarray, "picture"], tokens: Int[Tensor, "class word"]
) -> Float[Tensor, ""]:
    images = torch.from_numpy(data.images[chosen]).float()
    classes = torch.from_numpy(data.classes[chosen])
    targets = torch.from_numpy(data.boxes[chosen]).float().flatten(0, 1)
    image_of = torch.arange(len(chosen)).repeat_interleave(classes.shape[1])
    features = network.image_encoder(images)
    heat = network.heat(features, network.text_encoder(tokens)[classes.flatten()], image_of)
    height, width = images.shape[1:]
    boxes = network.boxes(features, height, width)[image_of]
    return grounding_loss(heat, boxes, targets, centres(height // STRIDE, width // STRIDE))


def overlap_with_target(
    grounder: TrainedGrounder,
    data: PhantomSet,
    knowledge: KnowledgeBase,
    strategy: Strategy,
    generator: np.random.Generator,
) -> Float[np.ndarray, "picture lesion"]:
    """Ask for every lesion of every picture and return the IoU of the answer with it.

    Args:
        grounder: A trained grounder.
        data: Pictures.
        knowledge: What the class indices stand for.
        strategy: How to ask.
        generator: For strategies that draw; one prompt a query.
    """
    findings = knowledge.findings
    prompts = [strategy.render(findings[label], generator).text for label in data.classes.flat]
    tokens = grounder.vocabulary.encode(prompts)
    lesions = data.classes.shape[1]
    answers = []
    for start in range(0, len(data), 64):
        images = torch.from_numpy(data.images[start : start + 64]).float()
        image_of = torch.arange(len(images)).repeat_interleave(lesions)
        asked = tokens[start * lesions : (start + len(images)) * lesions]
        answers.append(grounder.network.ground(images, asked, image_of)[0].double().numpy())
    return paired_iou(np.concatenate(answers).reshape(data.boxes.shape), data.boxes)
