"""Curation of a folder: thresholds from films that somebody looked at, and the list of keys that are kept."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool

from medsuite.core.errors import InputError
from medsuite.core.runs import write_atomically
from medsuite.synth_medvlp.curation import Curator, measure_curation
from medsuite.synth_medvlp.pretraining import LoadedPairs, provenance, refuse_overlap
from medsuite.synth_medvlp.vocabulary import FINDINGS


def sort_out(folder: Path, reference: Path, out: Path, allowed: float = 0.01) -> list[str]:
    """Reject films of a folder and write the keys of the others, which a training can be filtered by.

    Args:
        folder: Data set to sort.
        reference: Another data set, whose samples say in `fault` whether their film is good.
        out: File for the kept keys, one a line.
        allowed: Share of good films that each test may reject.

    Returns:
        Lines on what was rejected; with precision and recall where the folder's faults are known, too.

    Raises:
        InputError: A data set cannot be used, or both hold the same films or simulated patients.
    """
    if folder.resolve() == reference.resolve():
        raise InputError(f"{reference} is both sorted and reference", expected="thresholds chosen on other films")
    if out.is_dir():
        raise InputError(f"{out} is a folder", expected="a file for the kept keys")
    looked_at, pairs = LoadedPairs.read(reference), LoadedPairs.read(folder)
    said = f"thresholds are chosen on {reference}, which has"
    refuse_overlap(said, provenance(reference, looked_at), folder, provenance(folder, pairs))
    suspect = Curator.fit(looked_at.films, is_bad(looked_at), allowed).suspect(pairs.films)
    rejected = np.any(list(suspect.values()), axis=0)
    kept = [sample.key for sample, bad in zip(pairs.samples, rejected, strict=True) if not bad]
    write_atomically(out, "".join(f"{key}\n" for key in kept))
    lines = [f"{len(kept)} of {len(rejected)} films kept"]
    lines += [f"  {int(values.sum()):6d} {name}" for name, values in suspect.items()]
    return lines + _measured(pairs, rejected)


def is_bad(pairs: LoadedPairs) -> Bool[np.ndarray, "film"]:
    """Tell which films are known to be bad.

    Raises:
        InputError: A sample does not say so.
    """
    for sample in pairs.samples:
        if "fault" not in sample.meta:
            raise InputError(f"{sample.key}.json has no fault", expected="'good' or what is wrong with the film")
    return np.array([sample.meta["fault"] != "good" for sample in pairs.samples])


def _measured(pairs: LoadedPairs, rejected: Bool[np.ndarray, "film"]) -> list[str]:
    if not all("fault" in sample.meta and "findings" in sample.meta for sample in pairs.samples):
        return []
    bad = is_bad(pairs)
    if not bad.any():
        return [f"no film is known to be bad; {rejected.mean():.1%} were rejected"]
    found = measure_curation(rejected, bad, pairs.labels, FINDINGS)
    worst = max(found.lost, key=lambda name: found.lost[name])
    return [
        f"precision {found.precision}",
        f"recall {found.recall}",
        f"good films lost: at most {found.lost[worst]:.1%} of a finding ({worst})",
    ]
