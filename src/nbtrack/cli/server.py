"""``nbtrack server``: a store for clients of MLflow."""

from __future__ import annotations

import sys

import click

from nbtrack import variables
from nbtrack.cli import options
from nbtrack.cli.command import Command, chosen_uri
from nbtrack.cli.output import note


@click.command(cls=Command, uri_names=("--backend-store-uri",))
@options.host("Where to listen. Others than you, and other machines, need a token.")
@options.port("The port; 0 for one that is free.", default=variables.PORT.default)
@click.option(
    "--default-artifact-root",
    metavar="URI",
    envvar=variables.DEFAULT_ARTIFACT_ROOT.names,
    help="Where clients put artifacts of new runs themselves: a path or URI that they all reach.  "
    "[default: they are sent through this server]",
)
@click.option(
    "--artifacts-destination",
    metavar="URI",
    envvar=variables.ARTIFACTS_DESTINATION.names,
    help="Where this server keeps artifacts that are sent to it.  [default: beside the store]",
)
@click.option(
    "--serve-artifacts/--no-serve-artifacts",
    default=variables.SERVE_ARTIFACTS.default,
    envvar=variables.SERVE_ARTIFACTS.names,
    show_default=True,
    help="Whether artifacts go through this server.",
)
@click.option(
    "--presigned-urls/--no-presigned-urls",
    default=variables.SERVER_PRESIGNED_URLS.default,
    envvar=variables.SERVER_PRESIGNED_URLS.names,
    show_default=True,
    help="Whether clients that ask get signed URLs of artifacts in object storage: their files do "
    "not go through this server then.",
)
@click.option(
    "--registry-store-uri",
    metavar="URI",
    envvar=variables.REGISTRY_STORE_URI.names,
    help="The store whose model registry is served.  [default: the same]",
)
@click.option(
    "--token",
    envvar=variables.SERVER_TOKEN.names,
    help="What clients must have: as MLFLOW_TRACKING_TOKEN, or as MLFLOW_TRACKING_PASSWORD with "
    "any user name. Others on this machine can read a command line: NBTRACK_SERVER_TOKEN is "
    "safer.  [default: the user who starts it needs none on this machine; for others one is made, "
    "and printed when somebody needs it]",
)
@click.option("--no-auth", is_flag=True, help="Answer everybody who reaches the host.")
@options.allowed_hosts()
@click.option(
    "--client-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=variables.SERVER_CLIENT_TIMEOUT.default,
    show_default=True,
    envvar=variables.SERVER_CLIENT_TIMEOUT.names,
    help="Seconds that a client may send, or read, nothing, or too little.",
)
@click.option(
    "--min-rate",
    type=click.FloatRange(min=0),
    default=variables.SERVER_MIN_RATE.default,
    show_default=True,
    envvar=variables.SERVER_MIN_RATE.names,
    help="What is too little: bytes per second.",
)
@click.option(
    "--body-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=variables.SERVER_BODY_TIMEOUT.default,
    show_default=True,
    envvar=variables.SERVER_BODY_TIMEOUT.names,
    help="Seconds that a file may take to arrive.",
)
@options.artifact_roots()
def server(
    host: str,
    port: int,
    default_artifact_root: str | None,
    artifacts_destination: str | None,
    serve_artifacts: bool,
    presigned_urls: bool,
    registry_store_uri: str | None,
    token: str | None,
    no_auth: bool,
    allowed_hosts: list[str],
    client_timeout: float,
    min_rate: float,
    body_timeout: float,
    artifact_roots: tuple[str, ...],
) -> None:
    """Serve a store to clients of MLflow, until it is stopped.

    Clients set MLFLOW_TRACKING_URI to the address that is printed; a browser shows the runs there.
    """
    from nbtrack.server.standalone import ServerOptions, serve

    chosen = ServerOptions(
        store_uri=chosen_uri(),
        host=host,
        port=port,
        registry_uri=registry_store_uri,
        default_artifact_root=default_artifact_root,
        artifacts_destination=artifacts_destination,
        serve_artifacts=serve_artifacts,
        presigned_urls=presigned_urls,
        token=token,
        no_auth=no_auth,
        allowed_hosts=allowed_hosts,
        artifact_roots=artifact_roots,
        page=True,
        client_timeout=client_timeout,
        min_rate=min_rate,
        body_timeout=body_timeout,
    )
    if no_auth:
        note("Everybody who reaches this address reads and writes the store.")
    sys.exit(serve(chosen))
