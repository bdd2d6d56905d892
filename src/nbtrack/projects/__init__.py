"""Projects: folders, repositories and notebooks that run with params, each time as a run.

``MLproject`` files, entry points, environments and the arguments of `run` are MLflow's.
"""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.projects")
