"""The store: one DuckDB file, journals and artifacts beside it; all that imports duckdb."""

from __future__ import annotations

from nbtrack.store.store import Store, open_store

__all__ = ["Store", "open_store"]
