"""``nbtrack init``: makes a store, and says how others come to it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command, chosen_uri
from nbtrack.cli.output import print_json, working

if TYPE_CHECKING:
    from nbtrack.store import StoreReport


@click.command(cls=Command)
@click.argument("uri", required=False)
@click.option(
    "--data-path",
    metavar="PLACE",
    help="Where the data of a team's store goes: s3://bucket/path, or a folder that everybody of "
    "the team can reach.  [default: NBTRACK_DATA_PATH]",
)
@click.option(
    "--role", "writers", multiple=True, metavar="ROLE", help="A role of PostgreSQL that may log."
)
@click.option(
    "--reader", "readers", multiple=True, metavar="ROLE", help="A role that may only read."
)
@options.as_json()
def init(
    uri: str | None,
    data_path: str | None,
    writers: tuple[str, ...],
    readers: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make a store: URI is postgresql://user@host/database for a team, or a file.

    It is harmless where there is one already: then it says where things are. Passwords are taken
    from the URI, PGPASSWORD or ~/.pgpass, keys of object storage from AWS_*, and kept nowhere.
    """
    from nbtrack.store import create_store

    with working("Making the store"):
        report = create_store(
            uri or chosen_uri(), data_path=data_path, writers=writers, readers=readers
        )
    if as_json:
        print_json(asdict(report))
        return
    click.echo(f"{report.uri} {'is made' if report.is_new else 'is there already'}.")
    for name, value in _facts(report):
        click.echo(f"  {name:<12}{value}")
    if report.database:
        _say_how_to_join(report)


def _facts(report: StoreReport) -> list[tuple[str, str]]:
    versions = ", ".join(f"{name} {value}" for name, value in report.versions.items())
    of_team = [
        ("database", f"{report.database}, schema {report.schema}, role {report.role}"),
    ]
    return [
        *(of_team if report.database else []),
        ("tables", f"{report.tables}, data at {report.data}"),
        ("artifacts", report.artifacts),
        ("versions", versions),
    ]


def _say_how_to_join(report: StoreReport) -> None:
    host = report.uri.partition("://")[2].rpartition("@")[2]
    click.echo("\nOthers log to it with their own role; they need no other setting:")
    click.echo(f'  nbtrack.set_tracking_uri("postgresql://ROLE@{host}")')
    click.echo("The password goes to PGPASSWORD, or as a line to ~/.pgpass (chmod 600):")
    click.echo("  HOST:PORT:DATABASE:ROLE:PASSWORD")
    if "://" in report.data:
        click.echo("Keys of the bucket go to AWS_ACCESS_KEY_ID and so on, or ~/.aws/credentials.")
    if report.is_shared:
        click.echo("The roles that were named have these rights now.")
        return
    for what, statements in (("log", report.writers), ("only read", report.readers)):
        click.echo(f"\nRights for a role that may {what} (or: nbtrack init URI {_option(what)}):")
        for statement in statements:
            click.echo(f"  {statement};")


def _option(what: str) -> str:
    return "--role ROLE" if what == "log" else "--reader ROLE"
