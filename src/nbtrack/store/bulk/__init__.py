"""Runs and models that come in bulk from elsewhere, and tables that go out."""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.store.bulk")
