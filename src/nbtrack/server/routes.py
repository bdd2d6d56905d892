"""The table of routes."""

from __future__ import annotations

from nbtrack.server.endpoints.artifacts import artifact
from nbtrack.server.endpoints.ask import ask
from nbtrack.server.endpoints.stores import stores, watch
from nbtrack.server.messages import Request
from nbtrack.server.mlflow.table import MLFLOW
from nbtrack.server.route import Action, Route

_CHANGING = ("act", "edit", "remember")


def action_of_question(request: Request) -> Action:
    """Return whether a question changes the store it asks about."""
    verb = str(request.json().get("type", "")).partition(".")[2]
    return "write" if verb in _CHANGING else "read"


OURS = (
    Route("POST", "/ask", ask, "store", action=action_of_question),
    Route("GET", "/artifact", artifact, "store"),
    Route("GET", "/stores", stores, "site"),
    Route("POST", "/watch", watch, "site"),
)
"""What the pages of nbtrack ask."""

ROUTES: tuple[Route, ...] = (*OURS, *MLFLOW)
