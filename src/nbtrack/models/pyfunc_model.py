"""A loaded model behind the one interface of all flavors: ``predict(data, params)``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nbtrack.callables import parameters_of
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.column_types import CATEGORIES, as_categories
from nbtrack.models.enforcement import check_params, enforce_input
from nbtrack.models.model import PYFUNC, Model
from nbtrack.models.value_types import as_array, is_tensor


class PyFuncModel:
    """A loaded model of any flavor.

    Parameters
    ----------
    model_meta : Model
        What its MLmodel file says.
    model_impl : object
        What the flavor has loaded: has ``predict(data)`` or ``predict(data, params=...)``. Where
        it has ``takes_tensors = True``, tensors of torch go in as they are; else as arrays.
    predict_fn, predict_stream_fn : str, optional
        The names of its methods.

    Examples
    --------
    >>> class Doubling(nbtrack.pyfunc.PythonModel):
    ...     def predict(self, context, model_input, params=None):
    ...         return model_input * 2
    ...
    ...     def predict_stream(self, context, model_input, params=None):
    ...         yield from (each * 2 for each in model_input)
    >>> _ = nbtrack.pyfunc.save_model("stream", python_model=Doubling())
    >>> model = nbtrack.pyfunc.load_model("stream")
    >>> model.predict(4), list(model.predict_stream([1, 2]))
    (8, [2, 4])
    >>> type(model.unwrap_python_model()).__name__, type(model.get_raw_model()).__name__
    ('Doubling', 'Doubling')
    """

    def __init__(
        self,
        model_meta: Model,
        model_impl: Any,
        predict_fn: str = "predict",
        predict_stream_fn: str | None = "predict_stream",
    ) -> None:
        if not hasattr(model_impl, predict_fn):
            raise InvalidParameterError(
                f"The model cannot predict: {type(model_impl).__name__} has no method {predict_fn}."
            )
        self._meta = model_meta
        self._impl = model_impl
        self._predict = getattr(model_impl, predict_fn)
        self._stream = getattr(model_impl, predict_stream_fn or "", None)

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the model's predictions.

        Parameters
        ----------
        data : DataFrame, Series, array, tensor, sparse matrix, dict, list or value
            Compared with the signature, where there is one.
        params : dict, optional
            Parameters; those of the signature that are not given have their defaults.

        Raises
        ------
        InvalidParameterError
            If the data does not fit the signature: the column or tensor is named.
        """
        given, known = self._checked(data, params)
        return self._call(self._predict, given, known)

    def predict_stream(self, data: Any, params: dict[str, Any] | None = None) -> Iterator[Any]:
        """Return an iterator over the parts of the model's prediction; see :meth:`predict`.

        Parameters
        ----------
        data, params
            As in ``predict``.

        Raises
        ------
        NbtrackError
            If the model does not predict in parts.
        """
        if self._stream is None:
            raise NbtrackError(
                f"This model ({self._meta.flavor}) does not predict in parts: use predict.",
                "NOT_IMPLEMENTED",
            )
        given, known = self._checked(data, params)
        found: Iterator[Any] = self._call(self._stream, given, known)
        return found

    def unwrap_python_model(self) -> Any:
        """Return the user's own object: the ``PythonModel`` that was saved.

        Raises
        ------
        InvalidParameterError
            If the model is of another flavor; see :meth:`get_raw_model`.
        """
        inner = getattr(self._impl, "python_model", None)
        if inner is None:
            raise InvalidParameterError(
                f"This is no Python model but one of {self._meta.flavor}: get_raw_model() returns "
                "its object."
            )
        return inner

    def get_raw_model(self) -> Any:
        """Return the object of the model's own framework."""
        if hasattr(self._impl, "get_raw_model"):
            return self._impl.get_raw_model()
        return getattr(self._impl, "python_model", self._impl)

    @property
    def metadata(self) -> Model:
        """What the model's MLmodel file says."""
        return self._meta

    @property
    def model_id(self) -> str | None:
        """The id of the logged model."""
        return self._meta.model_id

    @property
    def loader_module(self) -> str:
        """The module that loads it."""
        return str(self._meta.flavors[PYFUNC]["loader_module"])

    @property
    def model_config(self) -> Any:
        """The configuration that it was loaded with."""
        return getattr(getattr(self._impl, "context", None), "model_config", None)

    def __repr__(self) -> str:
        facts = {
            "model_id": self.model_id,
            "run_id": self._meta.run_id,
            "flavor": self._meta.flavor,
            "loader_module": self.loader_module,
        }
        lines = (f"  {name}: {value}" for name, value in facts.items() if value is not None)
        return "\n".join(["nbtrack.pyfunc.loaded_model:", *lines])

    def _checked(
        self, data: Any, params: dict[str, Any] | None
    ) -> tuple[Any, dict[str, Any] | None]:
        schema = self._meta.get_input_schema()
        if schema is not None and not self._meta.is_signature_from_type_hint:
            data = enforce_input(data, schema)
        data = as_categories(data, self._meta.nbtrack.get(CATEGORIES))
        known = self._meta.get_params_schema()
        if known is None and self._meta.signature is None:
            checked = None if params is None else dict(params)
        else:
            checked = check_params(params, known)
        return data if getattr(self._impl, "takes_tensors", False) else _as_arrays(data), checked

    def _call(self, method: Any, data: Any, params: dict[str, Any] | None) -> Any:
        try:
            names = parameters_of(method)
        except (TypeError, ValueError):  # built in, and silent about itself
            names = {}
        if "params" in names:
            return method(data, params=params)
        return method(data)


def _as_arrays(data: Any) -> Any:
    if is_tensor(data):
        return as_array(data)
    if isinstance(data, Mapping) and any(is_tensor(value) for value in data.values()):
        return {name: as_array(v) if is_tensor(v) else v for name, v in data.items()}
    return data
