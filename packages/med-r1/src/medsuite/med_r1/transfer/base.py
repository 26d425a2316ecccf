"""The base model: a small vision-language model that sees more than it says.

It is trained in two stages. First on easy questions of all modalities with the right option in the think block, which
gives it eyes and the habit of looking up the letter of the option that it thought of. Then with a share of the letters
drawn at random while the think text stays right, so that it often thinks one thing and ticks another: reinforcement
learning pays where a base knows more than it says.
"""

from pathlib import Path

import numpy as np

from medsuite.med_r1.claims import TransferSettings
from medsuite.med_r1.policy import tiny_policy
from medsuite.med_r1.prompts import completion
from medsuite.med_r1.schema import LETTERS, Question, QuestionSet
from medsuite.med_r1.simulation import ANSWERS
from medsuite.med_r1.train.sft import SFTSettings, train_sft

STYLE = "compact"
NEW_TOKENS = 9
"""A whole answer has seven tokens, the last of which ends it."""
CLEAN_RATE, NOISE_RATE = 3e-3, 7e-4
ROTATED = 4
"""Times that a question is seen, each time with its options rotated, before it comes again."""


def train_base(settings: TransferSettings, questions: QuestionSet, number: int, folder: Path) -> None:
    """Build and train a base.

    Args:
        settings: Steps and the share of random letters.
        questions: Easy questions of all modalities.
        number: Seed of its weights and of all draws.
        folder: Receives the base; its stages lie in folders below.
    """
    rng = np.random.default_rng([number, 1])
    start = tiny_policy(corpus(), folder / "untrained", seed=number, side=settings.side)
    turned = [_turned(question, rng) for _ in range(ROTATED) for question in questions]
    clean = SFTSettings(
        settings.clean_steps, settings.batch, CLEAN_RATE, min(50, settings.clean_steps // 2),
        settings.clean_steps * 3 // 10, STYLE, number,
    )  # fmt: skip
    seeing = train_sft(start, questions, [(each, rationale(each)) for each in turned], clean, folder / "clean")
    count = settings.noise_steps * settings.batch
    drawn = [_turned(questions.questions[place], rng) for place in rng.integers(len(questions), size=count)]
    noise = SFTSettings(settings.noise_steps, settings.batch, NOISE_RATE, 0, 0, STYLE, number)
    targets = [(question, _noisy(question, settings.noise, rng)) for question in drawn]
    train_sft(seeing, questions, targets, noise, folder)


def rationale(question: Question) -> str:
    """Return the right option in the think block and its letter."""
    return completion(f" {question.answer_text}", question.letter)


def corpus() -> list[str]:
    """Texts in which every word stands as it does in prompts and answers."""
    words = [word for answers in ANSWERS.values() for word in answers]
    lines = [f"\n{letter} {word}" for word in words for letter in LETTERS[:4]]
    return [*lines, *(f"user\n{kind}\n" for kind in ANSWERS), "assistant\n"] * 2


def _turned(question: Question, rng: np.random.Generator) -> Question:
    return question.rotated(int(rng.integers(len(question.options))))


def _noisy(question: Question, share: float, rng: np.random.Generator) -> str:
    letter = LETTERS[rng.integers(len(question.options))] if rng.random() < share else question.letter
    return completion(f" {question.answer_text}", letter)
