"""What a live run does: the run itself, its environment, its artifacts."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Give ``MlflowClient`` where MLflow's users look for it."""
    if name in ("MlflowClient", "Client"):
        from nbtrack.client import Client

        return Client
    raise AttributeError(f"module 'nbtrack.tracking' has no attribute {name!r}")
