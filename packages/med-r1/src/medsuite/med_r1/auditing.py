"""The options-only audit: how far a benchmark can be answered without its images and without its questions.

Two readers of the options alone are trained on a part of a subset and asked about the rest: a logistic regression over
the words of each option, and a table of how often a text was the right one. What they reach is the accuracy that
proves nothing about seeing; a third one reads the question, too. A test of n questions of which k were right is
*text-solvable* if the lower end of the 95 % Wilson interval of k / n is over chance, for the words of the options or
for those of question and options.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from medsuite.core.errors import InputError
from medsuite.core.stats import Interval, wilson_interval
from medsuite.med_r1.schema import Question, QuestionSet

FOLDS = 5

Words = Callable[[Question, str], list[str]]
"""What a reader without the image sees of an option of a question."""


@dataclass(frozen=True)
class SubsetAudit:
    """What the options of one subset give away.

    Attributes:
        subset: Its name.
        questions: How many it has.
        chance: Accuracy of a uniform guess.
        words: Accuracy of the logistic regression, with its 95 % interval.
        table: Accuracy of the table of right answers.
        with_question: Accuracy of the logistic regression that also reads the question, with its 95 % interval.
        longest: Accuracy of always taking the longest option.
        letter: Accuracy of always giving the most frequent letter.
        overlap: Share of the distinct right answers that are a wrong option anywhere.
    """

    subset: str
    questions: int
    chance: float
    words: Interval
    table: float
    with_question: Interval
    longest: float
    letter: float
    overlap: float

    @property
    def verdict(self) -> str:
        """`text-solvable` if options, or question and options, beat a guess, else `usable`."""
        return "text-solvable" if max(self.words.low, self.with_question.low) > self.chance else "usable"


@dataclass(frozen=True)
class Audit:
    """The audit of a question set.

    Attributes:
        subsets: One entry a subset.
        ambiguous: Ids of the questions of which another option reads like the right one.
    """

    subsets: tuple[SubsetAudit, ...]
    ambiguous: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether no subset is text-solvable."""
        return all(each.verdict == "usable" for each in self.subsets)

    def __str__(self) -> str:
        head = f"{'subset':<12} {'n':>5} {'chance':>7} {'options only':>20} {'table':>6} {'+question':>9} "
        head += f"{'longest':>8} {'letter':>7} {'overlap':>8}  verdict"
        lines = [head]
        for each in self.subsets:
            words = f"{each.words.estimate:.3f} [{each.words.low:.3f}, {each.words.high:.3f}]"
            lines.append(
                f"{each.subset:<12} {each.questions:>5} {each.chance:>7.3f} {words:>20} {each.table:>6.3f} "
                f"{each.with_question.estimate:>9.3f} {each.longest:>8.3f} {each.letter:>7.3f} "
                f"{each.overlap:>8.2f}  {each.verdict}"
            )
        if self.ambiguous:
            lines.append(f"{len(self.ambiguous)} questions have two right letters, such as {self.ambiguous[0]}")
        return "\n".join(lines)


def audit(questions: QuestionSet, rng: np.random.Generator) -> Audit:
    """Audit each subset by itself, in five folds.

    Args:
        questions: The set; its pictures are not read.
        rng: Source of the folds.

    Raises:
        InputError: A subset has fewer questions than folds.
    """
    subsets = tuple(_audit_subset(questions.subset(name), name, rng) for name in questions.subsets)
    return Audit(subsets, tuple(question.id for question in questions if question.is_ambiguous))


def _audit_subset(questions: QuestionSet, name: str, rng: np.random.Generator) -> SubsetAudit:
    items = questions.questions
    if len(items) < FOLDS:
        raise InputError(f"subset {name} has {len(items)} questions", expected=f"at least {FOLDS} to audit")
    folds = rng.permutation(np.arange(len(items)) % FOLDS)
    words = cross_validated(items, folds, option_words)
    rights = {question.answer_text for question in items}
    wrongs = {option for question in items for option in question.options if option != question.answer_text}
    return SubsetAudit(
        subset=name,
        questions=len(items),
        chance=questions.chance,
        words=wilson_interval(int(words.sum()), len(items)),
        table=float(np.mean(lookup(items, folds))),
        with_question=wilson_interval(int(cross_validated(items, folds, question_and_option_words).sum()), len(items)),
        longest=float(np.mean([_longest(question) == question.answer for question in items])),
        letter=max(Counter(question.letter for question in items).values()) / len(items),
        overlap=len(rights & wrongs) / len(rights),
    )


def cross_validated(
    items: Sequence[Question], folds: Int[np.ndarray, " question"], words: Words
) -> Bool[np.ndarray, " question"]:
    """Tell which questions a logistic regression over words gets right, each asked of a model that did not see it.

    Every option is one example, right or wrong; the option with the largest logit is the answer.

    Args:
        items: Questions of one subset.
        folds: The fold of each.
        words: What is read of an option.
    """
    right = np.zeros(len(items), bool)
    for fold in range(FOLDS):
        train = [items[place] for place in np.flatnonzero(folds != fold).tolist()]
        held_out = np.flatnonzero(folds == fold).tolist()
        scores = option_scores(train, [items[place] for place in held_out], words)
        for place, score in zip(held_out, scores, strict=True):
            right[place] = int(np.argmax(score)) == items[place].answer
    return right


def option_scores(
    train: Sequence[Question], test: Sequence[Question], words: Words
) -> list[Float[np.ndarray, " option"]]:
    """Fit the words of options on some questions and score the options of others.

    Args:
        train: Questions to learn from.
        test: Questions to score.
        words: What is read of an option.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    texts = [words(question, option) for question in train for option in question.options]
    right = [place == question.answer for question in train for place in range(len(question.options))]
    model = make_pipeline(CountVectorizer(analyzer=list, binary=True), LogisticRegression(C=10.0, max_iter=500)).fit(
        texts, right
    )
    flat = model.decision_function([words(question, option) for question in test for option in question.options])
    ends = np.cumsum([len(question.options) for question in test])[:-1]
    return np.split(flat, ends)


def option_words(question: Question, option: str) -> list[str]:  # noqa: ARG001
    """Return the words of an option, and the option as a whole."""
    words = option.lower().split()
    return [*words, "=" + " ".join(words)]


def question_and_option_words(question: Question, option: str) -> list[str]:
    """Return the words of an option, alone and each joined with the question."""
    words = option_words(question, option)
    return [*words, *(f"{question.question.lower()} & {word}" for word in words)]


def lookup(items: Sequence[Question], folds: Int[np.ndarray, " question"]) -> Float[np.ndarray, " question"]:
    """Score a table of how often a text was right, in the other folds; ties count as a guess among them.

    Args:
        items: Questions of one subset.
        folds: The fold of each.
    """
    scores = np.zeros(len(items))
    for fold in range(FOLDS):
        seen = [items[place] for place in np.flatnonzero(folds != fold).tolist()]
        rights = Counter(question.answer_text for question in seen)
        shown = Counter(option for question in seen for option in question.options)
        for place in np.flatnonzero(folds == fold).tolist():
            rates = [(rights[option] + 0.5) / (shown[option] + 2.0) for option in items[place].options]
            best = [index for index, rate in enumerate(rates) if rate == max(rates)]
            scores[place] = (items[place].answer in best) / len(best)
    return scores


def _longest(question: Question) -> int:
    return max(range(len(question.options)), key=lambda place: len(question.options[place]))
