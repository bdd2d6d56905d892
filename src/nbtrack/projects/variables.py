"""The environment variables by which a command joins the run that was made for it."""

from __future__ import annotations

import contextlib
import json
import os

from nbtrack import variables
from nbtrack.config import default_uri
from nbtrack.entities.runs import PARENT
from nbtrack.projects.tracking_server import TrackingServer
from nbtrack.store import Store
from nbtrack.tracking import context

_OTHER_EXPERIMENTS = variables.EXPERIMENT_NAME.names
_OTHER_SERVERS = (
    variables.REGISTRY_URI.mlflow,
    variables.TRACKING_AUTH.mlflow,
    variables.TRACKING_PASSWORD.mlflow,
    variables.TRACKING_USERNAME.mlflow,
)


def variables_for(
    store: Store, run_id: str, experiment_id: str, held: contextlib.ExitStack
) -> dict[str, str]:
    """Return the environment of a command that logs to a run.

    Parameters
    ----------
    store : Store
    run_id, experiment_id : str
    held : contextlib.ExitStack
        Is given what has to stay as long as the command runs.
    """
    return {
        **_inherited(store),
        **_joining(store, run_id, experiment_id),
        **_address(store, held),
    }


def _joining(store: Store, run_id: str, experiment_id: str) -> dict[str, str]:
    """Return the variables by which a process joins the run, with nbtrack or with mlflow.

    Runs that it starts beside that one belong under it.
    """
    text = variables.RUN_CONTEXT.get()
    try:
        known = json.loads(text) if text else {}
    except ValueError:
        known = {}
    known = known if isinstance(known, dict) else {}
    return {
        variables.URI.name: as_given(store),
        variables.REGISTRY_URI.name: context.registry_store().uri,
        **dict.fromkeys(variables.RUN_ID.names, run_id),
        **dict.fromkeys(variables.EXPERIMENT_ID.names, experiment_id),
        variables.RUN_CONTEXT.name: json.dumps({**known, PARENT: run_id}),
    }


def _inherited(store: Store) -> dict[str, str]:
    """Return the environment without what leads elsewhere than to the run and its store."""
    out = (*_OTHER_EXPERIMENTS, *(() if _is_served(store) else _OTHER_SERVERS))
    return {name: value for name, value in os.environ.items() if name not in out}


def _address(store: Store, held: contextlib.ExitStack) -> dict[str, str]:
    """Return the variables by which the real mlflow finds the store, as long as the run goes on."""
    if _is_served(store):
        return {variables.URI.mlflow: as_given(store)}
    if os.name == "nt":  # sockets are not passed on there
        return {variables.URI.mlflow: store.uri}
    server = TrackingServer(store.uri, context.registry_store().uri)
    held.callback(server.close)
    return server.variables()


def as_given(store: Store) -> str:
    """Return the URI of a store: one on the network as it was given, with name and password."""
    return (default_uri() if store.is_shared else None) or store.uri


def _is_served(store: Store) -> bool:
    """Return whether the store is that of a tracking server already."""
    return store.uri.startswith(("http://", "https://"))
