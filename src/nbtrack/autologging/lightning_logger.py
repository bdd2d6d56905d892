"""``NbtrackLogger``: the logger of a trainer of Lightning."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from nbtrack.autologging.lightning_facts import base_class
from nbtrack.autologging.params import flattened
from nbtrack.autologging.settings import Settings
from nbtrack.autologging.training import Training, begin
from nbtrack.tracking import context
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.start import get_or_create_experiment, start_run

_Logger: Any = base_class("loggers.logger.Logger")
_FOLDER = "checkpoints"


class NbtrackLogger(_Logger):  # type: ignore[misc]
    """Logs what a trainer of Lightning logs: hyperparameters, metrics, checkpoints.

    They go to the open run, which is left open; without one to a run that is opened when the
    first thing is logged, and ends with the call of the trainer: as FAILED or KILLED if that
    fails. What the trainer tests later goes to the same run. Only the first process of
    several logs.

    Parameters
    ----------
    experiment : str, optional
        Of a run that is opened; by default the active one.
    run_name : str, optional
        The name of a run of its own, below the open one if there is one.
    tags : mapping, optional
        Tags of the run.
    log_model : bool or "all"
        Whether the files of ``ModelCheckpoint`` are kept with the run: with True those that are
        left at the end, with "all" each one when it is written.
    prefix : str
        Put before the names of metrics, with a dash.
    run_id : str, optional
        A run to go on with.
    tracking_uri : str or path, optional
        The store, as for :func:`nbtrack.set_tracking_uri`.
    save_dir : str or path, optional
        Where ``ModelCheckpoint`` writes its files; by default below the trainer's own folder.

    Examples
    --------
    >>> from lightning.pytorch import Trainer
    >>> from nbtrack.lightning import NbtrackLogger
    >>> logger = NbtrackLogger(experiment="mnist", run_name="baseline")
    >>> trainer = Trainer(logger=logger)
    """

    LOGGER_JOIN_CHAR = "-"

    def __init__(
        self,
        experiment: str | None = None,
        run_name: str | None = None,
        *,
        tags: Mapping[str, Any] | None = None,
        log_model: Literal[True, False, "all"] = False,
        prefix: str = "",
        run_id: str | None = None,
        tracking_uri: str | os.PathLike[str] | None = None,
        save_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        self._experiment_name = experiment
        self._run_name = run_name
        self._tags = dict(tags or {})
        self._log_model = log_model
        self._prefix = f"{prefix}{self.LOGGER_JOIN_CHAR}" if prefix else ""
        self._run_id = run_id
        self._uri = tracking_uri
        self._save_dir = save_dir
        self._session: Training | None = None
        self._checkpoints: Any = None
        self._kept: dict[str, float] = {}
        self._holders = 0

    def __getstate__(self) -> dict[str, Any]:
        """Let processes that the trainer spawns log to the same run."""
        state = {**vars(self), "_session": None, "_holders": 0}
        if self._session is not None:
            place = self._session.run
            state |= {"_run_id": place.info.run_id, "_uri": place.store.uri}
        return state

    @property
    def run(self) -> ActiveRun:
        """The run; it is opened if it is not yet."""
        if self._session is None or self._session.run.ended:
            self._session = self._begun()
        return self._session.run

    def _begun(self) -> Training:
        if self._uri is not None and self._session is None:
            context.set_uri(self._uri)
        if self._session is None and self._run_id is not None:
            open_run = context.current()
            if open_run is not None and open_run.info.run_id == self._run_id:
                return Training("pytorch", Settings(), open_run, opened=False)
            run = start_run(run_id=self._run_id, nested=open_run is not None)
            return Training("pytorch", Settings(), run, opened=True)
        experiment_id = None
        if self._experiment_name is not None:
            experiment_id = get_or_create_experiment(context.store(), self._experiment_name)
        session = begin(
            "pytorch",
            Settings(),
            "Trainer",
            None if self._session is None else self._session.run,
            run_name=self._run_name,
            experiment_id=experiment_id,
            tags=self._tags,
            below=self._run_name is not None,
        )
        if self._tags and not session.opened:
            session.run.writer.set_tags(self._tags)
        return session

    @property
    def experiment(self) -> Any:
        """A client of the store, as ``MLFlowLogger`` has it; ``run_id`` is the run's."""
        if _rank() > 0:
            return base_class("loggers.logger.DummyExperiment")()
        from nbtrack.client import Client

        return Client(self.run.store.uri)

    @property
    def run_id(self) -> str | None:
        """The id of the run; None in processes that do not log."""
        return self._run_id if _rank() > 0 else self.run.info.run_id

    @property
    def name(self) -> str | None:
        """The id of the experiment, for the paths of checkpoints."""
        return None if _rank() > 0 else self.run.info.experiment_id

    @property
    def version(self) -> str | None:
        """The id of the run, for the paths of checkpoints."""
        return self.run_id

    @property
    def save_dir(self) -> str | None:
        """The folder for checkpoints, None for the trainer's own."""
        return None if self._save_dir is None else os.fspath(self._save_dir)

    def log_hyperparams(
        self, params: Mapping[str, Any] | Namespace, *args: Any, **kwargs: Any
    ) -> None:
        """Log params; nested ones as ``outer/inner``.

        Parameters
        ----------
        params : mapping or namespace
        *args, **kwargs
            Of other loggers; they have no effect.
        """
        if _rank() == 0:
            run = self.run
            Training("pytorch", Settings(), run, opened=False).log_params(flattened(params))

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log one point of each metric.

        Parameters
        ----------
        metrics : mapping of str to number
        step : int, optional
        """
        if _rank() > 0:
            return
        found = {f"{self._prefix}{key}": value for key, value in metrics.items()}
        texts = [key for key, value in found.items() if isinstance(value, str)]
        for key in texts:
            del found[key]
        run = self.run
        Training("pytorch", Settings(), run, opened=False).log_metrics(found, int(step or 0))

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Keep the files of a checkpoint, now or at the end.

        Parameters
        ----------
        checkpoint_callback : ModelCheckpoint
            Which has written them.
        """
        if not self._log_model or _rank() > 0:
            return
        self._checkpoints = checkpoint_callback
        if self._log_model == "all" or checkpoint_callback.save_top_k == -1:
            self._keep_checkpoints()

    def _keep_checkpoints(self) -> None:
        from nbtrack.tracking.artifacts import log_dict

        callback, writer = self._checkpoints, self.run.writer
        scores = {callback.last_model_path: None, **callback.best_k_models}
        scores.setdefault(callback.best_model_path, callback.best_model_score)
        for name, score in scores.items():
            path = Path(name)
            if not name or not path.exists() or self._kept.get(name) == path.stat().st_mtime:
                continue
            self._kept[name] = path.stat().st_mtime
            writer.artifacts.put_file(path, _FOLDER)
            facts = {
                "score": None if score is None else float(score),
                "monitor": callback.monitor,
                "mode": callback.mode,
                "best": name == callback.best_model_path,
            }
            log_dict(writer, facts, f"{_FOLDER}/{path.stem}.json")

    def finalize(self, status: str = "success") -> None:
        """End the run if it was opened here.

        Parameters
        ----------
        status : {"success", "failed"}
        """
        if self._session is None or _rank() > 0:
            return
        if self._checkpoints is not None:
            self._session.attempt("A checkpoint", self._keep_checkpoints)
        if self._holders:
            return  # autologging has something to add
        error = sys.exception() if status == "failed" else None
        if status == "failed" and error is None and self._session.opened:
            self._session.run.end("FAILED")
        self._session.end(error)

    @contextmanager
    def held(self) -> Iterator[ActiveRun]:
        """Keep the run open until the end of a block, whatever the trainer says."""
        run = self.run
        self._holders += 1
        try:
            yield run
        except BaseException as error:
            self._holders -= 1
            if self._session is not None:
                self._session.end(error)
            raise
        self._holders -= 1
        self.finalize()


def _rank() -> int:
    from lightning_utilities.core.rank_zero import rank_zero_only

    return int(getattr(rank_zero_only, "rank", None) or 0)
