"""The findings that can be asked for, drawn and written about: one concept with its names each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Kind = Literal["abnormality", "non-abnormality", "disease", "non-disease", "anatomy"]
"""The five classes of RaTE-NER, which SynCXR samples from; devices and the like are non-abnormalities."""


@dataclass(frozen=True)
class Concept:
    """One thing that a report can name.

    Attributes:
        name: The concept, which is also the label of the chest simulator.
        kind: Its class.
        names: The two names that the grammar uses.
        synonyms: Further spellings that are recognised in reports.
    """

    name: str
    kind: Kind
    names: tuple[str, str]
    synonyms: tuple[str, ...] = ()

    @property
    def spellings(self) -> tuple[str, ...]:
        """All names and synonyms."""
        return self.names + self.synonyms


_CONCEPTS = (
    Concept(
        "cardiomegaly",
        "abnormality",
        ("cardiomegaly", "enlarged cardiac silhouette"),
        (
            "enlarged heart",
            "cardiac enlargement",
            "enlargement of the heart",
            "heart is enlarged",
            "heart is mildly enlarged",
            "heart size is enlarged",
            "heart size is mildly enlarged",
        ),
    ),
    Concept(
        "pleural effusion",
        "abnormality",
        ("pleural effusion", "pleural fluid"),
        ("pleural effusions", "effusion", "effusions"),
    ),
    Concept("pneumothorax", "disease", ("pneumothorax", "pleural air"), ("pneumothoraces",)),
    Concept("nodule", "abnormality", ("nodule", "coin lesion"), ("nodules", "nodular opacity")),
    Concept("mass", "abnormality", ("mass", "mass lesion"), ("masses",)),
    Concept(
        "consolidation",
        "abnormality",
        ("consolidation", "airspace opacity"),
        ("consolidations", "airspace opacities", "airspace disease"),
    ),
    Concept("cavity", "abnormality", ("cavity", "cavitary lesion"), ("cavities", "cavitation", "cavitary lesions")),
    Concept(
        "interstitial lines",
        "abnormality",
        ("interstitial thickening", "reticular pattern"),
        ("interstitial lines", "interstitial markings", "interstitial opacities", "reticular opacities"),
    ),
    Concept(
        "plate atelectasis",
        "disease",
        ("plate atelectasis", "linear atelectasis"),
        ("platelike atelectasis", "discoid atelectasis", "subsegmental atelectasis"),
    ),
    Concept("rib fracture", "disease", ("rib fracture", "fractured rib"), ("rib fractures", "fractured ribs")),
    Concept("pacemaker", "non-abnormality", ("pacemaker", "cardiac pacing device"), ("pacer", "aicd")),
    Concept(
        "central line",
        "non-abnormality",
        ("central line", "central venous catheter"),
        ("central venous line", "picc", "port-a-cath"),
    ),
    Concept(
        "calcified granuloma",
        "disease",
        ("calcified granuloma", "calcified nodule"),
        ("calcified granulomas", "calcified granulomata", "calcified nodules", "granuloma"),
    ),
    Concept(
        "hilar enlargement",
        "abnormality",
        ("hilar enlargement", "enlarged hilum"),
        ("enlarged hila", "hilar prominence", "prominent hilum"),
    ),
)

CONCEPTS: Mapping[str, Concept] = MappingProxyType({concept.name: concept for concept in _CONCEPTS})
"""The fourteen findings of the built-in vocabulary, by name."""

FINDINGS: tuple[str, ...] = tuple(CONCEPTS)
"""Their names, in the order of every label matrix."""
