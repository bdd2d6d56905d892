"""What is wrong with a store, or with the installation, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtrack.health.examination import doctor, examine
    from nbtrack.health.finding import Finding, Level

__all__ = ["Finding", "Level", "doctor", "examine"]


def __getattr__(name: str) -> Any:
    if name in ("doctor", "examine"):
        from nbtrack.health import examination

        return getattr(examination, name)
    if name in ("Finding", "Level"):
        from nbtrack.health import finding

        return getattr(finding, name)
    raise AttributeError(f"module 'nbtrack.health' has no attribute {name!r}")
