"""Whether and how runs measure their machine: kept in the environment, checked in one place."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from nbtrack import variables
from nbtrack.entities.run_data import SYSTEM
from nbtrack.environment import Variable
from nbtrack.errors import InvalidParameterError
from nbtrack.validation import check_key

_ENABLED = variables.ENABLE_SYSTEM_METRICS_LOGGING
_INTERVAL = variables.SYSTEM_METRICS_SAMPLING_INTERVAL
_SAMPLES = variables.SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING
_NODE = variables.SYSTEM_METRICS_NODE_ID
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class Settings:
    """How a run measures its machine.

    Attributes
    ----------
    enabled : bool
        Whether it does when ``start_run`` does not say.
    interval : float
        Seconds from one measurement to the next.
    samples : int
        Measurements that make one point: their mean.
    node_id : str or None
        Put behind ``system/``, to tell the machines of one run apart.
    """

    enabled: bool = False
    interval: float = _INTERVAL.default
    samples: int = _SAMPLES.default
    node_id: str | None = None

    @property
    def prefix(self) -> str:
        """What stands before the names of the metrics."""
        return f"{SYSTEM}{self.node_id}/" if self.node_id else SYSTEM


def is_enabled() -> bool:
    """Return whether runs measure their machine when ``start_run`` does not say."""
    return _ENABLED.get()


def settings() -> Settings:
    """Return the settings that the environment holds.

    Raises
    ------
    InvalidParameterError
        If a variable has no value that can be used.
    """
    return Settings(
        enabled=is_enabled(),
        interval=_read(_INTERVAL, _interval, Settings.interval),
        samples=_read(_SAMPLES, _samples, Settings.samples),
        node_id=_read(_NODE, _node_id, None),
    )


def set_enabled(enabled: bool) -> None:
    """Let the runs that start from now on measure their machine, or not."""
    _set(_ENABLED, str(bool(enabled)).lower())


def set_interval(interval: float | None) -> None:
    """Set the seconds between measurements; None for 10."""
    _set(_INTERVAL, None if interval is None else _interval(interval))


def set_samples(samples: int | None) -> None:
    """Set how many measurements make one point; None for 1."""
    _set(_SAMPLES, None if samples is None else _samples(samples))


def set_node_id(node_id: str | None) -> None:
    """Set the name of this machine within a run; None for no name."""
    _set(_NODE, None if node_id is None else _node_id(node_id))


def _interval(value: Any) -> float:
    number = _number(value)
    if not 0 < number < math.inf:
        raise InvalidParameterError(
            f"The sampling interval of system metrics must be a number of seconds above 0; got "
            f"{value!r}."
        )
    return number


def _samples(value: Any) -> int:
    number = _number(value)
    if not 1 <= number < math.inf or number != int(number):
        raise InvalidParameterError(
            f"The samples before logging of system metrics must be a whole number, at least 1; "
            f"got {value!r}."
        )
    return int(number)


def _node_id(value: Any) -> str:
    name = str(value)
    try:
        check_key(f"system/{name}/cpu_utilization_percentage" if name else "system/")
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"The node id of system metrics becomes a part of their names, system/<node id>/...; "
            f"{value!r} cannot be one: {error}"
        ) from None
    return name


def _number(value: Any) -> float:
    try:
        return math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return math.nan


def _read(variable: Variable[Any], check: Callable[[str], _Value], default: _Value) -> _Value:
    text = variable.text()
    if text is None:
        return default
    try:
        return check(text)
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"{error} The environment variable {variable.found()} says it."
        ) from None


def _set(variable: Variable[Any], value: object) -> None:
    # processes that training starts see the settings too
    variable.unset()
    if value is not None and value != "":
        variable.set(value)
