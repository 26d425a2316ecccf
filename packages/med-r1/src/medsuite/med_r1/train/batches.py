"""Batches of questions with their written answers: text is tokenised once, pictures are prepared once.

trl's own collator decodes and prepares every picture again in every epoch, which at toy size takes as long as the step
itself. The batch is what trl's collator makes: the chat template around prompt and completion, the loss on the
completion alone.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from trl.data_utils import apply_chat_template

from medsuite.med_r1.prompts import conversation
from medsuite.med_r1.schema import Question, QuestionSet

IGNORED = -100
"""Label of a token that has no loss."""
KEPT_BYTES = 1 << 30
"""Prepared pictures that are kept in memory; further ones are prepared at each use."""
TEXT = ("input_ids", "attention_mask", "mm_token_type_ids", "token_type_ids")
"""What a processor returns of the text; the rest is of the picture."""


class Collator:
    """Turns rows into batches for a trainer.

    Args:
        processor: The policy's processor.
        questions: Whose pictures the rows name.
    """

    def __init__(self, processor: Any, questions: QuestionSet) -> None:
        self.processor = processor
        self.questions = questions
        self._pictures: dict[str, Mapping[str, Tensor]] = {}
        self._bytes = 0

    def rows(self, targets: Sequence[tuple[Question, str]], style: str) -> Dataset:
        """Tokenise questions with their answers, one row each: `input_ids`, `labels`, `kinds` and `picture`.

        Args:
            targets: Questions with the completion to learn.
            style: Prompt style.
        """
        rows = [self._row(question, answer, style) for question, answer in targets]
        return Dataset.from_list(rows)

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Pad rows on the right and put their pictures in a row."""
        longest = max(len(row["input_ids"]) for row in rows)
        pad = self.processor.tokenizer.pad_token_id
        batch = {
            "input_ids": _padded(rows, "input_ids", longest, pad),
            "labels": _padded(rows, "labels", longest, IGNORED),
            "attention_mask": torch.tensor(
                [[1] * len(row["input_ids"]) + [0] * (longest - len(row["input_ids"])) for row in rows]
            ),
        }
        if rows[0]["kinds"]:
            batch["mm_token_type_ids"] = _padded(rows, "kinds", longest, 0)
        pictures = [self._picture(row["picture"]) for row in rows]
        return batch | {name: torch.cat([picture[name] for picture in pictures]) for name in pictures[0]}

    def _row(self, question: Question, answer: str, style: str) -> dict[str, Any]:
        turn = {"prompt": conversation(question, style), "completion": [{"role": "assistant", "content": answer}]}
        text = apply_chat_template(turn, self.processor)
        encoded = self.processor(text=[text["prompt"]], images=[self.questions.picture(question)], return_tensors="pt")
        prompt = encoded["input_ids"][0].tolist()
        completion = self.processor.tokenizer(text["completion"], add_special_tokens=False)["input_ids"]
        kinds = encoded["mm_token_type_ids"][0].tolist() if "mm_token_type_ids" in encoded else []
        self._keep(question.image, {name: value for name, value in encoded.items() if name not in TEXT})
        return {
            "input_ids": prompt + completion,
            "labels": [IGNORED] * len(prompt) + completion,
            "kinds": kinds + [0] * len(completion) if kinds else [],
            "picture": question.image,
        }

    def _picture(self, name: str) -> Mapping[str, Tensor]:
        if name not in self._pictures:
            prepared = dict(self.processor.image_processor(images=[self.questions.pictures[name]], return_tensors="pt"))
            self._keep(name, prepared)
            return prepared
        return self._pictures[name]

    def _keep(self, name: str, prepared: Mapping[str, Tensor]) -> None:
        size = sum(value.nbytes for value in prepared.values())
        if name not in self._pictures and self._bytes + size <= KEPT_BYTES:
            self._pictures[name] = prepared
            self._bytes += size


def _padded(rows: Sequence[Mapping[str, Any]], column: str, length: int, value: int) -> Tensor:
    return torch.tensor([row[column] + [value] * (length - len(row[column])) for row in rows])
