"""The errors under the names that MLflow's users know."""

from __future__ import annotations

from nbtrack.errors import NbtrackError
from nbtrack.errors import NbtrackError as MlflowException
from nbtrack.errors import NbtrackError as RestException
from nbtrack.errors import ProjectError as ExecutionException

__all__ = ["ExecutionException", "MlflowException", "NbtrackError", "RestException"]
