"""One call that trains: the run that it is logged to, and what is logged whatever goes wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar
from weakref import WeakKeyDictionary, WeakSet

from nbtrack.autologging.settings import Settings
from nbtrack.autologging.switches import report, settings_of
from nbtrack.entities import DatasetInput, InputTag
from nbtrack.entities.found import Found, FoundKind
from nbtrack.entities.runs import DATA_CONTEXT
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.progress import hidden
from nbtrack.tracking import context
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.start import start_run

P = ParamSpec("P")
R = TypeVar("R")

AUTOLOGGING = "mlflow.autologging"
_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "LOCAL_RANK")

_muted: ContextVar[bool] = ContextVar("nbtrack_autologging_muted", default=False)
_taken: WeakSet[ActiveRun] = WeakSet()
_logged: WeakKeyDictionary[ActiveRun, dict[tuple[FoundKind, str], str]] = WeakKeyDictionary()


class Training:
    """What one call that trains logs, to its run.

    Attributes
    ----------
    integration : str
        The name of the library's integration.
    settings : Settings
        What shall be logged.
    run : ActiveRun
        Where it goes.
    opened : bool
        Whether the run was opened for this training, and ends with it.
    """

    def __init__(
        self,
        integration: str,
        settings: Settings,
        run: ActiveRun,
        *,
        opened: bool,
        status: str | None = None,
    ) -> None:
        self.integration = integration
        self.settings = settings
        self.run = run
        self.opened = opened
        self._status = status

    def end(self, error: BaseException | None = None) -> None:
        """End the run if it was opened for this training.

        Parameters
        ----------
        error : BaseException, optional
            What has ended the training, None if it came to its end.
        """
        if not self.opened:
            return
        if error is None and self._status:
            attempt(self.integration, "The end of a training", self.run.end, self._status)
        else:
            attempt(self.integration, "The end of a training", self.run.end_with, error)

    def as_data(self) -> dict[str, Any]:
        """Return what a process that Lightning spawns needs to log to the run."""
        place = {"uri": self.run.store.uri, "run_id": self.run.info.run_id}
        return {"integration": self.integration, "settings": self.settings, **place}

    def attempt(
        self, what: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R | None:
        """Call a function; what it raises is said once and stops nothing.

        Parameters
        ----------
        what : str
            What is not logged then, such as ``"the confusion matrix"``.
        function : callable
            Called with the other arguments.

        Returns
        -------
        object
            What the function returns, None where it raised.
        """
        return attempt(self.integration, what, function, *args, **kwargs)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log params; one that has another value already is left out and said, the others stay.

        Parameters
        ----------
        params : mapping
            Values by name.
        """
        writer, kept = self.run.writer, {}
        known = writer.params
        for key, value in params.items():
            if key in known:
                if known[key] != str(value):
                    report(
                        self.integration,
                        f"The param {key} is {known[key]} in the run {self.run.info.run_name} "
                        f"already, and not logged as {value}",
                    )
                continue
            kept[key] = value
        note(self.run, "param", kept, self.integration)
        try:
            writer.log_params(kept)
        except InvalidParameterError:  # one of them cannot be logged: the others shall be
            for key, value in kept.items():
                self.attempt(f"The param {key}", writer.log_params, {key: value})

    def log_metrics(self, metrics: Mapping[str, Any], step: int = 0) -> None:
        """Log one point of each metric.

        Parameters
        ----------
        metrics : mapping
            Numbers by name.
        step : int, optional
        """
        note(self.run, "metric", metrics, self.integration)
        self.attempt("A metric", self.run.writer.log_metrics, metrics, step)

    def log_dataset(self, dataset: Any, what: str) -> None:
        """Record a dataset that was read.

        Parameters
        ----------
        dataset : Dataset
            As those of ``nbtrack.data`` describe it.
        what : str
            What for: ``"train"``, ``"eval"``.
        """
        from nbtrack.tracking.model_metrics import dataset_entity

        entity = dataset_entity(dataset)
        self.run.writer.log_inputs([DatasetInput(entity, [InputTag(DATA_CONTEXT, what)])])

    def log_figure(self, figure: Any, artifact_file: str) -> None:
        """Store a figure of matplotlib.

        Parameters
        ----------
        figure : matplotlib.figure.Figure
        artifact_file : str
            Its path among the artifacts.
        """
        from nbtrack.tracking import artifacts

        artifacts.log_figure(self.run.writer, figure, artifact_file)

    def log_text(self, text: str, artifact_file: str) -> None:
        """Store text as a file.

        Parameters
        ----------
        text : str
        artifact_file : str
            Its path among the artifacts.
        """
        from nbtrack.tracking import artifacts

        artifacts.log_text(self.run.writer, text, artifact_file)

    def log_dict(self, dictionary: Any, artifact_file: str) -> None:
        """Store what JSON can say as a file.

        Parameters
        ----------
        dictionary : dict or list
        artifact_file : str
            Its path among the artifacts.
        """
        from nbtrack.tracking import artifacts

        artifacts.log_dict(self.run.writer, dictionary, artifact_file)


