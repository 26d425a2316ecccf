from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.pipeline import make_pipeline

from medsuite.core.errors import InputError
from medsuite.med_r1 import Question, QuestionSet, audit
from medsuite.med_r1.auditing import cross_validated, lookup, option_words, question_and_option_words

RIGHTS, OTHERS = ("edema", "fracture", "nodule line"), ("skin", "blood", "tumour mark", "stones")


def make(count, rights, wrongs, seed=0):
    rng = np.random.default_rng(seed)
    questions = []
    for number in range(count):
        right = rights[rng.integers(len(rights))]
        options = rng.permutation([right, *rng.permutation([w for w in wrongs if w != right])[:3]]).tolist()
        questions.append(Question(str(number), "i", "What?", tuple(options), options.index(right), "MR"))
    return QuestionSet(tuple(questions), {})


@pytest.fixture
def leaky():
    return make(200, RIGHTS, OTHERS)


@pytest.fixture
def honest():
    words = ("edema", "fracture", "nodule", "mass", "cyst")
    return make(200, words, words, seed=1)


def test_a_set_whose_distractors_are_never_right_is_solved_from_its_options(leaky, rng):
    (result,) = audit(leaky, rng).subsets
    assert result.words.estimate == 1
    assert result.table == 1
    assert (result.overlap, result.verdict) == (0, "text-solvable")


def test_a_set_with_one_vocabulary_is_not(honest, rng):
    (result,) = audit(honest, rng).subsets
    assert result.words.low <= 0.25 <= result.words.high
    assert (result.overlap, result.verdict, result.chance) == (1, "usable", 0.25)


def test_the_verdict_is_printed_a_line_a_subset(leaky, rng):
    lines = str(audit(leaky, rng)).splitlines()
    assert len(lines) == 2
    assert lines[1].split()[0] == "MR"
    assert lines[1].endswith("text-solvable")


def test_the_regression_is_scikit_learn_s_own_on_the_same_folds(leaky, honest, rng):
    for questions in (leaky, honest):
        items = questions.questions
        folds = rng.permutation(np.arange(len(items)) % 5)
        texts = [option_words(each, option) for each in items for option in each.options]
        right = [place == each.answer for each in items for place in range(4)]
        model = make_pipeline(CountVectorizer(analyzer=list, binary=True), LogisticRegression(C=10.0, max_iter=500))
        split = PredefinedSplit(np.repeat(folds, 4))
        logits = cross_val_predict(model, texts, right, cv=split, method="decision_function").reshape(-1, 4)
        expected = logits.argmax(axis=1) == [each.answer for each in items]
        assert np.array_equal(cross_validated(items, folds, option_words), expected)


def test_the_table_counts_how_often_a_text_was_right(honest, rng):
    items = honest.questions
    folds = rng.permutation(np.arange(len(items)) % 5)
    scores = lookup(items, folds)
    for place in (0, 57, 199):
        seen = [each for each, fold in zip(items, folds, strict=True) if fold != folds[place]]
        right = Counter(each.answer_text for each in seen)
        shown = Counter(option for each in seen for option in each.options)
        rates = [(right[option] + 0.5) / (shown[option] + 2) for option in items[place].options]
        best = [option for option, rate in zip(items[place].options, rates, strict=True) if rate == max(rates)]
        assert scores[place] == (items[place].answer_text in best) / len(best)


def test_random_keys_take_the_leak_away(leaky, rng):
    shuffled = tuple(Question(each.id, "i", each.question, each.options, int(rng.integers(4)), "MR") for each in leaky)
    (result,) = audit(QuestionSet(shuffled, {}), rng).subsets
    assert result.words.low < 0.25


def test_the_longest_option_and_the_most_frequent_letter_are_counted(rng):
    options = ("short", "the longest option", "mid one")
    items = tuple(Question(str(n), "i", "What?", options, 1 if n < 7 else 0, "CT") for n in range(10))
    (result,) = audit(QuestionSet(items, {}), rng).subsets
    assert (result.longest, result.letter) == (0.7, 0.7)


def test_the_question_is_read_where_it_matters():
    """Each question has its own answer among the same options, so options alone do not help."""
    items = tuple(Question(str(n), "i", f"What is {'ab'[n % 2]}?", ("first", "second"), n % 2, "MR") for n in range(60))
    folds = np.random.default_rng(0).permutation(np.arange(60) % 5)
    assert cross_validated(items, folds, question_and_option_words).all()
    assert cross_validated(items, folds, option_words).mean() < 0.7


def test_what_the_question_gives_away_together_with_the_options_is_a_verdict_too(rng):
    """Options alone are a coin; the question says which word is right. No image is needed all the same."""
    items = tuple(
        Question(
            str(n), "i", f"What is {'ab'[n % 2]}?", ("first", "second")[:: 1 - 2 * (n % 3 % 2)], (n + n % 3) % 2, "MR"
        )
        for n in range(120)
    )
    assert {(each.question, each.answer_text) for each in items} == {("What is a?", "first"), ("What is b?", "second")}
    result = audit(QuestionSet(items, {}), rng)
    (part,) = result.subsets
    assert part.words.low <= part.chance
    assert part.with_question.estimate == 1
    assert (part.verdict, result.usable) == ("text-solvable", False)


def test_questions_with_two_right_letters_are_listed(honest, rng):
    first, *others = honest.questions
    twin = Question(first.id, "i", "What?", ("Edema.", "mass", " edema", "cyst"), 2, "MR")
    result = audit(QuestionSet((twin, *others), {}), rng)
    assert result.ambiguous == (first.id,)
    assert str(result).splitlines()[-1] == f"1 questions have two right letters, such as {first.id}"


def test_an_audit_takes_options_of_any_script_length_and_number(rng):
    words = ["Ödem", "骨折", "узел", "x" * 5000, "a\nb\tc", "no, it's 100 % normal (really).", "α-β", "é"]
    items = []
    for number in range(40):
        options = tuple(rng.permutation(words)[: 2 + number % 5].tolist())
        items.append(Question(str(number), "i", "Was?", options, int(rng.integers(len(options))), "MR"))
    (result,) = audit(QuestionSet(tuple(items), {}), rng).subsets
    assert result.chance == pytest.approx(np.mean([1 / len(each.options) for each in items]))
    assert 0 <= result.words.low <= result.words.estimate <= result.words.high <= 1


def test_too_few_questions_are_refused(rng):
    with pytest.raises(InputError, match="subset MR has 4 questions"):
        audit(make(4, RIGHTS, OTHERS), rng)
