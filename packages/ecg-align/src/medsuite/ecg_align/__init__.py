"""Electrocardiograms as recordings with units, lead names and a mask, and models that align them with text.

    from medsuite.ecg_align import read_recording

    recording = read_recording("record.hea")
    recording.select(["I", "II"]).resample(100)

Importing this module imports neither torch nor transformers; the names below do when they are first used.
"""

from typing import TYPE_CHECKING

from medsuite.core.lazy import lazy_names

if TYPE_CHECKING:
    from medsuite.ecg_align.leads import INDEPENDENT, LEADS12, LIMB, canonical
    from medsuite.ecg_align.losses import UniModalAlignment, clip_sum, masked_bce
    from medsuite.ecg_align.masking import LeadSampler, kept_segments
    from medsuite.ecg_align.models.blocks import Tokens
    from medsuite.ecg_align.models.leadwise import LeadwiseEncoder
    from medsuite.ecg_align.models.mixing import MixingEncoder
    from medsuite.ecg_align.models.query_network import QueryNetwork
    from medsuite.ecg_align.models.text import TextSpace, embed
    from medsuite.ecg_align.readers import read_recording
    from medsuite.ecg_align.readers.dicom import read_dicom
    from medsuite.ecg_align.readers.wfdb import read_wfdb
    from medsuite.ecg_align.recording import Recording
    from medsuite.ecg_align.reports import Mention, extract, to_labels
    from medsuite.ecg_align.simulate import FINDINGS, Finding, SimulatedBatch, Simulator

_HOMES = {
    "leads": "INDEPENDENT LEADS12 LIMB canonical",
    "losses": "UniModalAlignment clip_sum masked_bce",
    "masking": "LeadSampler kept_segments",
    "models.blocks": "Tokens",
    "models.leadwise": "LeadwiseEncoder",
    "models.mixing": "MixingEncoder",
    "models.query_network": "QueryNetwork",
    "models.text": "TextSpace embed",
    "readers": "read_recording",
    "readers.dicom": "read_dicom",
    "readers.wfdb": "read_wfdb",
    "recording": "Recording",
    "reports": "Mention extract to_labels",
    "simulate": "FINDINGS Finding SimulatedBatch Simulator",
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names.split()}

__all__ = [
    "FINDINGS",
    "INDEPENDENT",
    "LEADS12",
    "LIMB",
    "Finding",
    "LeadSampler",
    "LeadwiseEncoder",
    "Mention",
    "MixingEncoder",
    "QueryNetwork",
    "Recording",
    "SimulatedBatch",
    "Simulator",
    "TextSpace",
    "Tokens",
    "UniModalAlignment",
    "canonical",
    "clip_sum",
    "embed",
    "extract",
    "kept_segments",
    "masked_bce",
    "read_dicom",
    "read_recording",
    "read_wfdb",
    "to_labels",
]

__getattr__, __dir__ = lazy_names(__name__, _MODULE_OF)
