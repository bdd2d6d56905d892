"""``nbtrack ui``: the runs of a store, in a browser."""

from __future__ import annotations

import sys
import threading
import webbrowser
from urllib.parse import urlencode

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command, chosen_uri
from nbtrack.cli.output import note
from nbtrack.variables import SERVER_TOKEN


@click.command(cls=Command, uri_names=("--backend-store-uri",))
@options.host("Where to listen; by default only this machine reaches it.")
@options.port(
    "The port; 0 for one that is free.  [default: 5000, or one that is free where that is taken]"
)
@click.option(
    "--browser/--no-browser",
    default=True,
    show_default=True,
    help="Whether to open it in a browser.",
)
@click.option(
    "--token",
    envvar=SERVER_TOKEN.name,
    help="What a browser, or a client of MLflow, must have.  [default: you need none on this "
    "machine; for others one is made, and printed when somebody needs it]",
)
@click.option(
    "--no-auth", is_flag=True, help="Answer everybody who reaches the host, without a token."
)
@options.allowed_hosts()
@options.artifact_roots()
def ui(
    host: str,
    port: int | None,
    browser: bool,
    token: str | None,
    no_auth: bool,
    allowed_hosts: list[str],
    artifact_roots: tuple[str, ...],
) -> None:
    """Show runs, comparisons, charts, artifacts and models in a browser, until Ctrl-C.

    It is the server of 'nbtrack server' with a page: clients of MLflow can log to the same
    address, and what they log shows up at once.
    """
    from nbtrack.server.connections import bind, bind_preferred
    from nbtrack.server.standalone import PORT, ServerOptions, serve

    def ready(url: str, token: str | None) -> None:
        address = f"{url}/" if token is None else f"{url}/?{urlencode({'token': token})}"
        sys.stdout.write(f"nbtrack shows the runs at {address}\n")
        sys.stdout.flush()
        note("Ctrl-C stops it.")
        if browser:  # some browsers keep who opens them waiting
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    chosen = ServerOptions(
        store_uri=chosen_uri(),
        host=host,
        token=token,
        no_auth=no_auth,
        allowed_hosts=allowed_hosts,
        artifact_roots=artifact_roots,
        page=True,
    )
    sockets = bind_preferred(host, PORT) if port is None else bind(host, port)
    sys.exit(serve(chosen, ready=ready, sockets=sockets))
