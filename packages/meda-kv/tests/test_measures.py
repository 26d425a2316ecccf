"""The measures of the benchmarks against slow definitions and worked examples."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medsuite.meda_kv.evaluate import measures

WORDS = st.lists(st.sampled_from(["heart", "lung", "rib", "aorta"]), min_size=1, max_size=8)


def longest_common(first, second):
    """Length of the longest common subsequence, from its recursion."""
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for row, left in enumerate(first, start=1):
        for column, right in enumerate(second, start=1):
            longer = max(table[row - 1][column], table[row][column - 1])
            table[row][column] = table[row - 1][column - 1] + 1 if left == right else longer
    return table[-1][-1]


def f1(shared, first, second):
    return 2 * shared / (first + second)


@settings(deadline=None, max_examples=30)
@given(WORDS, WORDS)
def test_rouge_l_is_the_f1_of_the_longest_common_subsequence(answer, reference):
    expected = f1(longest_common(answer, reference), len(answer), len(reference))
    assert measures.rouge_l(" ".join(answer), " ".join(reference)) == pytest.approx(expected)


@settings(deadline=None, max_examples=30)
@given(WORDS, WORDS)
def test_word_f1_takes_each_word_as_often_as_both_have_it(answer, reference):
    left, shared = list(reference), 0
    for word in answer:
        if word in left:
            left.remove(word)
            shared += 1
    assert measures.word_f1(answer, reference) == pytest.approx(f1(shared, len(answer), len(reference)))


@settings(deadline=None, max_examples=30)
@given(st.text("abc =", max_size=12), st.text("abc =", min_size=1, max_size=12))
def test_code_similarity_counts_the_letters_that_need_no_edit(answer, reference):
    expected = f1(longest_common(answer, reference), len(answer), len(reference))
    assert measures.code_similarity(answer, reference) == pytest.approx(expected, abs=0.0051)


def test_code_similarity_takes_the_first_line_that_is_code():
    assert measures.code_similarity("\n```python\n# a comment\nreturn x\nx = 2", "return x") == 1.0


@pytest.mark.parametrize(
    ("answer", "reference", "grade"),
    [
        ("The Heart!", "a heart", 1.0),
        ("It is the left lung.", "left lung", f1(2, 4, 2)),
        ("no idea", "left lung", 0.0),
        ("", "left lung", 0.0),
    ],
)
def test_qa_f1_ignores_case_punctuation_and_articles(answer, reference, grade):
    assert measures.qa_f1(answer, reference) == pytest.approx(grade)


def test_chinese_is_compared_by_words():
    assert measures.qa_f1_chinese("北京。", "北京") == 1.0
    assert measures.rouge_l_chinese("我来到北京", "我来到北京") == pytest.approx(1.0)
    assert 0 < measures.rouge_l_chinese("我来到北京", "我来到上海") < 1


@pytest.mark.parametrize(
    ("answer", "grade"),
    [("Type: Number of days", 1.0), ("Number or Other number", 0.5), ("Food", 0.0), ("", 0.0)],
)
def test_classification_is_shared_among_the_classes_that_are_named(answer, grade):
    assert measures.classification(answer, "Number", ["Number", "Other number", "Food"]) == grade


def test_classes_that_are_part_of_the_right_one_do_not_count():
    assert measures.classification("Other number", "Other number", ["number", "Other", "Other number"]) == 1.0


@pytest.mark.parametrize(
    ("answer", "reference", "grade"),
    [
        ("Paragraph 12", "Paragraph 12", 1.0),
        ("12 or 3", "Paragraph 12", 0.5),
        ("段落7", "段落7", 1.0),
        ("There are 9 paragraphs.", "9", 1.0),
        ("112", "12", 0.0),
        ("none", "12", 0.0),
    ],
)
def test_numbers_count_by_their_share_of_right_ones(answer, reference, grade):
    assert measures.matching_numbers(answer, reference) == grade


def test_ruler_counts_the_references_that_are_contained():
    assert measures.all_contained("7 and\x00 42", ["7", "42", "5"]) == pytest.approx(2 / 3)
    assert measures.any_contained("In PARIS.", ["Paris", "Rome"]) == 1.0
    assert measures.any_contained("Oslo", ["Paris", "Rome"]) == 0.0


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("A red car, and a blue one.", "a red car and a blue one"),
        ("left/right", "left right"),
        ("Costs 3.5 or 1,000", "costs 3.5 or 1000"),
        ("'quoted'\n", "quoted"),
    ],
)
def test_milebench_compares_plain_texts(text, plain):
    assert measures.milebench_plain(text) == plain


CHOICES = ["a cat", "a dog", "a horse"]


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ("B", "a dog"),
        ("b. a dog", "a dog"),
        ("It is a dog.", "a dog"),
        ("adog", "a dog"),
        ("", "a horse"),
        ("I see a horse and a cat", "a horse"),
    ],
)
def test_milebench_takes_the_choice_that_an_answer_names_first(answer, right):
    grades = {choice: measures.milebench_choice(answer, choice, CHOICES) for choice in CHOICES}
    assert grades == {choice: float(choice == right) for choice in CHOICES}


def test_a_needle_must_be_a_word_of_the_answer():
    assert measures.milebench_needle("The code is 7Q3.", "7Q3") == 1.0
    assert measures.milebench_needle("The code is 17Q3.", "7Q3") == 0.0
    assert measures.milebench_contained("The code is 17Q3.", "7Q3") == 1.0


@pytest.mark.parametrize(
    ("answer", "grade"), [("The best answer is B.", 1.0), ("B", 1.0), ("(B) or C", 1.0), ("A", 0.0), ("it is so", 0.0)]
)
def test_an_option_is_its_first_letter(answer, grade):
    assert measures.option_letter(answer, "B") == grade


def test_the_best_reference_counts_and_only_the_first_line_where_that_is_the_rule():
    grade = measures.against(measures.qa_f1, ["heart", "left lung"])
    assert grade("left lung") == 1.0
    assert measures.first_line(grade)("\nleft lung\nand more words") == 1.0
    assert grade("left lung\nand more words") < 1.0
