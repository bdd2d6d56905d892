"""Serving a model: from a notebook, or as a program of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from nbtrack.errors import InvalidParameterError, MissingDependencyError
from nbtrack.variables import SCORING_TIMEOUT

if TYPE_CHECKING:
    from nbtrack.models.scoring.expected import Scored
    from nbtrack.models.served import ServedModel


def serve(
    model: Any,
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    timeout: float | None = None,
    batching: Literal["auto"] | bool = "auto",
    max_batch: int = 512,
    max_wait_ms: float = 2.0,
    max_queue: int = 256,
    max_body: int = 100 * 1024 * 1024,
    token: str | None = None,
    no_auth: bool = False,
    allowed_hosts: Sequence[str] = (),
    stack_traces: bool | None = None,
    device: str | None = None,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
    wait: bool = False,
) -> ServedModel:
    """Serve a model over HTTP from this process, in the background.

    The model is loaded once, or taken as it is, and scores in a thread of its own: with a model
    that is in memory already nothing is copied. Requests go to ``<url>/invocations``, as to
    ``mlflow models serve``.

    Parameters
    ----------
    model : str, path, ModelInfo or PyFuncModel
        Such as ``"models:/digits/1"``; or what `nbtrack.pyfunc.load_model` returned.
    host : str
        By default you alone are answered, on this machine; other users of it need the token that
        is made, see ``ServedModel.token``. Another address asks for ``token`` or ``no_auth``.
    port : int
        0 for one that is free.
    timeout : float, optional
        Seconds for one request, 60 by default; then the response is 504.
    batching : {"auto", True, False}
        Whether requests that come together are scored together. By default it is found out: the
        first ones are scored both ways and compared. True where rows are known to be independent.
    max_batch : int
        Rows that are scored together at most.
    max_wait_ms : float
        How long a request waits for others, while others come.
    max_queue : int
        Requests that may wait for the model; more are answered with 503.
    max_body : int
        Bytes of a request; more are answered with 413.
    token : str, optional
        What requests must bring as ``Authorization: Bearer <token>``.
    no_auth : bool
        Answer everybody who reaches ``host``.
    allowed_hosts : sequence of str
        Names of this server, beside ``localhost`` and addresses in numbers.
    stack_traces : bool, optional
        Whether errors of the model come with a stack trace, without home folders and secrets. By
        default where only this machine is answered.
    device : str, optional
        Where a PyTorch model is loaded, such as ``"cuda"``.
    model_config : dict, optional
        Settings over those that the model was saved with.
    trust : bool, optional
        True lets code of a model run that you have not saved yourself.
    wait : bool
        Return only after an interrupt.

    Returns
    -------
    ServedModel
        With ``url``, ``predict(data)`` and ``stop()``; also for ``with``. It serves as long as it
        lives.

    Raises
    ------
    InvalidParameterError
        If it would listen beyond this machine without ``token`` or ``no_auth``.
    InvalidStateError
        If the port is taken.

    Examples
    --------
    >>> from sklearn.dummy import DummyRegressor
    >>> model = DummyRegressor(strategy="constant", constant=2.0).fit([[0.0]], [0.0])
    >>> info = nbtrack.sklearn.log_model(model, name="always two")
    >>> with nbtrack.models.serve(info) as served:
    ...     served.predict([[3.0]])
    [2.0]
    """
    check_tornado()
    from nbtrack.server.scoring.listening import Limits, start  # the layer above, at its use

    limits = Limits(
        timeout_s=request_timeout(timeout),
        max_body=max_body,
        max_queue=max_queue,
        max_batch=max_batch,
        max_wait_ms=max_wait_ms,
        joining=batching,
    )
    served = start(
        lambda: load(model, device=device, model_config=model_config, trust=trust),
        host,
        port,
        limits=limits,
        token=token,
        no_auth=no_auth,
        allowed_hosts=allowed_hosts,
        stack_traces=stack_traces,
    )
    if wait:
        served.wait()
    return served


def load(
    model: Any,
    *,
    device: str | None = None,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> tuple[Scored, str]:
    """Return a model and what it is called.

    Parameters
    ----------
    model : str, path, ModelInfo or PyFuncModel
    device, model_config, trust
        As for `serve`; for models that are loaded here.

    Raises
    ------
    InvalidParameterError
        If it is none of these, or is loaded already and is to be loaded otherwise.
    """
    config = dict(model_config or {}) | ({} if device is None else {"device": device})
    uri = getattr(model, "model_uri", model)
    if isinstance(uri, (str, os.PathLike)):
        from nbtrack.models.flavors.pyfunc import load_model

        return load_model(uri, model_config=config or None, trust=trust), os.fspath(uri)
    if not callable(getattr(model, "predict", None)) or not hasattr(model, "metadata"):
        raise InvalidParameterError(
            f"A {type(model).__name__} cannot be served. Give the URI of a model, such as "
            "'models:/digits/1', or what nbtrack.pyfunc.load_model returned."
        )
    if config:
        raise InvalidParameterError(
            f"The model is loaded already, so {config} comes too late. Give its URI instead."
        )
    return model, getattr(model.metadata, "model_uuid", None) or type(model).__name__


def request_timeout(given: float | None) -> float:
    """Return the seconds that a request may take: what was given, else what the environment says.

    Raises
    ------
    InvalidParameterError
        If the environment has no number there.
    """
    return SCORING_TIMEOUT.get() if given is None else given


def check_tornado() -> None:
    """Say what is missing where there is no Tornado.

    Raises
    ------
    MissingDependencyError
    """
    try:
        import tornado  # noqa: F401
    except ModuleNotFoundError:
        raise MissingDependencyError(
            "Serving needs tornado, which comes with Jupyter: pip install 'nbtrack[serve]'."
        ) from None


def check_environment(manager: str) -> None:
    """Refuse to build an environment for a model.

    Raises
    ------
    InvalidParameterError
        With how it is done by hand.
    """
    if manager != "local":
        raise InvalidParameterError(
            f"env_manager={manager!r} would build an environment for the model; nbtrack scores in "
            "this one. Install the requirements.txt of the model's folder into an environment, run "
            "there, and use env_manager='local'."
        )
