"""The fonts that pictures are written with: one for Latin text, one with Chinese glyphs, none of them shipped here."""

import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from medsuite.bench.finance.schema import Language
from medsuite.core.errors import MissingDependencyError

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

DEBIAN_CHINESE = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
SIMPLIFIED_FACE = 2
"""Face of Debian's collection with simplified Chinese shapes; face 0 draws the Japanese ones."""


@cache
def load_font(language: Language, size: int) -> "FreeTypeFont":
    """Open the font of a language at a size in pixels.

    English uses DejaVu Sans, which Matplotlib ships; Chinese uses Noto Sans CJK SC from `mplfonts` or from Debian.

    Raises:
        MissingDependencyError: No Chinese font is installed.
    """
    from PIL import ImageFont

    path, face = _latin_font() if language == "en" else _chinese_font()
    return ImageFont.truetype(str(path), size, index=face)


def _package_folder(package: str) -> Path | None:
    """Locate an installed package without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def _latin_font() -> tuple[Path, int]:
    folder = _package_folder("matplotlib")
    if folder is None:
        raise MissingDependencyError("matplotlib, whose font is used, is not installed", fix="pip install matplotlib")
    return folder / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf", 0


def _chinese_font() -> tuple[Path, int]:
    folder = _package_folder("mplfonts")
    if folder is not None:
        return folder / "fonts" / "NotoSansCJKsc-Regular.otf", 0
    if DEBIAN_CHINESE.exists():
        return DEBIAN_CHINESE, SIMPLIFIED_FACE
    raise MissingDependencyError(
        "no font with Chinese glyphs is installed",
        fix="pip install 'medsuite-bench[finance]', or on Debian: apt-get install fonts-noto-cjk",
    )
