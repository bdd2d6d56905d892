"""A model that is served from this process, as the notebook has it in its hand."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable
from types import TracebackType
from typing import Any, Protocol

from nbtrack.errors import InvalidStateError, NbtrackError
from nbtrack.models.scoring.batches import Counts
from nbtrack.models.scoring.expected import Scored
from nbtrack.models.scoring.responses import plain


class Running(Protocol):
    """What answers for a model."""

    @property
    def running(self) -> bool:
        """Whether it answers."""

    def wait(self) -> None:
        """Wait until it stops."""

    def stop(self) -> None:
        """Stop it."""


class ServedModel:
    """A model behind a URL; it is served as long as this object lives, or until ``stop()``.

    Attributes
    ----------
    url : str
        Of the server; the model is asked at ``<url>/invocations``.
    name : str
        What the model is called.
    model : PyFuncModel
        The model itself, in this process.
    token : str or None
        What requests must bring; where it was not chosen, those of other users.
    """

    def __init__(
        self,
        url: str,
        name: str,
        model: Scored,
        token: str | None,
        server: Running,
        counts: Counts,
        post: Callable[[str, str, str | None], tuple[int, bytes]],
    ) -> None:
        self.url = url
        self.name = name
        self.model = model
        self.token = token
        self._server = server
        self._counts = counts
        self._post = post
        self._end = weakref.finalize(self, server.stop)

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return self._server.running

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Ask the server, over HTTP as any client would, and return its ``predictions``.

        Parameters
        ----------
        data : object
            A data frame, array, tensor, list or dictionary.
        params : dict, optional

        Raises
        ------
        NbtrackError
            With the server's code and message.
        InvalidStateError
            If it has been stopped.
        """
        if not self.running:
            raise InvalidStateError(
                f"The server of {self.name} was stopped; nbtrack.models.serve(...) starts one."
            )
        status, body = self._post(f"{self.url}/invocations", request_text(data, params), self.token)
        found = json.loads(body)
        if status != 200:
            raise NbtrackError(found["message"], found["error_code"])
        return found["predictions"] if isinstance(found, dict) and "predictions" in found else found

    def wait(self) -> None:
        """Serve until an interrupt."""
        try:
            self._server.wait()
        except KeyboardInterrupt:
            self.stop()

    def stop(self) -> None:
        """Stop serving; what was asked before is still answered. The model stays in memory."""
        self._end()

    def __enter__(self) -> ServedModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        if not self.running:
            return f"ServedModel({self.name}, stopped)"
        return (
            f"ServedModel({self.name}, {self.url}/invocations, {self._counts.requests} requests "
            f"in {self._counts.calls} calls of predict)"
        )


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
    body = dict(data) if _is_request(data) else _body(data)
    if params is not None:
        body["params"] = params
    return json.dumps(plain(body), allow_nan=False)


def _body(data: Any) -> dict[str, Any]:
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
