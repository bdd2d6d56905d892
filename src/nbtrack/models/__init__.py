"""Models: what a run has trained, kept so that it comes back.

The names are those of ``mlflow.models``; each is imported when it is first used.
"""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.models", "nbtrack.models")
