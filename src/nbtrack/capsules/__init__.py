"""Capsules: a run with all that is needed to run it again elsewhere, as one zip file."""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.capsules")
