"""``nbtrack gc``, ``compact`` and ``sync``: keep a store in order, and send what waits."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command, Exit
from nbtrack.cli.output import format_size, note, print_json, print_table, working
from nbtrack.cli.selection import seconds_of, store

if TYPE_CHECKING:
    from nbtrack.store import CompactReport, PurgePlan, SyncReport

MOST_LEFT = 20


@click.command(cls=Command, uri_names=("--backend-store-uri", "--tracking-uri"))
@click.option("--older-than", metavar="TIME", help="Only what was deleted so long ago: 7d, 12h30m.")
@click.option("--run-ids", metavar="IDS", help="Only these deleted runs; with commas.")
@click.option("--experiment-ids", metavar="IDS", help="Only these experiments and what is in them.")
@click.option("--logged-model-ids", metavar="IDS", help="Only these logged models.")
@options.artifacts_destination()
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@options.as_json()
def gc(
    older_than: str | None,
    run_ids: str | None,
    experiment_ids: str | None,
    logged_model_ids: str | None,
    artifacts_destination: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove for good what was deleted, with its artifacts.

    Runs, logged models and experiments cannot be restored afterwards. Models that are registered
    stay.
    """
    from nbtrack.store import PurgeFilter, compact, plan_purge

    chosen = PurgeFilter(_ids(run_ids), _ids(experiment_ids), _ids(logged_model_ids))
    seconds = 0.0 if older_than is None else seconds_of(older_than)
    if dry_run:
        _print_deleted(plan_purge(store().uri, older_than_s=seconds, chosen=chosen), as_json)
        return
    with working("Removing what was deleted"):
        report = compact(
            store().uri,
            older_than_s=seconds,
            chosen=chosen,
            artifact_root=artifacts_destination,
        )
    _print(report, as_json)


@click.command("compact", cls=Command)
@click.option("--keep-deleted", is_flag=True, help="Leave what was deleted, to be restored.")
@options.artifacts_destination()
@options.as_json()
def compact_(keep_deleted: bool, artifacts_destination: str | None, as_json: bool) -> None:
    """Write the database anew, small and sorted.

    What was deleted goes for good, and files that belong to no run.
    """
    from nbtrack.store import compact

    with working("Writing the database anew"):
        report = compact(
            store().uri, keep_deleted=keep_deleted, artifact_root=artifacts_destination
        )
    _print(report, as_json)


def _ids(text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (word.strip() for word in (text or "").split(","))))


def _print(report: CompactReport, as_json: bool) -> None:
    if as_json:
        print_json(asdict(report))
        return
    click.echo(
        f"Gone for good: {report.runs} runs, {report.models} models, "
        f"{report.experiments} experiments."
    )
    size = report.database_bytes
    change = "smaller" if size >= 0 else "larger"
    click.echo(
        f"The database is {format_size(abs(size))} {change}, the artifacts are "
        f"{format_size(report.artifact_bytes)} smaller."
    )
    if report.merged or report.states or report.files:
        click.echo(
            f"{report.merged} small files were merged; {report.states} old states of the database "
            f"and {report.files} files are gone."
        )
    if report.uploads:
        click.echo(f"Uploads given up that had begun: {report.uploads}.")
    if report.left:
        note(f"{len(report.left)} folders of artifacts lie elsewhere and are left as they are:")
        for place in report.left[:MOST_LEFT]:
            note(f"  {place}")
        if len(report.left) > MOST_LEFT:
            note(f"  and {len(report.left) - MOST_LEFT} more; --json has all of them")


def _print_deleted(found: PurgePlan, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "run_ids": [run.id for run in found.runs],
                "logged_model_ids": [model.id for model in found.models],
                "experiment_ids": list(found.experiments),
            }
        )
        return
    rows = [
        *(("run", run.id, run.name) for run in found.runs),
        *(("model", model.id, model.name) for model in found.models),
        *(("experiment", number, name) for number, name in found.experiments.items()),
    ]
    if rows:
        print_table(["", "id", "name"], rows)
    click.echo(
        f"{len(rows)} would go for good; nothing was removed." if rows else "Nothing would go."
    )


@click.command(cls=Command)
@click.option(
    "--all", "everything", is_flag=True, help="Every tracking server that was logged to from here."
)
@options.as_json()
def sync(everything: bool, as_json: bool) -> None:
    """Move what was logged into the database; send it to the tracking server, if it is one.

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
            _print_sent(report)
        if not found:
            note("No tracking server was logged to from here.")
    if any(report.left or report.problem for report in found):
        raise click.exceptions.Exit(int(Exit.STORE))
    if any(report.refused for report in found):
        raise click.exceptions.Exit(int(Exit.FAILED))


def _print_sent(report: SyncReport) -> None:
    sent = ""
    if report.sent_points or report.sent_files:
        sent = f", {report.sent_points:,} points and {report.sent_files:,} files sent"
    click.echo(f"{report.uri}: {report.folded:,} points moved into the database{sent}.")
    for reason, count in report.refused.items():
        note(f"{count} refused by the server and kept aside: {reason}")
    if report.problem is not None:
        note(report.problem)
    if report.left:
        note(f"Of {report.left} journals something is left. Nothing is lost: run this again later.")
