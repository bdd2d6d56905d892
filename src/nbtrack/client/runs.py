"""The client: runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nbtrack.client.base import ClientBase
from nbtrack.entities import PagedList, Run, ViewType
from nbtrack.entities.runs import PARENT
from nbtrack.validation import check_run_id


class RunMethods(ClientBase):
    """What the client does with runs."""

    def create_run(
        self,
        experiment_id: str,
        start_time: int | None = None,
        tags: Mapping[str, Any] | None = None,
        run_name: str | None = None,
    ) -> Run:
        """Make a run that is RUNNING until ``set_terminated``.

        Parameters
        ----------
        start_time : int, optional
            Milliseconds since the epoch; now when it is not given.
        run_name : str, optional
            By default a random one.
        """
        from nbtrack.tracking.run import create

        info, _ = create(
            self._store, str(experiment_id), run_name=run_name, start_time=start_time, tags=tags
        )
        return self.get_run(info.run_id)

    def get_run(self, run_id: str) -> Run:
        """Return a run with its latest metrics, params and tags."""
        from nbtrack.store.runs import get_run

        with self._store_of(run_id).read() as reader:
            return get_run(reader, run_id)

    def get_parent_run(self, run_id: str) -> Run | None:
        """Return the run that a run is nested in, or None."""
        parent = self.get_run(run_id).data.tags.get(PARENT)
        return self.get_run(parent) if parent else None

    def search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str = "",
        run_view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = 1000,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[Run]:
        """Return one page of the runs that fit a filter.

        Parameters
        ----------
        experiment_ids : list of str
            Where to look.
        run_view_type : int
            One of ``nbtrack.entities.ViewType``.
        """
        from nbtrack.store.search.runs import search_runs

        with self._store.read() as reader:
            return search_runs(
                reader,
                [experiment_ids] if isinstance(experiment_ids, str | int) else experiment_ids,
                filter_string,
                run_view_type,
                max_results,
                order_by,
                page_token,
            )

    def set_terminated(
        self, run_id: str, status: str | None = None, end_time: int | None = None
    ) -> None:
        """End a run, by default as FINISHED, now.

        Parameters
        ----------
        status : {"FINISHED", "FAILED", "KILLED"}, optional
            How it has ended.
        end_time : int, optional
            Milliseconds since the epoch.
        """
        from nbtrack.tracking.start import terminate

        terminate(self._store_of(run_id), check_run_id(run_id), status or "FINISHED", end_time)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change status or name of a run.

        Parameters
        ----------
        status : str, optional
            A name of ``nbtrack.entities.RunStatus``.
        """
        from nbtrack.tracking.run import check_status

        self._writer(run_id).update(status=check_status(status), name=name)

    def delete_run(self, run_id: str) -> None:
        """Mark a run as deleted."""
        self._store_of(run_id).runs.delete(run_id)

    def restore_run(self, run_id: str) -> None:
        """Bring a deleted run back."""
        self._store_of(run_id).runs.restore(run_id)
