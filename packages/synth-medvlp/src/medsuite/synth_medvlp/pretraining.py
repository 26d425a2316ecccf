"""Training on a folder of shards and asking a saved model about another: what the commands call."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, UInt8

from medsuite.core.errors import InputError, unknown_name
from medsuite.core.runs import write_atomically
from medsuite.synth_medvlp.model import DualEncoder, Sizes, embed_films, load_model, save_model
from medsuite.synth_medvlp.records import read_record
from medsuite.synth_medvlp.shards import Sample, read_manifest, read_samples
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
        wanted = set(keys.read_text(encoding="utf-8-sig").split())
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
            InputError: A sample does not say what is in its film, or names a finding that the vocabulary does not have.
        """
        rows = []
        for sample in self.samples:
            present = findings_of(sample)
            rows.append([name in present for name in FINDINGS])
        return np.array(rows, dtype=bool)


def findings_of(sample: Sample) -> set[str]:
    """Return what is truly in a sample's film.

    Raises:
        InputError: The sample does not say so, or names a finding that the vocabulary does not have.
    """
    if "findings" not in sample.meta:
        raise InputError(f"{sample.key}.json has no findings", expected="what is in the film, to measure against")
    try:
        present = {str(finding["concept"]) for finding in sample.meta["findings"]}
    except (TypeError, KeyError) as error:
        given = f"findings of {sample.key}.json are {sample.meta['findings']!r:.60}"
        raise InputError(given, expected='a list such as [{"concept": "nodule"}]') from error
    if unknown := sorted(present - set(FINDINGS)):
        raise unknown_name(f"finding in {sample.key}.json", unknown[0], FINDINGS)
    return present


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
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file", expected="a folder for the model")
    pairs = LoadedPairs.read(folder) if keep is None else LoadedPairs.read(folder).kept(keep)
    bank = SentenceBank.encode([sentence for report in pairs.sentences for sentence in report], texts)
    torch.manual_seed(seed)
    model = DualEncoder(Sizes(text=bank.pooled.shape[1]))
    schedule = schedule or Schedule(500)
    training = Pairs(torch.from_numpy(pairs.films), bank.rows(pairs.sentences))
    fitted = fit(model, training, bank, loss, schedule, torch.Generator().manual_seed(seed), progress)
    save_model(model, out)
    used = {"data": str(folder), "loss": loss, "seed": seed, "texts": texts, "pairs": len(training)}
    used |= provenance(folder, pairs)
    write_atomically(out / TRAINING, json.dumps(used | asdict(schedule) | asdict(fitted), indent=2) + "\n")
    return fitted


def evaluate_on(model_folder: Path, data: Path) -> ZeroShot:
    """Ask a saved model for every finding of the vocabulary in a folder of shards.

    Raises:
        InputError: The model or the data cannot be used, the model was trained on these films or on these simulated
            patients, or no finding is in some films and not in others.
    """
    model, record = load_model(model_folder), _how_trained(model_folder)
    pairs, prompts = LoadedPairs.read(data), Prompts.of(FINDINGS)
    refuse_overlap(f"{model_folder} was trained on", record, data, provenance(data, pairs))
    bank = SentenceBank.encode(prompts.sentences, str(record.get("texts", PACKAGED)))
    images = embed_films(model, torch.from_numpy(pairs.films))
    result = zero_shot(model, images, pairs.labels, prompts, bank)
    if len(result.undefined) == len(result.classes):
        raise InputError(f"no finding is in some films of {data} and not in others", expected="films to tell apart")
    return result


def provenance(folder: Path, pairs: LoadedPairs) -> dict[str, list[object]]:
    """Say what tells two data sets of the same films: the hashes of the shards, and the simulator's seeds.

    A simulated patient belongs to a seed, whatever domain and dirt he is drawn in.
    """
    origins = [sample.meta.get("origin") for sample in pairs.samples]
    seeds = {origin["seed"] for origin in origins if isinstance(origin, dict) and "seed" in origin}
    return {"shards": sorted(shard.sha256 for shard in read_manifest(folder)), "patients": sorted(seeds, key=str)}


def refuse_overlap(said: str, used: Mapping[str, Any], folder: Path, provenance: Mapping[str, Any]) -> None:
    """Refuse films that were already used for something else.

    Args:
        said: Beginning of the message, such as `"MODEL was trained on"`.
        used: Provenance of what was used.
        folder: Films that are about to be used.
        provenance: Their provenance.

    Raises:
        InputError: Both share a shard, or simulated patients.
    """
    if set(used.get("shards", ())) & set(provenance["shards"]):
        raise InputError(f"{said} films of {folder}", expected="other films")
    if shared := [seed for seed in used.get("patients", ()) if seed in provenance["patients"]]:
        given = f"{said} the simulated patients of seed {shared[0]}, who are in {folder} too"
        raise InputError(given, expected="other patients", fix="generate with another --seed")


def _how_trained(model_folder: Path) -> dict[str, Any]:
    """Read how a model was trained; empty for one that was not trained here."""
    return read_record(model_folder / TRAINING, expected="what train wrote", fix="train the model again")


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
