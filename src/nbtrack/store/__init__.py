"""The store: one DuckDB file, journals and artifacts beside it; all that imports duckdb.

What other parts of nbtrack use of it is listed in ``__init__.pyi``, and imported when it is first
asked for. Beside this package they import three packages in it, which have such a list each:
``artifacts``, ``bulk`` and ``search``.
"""

from __future__ import annotations

from nbtrack._names import attach
from nbtrack.store.opening import open_store as open_store  # at once: it registers what ends stores
from nbtrack.store.store import Store as Store

__getattr__, __dir__ = attach(
    "nbtrack.store", public=["CompactReport", "Store", "compact", "open_store", "sync"]
)
