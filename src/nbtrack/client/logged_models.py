"""The client: logged models."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from nbtrack.client.tracking import ClientBase
from nbtrack.entities import FileInfo, LoggedModel, LoggedModelStatus, PagedList


class LoggedModelMethods(ClientBase):
    """Methods of the client for logged models."""

    def create_logged_model(
        self,
        experiment_id: str,
        name: str | None = None,
        source_run_id: str | None = None,
        tags: Mapping[str, Any] | None = None,
        params: Mapping[str, Any] | None = None,
        model_type: str | None = None,
    ) -> LoggedModel:
        """Create a logged model that is PENDING until ``finalize_logged_model``.

        Parameters
        ----------
        source_run_id, model_type : str, optional
            As in ``nbtrack.initialize_logged_model``; the active run is not taken.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> model = client.create_logged_model("0", "net", params={"layers": "2"})
        >>> model.status.value
        'PENDING'
        """
        from nbtrack.tracking.logged_models import initialize

        return initialize(
            self._store if source_run_id is None else self._store_of(source_run_id),
            name,
            run_id=source_run_id,
            experiment_id=str(experiment_id),
            params=params,
            tags=tags,
            model_type=model_type,
            use_active=False,
        )

    def log_model_params(self, model_id: str, params: Mapping[str, Any]) -> None:
        """Log params of a logged model, written once.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> model = client.create_logged_model("0", "net")
        >>> client.log_model_params(model.model_id, {"layers": 2})
        >>> client.get_logged_model(model.model_id).params
        {'layers': '2'}
        """
        from nbtrack.tracking import model_edits

        model_edits.log_params(self._store_of_model(model_id), model_id, params)

    def finalize_logged_model(
        self, model_id: str, status: Literal["READY", "FAILED"] | LoggedModelStatus
    ) -> LoggedModel:
        """Finalize a logged model: its status says whether all its files are there.

        Parameters
        ----------
        status : {"READY", "FAILED"}
            Whether they are.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> model = client.create_logged_model("0", "net")
        >>> client.finalize_logged_model(model.model_id, "READY").status.value
        'READY'
        """
        from nbtrack.tracking import model_edits

        return model_edits.finalize(self._store_of_model(model_id), model_id, status)

    def get_logged_model(self, model_id: str) -> LoggedModel:
        """Return a logged model with its params, tags and metrics.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> model = client.create_logged_model("0", "net")
        >>> client.get_logged_model(model.model_id).name
        'net'
        """
        from nbtrack.tracking import model_edits

        return model_edits.get(self._store_of_model(model_id), model_id)

    def delete_logged_model(self, model_id: str) -> None:
        """Mark a logged model as deleted; ``compact`` removes its files.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> model = client.create_logged_model("0", "a mistake")
        >>> client.delete_logged_model(model.model_id)
        >>> client.search_logged_models(["0"], "name = 'a mistake'")
        []
        """
        self._store_of_model(model_id).logged_models.delete(model_id)

    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, Any]) -> None:
        """Set tags of a logged model.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> model = client.create_logged_model("0", "net")
        >>> client.set_logged_model_tags(model.model_id, {"stage": "draft"})
        >>> client.get_logged_model(model.model_id).tags["stage"]
        'draft'
        """
        from nbtrack.tracking import model_edits

        model_edits.set_tags(self._store_of_model(model_id), model_id, tags)

    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        """Remove a tag of a logged model.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> model = client.create_logged_model("0", "net", tags={"stage": "draft"})
        >>> client.delete_logged_model_tag(model.model_id, "stage")
        >>> "stage" in client.get_logged_model(model.model_id).tags
        False
        """
        from nbtrack.tracking import model_edits

        model_edits.delete_tag(self._store_of_model(model_id), model_id, key)

    def log_model_artifact(
        self,
        model_id: str,
        local_path: str | os.PathLike[str],
        artifact_path: str | None = None,
    ) -> None:
        """Store a file (or a folder) among the files of a logged model.

        Parameters
        ----------
        local_path, artifact_path : str or path
            As in ``nbtrack.log_artifact``.

        Examples
        --------
        >>> from pathlib import Path
        >>> _ = Path("vocabulary.txt").write_text("a b c")
        >>> client = nbtrack.Client()
        >>> model = client.create_logged_model("0", "net")
        >>> client.log_model_artifact(model.model_id, "vocabulary.txt")
        >>> [each.path for each in client.list_logged_model_artifacts(model.model_id)]
        ['vocabulary.txt']
        """
        from nbtrack.models.edits import keep_trust
        from nbtrack.tracking import model_edits

        store = self._store_of_model(model_id)
        with keep_trust(store, model_id):
            model_edits.files(store, model_id).put_file(local_path, artifact_path)

    def log_model_artifacts(
        self,
        model_id: str,
        local_dir: str | os.PathLike[str],
        artifact_path: str | None = None,
    ) -> None:
        """Store the content of a folder among the files of a logged model.

        Parameters
        ----------
        local_dir, artifact_path : str or path
            As in ``nbtrack.log_artifacts``.

        Examples
        --------
        >>> from pathlib import Path
        >>> Path("weights").mkdir()
        >>> _ = Path("weights", "layer1.bin").write_bytes(b"...")
        >>> client = nbtrack.Client()
        >>> model = client.create_logged_model("0", "net")
        >>> client.log_model_artifacts(model.model_id, "weights")
        >>> [each.path for each in client.list_logged_model_artifacts(model.model_id)]
        ['layer1.bin']
        """
        from nbtrack.models.edits import keep_trust
        from nbtrack.tracking import model_edits

        store = self._store_of_model(model_id)
        with keep_trust(store, model_id):
            model_edits.files(store, model_id).put_folder(local_dir, artifact_path)

    def list_logged_model_artifacts(self, model_id: str, path: str | None = None) -> list[FileInfo]:
        """Return the files and folders at a place among the files of a logged model.

        Parameters
        ----------
        path : str, optional
            A folder; by default what lies above all.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> model = client.create_logged_model("0", "net")
        >>> client.list_logged_model_artifacts(model.model_id)  # nothing was logged yet
        []
        """
        from nbtrack.tracking import model_edits

        return model_edits.files(self._store_of_model(model_id), model_id).list(path)

    def search_logged_models(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None = None,
        datasets: Sequence[Mapping[str, Any]] | None = None,
        max_results: int | None = None,
        order_by: Sequence[Mapping[str, Any]] | None = None,
        page_token: str | None = None,
    ) -> PagedList[LoggedModel]:
        """Return one page of the logged models that match a filter.

        Parameters
        ----------
        experiment_ids, datasets : list
            As in ``nbtrack.search_logged_models``.

        Examples
        --------
        >>> client = nbtrack.Client()
        >>> _ = client.create_logged_model("0", "net", params={"layers": "12"})
        >>> [each.name for each in client.search_logged_models(["0"], "params.layers = '12'")]
        ['net']
        """
        from nbtrack.store.search import search_logged_models

        ids = [experiment_ids] if isinstance(experiment_ids, str | int) else experiment_ids
        with self._store.read() as reader:
            return search_logged_models(
                reader, ids, filter_string, datasets, max_results, order_by, page_token
            )
