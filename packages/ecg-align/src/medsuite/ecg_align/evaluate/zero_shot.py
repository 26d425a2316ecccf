"""Zero-shot on compositions never trained: one fold, one encoder, one query network for each kind of text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from medsuite.core.claims import Context, Job, Measurement
from medsuite.core.stats import auroc
from medsuite.ecg_align.evaluate.cohort import Cohort, draw_cohort, refuse_data
from medsuite.ecg_align.leads import INDEPENDENT
from medsuite.ecg_align.losses import masked_bce
from medsuite.ecg_align.models.mixing import MixingEncoder, shifted
from medsuite.ecg_align.models.query_network import QueryNetwork
from medsuite.ecg_align.models.text import TextSpace, embed
from medsuite.ecg_align.queries import clinical_name, code, knowledge, same_change_elsewhere
from medsuite.ecg_align.simulate.findings import CHANGES, COLUMN, FINDINGS, WALLS, Finding, finding
from medsuite.ecg_align.training import Schedule, fit, use_one_thread

FAR = ("RBBB", "bradycardia")
"""Held out in every fold; nothing in training shares their attributes, only their opposites do."""

TEXTS: dict[str, Callable[[str], str]] = {"knowledge": knowledge, "name": clinical_name, "code": code}
QUERY_NOISE = 0.3
POSITIVE_WEIGHT = 3.0


@dataclass(frozen=True)
class Fold:
    """What is trained and what is asked.

    Attributes:
        unseen: Compositions whose wall and change are each trained, never together.
        seen: Findings that are trained.
    """

    unseen: tuple[Finding, ...]
    seen: tuple[Finding, ...]

    @property
    def forbidden(self) -> list[str]:
        """Findings that no training record has."""
        return [entry.name for entry in self.unseen] + list(FAR)


def make_fold(number: int) -> Fold:
    """Hold out the diagonal (wall w, change w + number mod 5): five compositions that share no wall and no change."""
    unseen = tuple(finding(f"{wall} {CHANGES[(place + number) % len(CHANGES)]}") for place, wall in enumerate(WALLS))
    seen = tuple(entry for entry in FINDINGS if entry not in unseen and entry.name not in FAR)
    return Fold(unseen, seen)


def query_vectors(fold: Fold, seed: int) -> dict[str, Float[Tensor, "finding dim"]]:
    """Return the query of every finding for each kind of text, centred and scaled by those that are trained.

    `random` is a vector per finding without any meaning: an opaque name.
    """
    trained = [COLUMN[entry.name] for entry in fold.seen]
    embedded = embed([text(entry.name) for text in TEXTS.values() for entry in FINDINGS]).split(len(FINDINGS))
    result = {kind: TextSpace.fit(part[trained])(part) for kind, part in zip(TEXTS, embedded, strict=True)}
    generator = torch.Generator().manual_seed(seed)
    result["random"] = torch.randn(result["knowledge"].shape, generator=generator)
    return result


def zero_shot(job: Job, context: Context) -> list[Measurement]:
    """Train one fold and measure every arm on it; see `medsuite.ecg_align.claims` for arms and metrics."""
    refuse_data(context)
    use_one_thread()
    settings, fold = context.settings, make_fold(job.settings["fold"])
    rng = np.random.default_rng(job.seed)
    training = draw_cohort(settings.records, rng, forbid=fold.forbidden)
    test = draw_cohort(settings.test_records, rng)
    queries = query_vectors(fold, job.seed)
    schedule = Schedule(settings.steps, settings.batch)
    encoder, networks = train(training, queries, fold, schedule, job.seed, context.progress)
    rows = []
    for kind, network in networks.items():
        scores = score(encoder, network, queries[kind], test)
        rows += measure(kind, scores, test, queries[kind], fold)
    return [Measurement(arm, job.seed, unit, metric, value) for arm, unit, metric, value in rows]


def train(
    cohort: Cohort,
    queries: dict[str, Float[Tensor, "finding dim"]],
    fold: Fold,
    schedule: Schedule,
    seed: int,
    progress: Callable[[float], None],
) -> tuple[MixingEncoder, dict[str, QueryNetwork]]:
    """Train one encoder with one query network for each kind of text, all in the same batches."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    signal, targets = cohort.leads(INDEPENDENT), cohort.targets()
    columns = [COLUMN[entry.name] for entry in fold.seen]
    encoder = MixingEncoder(len(INDEPENDENT), signal.shape[2])
    networks = {kind: QueryNetwork(vectors.shape[1]) for kind, vectors in queries.items()}

    def loss(batch: Tensor) -> Tensor:
        tokens = encoder(shifted(signal[batch], generator))
        wanted = targets[batch][:, columns]
        terms = []
        for kind, network in networks.items():
            vectors = queries[kind][columns]
            noisy = vectors + QUERY_NOISE * torch.randn(vectors.shape, generator=generator)
            terms.append(masked_bce(network(noisy, tokens), wanted, positive_weight=POSITIVE_WEIGHT))
        return torch.stack(terms).sum()

    modules: list[nn.Module] = [encoder, *networks.values()]
    fit(modules, loss, len(signal), schedule, generator, progress)
    return encoder.eval(), networks


