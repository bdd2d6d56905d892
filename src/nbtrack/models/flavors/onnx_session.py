"""Sessions of onnxruntime: their settings, and predictions from frames, arrays and dictionaries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models.requirements import framework

CPU = "CPUExecutionProvider"
PROVIDERS = ["CUDAExecutionProvider", CPU]
_MODES = {"sequential": "ORT_SEQUENTIAL", "parallel": "ORT_PARALLEL"}
_LEVELS = (0, 1, 2, 99)
_COUNTS = ("intra_op_num_threads", "inter_op_num_threads")
_OPTIONS = (*_COUNTS, "execution_mode", "graph_optimization_level", "extra_session_config")
_TYPES = {
    "tensor(float16)": "float16",
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


@dataclass(frozen=True)
class Settings:
    """How a session computes.

    Attributes
    ----------
    providers : list of str or tuple
        In order of preference.
    asked : bool
        Whether somebody has named them.
    options : mapping
        As ``check_options`` takes them.
    """

    providers: list[Any]
    asked: bool
    options: Mapping[str, Any]

    @classmethod
    def of(cls, providers: Any, options: Mapping[str, Any] | None) -> Settings:
        """Return settings as they are given to ``save_model``, or as the MLmodel file has them."""
        given = [providers] if isinstance(providers, str) else list(providers or PROVIDERS)
        pairs = [tuple(each) if isinstance(each, list) else each for each in given]
        check_options(options)
        return cls(pairs, pairs != PROVIDERS, options or {})

    @property
    def may_name_files(self) -> bool:
        """Whether they may let onnxruntime read or write files, or load libraries."""
        pairs = any(not isinstance(each, str) for each in self.providers)
        return pairs or bool(self.options.get("extra_session_config"))


def check_options(options: Any) -> None:
    """Raise unless these are options of a session.

    Parameters
    ----------
    options : dict or None

    Raises
    ------
    InvalidParameterError
        If a name or a value is none of onnxruntime's.
    """
    if options is not None and not isinstance(options, Mapping):
        raise InvalidParameterError(f"onnx_session_options={options!r} is no dictionary.")
    for name, value in (options or {}).items():
        if name not in _OPTIONS:
            raise InvalidParameterError(
                f"onnx_session_options has {name!r}, which is none of {', '.join(_OPTIONS)}."
            )
        known = {
            "execution_mode": str(value).lower() in _MODES,
            "graph_optimization_level": value in _LEVELS,
            "extra_session_config": isinstance(value, Mapping),
        }
        if not known.get(name, isinstance(value, int) and value >= 0):
            raise InvalidParameterError(
                f"onnx_session_options={{{name!r}: {value!r}}} is nothing that onnxruntime knows."
            )


def open_session(model: str | bytes, settings: Settings) -> Any:
    """Return a session; where a provider is not there or fails, the CPU computes.

    Parameters
    ----------
    model : str or bytes
        Its file, or its content.
    settings : Settings
    """
    runtime = framework("onnxruntime")
    options = _session_options(runtime, settings.options)
    available = runtime.get_available_providers()
    usable = [each for each in settings.providers if _name(each) in available]
    missing = [_name(each) for each in settings.providers if _name(each) not in available]
    if settings.asked and missing:
        warn(
            f"onnxruntime has no {', '.join(missing)} here: the model computes with "
            f"{', '.join(map(_name, usable)) or CPU}."
        )
    if not usable or usable == [CPU]:
        return runtime.InferenceSession(model, sess_options=options, providers=[CPU])
    try:
        return runtime.InferenceSession(model, sess_options=options, providers=usable)
    except Exception as error:  # noqa: BLE001  whatever the driver of a GPU raises
        warn(f"{', '.join(map(_name, usable))} cannot be used ({error}): the CPU computes.")
        return runtime.InferenceSession(model, sess_options=options, providers=[CPU])


def _name(provider: Any) -> str:
    return str(provider if isinstance(provider, str) else next(iter(provider), provider))


def _session_options(runtime: Any, given: Mapping[str, Any]) -> Any:
    options = runtime.SessionOptions()
    for name in _COUNTS:
        if given.get(name):
            setattr(options, name, given[name])
    if mode := given.get("execution_mode"):
        options.execution_mode = getattr(runtime.ExecutionMode, _MODES[str(mode).lower()])
    if (level := given.get("graph_optimization_level")) is not None:
        options.graph_optimization_level = runtime.GraphOptimizationLevel(level)
    for name, value in (given.get("extra_session_config") or {}).items():
        options.add_session_config_entry(str(name), str(value))
    return options


class Predictor:
    """A session that predicts from frames, arrays and dictionaries of arrays.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        The session.
    """

    def __init__(self, session: Any) -> None:
        self.session = session
        self.inputs = session.get_inputs()

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the outputs: a frame for a frame, else a dictionary of arrays.

        Parameters
        ----------
        data : DataFrame, array or dict of arrays
            The columns of a frame are the inputs, or all of it is where there is one.
        params : dict, optional
            MLflow's; not used.

        Raises
        ------
        InvalidParameterError
            If it cannot be said which input it is.
        """
        import pandas as pd

        frame = isinstance(data, pd.DataFrame)
        found = self.session.run(None, self._feed(data))
        names = [output.name for output in self.session.get_outputs()]
        outputs = dict(zip(names, found, strict=True))
        if not frame:
            return outputs
        return pd.DataFrame({name: _column(value) for name, value in outputs.items()})

    def get_raw_model(self) -> Any:
        """Return the session itself."""
        return self.session

    def _feed(self, data: Any) -> dict[str, Any]:
        import numpy as np
        import pandas as pd

        names = [each.name for each in self.inputs]
        if isinstance(data, Mapping):
            given = dict(data)
        elif len(names) == 1:
            given = {names[0]: data.to_numpy() if isinstance(data, pd.DataFrame) else data}
        elif isinstance(data, pd.DataFrame) and set(names) <= set(data.columns):
            given = {name: data[name].to_numpy() for name in names}
        else:
            raise InvalidParameterError(
                f"The model takes {len(names)} inputs, {', '.join(map(repr, names))}: pass a "
                "dictionary of arrays, or a frame with these columns."
            )
        known = {each.name: each for each in self.inputs}
        return {
            name: _as_input(np.asarray(value), known[name]) if name in known else value
            for name, value in given.items()
        }


def _as_input(array: Any, wanted: Any) -> Any:
    """Return an array in the type and with the number of axes that an input has."""
    import numpy as np

    kind = _TYPES.get(wanted.type)
    if kind is not None and array.dtype != kind and array.dtype.kind in "iufb":
        cast = array.astype(kind)
        if np.dtype(kind).kind == "f" or np.array_equal(cast, array):
            array = cast
    if array.ndim == 1 and len(wanted.shape) == 2 and wanted.shape[1] == 1:
        array = array[:, None]
    return array


def _column(value: Any) -> Any:
    """Return an output as a column: one item for each row."""
    shape = getattr(value, "shape", None)
    if shape is None or len(shape) < 2:
        return value if shape != () else [value]
    return value.reshape(-1) if value.size == shape[0] else list(value)
