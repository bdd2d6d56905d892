"""Starting a server in the background, and asking it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from urllib.parse import urlsplit

from nbtrack.models.scoring.expected import Scored
from nbtrack.models.served import ServedModel
from nbtrack.server.access import Access
from nbtrack.server.connections import bind, url_of
from nbtrack.server.scoring.access import check_reach, is_loopback
from nbtrack.server.scoring.listening import Background
from nbtrack.server.scoring.service import Limits, Service

PATIENCE_S = 30.0  # beyond the server's own timeout


def start(
    load: Callable[[], tuple[Scored, str]],
    host: str,
    port: int,
    *,
    limits: Limits,
    token: str | None = None,
    no_auth: bool = False,
    allowed_hosts: Sequence[str] = (),
    stack_traces: bool | None = None,
) -> ServedModel:
    """Serve a model from a thread of this process; see `nbtrack.models.serve`.

    Parameters
    ----------
    load : callable
        Returns the model and what it is called. It is called when the port is taken: loading may
        take minutes.
    """
    check_reach(host, token, no_auth)
    access = Access.of(host, token, no_auth and not token)
    traces = is_loopback(host) if stack_traces is None else stack_traces
    sockets = bind(host, port)
    try:
        model, name = load()
        service = Service(model, limits, traces)
    except BaseException:
        for each in sockets:
            each.close()
        raise
    guard = access.guard((host, *allowed_hosts), lambda _: None)  # the object has it
    return ServedModel(
        url_of(sockets, host),
        name,
        model,
        access.token,
        Background(service, guard, sockets),
        service.batches.counts,
        lambda url, text, token: _post(url, text, token, limits.timeout_s + PATIENCE_S),
    )


def _post(url: str, text: str, token: str | None, timeout: float) -> tuple[int, bytes]:
    """Send JSON without a look at the proxies of the environment; return status and body."""
    headers = {"Content-Type": "application/json"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=timeout)
    try:
        connection.request("POST", address.path, text, headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


__all__ = ["Limits", "start"]
