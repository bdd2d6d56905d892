"""The API with explicit ids: ``Client``, also known as ``MlflowClient``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbtrack._names import LATER_METHODS, missing_attribute
from nbtrack.client.artifacts import ArtifactMethods
from nbtrack.client.experiments import ExperimentMethods
from nbtrack.client.logged_models import LoggedModelMethods
from nbtrack.client.logs import LogMethods
from nbtrack.client.model_versions import ModelVersionMethods
from nbtrack.client.registered_models import RegisteredModelMethods
from nbtrack.client.runs import RunMethods

__all__ = ["Client", "MlflowClient"]


class Client(
    ExperimentMethods,
    RunMethods,
    LogMethods,
    ArtifactMethods,
    LoggedModelMethods,
    RegisteredModelMethods,
    ModelVersionMethods,
):
    """Reads and writes experiments, runs and models by their ids and names.

    Every method has the name, the parameters and the meaning of
    ``mlflow.MlflowClient``.

    Parameters
    ----------
    tracking_uri : str or path, optional
        The store; by default the one that ``nbtrack.get_tracking_uri`` names.
    registry_uri : str or path, optional
        The store whose model registry is used; by default the same one.
    workspace_store_uri : str, optional
        Not used.
    """

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(missing_attribute("nbtrack.Client", name, LATER_METHODS))


MlflowClient = Client
