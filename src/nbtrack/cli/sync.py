"""``nbtrack sync``: what waits goes where it belongs."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command
from nbtrack.cli.exits import Exit
from nbtrack.cli.output import note, print_json, working
from nbtrack.cli.selection import store

if TYPE_CHECKING:
    from nbtrack.store import SyncReport


@click.command(cls=Command)
@click.option(
    "--all", "everything", is_flag=True, help="Every tracking server that was logged to from here."
)
@options.as_json()
def sync(everything: bool, as_json: bool) -> None:
    """Fold what was logged into the database; send it to the tracking server, if it is one.

    What was logged while a server was away waits on this machine until then. Exit status 5 says
    that something is left, 1 that a server refuses something for good; the message says why.
    """
    from nbtrack.store import open_mirrors

    found = []
    for each in open_mirrors() if everything else [store()]:
        with working(f"Sending to {each.uri}" if each.server else "Folding the journals"):
            found.append(each.sync())
    if as_json:
        print_json([asdict(report) for report in found])
    else:
        for report in found:
            _print(report)
        if not found:
            note("No tracking server was logged to from here.")
    if any(report.left or report.problem for report in found):
        raise click.exceptions.Exit(int(Exit.STORE))
    if any(report.refused for report in found):
        raise click.exceptions.Exit(int(Exit.FAILED))


def _print(report: SyncReport) -> None:
    sent = ""
    if report.sent_points or report.sent_files:
        sent = f", {report.sent_points:,} points and {report.sent_files:,} files sent"
    click.echo(f"{report.uri}: {report.folded:,} points folded{sent}.")
    for reason, count in report.refused.items():
        note(f"{count} refused by the server and kept aside: {reason}")
    if report.problem is not None:
        note(report.problem)
    if report.left:
        note(f"Of {report.left} journals something is left. Nothing is lost: run this again later.")
