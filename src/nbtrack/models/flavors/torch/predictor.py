"""A PyTorch model behind ``pyfunc``: data of any kind goes in, arrays come out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch

from nbtrack.callables import parameters_of
from nbtrack.errors import InvalidParameterError
from nbtrack.models.flavors.torch.program import evaluating, inputs_of

_NUMBERED = re.compile(r"input_(\d+)")


class Predictor:
    """What ``pyfunc.load_model`` returns for a PyTorch model, inside.

    Parameters
    ----------
    model : torch.nn.Module
    """

    def __init__(self, model: torch.nn.Module) -> None:
        self._model = model

    def get_raw_model(self) -> torch.nn.Module:
        """Return the model itself."""
        return self._model

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Run the model without gradients, in evaluation mode, on the device that it is on.

        Parameters
        ----------
        data : DataFrame, Series, array, tensor, list, tuple or dict
            The rows of a frame are one array of the model's precision. A tuple holds several
            arguments, a dictionary those of ``forward`` by name (or ``input_0``, ...).
        params : mapping, optional
            More arguments of ``forward``.

        Returns
        -------
        DataFrame, array, tensor, or a list or dictionary of those
            Of the kind of the input; arrays where there is no better one.
        """
        if params and "device" in params:
            raise InvalidParameterError(
                "The device cannot be given to predict. Load the model on it: "
                "load_model(uri, model_config={'device': 'cuda'})."
            )
        inputs = inputs_of(_arrays(data, self._model), self._model)
        with evaluating(self._model), torch.no_grad():
            outputs = self._model(*inputs.args, **inputs.kwargs, **dict(params or {}))
        return _answer(outputs, data)


def _arrays(data: Any, model: torch.nn.Module) -> Any:
    import numpy as np

    if hasattr(data, "iloc"):  # pandas
        return data.to_numpy(dtype=np.float32)
    if isinstance(data, list):
        return np.asarray(data)
    if isinstance(data, Mapping):
        numbers = [_NUMBERED.fullmatch(str(name)) for name in data]
        if numbers and all(numbers) and not _has_argument(model, next(iter(data))):
            ordered = sorted(data, key=lambda name: int(str(name).rpartition("_")[2]))
            return tuple(_array(data[name]) for name in ordered)
        return {name: _array(value) for name, value in data.items()}
    return data


def _array(value: Any) -> Any:
    import numpy as np

    return np.asarray(value) if isinstance(value, list | int | float) else value


def _has_argument(model: torch.nn.Module, name: str) -> bool:
    return name in parameters_of(model.forward)


def _answer(outputs: Any, data: Any) -> Any:
    if isinstance(data, torch.Tensor):
        return _each(outputs, lambda tensor: tensor.detach().cpu())
    arrays = _each(outputs, _to_numpy)
    if hasattr(data, "iloc") and getattr(arrays, "ndim", 0) in (1, 2):
        import pandas as pd

        return pd.DataFrame(arrays, index=data.index)
    return arrays


def _each(value: Any, change: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _each(item, change) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_each(item, change) for item in value]
    return value


def _to_numpy(tensor: torch.Tensor) -> Any:
    tensor = tensor.detach().cpu()
    # NumPy has none of the short types of floating point numbers but float16
    short = tensor.is_floating_point() and tensor.dtype not in (
        torch.float16,
        torch.float32,
        torch.float64,
    )
    return (tensor.float() if short else tensor).numpy()