@torch.no_grad()
def score(
    encoder: MixingEncoder, network: QueryNetwork, queries: Float[Tensor, "finding dim"], cohort: Cohort
) -> Float[np.ndarray, "record finding"]:
    """Return every query's logit for every record."""
    return torch.cat([network(queries, encoder(chunk)) for chunk in cohort.leads(INDEPENDENT).split(500)]).numpy()


Row = tuple[str, str, str, float]


def measure(
    kind: str,
    scores: Float[np.ndarray, "record finding"],
    test: Cohort,
    queries: Float[Tensor, "finding dim"],
    fold: Fold,
) -> list[Row]:
    """Return the rows of one kind of text, and for knowledge those of its controls."""
    rows: list[Row] = [(kind, entry.name, "seen", _area(scores, test, entry)) for entry in fold.seen]
    rows += [(kind, name, "far", _area(scores, test, finding(name))) for name in FAR]
    nearest = _nearest_seen(queries, fold)
    for entry in fold.unseen:
        rows.append((kind, entry.name, "unseen", _area(scores, test, entry)))
        rows += [
            (kind, entry.name, f"{part} test", value) for part, value in hard_negatives(scores, test, entry).items()
        ]
        others = [other for other in fold.unseen if other != entry]
        elsewhere = same_change_elsewhere(entry, fold.seen)
        controls = {
            "shuffled": float(np.mean([_area(scores, test, entry, by=[other]) for other in others])),
            "same change elsewhere": _area(scores, test, entry, by=elsewhere),
            "nearest trained": _area(scores, test, entry, by=[nearest[entry]]),
        }
        rows += [
            (name if kind == "knowledge" else f"{kind}, {name}", entry.name, "unseen", value)
            for name, value in controls.items()
        ]
    return rows


def hard_negatives(scores: Float[np.ndarray, "record finding"], test: Cohort, entry: Finding) -> dict[str, float]:
    """Return the AUROC against records with the same change at another wall, and another change at the same wall."""
    own = test.labels[:, COLUMN[entry.name]]
    near = {
        "wall": [other for other in FINDINGS if other.wall not in ("", entry.wall) and other.change == entry.change],
        "change": [other for other in FINDINGS if other.wall == entry.wall and other.change != entry.change],
    }
    result = {}
    for part, others in near.items():
        chosen = own | test.labels[:, [COLUMN[other.name] for other in others]].any(axis=1)
        result[part] = auroc(scores[chosen, COLUMN[entry.name]], own[chosen])
    return result


def _area(
    scores: Float[np.ndarray, "record finding"], test: Cohort, entry: Finding, by: Sequence[Finding] | None = None
) -> float:
    """Return the AUROC of a finding's labels by the mean score of its own or of other queries."""
    columns = [COLUMN[other.name] for other in by or (entry,)]
    return auroc(scores[:, columns].mean(axis=1), test.labels[:, COLUMN[entry.name]])


def _nearest_seen(queries: Float[Tensor, "finding dim"], fold: Fold) -> dict[Finding, Finding]:
    unit = torch.nn.functional.normalize(queries, dim=-1)
    trained = [COLUMN[entry.name] for entry in fold.seen]
    cosines = unit @ unit[trained].T
    return {entry: fold.seen[int(cosines[COLUMN[entry.name]].argmax())] for entry in fold.unseen}
