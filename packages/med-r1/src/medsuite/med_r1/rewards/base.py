"""What a reward is: a pure function of a completion and its question."""

from typing import Protocol, runtime_checkable

from medsuite.med_r1.schema import Question


@runtime_checkable
class Reward(Protocol):
    """Scores one completion of one question; the higher the better."""

    def __call__(self, completion: str, question: Question) -> float:
        """Return the reward, a finite number."""
