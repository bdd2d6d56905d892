"""What every flavor's ``save_model`` and ``log_model`` takes besides its own parameters."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypedDict, TypeVar

from nbtrack.errors import warn
from nbtrack.suggestions import did_you_mean

if TYPE_CHECKING:
    from nbtrack.models.environment import Given
    from nbtrack.models.model import Model
    from nbtrack.models.signature import ModelSignature

P = ParamSpec("P")
R = TypeVar("R")


class SaveOptions(TypedDict, total=False):
    """What ``save_model`` of every flavor takes; see :func:`nbtrack.models.logging.save`."""

    signature: ModelSignature | Literal[False] | None
    input_example: Any
    pip_requirements: Given
    extra_pip_requirements: Given
    conda_env: str | os.PathLike[str] | Mapping[str, Any] | None
    code_paths: Iterable[str | os.PathLike[str]] | None
    extra_files: Iterable[str | os.PathLike[str]] | None
    metadata: dict[str, Any] | None
    mlflow_model: Model | None


class LogOptions(SaveOptions, total=False):
    """What ``log_model`` of every flavor takes; see :func:`nbtrack.models.logging.log`."""

    name: str | None
    registered_model_name: str | None
    await_registration_for: float | None
    params: Mapping[str, Any] | None
    tags: Mapping[str, Any] | None
    model_type: str | None
    step: int
    model_id: str | None
    run_id: str | None
    wait: bool


_DEFAULTS = {"step": 0, "await_registration_for": 300, "wait": True}


def spelled_out(
    options: type, defaults: Mapping[str, Any] = _DEFAULTS
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a function whose last parameter is ``**options`` name them all in its signature.

    So a notebook shows them, and one that does not exist is refused with the one that was
    meant.

    Parameters
    ----------
    options : type
        The typed dictionary.
    defaults : mapping, optional
        What an option is that is not given, where it is not None.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        own = [
            parameter
            for parameter in inspect.signature(function).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        named = {parameter.name for parameter in own}
        more = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=defaults.get(name))
            for name in options.__annotations__
            if name not in named
        ]
        known = named | {parameter.name for parameter in more}

        @functools.wraps(function)
        def checked(*args: P.args, **kwargs: P.kwargs) -> R:
            for name in kwargs:
                if name not in known:
                    raise TypeError(_unknown(function.__name__, name, known))
            return function(*args, **kwargs)

        checked.__signature__ = inspect.Signature([*own, *more])  # type: ignore[attr-defined]
        return checked

    return decorate


def without_effect(**given: Any) -> None:
    """Say of options of MLflow's that are accepted and do nothing here; of those that are given.

    Parameters
    ----------
    **given
        The options.
    """
    for name, value in given.items():
        if value is not None and value != [] and value != {}:
            warn(f"{name}= has no effect in nbtrack: the model is saved without it.")


def _unknown(function: str, name: str, known: set[str]) -> str:
    meant = did_you_mean(name, sorted(known), f"It takes {', '.join(sorted(known))}.")
    return f"{function}() got an unexpected keyword argument {name!r}. {meant}"
