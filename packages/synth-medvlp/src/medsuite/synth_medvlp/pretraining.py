"""Training on a folder of shards and asking a saved model about another: what the commands call."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, UInt8

from medsuite.core.errors import InputError
from medsuite.core.runs import write_atomically
from medsuite.synth_medvlp.model import DualEncoder, Sizes, embed_films, load_model, save_model
from medsuite.synth_medvlp.shards import Sample, read_samples
from medsuite.synth_medvlp.texts import PACKAGED, SentenceBank
from medsuite.synth_medvlp.training import Fitted, Pairs, Schedule, fit
from medsuite.synth_medvlp.vocabulary import FINDINGS
from medsuite.synth_medvlp.zeroshot import VERSION, Prompts, ZeroShot, zero_shot

TRAINING = "training.json"
_HEADING = re.compile(r"^\s*[A-Z][A-Z ]+:", re.MULTILINE)


@dataclass(frozen=True)
class LoadedPairs:
    """The pairs of a folder in memory."""

    samples: tuple[Sample, ...]
    films: UInt8[np.ndarray, "film height width"]

    @classmethod
    def read(cls, folder: Path) -> "LoadedPairs":
        """Read all shards of a folder.

        Raises:
            InputError: The folder cannot be read, or its films differ in size.
        """
        samples = tuple(read_samples(folder))
        shapes = {sample.film.shape for sample in samples}
        if len(shapes) > 1:
            raise InputError(f"{folder} has films of {sorted(shapes)} pixels", expected="one size")
        return cls(samples, np.stack([sample.film for sample in samples]))

    def kept(self, keys: Path) -> "LoadedPairs":
        """Return the pairs that a file lists, one key a line, such as `data curate` writes it.

        Raises:
            InputError: There is no such file, it lists a key that is not here, or none.
        """
        if not keys.is_file():
            raise InputError(f"{keys} does not exist", expected="a file with one key a line")
        wanted = set(keys.read_text().split())
        if unknown := wanted - {sample.key for sample in self.samples}:
            raise InputError(f"{keys} lists {len(unknown)} keys that are not in the data, such as {min(unknown)!r}")
        places = [place for place, sample in enumerate(self.samples) if sample.key in wanted]
        if not places:
            raise InputError(f"{keys} lists no key", expected="the keys of the pairs to keep")
        return LoadedPairs(tuple(self.samples[place] for place in places), self.films[places])

    @property
    def sentences(self) -> list[tuple[str, ...]]:
        """The sentences of each report, without headings."""
        return [sentences_of(sample.report) for sample in self.samples]

    @property
    def labels(self) -> Bool[np.ndarray, "film finding"]:
        """Which findings each film truly has.

        Raises:
            InputError: A sample does not say what is in its film.
        """
        rows = []
        for sample in self.samples:
            if "findings" not in sample.meta:
                raise InputError(
                    f"{sample.key}.json has no findings", expected="what is in the film, to measure against"
                )
            present = {finding["concept"] for finding in sample.meta["findings"]}
            rows.append([name in present for name in FINDINGS])
        return np.array(rows, dtype=bool)


def sentences_of(report: str) -> tuple[str, ...]:
    """Split a report into sentences, headings left out.

    Raises:
        InputError: Nothing is left.
    """
    body = _HEADING.sub(" ", report)
    sentences = tuple(" ".join(part.split()) for part in re.split(r"(?<=[.!?])\s+", body) if re.search(r"\w", part))
    if not sentences:
        raise InputError(f"report {report[:40]!r} has no sentence", expected="text besides its headings")
    return sentences


def train_on(
    folder: Path,
    out: Path,
    loss: str = "clip",
    schedule: Schedule | None = None,
    seed: int = 0,
    progress: Callable[[float], None] = lambda _: None,
    texts: str = PACKAGED,
    keep: Path | None = None,
) -> Fitted:
    """Pre-train a dual encoder on a folder of shards and save it.

    Args:
        folder: Data set.
        out: Where the model goes.
        loss: clip, convirt or gloria.
        schedule: How long and how fast; 500 steps when left out.
        seed: Seed of weights, order and shifts.
        progress: Told the share of the steps that are done.
        texts: The frozen sentence encoder: a packaged name, a folder or a hub id.
        keep: File with the keys of the pairs to train on; all when left out.

    Raises:
        InputError: The data cannot be used.
    """
    pairs = LoadedPairs.read(folder) if keep is None else LoadedPairs.read(folder).kept(keep)
    bank = SentenceBank.encode([sentence for report in pairs.sentences for sentence in report], texts)
    torch.manual_seed(seed)
    model = DualEncoder(Sizes(text=bank.pooled.shape[1]))
    schedule = schedule or Schedule(500)
    training = Pairs(torch.from_numpy(pairs.films), bank.rows(pairs.sentences))
    fitted = fit(model, training, bank, loss, schedule, torch.Generator().manual_seed(seed), progress)
    save_model(model, out)
    used = {"data": str(folder), "loss": loss, "seed": seed, "texts": texts, "pairs": len(training)}
    write_atomically(out / TRAINING, json.dumps(used | asdict(schedule) | asdict(fitted), indent=2) + "\n")
    return fitted


def evaluate_on(model_folder: Path, data: Path) -> ZeroShot:
    """Ask a saved model for every finding of the vocabulary in a folder of shards.

    Raises:
        InputError: The model or the data cannot be used, or the model was trained on this very data.
    """
    model = load_model(model_folder)
    record = json.loads((model_folder / TRAINING).read_text()) if (model_folder / TRAINING).is_file() else {}
    pairs, prompts = LoadedPairs.read(data), Prompts.of(FINDINGS)
    if record.get("data") and Path(record["data"]).resolve() == data.resolve():
        raise InputError(f"{model_folder} was trained on {data}", expected="other films to test on")
    bank = SentenceBank.encode(prompts.sentences, record.get("texts", PACKAGED))
    return zero_shot(model, embed_films(model, torch.from_numpy(pairs.films)), pairs.labels, prompts, bank)


def to_json(result: ZeroShot) -> dict[str, object]:
    """Turn a result into JSON values; an undefined AUROC is null."""
    listed = zip(result.classes, result.ensemble.tolist(), strict=True)
    return {
        "prompts": VERSION,
        "auroc": {name: None if np.isnan(value) else value for name, value in listed},
        "mean": result.macro,
        "worst_prompts": result.worst,
        "prompt_spread": list(result.spread),
        "undefined": list(result.undefined),
    }
