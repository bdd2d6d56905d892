"""``nbtrack gc`` and ``nbtrack compact``: the space of what is not needed any more."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command
from nbtrack.cli.output import format_size, note, print_json, print_table, working
from nbtrack.cli.selection import seconds_of, store

if TYPE_CHECKING:
    from nbtrack.store import CompactReport, PurgePlan

MOST_LEFT = 20


@click.command(cls=Command, uri_names=("--backend-store-uri", "--tracking-uri"))
@click.option("--older-than", metavar="TIME", help="Only what was deleted so long ago: 7d, 12h30m.")
@click.option("--run-ids", metavar="IDS", help="Only these deleted runs; with commas.")
@click.option("--experiment-ids", metavar="IDS", help="Only these experiments and what is in them.")
@click.option("--logged-model-ids", metavar="IDS", help="Only these logged models.")
@click.option("--artifacts-destination", hidden=True, expose_value=False)
@click.option("--dry-run", is_flag=True, help="Only show what would go.")
@options.as_json()
def gc(
    older_than: str | None,
    run_ids: str | None,
    experiment_ids: str | None,
    logged_model_ids: str | None,
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
        report = compact(store().uri, older_than_s=seconds, chosen=chosen)
    _print(report, as_json)


@click.command("compact", cls=Command)
@click.option("--keep-deleted", is_flag=True, help="Leave what was deleted, to be restored.")
@options.as_json()
def compact_(keep_deleted: bool, as_json: bool) -> None:
    """Write the database anew, small and sorted.

    What was deleted goes for good, and files that belong to no run.
    """
    from nbtrack.store import compact

    with working("Writing the database anew"):
        report = compact(store().uri, keep_deleted=keep_deleted)
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
