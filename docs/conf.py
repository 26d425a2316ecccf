"""The documentation site: pages in Markdown, the reference from docstrings, the claims from the registry."""

import sys
from importlib import metadata
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "medsuite"
author = "the medsuite authors"
project_copyright = "2026, the medsuite authors"
default_role = "code"
release = metadata.version("medsuite-core")

extensions = ["autoapi.extension", "claims_table", "myst_parser", "sphinx.ext.mathjax", "sphinx_copybutton"]
extensions += ["sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
# The names of axes in annotations of shapes ("unit", "case") are no references, though they look like some.
suppress_warnings = ["autoapi.python_import_resolution", "ref.python"]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3

ROOT = Path(__file__).parent.parent
FOLDERS = [ROOT / "shared", *sorted(ROOT.glob("packages/*"))]
autoapi_dirs = [str(path / "src/medsuite") for path in FOLDERS]
autoapi_root = "reference"
autoapi_type = "python"
autoapi_python_use_implicit_namespaces = True
autoapi_options = ["members", "show-inheritance", "show-module-summary"]
autoapi_add_toctree_entry = False
autoapi_keep_files = False
autoapi_member_order = "bysource"

html_theme = "furo"
html_title = "medsuite"
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
