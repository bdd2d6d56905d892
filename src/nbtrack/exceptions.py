"""The errors under the names that MLflow's users know."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.errors import NbtrackError
from nbtrack.errors import NbtrackError as MlflowException
from nbtrack.errors import NbtrackError as RestException
from nbtrack.errors import ProjectError as ExecutionException

look_elsewhere(__name__)
__all__ = ["ExecutionException", "MlflowException", "NbtrackError", "RestException"]
