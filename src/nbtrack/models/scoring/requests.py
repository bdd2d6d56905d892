"""Data as the body of a scoring request."""

from __future__ import annotations

import json
from typing import Any

from nbtrack.models.scoring.responses import plain


def request_text(data: Any, params: dict[str, Any] | None = None) -> str:
    """Return the JSON text that asks for the predictions of data.

    Parameters
    ----------
    data : object
        Data frames travel as ``dataframe_split``, anything else as ``inputs``. A dictionary that
        is a request already stays as it is.
    params : dict, optional
        Of the model.
    """
    body = dict(data) if _is_request(data) else _asked(data)
    if params is not None:
        body["params"] = params
    return json.dumps(plain(body), allow_nan=False)


def _asked(data: Any) -> dict[str, Any]:
    import pandas as pd

    if isinstance(data, pd.Series):
        data = data.to_frame()
    if not isinstance(data, pd.DataFrame):
        return {"inputs": data}
    split = data.to_dict(orient="split")
    if isinstance(data.index, pd.RangeIndex):  # says nothing that the order does not say
        del split["index"]
    return {"dataframe_split": split}


def _is_request(data: Any) -> bool:
    fields = ("dataframe_split", "dataframe_records", "instances", "inputs", "messages", "prompt")
    return isinstance(data, dict) and any(
        isinstance(data.get(name), (list, dict, str)) for name in fields
    )
