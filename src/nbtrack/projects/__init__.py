"""Projects: folders, repositories and notebooks that run with params, each time as a run.

``MLproject`` files, entry points, environments and the arguments of `run` are MLflow's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbtrack.errors import ProjectError

if TYPE_CHECKING:
    from nbtrack.projects.launch import run
    from nbtrack.projects.submitted import SubmittedRun

__all__ = ["ProjectError", "SubmittedRun", "run"]


def __getattr__(name: str) -> Any:
    if name == "run":
        from nbtrack.projects.launch import run

        return run
    if name == "SubmittedRun":
        from nbtrack.projects.submitted import SubmittedRun

        return SubmittedRun
    raise AttributeError(f"module 'nbtrack.projects' has no attribute {name!r}")
