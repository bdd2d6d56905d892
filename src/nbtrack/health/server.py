"""The tracking server that a store mirrors: whether it answers, and what it has not got yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nbtrack.errors import NbtrackError, ServerDeniedError, ServerUnreachableError
from nbtrack.health.finding import Finding, problem, warning
from nbtrack.protocol import endpoints
from nbtrack.protocol.client import RestClient
from nbtrack.store import find_unsent

PATIENCE_S = 5.0


def findings(url: str, folder: Path) -> Iterator[Finding]:
    """Ask a server, and look at what waits for it.

    Parameters
    ----------
    url : str
        With the name and the password that it was given with, which are not shown.
    folder : Path
        The folder beside the mirror's database.
    """
    client = RestClient(url, timeout_s=PATIENCE_S, retries=0)
    try:
        client.call(endpoints.SEARCH_EXPERIMENTS, {"max_results": 1})
    except ServerDeniedError as error:
        yield problem(
            "server",
            str(error),
            "Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.",
        )
    except ServerUnreachableError as error:
        yield warning(
            "server",
            f"{error} Logging goes on, and is kept in {folder}.",
            "Start it, or correct the URL; `nbtrack sync` sends what waits.",
        )
    except NbtrackError as error:
        yield problem("server", f"{client.url} answers: {error}")
    else:
        yield Finding("server", f"{client.url} answers.")
    finally:
        client.close()
    yield from _waiting(folder)


def _waiting(folder: Path) -> Iterator[Finding]:
    unsent = find_unsent(folder)
    if unsent.journals:
        yield warning(
            "server",
            f"{len(unsent.journals)} journals hold what the server has not got yet. "
            "Nothing is lost.",
            "nbtrack sync",
        )
    if unsent.refused:
        yield warning(
            "server",
            f"The server has refused {unsent.refused} things for good: {unsent.refused_file} has "
            "them, with the reason.",
        )
