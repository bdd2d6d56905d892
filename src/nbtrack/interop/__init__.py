"""Interchange: runs of other trackers come in, and runs go out to them.

``import_from("mlflow.db")``, ``export_to("http://server:5000")``: what a place is, is seen by
looking at it. Doing either again is harmless: nothing doubles, and what was cut off is completed.
"""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.interop")
