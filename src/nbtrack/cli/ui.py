"""``nbtrack ui``: the runs of a store, in a browser."""

from __future__ import annotations

import secrets
import sys
import threading
import webbrowser
from urllib.parse import urlencode

import click

from nbtrack.cli.command import Command, chosen_uri
from nbtrack.cli.output import note

_TOKEN_BYTES = 24


@click.command(cls=Command, uri_names=("--backend-store-uri",))
@click.option(
    "-h",
    "--host",
    default="127.0.0.1",
    envvar=["NBTRACK_HOST", "MLFLOW_HOST"],
    show_default=True,
    help="Where to listen; by default only this machine reaches it.",
)
@click.option(
    "-p",
    "--port",
    type=click.IntRange(0, 65535),
    envvar=["NBTRACK_PORT", "MLFLOW_PORT"],
    help="0 for one that is free.  [default: 5000, or one that is free where that is taken]",
)
@click.option("--browser/--no-browser", default=True, help="Whether to open it in a browser.")
@click.option(
    "--token",
    envvar="NBTRACK_SERVER_TOKEN",
    help="What a browser, or a client of MLflow, must have.  [default: a new one; the address that "
    "is printed has it]",
)
@click.option(
    "--no-auth", is_flag=True, help="Answer everybody who reaches the host, without a token."
)
@click.option(
    "--allowed-hosts",
    metavar="NAMES",
    default="",
    envvar="MLFLOW_SERVER_ALLOWED_HOSTS",
    help="More names of this server, with commas between them.",
)
def ui(
    host: str,
    port: int | None,
    browser: bool,
    token: str | None,
    no_auth: bool,
    allowed_hosts: str,
) -> None:
    """Show runs, comparisons, charts, artifacts and models in a browser, until Ctrl-C.

    It is the server of 'nbtrack server' with a page: clients of MLflow can log to the same
    address, and what they log shows up at once.
    """
    from nbtrack.server.sockets import bind, bind_preferred
    from nbtrack.server.standalone import PORT, ServerOptions, serve

    if token is None and not no_auth:
        token = secrets.token_urlsafe(_TOKEN_BYTES)

    def ready(url: str) -> None:
        address = f"{url}/" if token is None else f"{url}/?{urlencode({'token': token})}"
        sys.stdout.write(f"nbtrack shows the runs at {address}\n")
        sys.stdout.flush()
        note("Ctrl-C stops it.")
        if browser:  # some browsers keep who opens them waiting
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    options = ServerOptions(
        store_uri=chosen_uri(),
        host=host,
        token=token,
        no_auth=no_auth,
        allowed_hosts=[name.strip() for name in allowed_hosts.split(",") if name.strip()],
        page=True,
    )
    sockets = bind_preferred(host, PORT) if port is None else bind(host, port)
    sys.exit(serve(options, ready=ready, sockets=sockets))
