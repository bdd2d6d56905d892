"""Models of the user's own making: a class with ``predict``, or a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from nbtrack.callables import parameters_of
from nbtrack.errors import InvalidParameterError
from nbtrack.models.type_hints import fit_hint, input_hint


class PythonModel:
    """Base of models of the user's own making; the methods are MLflow's.

    ``predict`` may also be written without ``context``, and without ``params``.

    Examples
    --------
    >>> from pathlib import Path
    >>> class Greeting(nbtrack.pyfunc.PythonModel):
    ...     def load_context(self, context):
    ...         self.word = Path(context.artifacts["word"]).read_text()
    ...
    ...     def predict(self, context, model_input, params=None):
    ...         return [f"{self.word} {name}" for name in model_input]
    >>> _ = Path("word.txt").write_text("Hello")
    >>> artifacts = {"word": "word.txt"}
    >>> _ = nbtrack.pyfunc.save_model("greeting", python_model=Greeting(), artifacts=artifacts)
    >>> nbtrack.pyfunc.load_model("greeting").predict(["Ada"])
    ['Hello Ada']
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Prepare for predicting, such as by reading ``context.artifacts``; called on loading.

        Parameters
        ----------
        context : PythonModelContext
            The artifacts and the configuration of the model.
        """

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return predictions.

        Parameters
        ----------
        context : PythonModelContext
            The artifacts and the configuration of the model.
        model_input : object
            As the signature says it.
        params : dict, optional
            The parameters of the signature.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method predict.")

    def predict_stream(
        self, context: Any, model_input: Any, params: dict[str, Any] | None = None
    ) -> Iterator[Any]:
        """Yield a prediction in parts.

        Parameters
        ----------
        context, model_input, params
            As in ``predict``.
        """
        raise NotImplementedError(f"{type(self).__name__} has no method predict_stream.")


class PythonModelContext:
    """What a Python model is given besides its input.

    Parameters
    ----------
    artifacts : mapping of str to str
        Local paths of the artifacts that were saved with it.
    model_config : mapping, optional
        Its configuration.
    """

    def __init__(
        self, artifacts: Mapping[str, str], model_config: Mapping[str, Any] | None = None
    ) -> None:
        self.artifacts = dict(artifacts)
        self.model_config = None if model_config is None else dict(model_config)


class FunctionModel(PythonModel):
    """A function as a model.

    Parameters
    ----------
    func : callable
        ``func(model_input)`` or ``func(model_input, params)``.
    """

    def __init__(self, func: Callable[..., Any]) -> None:
        self.func = func

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Call the function."""
        takes_params = "params" in parameters_of(self.func)
        return self.func(model_input, params=params) if takes_params else self.func(model_input)


class LoadedPythonModel:
    """A Python model with its context: what ``pyfunc`` predicts with.

    Parameters
    ----------
    python_model : PythonModel
        Or a function, or an object of MLflow's class of the same name.
    context : PythonModelContext
        Given to ``load_context`` at once.
    hinted : bool
        Whether the type hint of ``predict`` says what it takes.
    """

    def __init__(self, python_model: Any, context: PythonModelContext, hinted: bool) -> None:
        self.python_model = as_python_model(python_model)
        self.context = context
        self._forms: dict[str, tuple[bool, bool]] = {}
        load = getattr(self.python_model, "load_context", None)
        if load is not None:
            load(context)
        self._hint = input_hint(predict_of(self.python_model)) if hinted else None

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the model's predictions."""
        return self._call("predict", model_input, params)

    def predict_stream(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return an iterator over the parts of the model's prediction."""
        return self._call("predict_stream", model_input, params)

    def _call(self, name: str, model_input: Any, params: dict[str, Any] | None) -> Any:
        method = getattr(self.python_model, name)
        if self._hint is not None:
            model_input = fit_hint(model_input, self._hint)
        if name not in self._forms:  # looking at a signature takes longer than a call
            names = parameters_of(method)
            self._forms[name] = ("params" in names, takes_context(method))
        with_params, with_context = self._forms[name]
        given = {"params": params} if with_params else {}
        if with_context:
            return method(self.context, model_input, **given)
        return method(model_input, **given)


def as_python_model(given: Any) -> Any:
    """Return a Python model; a function becomes one.

    Raises
    ------
    InvalidParameterError
        If it is neither.
    """
    if hasattr(given, "predict") and not isinstance(given, type):
        return given
    if callable(given) and not isinstance(given, type):
        return FunctionModel(given)
    what = f"the class {given.__name__}; pass an object of it" if isinstance(given, type) else given
    raise InvalidParameterError(
        f"A Python model is an object with a method predict, or a function. This is {what}."
    )


def predict_of(model: Any) -> Callable[..., Any]:
    """Return what the user has written: the function of a model, or its method ``predict``."""
    found: Callable[..., Any] = model.func if isinstance(model, FunctionModel) else model.predict
    return found


def streams(model: Any) -> bool:
    """Return whether a model predicts in parts: a ``predict_stream`` that its base has not."""
    own = getattr(type(model), "predict_stream", None)
    return own is not None and own is not PythonModel.predict_stream


def takes_context(method: Callable[..., Any]) -> bool:
    """Return whether ``predict`` is of the form ``predict(context, model_input, ...)``."""
    names = [name for name in parameters_of(method) if name != "params"]
    return len(names) > 1 and names[0] != "model_input"
