"""Open a data set by the name of its layout."""

from pathlib import Path

from medsuite.core.errors import InputError, unknown_name
from medsuite.grounding.data.fusion import fuse_readers
from medsuite.grounding.data.padchest_gr import image_names, image_sizes, read_padchest_gr
from medsuite.grounding.data.record import Annotations, BadBox
from medsuite.grounding.data.vindr import read_vindr

LAYOUTS = ("padchest-gr", "vindr")


def open_annotations(
    file: Path, layout: str, *, images: Path | None = None, fuse: float | None = None, bad_boxes: BadBox = "raise"
) -> Annotations:
    """Read a data set and fuse its readers if asked to.

    Args:
        file: The data set's own file.
        layout: `"vindr"` or `"padchest-gr"`.
        images: Folder of the images, for the layouts that hold unit coordinates.
        fuse: IoU at which boxes of several readers are fused; None leaves them as they are.
        bad_boxes: See `read_vindr`.

    Raises:
        InputError: Unknown layout, no folder where one is needed, or a file that cannot be read.
    """
    if layout not in LAYOUTS:
        raise unknown_name("layout", layout, LAYOUTS)
    if layout == "vindr":
        annotations = read_vindr(file, bad_boxes=bad_boxes)
    elif images is None:
        raise InputError("PadChest-GR holds unit coordinates", fix="pass the folder of its images with --images")
    else:
        annotations = read_padchest_gr(file, image_sizes(images, image_names(file)), bad_boxes=bad_boxes)
    return annotations if fuse is None else fuse_readers(annotations, iou=fuse)
