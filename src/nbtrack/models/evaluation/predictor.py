"""What is evaluated: a model, a function, or nothing but predictions that are there already."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models.evaluation.dataset import EvaluationDataset, array_of
from nbtrack.models.flavors.pyfunc import load_model
from nbtrack.models.info import ModelInfo
from nbtrack.models.pyfunc_model import PyFuncModel
from nbtrack.models.schema import TensorSpec

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

_NATIVE = ("catboost", "lightgbm", "sklearn", "xgboost")


class Predictor:
    """A model that is evaluated, in the words of its own library where that has more to say.

    Parameters
    ----------
    model : PyFuncModel or callable
        A callable gets a frame of the features.
    params : dict, optional
        What ``predict`` of a model gets besides the data.

    Attributes
    ----------
    native : object or None
        The estimator, if the model is one of scikit-learn or in its manner: it is asked without
        looking at the signature, and may have probabilities and a score.
    """

    def __init__(
        self, model: PyFuncModel | Callable[..., Any], params: Mapping[str, Any] | None = None
    ) -> None:
        self.model = model
        self.params = None if params is None else dict(params)
        self.native: Any = None
        self.flavor = ""
        if isinstance(model, PyFuncModel):
            self.flavor = model.loader_module.rpartition(".")[2]
            raw = model.get_raw_model() if self.flavor in _NATIVE else None
            if hasattr(raw, "predict") and (self.flavor == "sklearn" or hasattr(raw, "get_params")):
                self.native = raw

    @property
    def metadata(self) -> Any:
        """What the MLmodel file says, None for a function."""
        return getattr(self.model, "metadata", None)

    @property
    def model_id(self) -> str | None:
        """The id of the logged model, None if it is none."""
        return getattr(self.model, "model_id", None)

    @property
    def classes(self) -> list[Any] | None:
        """The labels in the order of the probabilities, where the estimator says them."""
        found = getattr(self.native, "classes_", None)
        return None if found is None or getattr(found, "ndim", 0) != 1 else found.tolist()

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return what the model answers to features: a frame or an array.

        Parameters
        ----------
        data : DataFrame or ndarray
            The features.
        params : dict, optional
            Instead of those that it was made with.
        """
        if self.native is not None:
            return self.native.predict(data)
        if isinstance(self.model, PyFuncModel):
            return self.model.predict(data, params=params or self.params)
        return self.model(data)

    def predict_probabilities(self, data: Any) -> Array | None:
        """Return the probabilities of the classes, None if the model has none."""
        method = getattr(self.native, "predict_proba", None)
        if method is None:
            return None
        try:
            return array_of(method(data), "probabilities")
        except Exception as error:  # noqa: BLE001  what needs no probabilities goes on without
            warn(f"The model gives no probabilities: {type(error).__name__}: {error}")
            return None

    def score(self, data: Any, y_true: Any, sample_weights: Any) -> float | None:
        """Return the estimator's own score, None for what is none of scikit-learn."""
        if self.flavor != "sklearn" or not hasattr(self.native, "score"):
            return None
        try:
            return float(self.native.score(data, y_true, sample_weight=sample_weights))
        except Exception as error:  # noqa: BLE001  an evaluation has other metrics
            warn(f"The model's own score cannot be computed: {type(error).__name__}: {error}")
            return None

    def features(self, dataset: EvaluationDataset) -> Any:
        """Return the features in the form that the model has been trained with.

        Parameters
        ----------
        dataset : EvaluationDataset
            The data.
        """
        import numpy as np

        frame = dataset.frame()
        if frame is None:
            return np.array(dataset.features_data)
        return self.shaped(frame, were_array=isinstance(dataset.features_data, np.ndarray))

    def shaped(self, frame: pd.DataFrame, *, were_array: bool) -> Any:
        """Return a frame as the frame or the array that the model takes.

        Parameters
        ----------
        frame : DataFrame
            Features.
        were_array : bool
            Whether they were given as an array, so that the names of columns mean nothing.
        """
        if self.native is not None:
            names = getattr(self.native, "feature_names_in_", None)
            if names is None:
                are_numbers = all(dtype.kind in "biuf" for dtype in frame.dtypes)
                return frame.to_numpy() if were_array or are_numbers else frame
            return _renamed(frame, list(names)) if were_array else frame
        schema = self.metadata.get_input_schema() if self.metadata is not None else None
        if schema is None or not were_array:
            return frame
        if schema.has_input_names():
            return _renamed(frame, [str(name) for name in schema.input_names()])
        wants_tensor = any(isinstance(spec, TensorSpec) for spec in schema.inputs)
        return frame.to_numpy() if wants_tensor else frame


def _renamed(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    return frame.set_axis(names, axis=1) if len(names) == frame.shape[1] else frame


def predictor_of(
    model: Any,
    model_config: Mapping[str, Any] | None = None,
    inference_params: Mapping[str, Any] | None = None,
) -> Predictor | None:
    """Return what shall be evaluated, None for predictions that are there already.

    Parameters
    ----------
    model : str, path, PyFuncModel, ModelInfo, callable or None
        As ``evaluate`` takes it.
    model_config : dict, optional
        What a model is loaded with.
    inference_params : dict, optional
        What ``predict`` of a model gets.

    Raises
    ------
    InvalidParameterError
        If it is nothing that can be evaluated.
    """
    if model is None:
        return None
    if isinstance(model, ModelInfo):
        model = model.model_uri
    if isinstance(model, (str, os.PathLike)):
        uri = os.fspath(model)
        if uri.startswith(("endpoints:", "apps:")):
            raise InvalidParameterError(
                f"{uri!r} is a deployment of Databricks, which nbtrack cannot ask. Pass a function "
                "that does."
            )
        return Predictor(load_model(uri, model_config=model_config), inference_params)
    if model_config:
        raise InvalidParameterError(
            "model_config= is for a model that is loaded here: pass the URI of one, or load it "
            "with nbtrack.pyfunc.load_model(uri, model_config=...)."
        )
    if isinstance(model, PyFuncModel):
        return Predictor(model, inference_params)
    if callable(model):
        if inference_params:
            raise InvalidParameterError(
                "inference_params= is for a model; a function can have its own: "
                "lambda data: f(data, ...)."
            )
        return Predictor(model)
    raise InvalidParameterError(
        f"{type(model).__name__} cannot be evaluated. The model is the URI of one, what "
        "nbtrack.pyfunc.load_model returns, or a function: model.predict, for example."
    )


def column_of(answer: Any, name: str | None) -> tuple[Array, pd.DataFrame | None, str | None]:
    """Return the predictions in what a model has answered, its other columns, and the name.

    Parameters
    ----------
    answer : DataFrame, Series, array, tensor, list or dict
        What ``predict`` has returned.
    name : str, optional
        The column with the predictions, where there are several.

    Raises
    ------
    InvalidParameterError
        If there are several columns and it is not said which.
    """
    import pandas as pd

    if isinstance(answer, Mapping) or (
        isinstance(answer, list) and answer and all(isinstance(each, Mapping) for each in answer)
    ):
        answer = pd.DataFrame(answer)
    if isinstance(answer, pd.DataFrame):
        if name is None and answer.shape[1] == 1:
            name = answer.columns[0]
        if name is not None and name in answer.columns:
            others = answer.drop(columns=[name])
            return array_of(answer[name], "predictions"), others, name
        if name is not None:
            raise InvalidParameterError(
                f"Output column name {name!r} is not found in what the model returns: its columns "
                f"are {[str(each) for each in answer.columns[:20]]}."
            )
    found = array_of(answer, "predictions")
    return (found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found), None, name
