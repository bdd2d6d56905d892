"""The client: artifacts of runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, BinaryIO

from nbtrack.client.tracking import ClientBase
from nbtrack.entities import FileInfo

if TYPE_CHECKING:
    import pandas as pd


class ArtifactMethods(ClientBase):
    """Methods of the client for artifacts of runs."""

    def log_artifact(
        self, run_id: str, local_path: str | os.PathLike[str], artifact_path: str | None = None
    ) -> None:
        """Store a file (or a folder) among a run's artifacts.

        The other parameters are those of ``nbtrack.log_artifact``.

        Examples
        --------
        >>> from pathlib import Path
        >>> _ = Path("notes.txt").write_text("Converged.")
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_artifact(run.info.run_id, "notes.txt", artifact_path="texts")
        >>> [each.path for each in client.list_artifacts(run.info.run_id, "texts")]
        ['texts/notes.txt']
        """
        self._writer(run_id).artifacts.put_file(local_path, artifact_path)

    def log_artifacts(
        self, run_id: str, local_dir: str | os.PathLike[str], artifact_path: str | None = None
    ) -> None:
        """Store the content of a folder among a run's artifacts.

        The other parameters are those of ``nbtrack.log_artifacts``.

        Examples
        --------
        >>> from pathlib import Path
        >>> Path("plots").mkdir()
        >>> _ = Path("plots", "loss.svg").write_text("<svg/>")
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_artifacts(run.info.run_id, "plots")
        >>> [each.path for each in client.list_artifacts(run.info.run_id)]
        ['loss.svg']
        """
        self._writer(run_id).artifacts.put_folder(local_dir, artifact_path)

    def log_text(self, run_id: str, text: str, artifact_file: str) -> None:
        """Store text as a file.

        The other parameters are those of ``nbtrack.log_text``.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_text(run.info.run_id, "Converged.", "notes.txt")
        """
        from nbtrack.tracking import artifacts

        artifacts.log_text(self._writer(run_id), text, artifact_file)

    def log_dict(self, run_id: str, dictionary: Any, artifact_file: str) -> None:
        """Store a dictionary as JSON or YAML.

        The other parameters are those of ``nbtrack.log_dict``.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_dict(run.info.run_id, {"layers": 2}, "net.json")
        """
        from nbtrack.tracking import artifacts

        artifacts.log_dict(self._writer(run_id), dictionary, artifact_file)

    def log_stream(self, run_id: str, stream: BinaryIO, artifact_file: str) -> None:
        """Store the content of a binary stream.

        The other parameters are those of ``nbtrack.log_stream``.

        Examples
        --------
        >>> import io
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_stream(run.info.run_id, io.BytesIO(b"raw bytes"), "dump.bin")
        """
        from nbtrack.tracking import artifacts

        artifacts.log_stream(self._writer(run_id), stream, artifact_file)

    def log_figure(
        self,
        run_id: str,
        figure: Any,
        artifact_file: str,
        *,
        save_kwargs: dict[str, Any] | None = None,
    ) -> None:
        """Store a figure of matplotlib or Plotly.

        The other parameters are those of ``nbtrack.log_figure``.

        Examples
        --------
        >>> import plotly.graph_objects as go
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_figure(run.info.run_id, go.Figure(go.Scatter(y=[0.9, 0.5])), "loss.html")
        """
        from nbtrack.tracking import artifacts

        artifacts.log_figure(self._writer(run_id), figure, artifact_file, save_kwargs=save_kwargs)

    def log_image(
        self,
        run_id: str,
        image: Any,
        artifact_file: str | None = None,
        key: str | None = None,
        step: int | None = None,
        timestamp: int | None = None,
        synchronous: bool | None = None,
    ) -> None:
        """Store a picture as a file, or as one step of the series ``key``.

        The other parameters are those of ``nbtrack.log_image``.

        Examples
        --------
        >>> import numpy as np
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_image(run.info.run_id, np.zeros((4, 6), dtype=np.uint8), "black.png")
        """
        from nbtrack.tracking.images import log_image

        log_image(self._writer(run_id), image, artifact_file, key, step, timestamp)

    def log_table(self, run_id: str, data: Any, artifact_file: str) -> None:
        """Store a table, or add rows to the one that is there.

        The other parameters are those of ``nbtrack.log_table``.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_table(run.info.run_id, {"text": ["good"], "score": [0.9]}, "scores.json")
        """
        from nbtrack.tracking.tables import log_table

        log_table(self._writer(run_id), data, artifact_file)

    def load_table(
        self,
        experiment_id: str,
        artifact_file: str,
        run_ids: list[str] | None = None,
        extra_columns: list[str] | None = None,
    ) -> pd.DataFrame:
        """Return a table of the runs of an experiment, concatenated.

        The other parameters are those of ``nbtrack.load_table``.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_table(run.info.run_id, {"score": [0.9]}, "eval.json")
        >>> client.load_table("0", "eval.json")
           score
        0    0.9
        """
        from nbtrack.tracking.tables import load_table

        return load_table(self._store, experiment_id, artifact_file, run_ids, extra_columns)

    def list_artifacts(self, run_id: str, path: str | None = None) -> list[FileInfo]:
        """Return the files and folders at a place among a run's artifacts and logged models.

        Parameters
        ----------
        path : str, optional
            A folder; by default what lies above all.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_text(run.info.run_id, "Converged.", "notes.txt")
        >>> [(each.path, each.file_size) for each in client.list_artifacts(run.info.run_id)]
        [('notes.txt', 10)]
        """
        from nbtrack.tracking.run_artifacts import artifacts_of

        return artifacts_of(self._store_of(run_id), run_id).list(path)

    def download_artifacts(self, run_id: str, path: str, dst_path: str | None = None) -> str:
        """Copy a file or a folder of a run's artifacts, or a model; return the local path.

        Parameters
        ----------
        path : str
            The file or the folder.
        dst_path : str, optional
            As in ``nbtrack.artifacts.download_artifacts``.

        Examples
        --------
        >>> from pathlib import Path
        >>> client = nbtrack.Client()
        >>> run = client.create_run("0")
        >>> client.log_text(run.info.run_id, "Converged.", "notes.txt")
        >>> Path(client.download_artifacts(run.info.run_id, "notes.txt")).read_text()
        'Converged.'
        """
        from nbtrack.tracking.run_artifacts import artifacts_of

        return artifacts_of(self._store_of(run_id), run_id).download(path, dst_path)
