"""What an evaluation gives: metrics, artifacts and tables, kept in its run and in memory."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrack.errors import NotFoundError
from nbtrack.models.evaluation.artifacts import KINDS, EvaluationArtifact
from nbtrack.tracking import context

if TYPE_CHECKING:
    import pandas as pd

_CLASSES = "mlflow.models.evaluation.artifacts"
_FILES = ("metrics.json", "artifacts_metadata.json", "artifacts")
_MAX_SHOWN = 60


class EvaluationResult:
    """What :func:`nbtrack.evaluate` returns.

    Parameters
    ----------
    metrics : dict of str to float
        As they are logged, by name.
    artifacts : dict of str to EvaluationArtifact
        By name; the content of each is read when it is asked for.
    run_id : str, optional
        The run that they are logged to; by default the active one.

    Examples
    --------
    >>> from nbtrack.models import EvaluationResult
    >>> EvaluationResult({"accuracy": 0.9}, {}).save("evaluation")
    >>> EvaluationResult.load("evaluation").metrics
    {'accuracy': 0.9}
    """

    def __init__(
        self,
        metrics: Mapping[str, float],
        artifacts: Mapping[str, EvaluationArtifact],
        run_id: str | None = None,
    ) -> None:
        self._metrics = dict(metrics)
        self._artifacts = dict(artifacts)
        active = context.current()
        self._run_id = active.info.run_id if run_id is None and active is not None else run_id

    @property
    def metrics(self) -> dict[str, float]:
        """Numbers by the names that they are logged as."""
        return self._metrics

    @property
    def artifacts(self) -> dict[str, EvaluationArtifact]:
        """Files by their names without extension, such as ``roc_curve_plot``."""
        return self._artifacts

    @property
    def run_id(self) -> str | None:
        """The id of the run that has all this."""
        return self._run_id

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The artifacts that are tables of rows, such as ``eval_results_table``."""
        import pandas as pd

        found = {}
        for name, artifact in self._artifacts.items():
            if not artifact.file_name.endswith(".json"):
                continue
            content = artifact.content
            if isinstance(content, dict) and set(content) == {"columns", "data"}:
                found[name] = pd.DataFrame(content["data"], columns=content["columns"])
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of it into a folder, as MLflow does.

        Parameters
        ----------
        path : str or path
            The folder, made if need be.
        """
        metrics, metadata, files = (Path(path, name) for name in _FILES)
        files.mkdir(parents=True, exist_ok=True)
        metrics.write_text(json.dumps(self._metrics), "utf-8")
        known = {
            name: {"uri": each.uri, "class_name": f"{_CLASSES}.{type(each).__name__}"}
            for name, each in self._artifacts.items()
        }
        metadata.write_text(json.dumps(known), "utf-8")
        for artifact in self._artifacts.values():
            artifact._save(files / artifact.file_name)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> EvaluationResult:
        """Return what ``save`` has written, here or in MLflow.

        Parameters
        ----------
        path : str or path
            The folder.

        Raises
        ------
        NotFoundError
            If it is no such folder.
        """
        metrics, metadata, files = (Path(path, name) for name in _FILES)
        if not (metrics.is_file() and metadata.is_file()):
            raise NotFoundError(f"{os.fspath(path)!r} has no result of an evaluation: see save().")
        found = {}
        for name, known in json.loads(metadata.read_text("utf-8")).items():
            # the extension says what it is; the class that is named could be any
            file = files / EvaluationArtifact(str(known["uri"])).file_name
            kind = KINDS.get(file.suffix.lower(), EvaluationArtifact)
            found[name] = kind(str(known["uri"]), read=file.read_bytes)
        return cls(json.loads(metrics.read_text("utf-8")), found)

    def __repr__(self) -> str:
        names = ", ".join(self._artifacts) or "none"
        shown = ", ".join(f"{name}={value:.6g}" for name, value in self._metrics.items())
        return f"<EvaluationResult: {shown}; artifacts: {names}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{escape(name)}</td>"
            f"<td style='font-variant-numeric:tabular-nums'>{_number(value)}</td></tr>"
            for name, value in list(self._metrics.items())[:_MAX_SHOWN]
        )
        more = len(self._metrics) - _MAX_SHOWN
        rest = f"<p>... and {more} more, see .metrics</p>" if more > 0 else ""
        files = ", ".join(f"<code>{escape(name)}</code>" for name in self._artifacts)
        kept = f"<p>Artifacts: {files}</p>" if files else ""
        run = f"<p>Run <code>{escape(self._run_id)}</code></p>" if self._run_id else ""
        head = "<tr><th style='text-align:left'>Metric</th><th>Value</th></tr>"
        table = f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
        return f"<div>{table}{rest}{kept}{run}</div>"


def _number(value: float) -> str:
    if type(value) is int or (float(value).is_integer() and abs(value) < 1e9):
        return f"{int(value):,}"
    return escape(f"{value:.5g}")
