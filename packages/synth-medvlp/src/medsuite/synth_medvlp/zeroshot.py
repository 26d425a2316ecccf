"""Zero-shot scores from prompts that affirm and deny, and how much they depend on the prompt."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from medsuite.core.errors import InputError, unknown_name
from medsuite.core.stats import auroc
from medsuite.synth_medvlp.model import DualEncoder
from medsuite.synth_medvlp.texts import SentenceBank
from medsuite.synth_medvlp.vocabulary import CONCEPTS

VERSION = "findings-v1"
"""Version of the prompts below; evaluations print it."""

AFFIRMING = ("There is {name}.", "{name} is present.", "Findings of {name}.")
DENYING = ("There is no {name}.", "{name} is absent.", "No findings of {name}.")


@dataclass(frozen=True)
class Prompts:
    """Prompts of each class, in pairs of an affirming and a denying one.

    Attributes:
        classes: Names of the classes.
        affirming: One row a class; all have the same number.
        denying: The counterpart of each.
    """

    classes: tuple[str, ...]
    affirming: tuple[tuple[str, ...], ...]
    denying: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, classes: Sequence[str]) -> "Prompts":
        """Put both names of each class into the three templates: six pairs a class.

        Raises:
            InputError: A class is not in the vocabulary, or there is none.
        """
        for name in classes:
            if name not in CONCEPTS:
                raise unknown_name("finding", name, CONCEPTS)
        if not classes:
            raise InputError("no classes", expected="at least one finding to ask for")
        filled = [
            tuple(
                tuple(_sentence(template, name) for name in CONCEPTS[entry].names for template in templates)
                for entry in classes
            )
            for templates in (AFFIRMING, DENYING)
        ]
        return cls(tuple(classes), *filled)

    @property
    def sentences(self) -> tuple[str, ...]:
        """All sentences, to be encoded."""
        return tuple(text for rows in (self.affirming, self.denying) for row in rows for text in row)


@dataclass(frozen=True)
class ZeroShot:
    """AUROC of each class with all prompts together and with each pair of prompts by itself.

    A class without a positive or without a negative film has NaN, and is left out of the means.

    Attributes:
        classes: Names of the classes.
        ensemble: AUROC from the mean of the prompts.
        single: AUROC from one pair of prompts; row k takes pair k of every class.
    """

    classes: tuple[str, ...]
    ensemble: Float[np.ndarray, "class"]
    single: Float[np.ndarray, "prompt class"]

    @property
    def macro(self) -> float:
        """Mean over classes with all prompts."""
        return float(np.nanmean(self.ensemble))

    @property
    def spread(self) -> tuple[float, float]:
        """Lowest and highest mean over classes that one pair of prompts gives."""
        macros = np.nanmean(self.single, axis=1)
        return float(macros.min()), float(macros.max())

    @property
    def worst(self) -> float:
        """Mean over classes of each class's worst pair of prompts."""
        return float(np.nanmean(self.single.min(axis=0)))

    @property
    def undefined(self) -> tuple[str, ...]:
        """Classes without an AUROC."""
        return tuple(name for name, value in zip(self.classes, self.ensemble, strict=True) if np.isnan(value))


@torch.no_grad()
def prompt_directions(
    model: DualEncoder, prompts: Prompts, bank: SentenceBank
) -> tuple[Float[Tensor, "class dim"], Float[Tensor, "prompt class dim"]]:
    """Return p⁺ - p⁻ of each class: from the normalised means of its prompts, and from each pair alone."""
    parts = []
    for rows in (prompts.affirming, prompts.denying):
        index = torch.tensor([[bank.index[text] for text in row] for row in rows])
        parts.append(model.encode_sentences(bank.pooled[index.flatten()]).unflatten(0, index.shape))
    affirming, denying = parts
    together = functional.normalize(affirming.mean(1), dim=-1) - functional.normalize(denying.mean(1), dim=-1)
    return together, (affirming - denying).transpose(0, 1)


def zero_shot(
    model: DualEncoder,
    images: Float[Tensor, "film dim"],
    labels: Bool[np.ndarray, "film class"],
    prompts: Prompts,
    bank: SentenceBank,
) -> ZeroShot:
    """Score films by u · (p⁺ - p⁻) and measure the AUROC of each class.

    The ranking is that of CheXzero's softmax over the two prompts, of which it is a monotone function (Tiu et al.
    2022). No threshold is chosen and no prompt is selected on the test films.

    Args:
        model: The model.
        images: Embedded films.
        labels: Which findings each film has, in the order of the prompts' classes.
        prompts: The prompts.
        bank: Holds the prompts' sentences.

    Raises:
        InputError: Labels and prompts differ in their number of classes.
    """
    if labels.shape[1] != len(prompts.classes):
        raise InputError(f"{labels.shape[1]} labels for {len(prompts.classes)} classes", expected="one for each")
    together, single = prompt_directions(model, prompts, bank)
    return ZeroShot(
        prompts.classes,
        _areas(images @ together.T, labels),
        np.stack([_areas(images @ directions.T, labels) for directions in single]),
    )


def _areas(scores: Float[Tensor, "film class"], labels: Bool[np.ndarray, "film class"]) -> Float[np.ndarray, "class"]:
    values = scores.numpy()
    return np.array(
        [
            auroc(values[:, place], labels[:, place]) if 0 < labels[:, place].sum() < len(labels) else np.nan
            for place in range(labels.shape[1])
        ]
    )


def _sentence(template: str, name: str) -> str:
    text = template.format(name=name)
    return text[0].upper() + text[1:]
