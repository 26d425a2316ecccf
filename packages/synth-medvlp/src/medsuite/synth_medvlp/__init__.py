"""Pairs of chest films and reports from a simulator, curation, contrastive pre-training and zero-shot evaluation.

For example::

    from medsuite.synth_medvlp import BalancedSampler, EntityPool, extract, verify

    pool = EntityPool.from_reports(reports)
    print(pool.tail())

Importing this module imports neither torch nor transformers; the names below do when they are first used.
"""

from typing import TYPE_CHECKING

from medsuite.core.lazy import lazy_names

if TYPE_CHECKING:
    from medsuite.synth_medvlp.cohorts import Cohort, PairedSet, draw_cohort, pair
    from medsuite.synth_medvlp.curation import Curator, measure_curation
    from medsuite.synth_medvlp.dirt import Dirt, spoil_films
    from medsuite.synth_medvlp.domains import Domain, domain, render
    from medsuite.synth_medvlp.entities import Entity, extract
    from medsuite.synth_medvlp.generation import Recipe, generate
    from medsuite.synth_medvlp.losses import clip_loss, convirt_loss, gloria_global, gloria_local, local_similarity
    from medsuite.synth_medvlp.model import DualEncoder, load_model, save_model
    from medsuite.synth_medvlp.openi import OpenI, read_openi
    from medsuite.synth_medvlp.pool import EntityPool, Tail
    from medsuite.synth_medvlp.pretraining import evaluate_on, train_on
    from medsuite.synth_medvlp.reports import Report, Statement, verify, write
    from medsuite.synth_medvlp.sampling import BalancedSampler, Certificate, Draws, FrequencySampler
    from medsuite.synth_medvlp.shards import Sample, read_samples, write_shard
    from medsuite.synth_medvlp.texts import SentenceBank
    from medsuite.synth_medvlp.training import Pairs, Schedule, fit
    from medsuite.synth_medvlp.vocabulary import CONCEPTS, FINDINGS, Concept
    from medsuite.synth_medvlp.why import factorial_effects
    from medsuite.synth_medvlp.zeroshot import Prompts, ZeroShot, zero_shot

_HOMES = {
    "cohorts": "Cohort PairedSet draw_cohort pair",
    "curation": "Curator measure_curation",
    "dirt": "Dirt spoil_films",
    "domains": "Domain domain render",
    "entities": "Entity extract",
    "generation": "Recipe generate",
    "losses": "clip_loss convirt_loss gloria_global gloria_local local_similarity",
    "model": "DualEncoder load_model save_model",
    "openi": "OpenI read_openi",
    "pool": "EntityPool Tail",
    "pretraining": "evaluate_on train_on",
    "reports": "Report Statement verify write",
    "sampling": "BalancedSampler Certificate Draws FrequencySampler",
    "shards": "Sample read_samples write_shard",
    "texts": "SentenceBank",
    "training": "Pairs Schedule fit",
    "vocabulary": "CONCEPTS FINDINGS Concept",
    "why": "factorial_effects",
    "zeroshot": "Prompts ZeroShot zero_shot",
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "CONCEPTS", "FINDINGS", "BalancedSampler", "Certificate", "Cohort", "Concept", "Curator", "Dirt", "Domain",
    "Draws", "DualEncoder", "Entity", "EntityPool", "FrequencySampler", "OpenI", "PairedSet", "Pairs", "Prompts",
    "Recipe", "Report", "Sample", "Schedule", "SentenceBank", "Statement", "Tail", "ZeroShot", "clip_loss",
    "convirt_loss", "domain", "draw_cohort", "evaluate_on", "extract", "factorial_effects", "fit", "generate",
    "gloria_global", "gloria_local", "load_model", "local_similarity", "measure_curation", "pair", "read_openi",
    "read_samples", "render", "save_model", "spoil_films", "train_on", "verify", "write", "write_shard", "zero_shot",
]  # fmt: skip

__getattr__, __dir__ = lazy_names(__name__, _MODULE_OF)
