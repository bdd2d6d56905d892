"""What a live run does: the run itself, its environment, its artifacts."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Give ``MlflowClient`` and the URIs where MLflow's users look for them."""
    if name in ("MlflowClient", "Client"):
        from nbtrack.client import Client

        return Client
    if name in ("get_tracking_uri", "is_tracking_uri_set", "set_tracking_uri"):
        from nbtrack.api import stores

        return getattr(stores, name)
    if name in ("get_registry_uri", "set_registry_uri"):
        from nbtrack.api import registry

        return getattr(registry, name)
    raise AttributeError(f"module 'nbtrack.tracking' has no attribute {name!r}")
