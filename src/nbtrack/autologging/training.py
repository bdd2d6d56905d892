"""One call that trains: the run that it is logged to, and what is logged whatever goes wrong."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar
from weakref import WeakSet

from nbtrack.autologging.settings import Settings
from nbtrack.autologging.switches import report, settings_of
from nbtrack.entities import DatasetInput, InputTag
from nbtrack.entities.runs import DATA_CONTEXT
from nbtrack.errors import InvalidParameterError
from nbtrack.tracking import context
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.start import start_run

P = ParamSpec("P")
R = TypeVar("R")

AUTOLOGGING = "mlflow.autologging"
_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")

_muted: ContextVar[bool] = ContextVar("nbtrack_autologging_muted", default=False)
_taken: WeakSet[ActiveRun] = WeakSet()


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
        self, integration: str, settings: Settings, run: ActiveRun, *, opened: bool
    ) -> None:
        self.integration = integration
        self.settings = settings
        self.run = run
        self.opened = opened

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
        return function(*args, **kwargs)
    except Exception as error:  # noqa: BLE001  a training must not fail for what is logged of it
        report(integration, f"{what} could not be logged", error)
        return None


@contextmanager
def training(integration: str, name: str | None = None) -> Iterator[Training | None]:
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
        What is trained, such as the class of an estimator: the name of a run below another.
    """
    settings = settings_of(integration)
    if settings is None or is_muted() or not is_first_process():
        yield None
        return
    session = attempt(integration, "A training", _begun, integration, settings, name)
    if session is None:
        yield None
        return
    token = _muted.set(True)
    try:
        yield session
    except BaseException as error:
        _muted.reset(token)
        if session.opened:
            attempt(integration, "The end of a training", session.run.end_with, error)
        raise
    _muted.reset(token)
    if session.opened:
        attempt(integration, "The end of a training", session.run.end)


def _begun(integration: str, settings: Settings, name: str | None) -> Training | None:
    run = context.current()
    if run is None:
        opened = start_run(tags={AUTOLOGGING: integration, **(settings.extra_tags or {})})
        return Training(integration, settings, _take(opened), opened=True)
    if settings.exclusive:
        return None
    if run not in _taken:
        return Training(integration, settings, _take(run), opened=False)
    below = start_run(
        experiment_id=run.info.experiment_id,
        run_name=name,
        nested=True,
        tags={AUTOLOGGING: integration, **(settings.extra_tags or {})},
    )
    return Training(integration, settings, _take(below), opened=True)


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


def is_first_process() -> bool:
    """Return whether this process logs for a distributed training: it has rank 0, or none."""
    ranks = (os.environ.get(name, "") for name in _RANKS)
    return next((int(rank) == 0 for rank in ranks if rank.isdigit()), True)
