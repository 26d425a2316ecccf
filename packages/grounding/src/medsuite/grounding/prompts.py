"""Prompt strategies: what the model is told about a finding, with the place of each part in the text.

AG-KD asks with "{name} means {description}" (section 2.2); the other strategies are its controls.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from medsuite.core.errors import InputError, unknown_name
from medsuite.grounding.knowledge import ATTRIBUTES, Finding, KnowledgeBase

Span = tuple[int, int]


@dataclass(frozen=True)
class Prompt:
    """A text and where its parts stand in it.

    Attributes:
        text: What the model reads.
        spans: First and last-plus-one character of each part: `"name"` and the attributes.
    """

    text: str
    spans: Mapping[str, Span] = field(default_factory=dict)


@runtime_checkable
class Strategy(Protocol):
    """Turns a finding into a prompt; `generator` serves the strategies that draw."""

    def render(self, finding: Finding, generator: np.random.Generator) -> Prompt:
        """Return the prompt that asks for this finding."""


@dataclass(frozen=True)
class NameOnly:
    """The bare name: what a phrase grounding model gets by default, and the paper's baseline."""

    def render(self, finding: Finding, generator: np.random.Generator) -> Prompt:
        """Return `"{name}"`."""
        return compose([("name", finding.name)])


@dataclass(frozen=True)
class NameAndKnowledge:
    """The paper's prompt: `"{name} means {shape}, {density}, {texture}, {location}, {effect}"`.

    Attributes:
        attributes: Which attributes are told, in this order; one alone, such as `("location",)`, is a control.
    """

    attributes: tuple[str, ...] = ATTRIBUTES

    def __post_init__(self) -> None:
        _check_attributes(self.attributes)

    def render(self, finding: Finding, generator: np.random.Generator) -> Prompt:
        """Return the name with its own description."""
        return compose([("name", finding.name), *_told(finding, self.attributes)])


@dataclass(frozen=True)
class KnowledgeWithoutName:
    """The description alone: no model can fall back on a name that it has learnt by heart."""

    attributes: tuple[str, ...] = ATTRIBUTES

    def __post_init__(self) -> None:
        _check_attributes(self.attributes)

    def render(self, finding: Finding, generator: np.random.Generator) -> Prompt:
        """Return the description."""
        return compose(_told(finding, self.attributes))


@dataclass(frozen=True)
class ShuffledKnowledge:
    """A control: each name with the description of one other finding, the same throughout training and test.

    The text is as long and as rich as the treatment's, and tells findings apart as well; only its meaning is wrong.

    Attributes:
        lender: The finding that lends its description, by the id of the one that borrows.
    """

    lender: Mapping[str, Finding]

    @classmethod
    def of(cls, knowledge: KnowledgeBase, generator: np.random.Generator) -> "ShuffledKnowledge":
        """Draw a uniform derangement: every finding lends once, none to itself.

        Raises:
            InputError: Fewer than two findings.
        """
        count = len(knowledge)
        if count < 2:
            raise InputError(
                f"knowledge base {knowledge.name!r} has {count} finding", expected="two or more to shuffle"
            )
        order = generator.permutation(count)
        while (order == np.arange(count)).any():
            order = generator.permutation(count)
        findings = knowledge.findings
        return cls({finding.id: findings[lender] for finding, lender in zip(findings, order, strict=True)})

    def render(self, finding: Finding, generator: np.random.Generator) -> Prompt:
        """Return the name with the lender's description.

        Raises:
            InputError: The finding is none of the knowledge base that was shuffled.
        """
        if finding.id not in self.lender:
            raise unknown_name("finding", finding.id, self.lender)
        return compose([("name", finding.name), *_told(self.lender[finding.id], ATTRIBUTES)])


