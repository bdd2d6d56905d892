"""``nbtrack experiments``: what MLflow's users type, and ``list``."""

from __future__ import annotations

import sys

import click

from nbtrack.cli import options
from nbtrack.cli.command import Group
from nbtrack.cli.output import experiment_record, format_time, note, print_json, print_table
from nbtrack.cli.selection import experiment_of, pairs
from nbtrack.entities import Experiment


@click.group(cls=Group)
def experiments() -> None:
    """Make, find and change experiments."""


@experiments.command()
@options.experiment_name(required=True)
@click.option("-l", "--artifact-location", help="Where the artifacts of its runs are kept.")
@click.option("-t", "--tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@options.as_json()
def create(
    experiment_name: str, artifact_location: str | None, tags: tuple[str, ...], as_json: bool
) -> None:
    """Make an experiment and print its id."""
    from nbtrack.api.stores import create_experiment, get_experiment

    made = create_experiment(experiment_name, artifact_location, pairs(tags, "--tags"))
    if as_json:
        print_json(experiment_record(get_experiment(made)))
    else:
        click.echo(f"Created experiment '{experiment_name}' with id {made}")


@experiments.command("list")
@options.view()
@options.as_json()
def list_(view: str, as_json: bool) -> None:
    """List the experiments with their numbers of runs."""
    from nbtrack.cli.selection import store
    from nbtrack.views.details.tree_query import experiment_rows

    wanted = {"active_only": ("active",), "deleted_only": ("deleted",)}.get(view.lower())
    with store().read() as reader:
        rows = [row for row in experiment_rows(reader) if wanted is None or row.stage in wanted]
    if as_json:
        print_json(
            [
                {
                    "experiment_id": row.experiment_id,
                    "name": row.name,
                    "lifecycle_stage": row.stage,
                    "runs": row.runs,
                    "running": row.running,
                    "last_run_time": row.last_ms,
                }
                for row in rows
            ]
        )
        return
    print_table(
        ["id", "name", "runs", "running", "last run", "stage"],
        [
            (r.experiment_id, r.name, r.runs, r.running or "", format_time(r.last_ms), r.stage)
            for r in rows
        ],
        right=("runs", "running"),
    )


@experiments.command()
@options.view()
@click.option(
    "--max-results",
    type=click.IntRange(min=1),
    help="How many experiments at most.  [default: all]",
)
@click.option("--filter", "filter_string", help="Such as \"name LIKE 'digits%'\".")
@options.as_json()
def search(view: str, max_results: int | None, filter_string: str | None, as_json: bool) -> None:
    """Find experiments; the newest come first."""
    from nbtrack.api.stores import search_experiments

    found = search_experiments(options.view_number(view), max_results, filter_string)
    if as_json:
        print_json([experiment_record(each) for each in found])
    else:
        _print(found)


@experiments.command()
@options.experiment_id()
@options.experiment_name()
@click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="As --json; MLflow's name for it.",
)
@options.as_json()
def get(experiment_id: str | None, experiment_name: str | None, output: str, as_json: bool) -> None:
    """Show an experiment."""
    found = experiment_of(experiment_id, experiment_name)
    if as_json or output == "json":
        print_json(experiment_record(found))
        return
    rows = [
        ("id", found.experiment_id),
        ("name", found.name),
        ("stage", found.lifecycle_stage),
        ("artifacts", found.artifact_location),
        ("created", format_time(found.creation_time)),
        ("changed", format_time(found.last_update_time)),
        *((f"tag {key}", value) for key, value in sorted(found.tags.items())),
    ]
    print_table(["", ""], rows)


@experiments.command()
@options.experiment_id()
@options.experiment_name()
def delete(experiment_id: str | None, experiment_name: str | None) -> None:
    """Mark an experiment and its runs as deleted; `gc` removes them for good."""
    from nbtrack.api.stores import delete_experiment

    found = experiment_of(experiment_id, experiment_name)
    delete_experiment(found.experiment_id)
    click.echo(f"Experiment '{found.name}' ({found.experiment_id}) is deleted.")


@experiments.command()
@options.experiment_id()
@options.experiment_name()
def restore(experiment_id: str | None, experiment_name: str | None) -> None:
    """Bring a deleted experiment and its runs back."""
    from nbtrack.api.stores import restore_experiment

    found = experiment_of(experiment_id, experiment_name)
    restore_experiment(found.experiment_id)
    click.echo(f"Experiment '{found.name}' ({found.experiment_id}) is back.")


@experiments.command()
@options.experiment_id(required=True)
@click.option("--new-name", required=True, help="Its name from now on.")
def rename(experiment_id: str, new_name: str) -> None:
    """Give an experiment another name."""
    from nbtrack.client import Client

    Client().rename_experiment(experiment_id, new_name)
    click.echo(f"Experiment {experiment_id} is '{new_name}' now.")


@experiments.command()
@options.experiment_id()
@options.experiment_name()
@click.option("-o", "--filename", type=click.Path(dir_okay=False), help="By default to the screen.")
@click.option("--filter", "filter_string", default="", help="Only runs that fit.")
def csv(
    experiment_id: str | None,
    experiment_name: str | None,
    filename: str | None,
    filter_string: str,
) -> None:
    """Write the runs of an experiment as CSV: infos, params, last metrics, tags."""
    from nbtrack.api.runs import search_runs

    found = experiment_of(experiment_id, experiment_name)
    frame = search_runs([found.experiment_id], filter_string)
    frame.to_csv(filename or sys.stdout, index=False)
    if filename:
        note(f"{len(frame)} runs of '{found.name}' are in {filename}")


def _print(found: list[Experiment]) -> None:
    print_table(
        ["id", "name", "stage", "created", "artifacts"],
        [
            (
                e.experiment_id,
                e.name,
                e.lifecycle_stage,
                format_time(e.creation_time),
                e.artifact_location,
            )
            for e in found
        ],
    )
