"""Switch the logging of system metrics on and off, and say how often: MLflow's names.

The settings hold for the runs that this process, and those it starts, begin from now on.
"""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.tracking import system_settings as _settings

look_elsewhere(__name__)
__all__ = [
    "disable_system_metrics_logging",
    "enable_system_metrics_logging",
    "set_system_metrics_node_id",
    "set_system_metrics_samples_before_logging",
    "set_system_metrics_sampling_interval",
]


def enable_system_metrics_logging() -> None:
    """Measure processor, memory, disk, network and GPUs in every run that starts.

    Examples
    --------
    >>> nbtrack.enable_system_metrics_logging()
    >>> with nbtrack.start_run() as run:
    ...     print(run.samples_system)
    True
    >>> nbtrack.disable_system_metrics_logging()
    """
    _settings.set_enabled(True)


def disable_system_metrics_logging() -> None:
    """Measure nothing unless ``start_run(log_system_metrics=True)`` asks for it.

    Examples
    --------
    >>> nbtrack.disable_system_metrics_logging()
    """
    _settings.set_enabled(False)


def set_system_metrics_sampling_interval(interval: float | None) -> None:
    """Measure every ``interval`` seconds; None for 10.

    Parameters
    ----------
    interval : float or None
        Seconds.

    Examples
    --------
    >>> nbtrack.set_system_metrics_sampling_interval(2.5)  # seconds
    >>> nbtrack.set_system_metrics_sampling_interval(None)
    """
    _settings.set_interval(interval)


def set_system_metrics_samples_before_logging(samples: int | None) -> None:
    """Log the mean of this many measurements as one point; None for 1.

    Parameters
    ----------
    samples : int or None
        How many.

    Examples
    --------
    >>> nbtrack.set_system_metrics_samples_before_logging(6)  # a point a minute, of every 10 s
    >>> nbtrack.set_system_metrics_samples_before_logging(None)
    """
    _settings.set_samples(samples)


def set_system_metrics_node_id(node_id: str | None) -> None:
    """Name this machine, for runs on several: ``system/<node_id>/...``; None for no name.

    Parameters
    ----------
    node_id : str or None
        The name.

    Examples
    --------
    >>> nbtrack.set_system_metrics_node_id("worker-1")
    >>> nbtrack.set_system_metrics_node_id(None)
    """
    _settings.set_node_id(node_id)
