"""Questions about a store; see ``nbtrack.views.questions``."""

from __future__ import annotations

import base64

from nbtrack.server import wire
from nbtrack.server.messages import Reply, Request
from nbtrack.store.store import Store
from nbtrack.views.questions import answer


def ask(store: Store, request: Request) -> Reply:
    """Answer a question: the body of the request, as it would come over a widget's comm."""
    found = answer(store, request.json())
    buffers = [base64.b64encode(buffer).decode("ascii") for buffer in found.buffers]
    return Reply({wire.BODY: found.body, wire.BUFFERS: buffers})
