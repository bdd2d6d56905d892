"""The API with explicit ids: ``Client``, also known as ``MlflowClient``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbtrack._names import missing_attribute
from nbtrack.client.artifacts import ArtifactMethods
from nbtrack.client.logged_models import LoggedModelMethods
from nbtrack.client.registry import ModelVersionMethods, RegisteredModelMethods
from nbtrack.client.tracking import ExperimentMethods, LogMethods, RunMethods
from nbtrack.suggestions import suggests_keywords_of_methods

__all__ = ["Client", "MlflowClient"]


@suggests_keywords_of_methods
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

    Notes
    -----
    What many methods take:

    - ``run_id``, ``experiment_id``, ``model_id``: the run, the experiment or the logged model that
      the method is about.
    - ``name``: of an experiment, a run, a logged or a registered model. ``version`` is a number of
      a registered model, ``alias`` a name for one of its versions, ``stage`` one of MLflow's.
    - ``key`` and ``value``: of a metric (a number), a param or a tag (kept as text). ``params`` and
      ``tags`` are mappings of such values; ``description`` is text.
    - ``filter_string`` and ``order_by``: as in the function of the same name, such as
      ``nbtrack.search_runs``. ``max_results`` is the size of a page; ``page_token`` is the
      ``token`` of the page before, and the first page has none.
    - ``synchronous``: False to get a handle, as MLflow's asynchronous calls give one.

    Examples
    --------
    >>> client = nbtrack.Client()
    >>> run = client.create_run("0", run_name="baseline")
    >>> client.log_metric(run.info.run_id, "loss", 0.4)
    >>> client.set_terminated(run.info.run_id)
    >>> client.get_run(run.info.run_id).data.metrics
    {'loss': 0.4}
    """

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(missing_attribute("nbtrack.Client", name))


MlflowClient = Client
