"""Sphinx builds the documentation with this: ``python3 dev.py docs``."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

import nbtrack

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_extensions"))

project = "nbtrack"
author = "The nbtrack developers"
copyright = "The nbtrack developers"
version = release = nbtrack.__version__

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "generated_pages",
]
exclude_patterns = ["_build", "_extensions"]

# In pages "`name`" is code; links to sections are made from headings.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence"]
smartquotes = False  # "--grid" in a sentence, and messages as they are printed, to be found
suppress_warnings = ["mystnb.unknown_mime_type"]  # outputs of nbtrack have a picture, too

# Tutorials are executed, each in a folder of its own, once for each change of its text.
nb_execution_mode = os.environ.get("NBTRACK_DOCS_EXECUTE", "cache")
nb_execution_excludepatterns = ["*/_generated/benchmarks/*"]
if "NBTRACK_DOCS_TEAM" not in os.environ:  # it needs PostgreSQL and extensions of DuckDB
    nb_execution_excludepatterns.append("*/07_team.ipynb")
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say the types
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

with (HERE.parent / "pyproject.toml").open("rb") as file:
    REPOSITORY = tomllib.load(file)["project"]["urls"]["Repository"]

html_theme = "pydata_sphinx_theme"
html_title = "nbtrack"
html_logo = html_favicon = "_static/icon.svg"
html_static_path = ["_static"]
html_css_files = ["nbtrack.css"]
html_theme_options = {
    "logo": {"text": "nbtrack"},
    "github_url": REPOSITORY,
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_context = {"default_mode": "auto"}
html_sidebars = {"index": [], "start": [], "troubleshooting": []}  # nothing is below them
html_search_scorer = str(HERE / "_static" / "search_order.js")
html_show_sourcelink = False
copybutton_prompt_text = r"\$ |>>> |In \[\d+\]: "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = False