def attempt(
    integration: str, what: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> R | None:
    """Call a function; what it raises is said once and stops nothing.

    Parameters
    ----------
    integration : str
        Whose work it is.
    what : str
        What is not logged then.
    function : callable
        Called with the other arguments.
    """
    try:
        with hidden():
            return function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  a training must not fail for what is logged of it
        report(integration, f"{what} could not be logged", error)
        return None


@contextmanager
def training(
    integration: str, name: str | None = None, again: ActiveRun | None = None
) -> Iterator[Training | None]:
    """Let a call that trains be logged; None if it is not to be.

    It is not while the library is switched off, inside of another such call (which logs all of
    it), in a process of a distributed training that is not the first, or in a run of the user's
    with ``exclusive``.

    The run is the open one if no training has been logged to it yet; else one below it. Without
    one it is a new run, that ends with the call: as FAILED if the call raises.

    Parameters
    ----------
    integration : str
        One of ``INTEGRATIONS``.
    name : str, optional
        What is trained, such as the class of an estimator: the name of a run that is opened.
    again : ActiveRun, optional
        The run of an earlier call that this one belongs to, such as the training of a trainer
        that tests now. It goes on, unless the user has opened another one since.
    """
    settings = settings_of(integration)
    if settings is None or is_muted() or not is_first_process():
        yield None
        return
    if settings.exclusive and context.current() is not None:
        yield None
        return
    session = attempt(integration, "A training", begin, integration, settings, name, again)
    if session is None:
        yield None
        return
    token = _muted.set(True)
    try:
        yield session
    except BaseException as error:
        _muted.reset(token)
        session.end(error)
        raise
    _muted.reset(token)
    session.end()


def begin(
    integration: str,
    settings: Settings,
    name: str | None = None,
    again: ActiveRun | None = None,
    *,
    run_name: str | None = None,
    experiment_id: str | None = None,
    tags: Mapping[str, str] | None = None,
    below: bool = False,
) -> Training:
    """Return a training with its run, as :func:`training` has it; the caller ends it.

    Parameters
    ----------
    integration : str
        One of ``INTEGRATIONS``.
    settings : Settings
        What is logged.
    name : str, optional
        What is trained: the name of a run that is opened.
    again : ActiveRun, optional
        The run of an earlier call that this one belongs to.
    run_name, experiment_id : str, optional
        Of a run that is opened; the name in place of what is trained.
    tags : mapping, optional
        Of a run that is opened, in place of those that say that autologging has.
    below : bool, optional
        Whether an open run is to get a run below it, also for its first training.
    """
    run = context.current()
    if again is not None and (found := _continued(integration, settings, run, again)):
        return found
    if tags is None:
        tags = {AUTOLOGGING: integration, **(settings.extra_tags or {})}
    if run is None:
        opened = start_run(experiment_id=experiment_id, run_name=run_name or name, tags=tags)
        return Training(integration, settings, _take(opened), opened=True)
    if run not in _taken and not below:
        return Training(integration, settings, _take(run), opened=False)
    nested = start_run(
        experiment_id=experiment_id or run.info.experiment_id,
        run_name=run_name or name,
        nested=True,
        tags=tags,
    )
    return Training(integration, settings, _take(nested), opened=True)


def _continued(
    integration: str, settings: Settings, run: ActiveRun | None, again: ActiveRun
) -> Training | None:
    """Return the training in the run of an earlier call; None if the user has chosen another."""
    if run is not None and run.writer is again.writer:
        return Training(integration, settings, run, opened=False)
    if again.store is not context.store():
        return None
    if run is not None and all(run.info.run_id != outer.info.run_id for outer in again.outer):
        return None
    try:
        reopened = start_run(run_id=again.info.run_id, nested=run is not None)
    except NbtrackError:  # deleted since, or another experiment was chosen
        return None
    status = again.info.status if again.ended else None
    return Training(integration, settings, _take(reopened), opened=True, status=status)


def _take(run: ActiveRun) -> ActiveRun:
    _taken.add(run)
    return run


def is_muted() -> bool:
    """Return whether this thread or task is inside of a call that logs all of it."""
    return _muted.get()


@contextmanager
def muted() -> Iterator[None]:
    """Log nothing by itself in a ``with`` block; also in threads, where it is entered there."""
    token = _muted.set(True)
    try:
        yield
    finally:
        _muted.reset(token)


@contextmanager
def unmuted() -> Iterator[None]:
    """Log by itself in a ``with`` block what is inside of a call that logs only a part of it."""
    token = _muted.set(False)
    try:
        yield
    finally:
        _muted.reset(token)


def mute_for_good() -> None:
    """Log nothing by itself in this thread any more: it is one of a training that is logged."""
    _muted.set(True)


def is_first_process() -> bool:
    """Return whether this process logs for a distributed training: it has rank 0, or none."""
    ranks = (os.environ.get(name, "") for name in _RANKS)
    return next((int(rank) == 0 for rank in ranks if rank.isdigit()), True)


def note(run: ActiveRun, kind: FoundKind, keys: Iterable[str], source: str) -> None:
    """Remember what was logged to a run by itself: a tracked cell says it.

    Parameters
    ----------
    run : ActiveRun
    kind : {"param", "metric"}
    keys : iterable of str
        The names.
    source : str
        By what, such as ``training loop``.
    """
    known = _logged.setdefault(run, {})
    for key in keys:
        known.setdefault((kind, key), source)


def logged(run: ActiveRun) -> list[Found]:
    """Return what was logged to a run by itself, in its order."""
    return [Found(kind, key, source) for (kind, key), source in _logged.get(run, {}).items()]
