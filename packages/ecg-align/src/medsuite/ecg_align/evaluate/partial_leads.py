"""Any leads with one set of weights, against zero-filled and reconstructed leads and a model of one lead alone."""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from medsuite.core.claims import Context, Job, Measurement
from medsuite.core.stats import auroc
from medsuite.ecg_align.evaluate.cohort import Cohort, draw_cohort, refuse_data
from medsuite.ecg_align.leads import LEADS12, LIMB, positions
from medsuite.ecg_align.losses import masked_bce
from medsuite.ecg_align.masking import LeadSampler, kept_segments
from medsuite.ecg_align.models.leadwise import STRIDE, LeadwiseEncoder
from medsuite.ecg_align.models.mixing import MixingEncoder, shifted
from medsuite.ecg_align.models.query_network import QueryNetwork
from medsuite.ecg_align.simulate.findings import FINDINGS
from medsuite.ecg_align.training import Schedule, fit, use_one_thread

LEAD_SETS: dict[str, tuple[str, ...]] = {
    "I": ("I",),
    "II": ("II",),
    "V2": ("V2",),
    "I, II": ("I", "II"),
    "6 limb": LIMB,
    "I, II, V2": ("I", "II", "V2"),
    "12": LEADS12,
}
"""The sets that are given at test time."""

OWN_LEAD = ("I",)
SEGMENT_MASKING = 0.25
POSITIVE_WEIGHT = 3.0
RECONSTRUCTION_RECORDS = 500

Score = Callable[[tuple[str, ...]], Float[np.ndarray, "record finding"]]


class FindingScores(nn.Module):
    """A query network with one learned query for every finding."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(len(FINDINGS), width))
        self.network = QueryNetwork(width, width)


def partial_leads(job: Job, context: Context) -> list[Measurement]:
    """Train one group of arms and measure it on every set of leads that it can be given."""
    refuse_data(context)
    use_one_thread()
    settings = context.settings
    rng = np.random.default_rng(job.seed)
    training, test = draw_cohort(settings.records, rng), draw_cohort(settings.test_records, rng)
    schedule = Schedule(settings.steps, settings.batch)
    torch.manual_seed(job.seed)
    generator = torch.Generator().manual_seed(job.seed)
    group = job.settings["group"]
    if group == "mixing":
        arms = train_mixing(training, test, schedule, generator, context.progress)
    elif group == "masked":
        scorer = train_leadwise(training, test, schedule, generator, context.progress, LeadSampler())
        arms = {"masked": (scorer, LEAD_SETS)}
    else:
        only = LeadSampler(OWN_LEAD, (1,), (), 0.0)
        scorer = train_leadwise(training, test, schedule, generator, context.progress, only)
        arms = {"own lead": (scorer, {"I": OWN_LEAD})}
    return [
        Measurement(arm, job.seed, entry.name, name, auroc(scores[:, column], test.labels[:, column]))
        for arm, (scorer, sets) in arms.items()
        for name, leads in sets.items()
        for scores in [scorer(leads)]
        for column, entry in enumerate(FINDINGS)
    ]


def train_leadwise(
    training: Cohort,
    test: Cohort,
    schedule: Schedule,
    generator: torch.Generator,
    progress: Callable[[float], None],
    sampler: LeadSampler,
) -> Score:
    """Train a lead-wise encoder on the lead sets that a sampler draws, one set a step."""
    encoder, head = LeadwiseEncoder(), FindingScores()
    targets = training.targets()
    segments = training.signal.shape[2] // STRIDE

    def loss(batch: Tensor) -> Tensor:
        leads = sampler.draw(generator)
        kept = kept_segments(len(batch), len(leads), segments, SEGMENT_MASKING, generator)
        tokens = encoder(training.signal[batch][:, positions(leads, LEADS12)], leads, kept=kept)
        return masked_bce(head.network(head.queries, tokens), targets[batch], positive_weight=POSITIVE_WEIGHT)

    fit([encoder, head], loss, len(targets), schedule, generator, progress)

    @torch.no_grad()
    def score(leads: tuple[str, ...]) -> Float[np.ndarray, "record finding"]:
        chunks = test.leads(leads).split(300)
        return torch.cat([head.network(head.queries, encoder(chunk, leads)) for chunk in chunks]).numpy()

    return score


def train_mixing(
    training: Cohort,
    test: Cohort,
    schedule: Schedule,
    generator: torch.Generator,
    progress: Callable[[float], None],
) -> dict[str, tuple[Score, dict[str, tuple[str, ...]]]]:
    """Train a lead-mixing encoder on twelve leads; missing ones are filled with zeros or reconstructed."""
    encoder, head = MixingEncoder(len(LEADS12), training.signal.shape[2]), FindingScores()
    targets = training.targets()

    def loss(batch: Tensor) -> Tensor:
        tokens = encoder(shifted(training.signal[batch], generator))
        return masked_bce(head.network(head.queries, tokens), targets[batch], positive_weight=POSITIVE_WEIGHT)

    fit([encoder, head], loss, len(targets), schedule, generator, progress)

    @torch.no_grad()
    def score(filled: Float[Tensor, "record 12 sample"]) -> Float[np.ndarray, "record finding"]:
        return torch.cat([head.network(head.queries, encoder(chunk)) for chunk in filled.split(500)]).numpy()

    return {
        "zero-filled": (lambda leads: score(zero_filled(test.signal, leads)), LEAD_SETS),
        "reconstructed": (lambda leads: score(reconstructed(test.signal, leads, training.signal)), LEAD_SETS),
    }


def zero_filled(signal: Float[Tensor, "record 12 sample"], leads: tuple[str, ...]) -> Float[Tensor, "record 12 sample"]:
    """Return the twelve leads with zeros for those that are not given."""
    result = torch.zeros_like(signal)
    rows = positions(leads, LEADS12)
    result[:, rows] = signal[:, rows]
    return result


def reconstructed(
    signal: Float[Tensor, "record 12 sample"], leads: tuple[str, ...], training: Float[Tensor, "other 12 sample"]
) -> Float[Tensor, "record 12 sample"]:
    """Return the twelve leads, those not given by least squares per sample from those given.

    The map is one for all people, min over M of |M x_given - x_all|² over the samples of training records; the given
    leads come through it unchanged. Limb leads come out exactly wherever two of them are given.
    """
    rows = positions(leads, LEADS12)
    everything = training[:RECONSTRUCTION_RECORDS].permute(1, 0, 2).flatten(1)
    given = everything[rows]
    # The pseudo-inverse, since six limb leads carry two signals.
    weights = everything @ given.T @ torch.linalg.pinv(given @ given.T, hermitian=True, rtol=1e-4)
    result = weights @ signal[:, rows]
    result[:, rows] = signal[:, rows]
    return result
