"""``nbtrack trust``: let code of the models of a store run without asking for each."""

from __future__ import annotations

from dataclasses import asdict

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command
from nbtrack.cli.output import print_json, print_table, working


@click.command(cls=Command)
@click.argument("place", required=False)
@click.option("--list", "listed", is_flag=True, help="Show what you trust.")
@click.option("--forget", is_flag=True, help="Trust PLACE no more.")
@options.as_json()
def trust(place: str | None, listed: bool, forget: bool, as_json: bool) -> None:
    """Let code of somebody else's models run on this machine without asking for each.

    PLACE is a store (its file, its folder, the URL of a server), or one model. Read the models
    first: loading them runs what is in them. Only what they are now is trusted; models that are
    added or changed later ask again. What you have saved yourself needs no such word.
    """
    from nbtrack.models.trust_records import trusted
    from nbtrack.models.trusting import trust as say

    if listed or place is None:
        if place is not None or forget:
            raise click.UsageError("--list goes without a PLACE.")
        if not listed:
            raise click.UsageError("Missing argument 'PLACE'. What you trust is shown by --list.")
        _show([asdict(each) for each in trusted()], as_json)
        return
    with working("Looking at the models"):
        found = say(place, forget=forget)
    if as_json:
        print_json(found)
    elif forget:
        click.echo(f"Models of {place} ask for consent again; what you have saved is still yours.")
    else:
        click.echo(f"{len(found)} models of {place} load without asking, as they are now.")


def _show(found: list[dict[str, object]], as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found:
        print_table(["Place", "Models"], [[each["place"], each["models"]] for each in found])
    else:
        click.echo("You trust nobody's models but your own.")
