"""Data sets of boxes in their original formats, and what several readers agree on."""

from medsuite.grounding.data.fusion import fuse_boxes, fuse_readers
from medsuite.grounding.data.padchest_gr import read_padchest_gr
from medsuite.grounding.data.record import Annotations, Record
from medsuite.grounding.data.vindr import read_vindr

__all__ = ["Annotations", "Record", "fuse_boxes", "fuse_readers", "read_padchest_gr", "read_vindr"]
