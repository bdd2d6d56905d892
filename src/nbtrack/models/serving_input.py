"""Input examples as the JSON text that a scoring server takes."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from nbtrack.models.input_example import SERVING, Example
from nbtrack.models.scoring.expected import Expected
from nbtrack.models.scoring.payloads import from_json


def convert_input_example_to_serving_input(input_example: Any) -> str | None:
    """Return an input example as the JSON text of a request; None for none.

    Parameters
    ----------
    input_example : object
        As ``log_model`` takes it.
    """
    if input_example is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        Example.of(input_example).save(Path(folder))
        return Path(folder, SERVING).read_text("utf-8")


def validate_serving_input(
    model_uri: str | os.PathLike[str], serving_input: str | dict[str, Any]
) -> Any:
    """Return what a model would answer to a request, without a server.

    Parameters
    ----------
    model_uri : str or path
        The model.
    serving_input : str or dict
        The body of a request.

    Raises
    ------
    NbtrackError
        If the model cannot take it.
    """
    from nbtrack.models.flavors.pyfunc import load_model

    model = load_model(model_uri)
    body = json.loads(serving_input) if isinstance(serving_input, str) else serving_input
    payload = from_json(body, Expected.of(model))
    return model.predict(payload.data, payload.params)
