"""The store: one DuckDB file, journals and artifacts beside it; all that imports duckdb."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbtrack.store.opening import open_store
from nbtrack.store.store import Store

if TYPE_CHECKING:
    from nbtrack.store.maintenance import CompactReport, compact, sync

__all__ = ["CompactReport", "Store", "compact", "open_store", "sync"]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in ("CompactReport", "compact", "sync"):
            from nbtrack.store import maintenance

            return getattr(maintenance, name)
        raise AttributeError(f"module 'nbtrack.store' has no attribute {name!r}")
