"""What is wrong with a store, or with the installation, and what to do about it."""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.health")
