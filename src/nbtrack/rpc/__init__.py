"""What the front end asks about a store: requests, declared once, and the responses to them.

A request is a JSON object with a ``type`` such as ``"table.rows"``; a response is a JSON object and
binary buffers. Who carries them (the comm of a widget, a server) does not matter here. Their types
in TypeScript are made from those here: see `nbtrack.rpc.typescript`.
"""

from __future__ import annotations

from typing import Any

from nbtrack.rpc.registry import Access, find
from nbtrack.rpc.request import Fields, Response, name_of
from nbtrack.store import Store

__all__ = ["Access", "Fields", "Response", "access_of", "name_of", "respond"]


def respond(store: Store, request: Fields) -> Response[Any]:
    """Answer a request about a store.

    Parameters
    ----------
    store : Store
    request : mapping
        ``type`` is ``"<topic>.<verb>"``; the rest are the parameters of that request.

    Raises
    ------
    NbtrackError
        If it cannot be answered; the message is for the user.
    """
    return find(name_of(request)).respond(store, request)


def access_of(request: Fields) -> Access:
    """Return whether a request reads or writes, for whoever decides who may send it.

    Raises
    ------
    InvalidParameterError
        If there is no such request.
    """
    return find(name_of(request)).access
