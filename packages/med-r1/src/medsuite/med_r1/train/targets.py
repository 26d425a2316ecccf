"""What supervised fine-tuning learns: a policy's own right answers."""

from medsuite.med_r1.evaluation.engine import answer
from medsuite.med_r1.extract import parse
from medsuite.med_r1.policy import Policy
from medsuite.med_r1.schema import Question, QuestionSet


def own_samples(
    policy: Policy,
    questions: QuestionSet,
    *,
    tries: int,
    style: str = "clean",
    new_tokens: int = 512,
    batch: int = 64,
    seed: int = 0,
) -> list[tuple[Question, str]]:
    """Sample a policy and return its first right answer to each question (rejection sampling, Yuan et al. 2023).

    Questions that it never answers rightly are left out, and so are right letters in a wrong format.

    Args:
        policy: The policy, sampled at temperature 1.
        questions: What to ask.
        tries: Samples of each question.
        style: Prompt style.
        new_tokens: Longest completion.
        batch: Completions that are generated together.
        seed: Of the sampling.
    """
    texts = answer(
        policy,
        questions,
        style=style,
        new_tokens=new_tokens,
        batch=batch,
        temperature=1.0,
        tries=tries,
        seed=seed,
    )
    kept = []
    for question, samples in zip(questions, texts, strict=True):
        right = [text for text in samples if parse(text, "exact").letter == question.letter]
        if right:
            kept.append((question, right[0]))
    return kept
