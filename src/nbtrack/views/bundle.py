"""The code of all views: a kernel sends it once, and every widget points to it.

A widget that carried its own code would send more than a megabyte, a hundred tracked cells more
than a hundred.
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from pathlib import Path

import ipywidgets
import traitlets as t

_STATIC = Path(__file__).parents[1] / "static"
LOADER = _STATIC / "loader.js"
_VIEWS = _STATIC / "views.js"

NOT_BUILT = """
export default {
  render({ el }) {
    el.textContent = "nbtrack was installed without its front end. Put npm on the PATH, reinstall.";
  }
};
"""


class Bundle(ipywidgets.Widget):  # type: ignore[misc]  # ipywidgets has no types
    """The code of the views, as a model of the page.

    Attributes
    ----------
    code : str
        A JavaScript module. The page empties its copy once it has the module.
    """

    code = t.Unicode("").tag(sync=True)


@functools.cache
def bundle_code() -> str:
    """Return the module with all views; empty where nbtrack was installed without front end."""
    return _VIEWS.read_text("utf-8") if _VIEWS.is_file() else ""


@functools.cache
def bundle_hash() -> str:
    """Return what tells this build of the views from others on the page."""
    return hashlib.sha256(bundle_code().encode()).hexdigest()[:16]


_guard = threading.Lock()
_shared: dict[int, Bundle] = {}  # by process: a forked one has none


def shared_bundle() -> Bundle:
    """Return this kernel's one bundle, opened again where somebody closed it."""
    with _guard:
        bundle = _shared.get(os.getpid())
        if bundle is None or bundle.comm is None:
            bundle = _shared[os.getpid()] = Bundle(code=bundle_code())
        return bundle
