"""Where an evaluation is logged: its run, with the prefix of its names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbtrack.errors import warn
from nbtrack.models.evaluation import figures
from nbtrack.models.evaluation.artifacts import KINDS, EvaluationArtifact
from nbtrack.models.evaluation.dataset import EvaluationDataset
from nbtrack.store import now_ms
from nbtrack.tracking import context
from nbtrack.tracking.model_metrics import log_model_metrics
from nbtrack.tracking.tables import log_table
from nbtrack.validation import MAX_TAG_VALUE

if TYPE_CHECKING:
    import pandas as pd

DATASETS = "mlflow.datasets"
TABLE = "eval_results_table"


class EvaluationLog:
    """What an evaluation has logged.

    Parameters
    ----------
    run_id : str
        Where to.
    prefix : str
        What the names of metrics and files begin with.

    Attributes
    ----------
    artifacts : dict of str to EvaluationArtifact
        By their names without prefix and extension.
    """

    def __init__(self, run_id: str, prefix: str = "") -> None:
        self.run_id = run_id
        self.prefix = prefix
        self.artifacts: dict[str, EvaluationArtifact] = {}
        self._writer = context.store_of(run_id).writer(run_id)

    def metrics(
        self, values: Mapping[str, float], model_id: str | None, dataset: EvaluationDataset
    ) -> None:
        """Log metrics, once: those of a model are the model's too.

        Parameters
        ----------
        values : mapping of str to float
            By name, with the prefix.
        model_id : str, optional
            The logged model.
        dataset : EvaluationDataset
            What they were computed on.
        """
        if model_id is None:
            self._writer.log_metrics(values, 0, now_ms())
        else:
            names = (dataset.name, dataset.digest)
            log_model_metrics(self._writer, values, 0, now_ms(), model_id, names)

    def put(self, name: str, suffix: str, data: bytes) -> None:
        """Store a file.

        Parameters
        ----------
        name : str
            Without prefix and extension.
        suffix : str
            The extension, with its dot.
        data : bytes
            The content.
        """
        path = f"{self.prefix}{name}{suffix}"
        self._writer.artifacts.put_bytes(path, data)
        self._add(name, path)

    def table(self, frame: pd.DataFrame) -> None:
        """Store the table of the examples and their scores, instead of an earlier one."""
        path = f"{self.prefix}{TABLE}.json"
        if self._writer.artifacts.exists(path):
            self._writer.artifacts.delete(path)
        log_table(self._writer, frame, path)
        self._add(TABLE, path)

    def figure(self, name: str, draw: Callable[[], Any]) -> None:
        """Draw a figure and store it; what fails is said, and stops nothing.

        Parameters
        ----------
        name : str
            Without prefix and extension.
        draw : callable
            Returns the figure.
        """
        try:
            self.put(name, ".png", figures.png(draw()))
        except Exception as error:  # noqa: BLE001  the metrics are there without the picture
            warn(f"The figure {name!r} was not made: {type(error).__name__}: {error}")

    def dataset_tag(self, dataset: EvaluationDataset, model_uuid: str | None) -> None:
        """Name the data in the tag ``mlflow.datasets``, once for each model."""
        try:
            known = json.loads(self._writer.tags().get(DATASETS, "[]"))
        except json.JSONDecodeError:
            known = []
        entry = {"name": dataset.name, "hash": dataset.hash, "model": model_uuid}
        if dataset.path is not None:
            entry["path"] = dataset.path
        if entry in known:
            return
        text = json.dumps([*known, entry], separators=(",", ":"))
        if len(text) <= MAX_TAG_VALUE:
            self._writer.set_tag(DATASETS, text)

    def _add(self, name: str, path: str) -> None:
        folder = self._writer.artifacts
        kind = KINDS[f".{path.rpartition('.')[2]}"]
        uri = f"{folder.uri.rstrip('/')}/{path}"
        self.artifacts[name] = kind(uri, read=lambda: folder.read_bytes(path))
