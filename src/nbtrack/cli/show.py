"""``nbtrack show`` and ``nbtrack lineage``: one run, and where it comes from, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from nbtrack.cli import completion, options
from nbtrack.cli.command import Command
from nbtrack.cli.output import (
    file_record,
    format_size,
    format_time,
    note,
    print_json,
    print_table,
    run_record,
    sparkline,
)
from nbtrack.cli.runs import STYLES
from nbtrack.cli.selection import run_of, store
from nbtrack.entities import FileInfo
from nbtrack.entities.run_data import is_system_metric
from nbtrack.entities.runs import ERROR_TAG, GIT_COMMIT, NOTE, SOURCE_NAME
from nbtrack.errors import NbtrackError
from nbtrack.views.formats import OUR_TAGS, by_name

if TYPE_CHECKING:
    from nbtrack.store.artifacts import ArtifactFolder
    from nbtrack.views.details.query import Details


@click.command(cls=Command)
@click.argument("run", shell_complete=completion.runs)
@click.option("--all", "everything", is_flag=True, help="Also tags and metrics of the system.")
@options.as_json()
def show(run: str, everything: bool, as_json: bool) -> None:
    """Show a run: params, metrics with their course, tags, artifacts.

    RUN is its id, the beginning of it, or its name.
    """
    from nbtrack.views.details.query import run_details

    run_id = run_of(run)
    with store().read() as reader:
        found = run_details(reader, run_id)
    files = _files(store().access.folder(found.run.info.artifact_uri))
    if as_json:
        print_json(_record(found, files))
    else:
        _print(found, files, everything)


@click.command(cls=Command)
@click.argument("run", shell_complete=completion.runs)
@click.option("--metric", metavar="KEY", help="Show where this number of the run comes from.")
@options.as_json()
def lineage(run: str, metric: str | None, as_json: bool) -> None:
    """Show where a run or a number comes from: code, data, and the models that it has read.

    RUN is its id, the beginning of it, or its name; or the URI of a model, such as
    models:/NAME/1.
    """
    from nbtrack.api.registry import lineage as lineage_of

    found = lineage_of(run if run.startswith("models:") else run_of(run), metric)
    if as_json:
        click.echo(found.to_json())
    else:
        click.echo(str(found))


def _files(folder: ArtifactFolder) -> list[FileInfo]:
    try:
        return folder.list()
    except NbtrackError as error:
        note(f"the artifacts cannot be listed: {error}")
        return []


def _record(found: Details, files: list[FileInfo]) -> dict[str, Any]:
    """Return the run as JSON: its record, with the course of each metric."""
    return {
        **run_record(found.run),
        "experiment": found.experiment,
        "parent": None if found.parent is None else found.parent.run_id,
        "children": [child.run_id for child in found.children],
        "series": [
            {
                "key": row.key,
                "count": row.count,
                "last": row.last,
                "min": row.min,
                "max": row.max,
                "last_step": row.last_step,
            }
            for row in found.series
        ],
        "datasets": [each.to_dictionary() for each in found.run.inputs.dataset_inputs],
        "models": [each.model_id for each in found.run.outputs.model_outputs],
        "artifacts": [file_record(file) for file in files],
    }


def _print(found: Details, files: list[FileInfo], everything: bool) -> None:
    from nbtrack.views.formats import format_number

    _print_head(found)
    params = by_name(found.run.data.params)
    if params:
        print_table(["param", "value"], params)
    series = [row for row in found.series if everything or not is_system_metric(row.key)]
    if series:
        print_table(
            ["metric", "last", "min", "max", "step", "course"],
            [
                (
                    row.key,
                    format_number(row.last),
                    format_number(row.min),
                    format_number(row.max),
                    row.last_step,
                    sparkline(found.sparks[row.number]) if row.count > 1 else "",
                )
                for row in series
            ],
            right=("last", "min", "max", "step"),
        )
    tags = by_name(found.run.data.tags, () if everything else OUR_TAGS)
    if tags:
        print_table(["tag", "value"], tags)
    if files:
        print_table(
            ["artifact", "size"],
            [(f"{f.path}/" if f.is_dir else f.path, format_size(f.file_size)) for f in files],
            right=("size",),
        )


def _print_head(found: Details) -> None:
    from nbtrack.cli.output import duration_s
    from nbtrack.views.formats import STATE_WORDS, format_duration

    info, tags = found.run.info, found.run.data.tags
    state = click.style(
        STATE_WORDS.get(info.status, info.status), fg=STYLES.get(info.status) or None
    )
    click.echo(f"{click.style(info.run_name, bold=True)}  {state}  {info.run_id}")
    commit = tags.get(GIT_COMMIT, "")[:10]
    facts = [
        f"experiment {found.experiment}",
        f"started {format_time(info.start_time)}",
        format_duration(duration_s(info)),
        f"by {info.user_id}" if info.user_id else "",
        f"from {tags[SOURCE_NAME]}" if tags.get(SOURCE_NAME) else "",
        f"commit {commit}" if commit else "",
        "deleted" if info.lifecycle_stage == "deleted" else "",
    ]
    click.echo("  ".join(fact for fact in facts if fact))
    if found.parent is not None:
        click.echo(f"under {found.parent.name} ({found.parent.run_id})")
    if found.children:
        click.echo(f"runs under it: {len(found.children)}")
    if tags.get(ERROR_TAG):
        click.echo(click.style(tags[ERROR_TAG], fg="red"))
    if tags.get(NOTE):
        click.echo(tags[NOTE])
    click.echo()
