"""The table of routes.

MLflow's REST protocol takes its place here, as routes of scope ``store``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from nbtrack.server import wire
from nbtrack.server.endpoints.artifacts import artifact
from nbtrack.server.endpoints.ask import ask
from nbtrack.server.endpoints.stores import stores, watch
from nbtrack.server.messages import FileReply, Reply, Request

Action = Literal["read", "write"]

_CHANGING = ("act", "edit", "remember")


@dataclass(frozen=True)
class Route:
    """One endpoint.

    Attributes
    ----------
    method : str
        Of HTTP.
    path : str
        Below the prefix.
    endpoint : callable
        Takes the store or the site, and a request.
    scope : {"store", "site"}
        What the endpoint takes; the store is named by ``?store=<id>``.
    max_body : int
        Bytes.
    action : callable
        Whether a request reads or writes, for the server's authorizer.
    """

    method: str
    path: str
    endpoint: Callable[[Any, Request], Reply | FileReply]
    scope: Literal["store", "site"]
    max_body: int = wire.MAX_BODY
    action: Callable[[Request], Action] = lambda _request: "read"


def action_of_question(request: Request) -> Action:
    """Return whether a question changes the store it asks about."""
    verb = str(request.json().get("type", "")).partition(".")[2]
    return "write" if verb in _CHANGING else "read"


ROUTES = (
    Route("POST", "/ask", ask, "store", action=action_of_question),
    Route("GET", "/artifact", artifact, "store"),
    Route("GET", "/stores", stores, "site"),
    Route("POST", "/watch", watch, "site"),
)
