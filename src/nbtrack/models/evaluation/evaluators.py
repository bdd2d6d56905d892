"""Evaluators by name: our own, and those that packages bring (``mlflow.model_evaluator``)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from nbtrack.errors import InvalidParameterError

GROUP = "mlflow.model_evaluator"
DEFAULT = "default"
_PARTS = (DEFAULT, "classifier", "regressor", "shap")  # MLflow's names of what is one here


class ModelEvaluator(ABC):
    """What a package brings to evaluate models of its kind.

    It is found by an entry point of the group ``mlflow.model_evaluator``; its class is made
    without arguments.
    """

    @classmethod
    @abstractmethod
    def can_evaluate(
        cls, *, model_type: str | None, evaluator_config: dict[str, Any], **kwargs: Any
    ) -> bool:
        """Return whether it evaluates models of a type."""

    @abstractmethod
    def evaluate(
        self,
        *,
        model_type: str | None,
        dataset: Any,
        run_id: str,
        evaluator_config: dict[str, Any],
        model: Any = None,
        extra_metrics: Any = None,
        custom_artifacts: Any = None,
        predictions: str | None = None,
        **kwargs: Any,
    ) -> Any:
        """Evaluate, log to the run, and return an ``EvaluationResult``."""


def list_evaluators() -> list[str]:
    """Return the names of the evaluators: ``"default"``, and those that packages bring.

    Examples
    --------
    >>> nbtrack.models.list_evaluators()
    ['default']
    """
    return [DEFAULT, *(name for name in _brought() if name not in _PARTS)]


def chosen(
    evaluators: str | list[str] | None, config: Mapping[str, Any] | None, model_type: str | None
) -> dict[str, tuple[Any, dict[str, Any]]]:
    """Return the evaluators that are meant, each with its configuration; ours is None.

    Parameters
    ----------
    evaluators : str or list of str, optional
        Names; by default all that evaluate models of the type.
    config : mapping, optional
        For all of them, or one for each by its name.
    model_type : str or None
        The type.

    Raises
    ------
    InvalidParameterError
        If there is none of a name, or the configuration is not by name where it has to be.
    """
    given = dict(config or {})
    known = {*_PARTS, *list_evaluators()}
    by_name = bool(given) and all(
        name in known and isinstance(each, Mapping) for name, each in given.items()
    )
    if isinstance(evaluators, list | tuple) and given and not by_name:
        raise InvalidParameterError(
            "If `evaluators` argument is an evaluator name list, evaluator_config must be a dict "
            "containing mapping from evaluator name to individual evaluator config dict: "
            "{'default': {...}}."
        )
    names = [evaluators] if isinstance(evaluators, str) else list(evaluators or list_evaluators())
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidParameterError(
            f"There is no evaluator {unknown[0]!r}; there are {', '.join(list_evaluators())}."
        )
    found: dict[str, tuple[Any, dict[str, Any]]] = {}
    for name in names:
        if name in _PARTS:
            own = {k: v for part in _PARTS for k, v in given.get(part, {}).items()}
            found[DEFAULT] = (None, own if by_name else given)
            continue
        settings = dict(given.get(name, {})) if by_name else given
        evaluator = _brought()[name].load()()
        if evaluators is not None or evaluator.can_evaluate(
            model_type=model_type, evaluator_config=settings
        ):
            found[name] = (evaluator, settings)
    return found


@cache
def _brought() -> dict[str, EntryPoint]:
    return {each.name: each for each in entry_points(group=GROUP)}
