"""Searching: a filter becomes a tree (``grammar``), the tree becomes SQL (``sql``)."""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.store.search")
