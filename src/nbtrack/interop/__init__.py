"""Interchange: runs of other trackers come in, and runs go out to them.

``import_from("mlflow.db")``, ``export_to("http://server:5000")``: what a place is, is seen by
looking at it. Doing either again is harmless: nothing doubles, and what was cut off is completed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtrack.interop.doors import export_to, import_from
    from nbtrack.interop.report import ExportReport, ImportReport

__all__ = ["ExportReport", "ImportReport", "export_to", "import_from"]


def __getattr__(name: str) -> Any:
    if name in ("export_to", "import_from"):
        from nbtrack.interop import doors

        return getattr(doors, name)
    if name in ("ExportReport", "ImportReport"):
        from nbtrack.interop import report

        return getattr(report, name)
    raise AttributeError(f"module 'nbtrack.interop' has no attribute {name!r}")