@dataclass(frozen=True)
class WrongClass:
    """A control for a trained model: the name with the description of any other finding, drawn anew each time.

    A model that reads the text goes elsewhere; one that only knows the name does not notice.
    """

    knowledge: KnowledgeBase

    def render(self, finding: Finding, generator: np.random.Generator) -> Prompt:
        """Return the name with a wrong description.

        Raises:
            InputError: There is no other finding.
        """
        others = [other for other in self.knowledge.findings if other.id != finding.id]
        if not others:
            raise InputError(f"knowledge base {self.knowledge.name!r} has no other finding", expected="two or more")
        return compose([("name", finding.name), *_told(others[generator.integers(len(others))], ATTRIBUTES)])


STRATEGIES: Mapping[str, Callable[[KnowledgeBase, np.random.Generator], Strategy]] = {
    "name": lambda *_: NameOnly(),
    "knowledge": lambda *_: NameAndKnowledge(),
    "knowledge-without-name": lambda *_: KnowledgeWithoutName(),
    "shuffled": ShuffledKnowledge.of,
    "wrong-class": lambda knowledge, _: WrongClass(knowledge),
    "location-only": lambda *_: NameAndKnowledge(("location",)),
}


def strategy(name: str, knowledge: KnowledgeBase, generator: np.random.Generator) -> Strategy:
    """Return a strategy by its name.

    Args:
        name: A key of `STRATEGIES`.
        knowledge: Where the controls borrow descriptions from.
        generator: Draws the shuffle.

    Raises:
        InputError: The name is not known.
    """
    if name not in STRATEGIES:
        raise unknown_name("prompt strategy", name, STRATEGIES)
    return STRATEGIES[name](knowledge, generator)


def all_strategies(finding: Finding, knowledge: KnowledgeBase, seed: int) -> dict[str, str]:
    """Return what each strategy says about a finding, in brackets the reason where it cannot say anything.

    Args:
        finding: One of the knowledge base's.
        knowledge: Where the controls borrow descriptions from.
        seed: Seed of the strategies that draw.
    """
    generator, said = np.random.default_rng(seed), {}
    for name in STRATEGIES:
        try:
            said[name] = strategy(name, knowledge, generator).render(finding, generator).text
        except InputError as error:
            said[name] = f"({error})"
    return said


def compose(parts: list[tuple[str, str]]) -> Prompt:
    """Join a name and attributes to `"{name} means {a}, {b}"`, and keep where each part stands."""
    text, spans = "", {}
    for position, (part, words) in enumerate(parts):
        if position:
            text += " means " if parts[position - 1][0] == "name" else ", "
        spans[part] = (len(text), len(text) + len(words))
        text += words
    return Prompt(text, spans)


def token_spans(prompt: Prompt, tokenizer: Any, *, offset: int = 0) -> dict[str, Span]:
    """Find the tokens of each part of a prompt: the first and the last-plus-one that overlap its characters.

    Args:
        prompt: A rendered prompt.
        tokenizer: A fast tokenizer, which knows the characters of its tokens.
        offset: Tokens that stand before the prompt in the model's input, such as the image tokens.

    Raises:
        InputError: The tokenizer is a slow one.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise InputError(f"{type(tokenizer).__name__} keeps no character offsets", expected="a fast tokenizer")
    pairs = tokenizer(prompt.text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    found = {}
    for part, (start, end) in prompt.spans.items():
        inside = [token for token, (first, last) in enumerate(pairs) if first < end and last > start]
        found[part] = (inside[0] + offset, inside[-1] + 1 + offset)
    return found


def _told(finding: Finding, attributes: tuple[str, ...]) -> list[tuple[str, str]]:
    present = finding.attributes.present()
    told = [(name, present[name]) for name in attributes if name in present]
    if not told:
        # The prompt would be the bare name, under the label of a strategy that tells more.
        raise InputError(f"finding {finding.id!r} has no {' or '.join(attributes)} to tell", fix="describe it")
    return told


def _check_attributes(names: tuple[str, ...]) -> None:
    for name in names:
        if name not in ATTRIBUTES:
            raise unknown_name("attribute", name, ATTRIBUTES)
