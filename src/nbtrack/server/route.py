"""One entry of the table of routes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nbtrack.server import wire
from nbtrack.server.messages import FileResponse, Request, Response

Action = Literal["read", "write"]
Scope = Literal["store", "site", "tracking"]


@dataclass(frozen=True)
class Route:
    """One endpoint.

    Attributes
    ----------
    method : str
        Of HTTP.
    path : str
        Below the prefix; ``{name}`` stands for one part of it, ``{name:path}`` for all the rest.
    endpoint : callable
        Takes the store, the site or what is tracked to, and a request.
    scope : {"store", "site", "tracking"}
        What the endpoint takes; the store is named by ``?store=<id>``. Of scope ``tracking`` is
        MLflow's protocol.
    max_body : int
        Bytes.
    action : callable
        Whether a request reads or writes, for the server's authorizer.
    fields : tuple
        Of scope ``tracking``: the fields of the request, see ``nbtrack.protocol.fields``.
    opens : callable, optional
        Of scope ``tracking``, where the body is a file of any size: asked before more of it is
        taken than memory should hold, it returns the folder in which the file is gathered, and
        raises if it cannot be kept.
    is_quick : callable, optional
        Whether a request is answered without a look at the disk's database: then no thread is
        asked for it.
    """

    method: str
    path: str
    endpoint: Callable[[Any, Any], Response | FileResponse]
    scope: Scope
    max_body: int = wire.MAX_BODY
    action: Callable[[Request], Action] = lambda _request: "read"
    fields: tuple[Any, ...] = ()
    opens: Callable[[Any, Any], Path] | None = None
    is_quick: Callable[[Any, Request], bool] | None = None
