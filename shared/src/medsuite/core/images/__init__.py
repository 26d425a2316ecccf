"""PNG, JPEG, TIFF, DICOM and NIfTI files as arrays with spacing, window, polarity and orientation.

For example::

    image = read("chest.dcm")
    image.spacing_mm                    # (0.143, 0.143), or None where the file does not say
    display(image)                      # [height, width] in [0, 1], 0 is black
    display(image, image.windows[1])    # the file's second window

The format is recognised from the content. Whatever is odd but harmless about a file is text in `image.notes`; a file
that is no image raises `ImageReadError`, one line that names it.
"""

from medsuite.core.images.model import Contents, ImageReadError, MedicalImage, display
from medsuite.core.images.reading import contents, read
from medsuite.core.images.windowing import LookupTable, Window

__all__ = ["Contents", "ImageReadError", "LookupTable", "MedicalImage", "Window", "contents", "display", "read"]
