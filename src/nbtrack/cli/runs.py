"""``nbtrack runs``: what MLflow's users type, and ``search``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from nbtrack.cli import options
from nbtrack.cli.command import Group
from nbtrack.cli.output import (
    duration_s,
    first_line,
    format_moment,
    format_time,
    is_terminal,
    note,
    print_json,
    print_table,
    run_record,
    shortened,
)
from nbtrack.cli.selection import experiments_of, pairs, run_by_id, run_of
from nbtrack.entities import Run
from nbtrack.entities.runs import NOTE, PARENT
from nbtrack.views.formats import natural_order

STYLES = {"FAILED": "red", "KILLED": "yellow", "INTERRUPTED": "yellow", "RUNNING": "green"}
SHOWN = 6
NAME_WIDTH = 24


@click.group(cls=Group)
def runs() -> None:
    """Find runs and change them."""


@runs.command("list")
@options.experiment_id(multiple=True)
@options.experiment_name(multiple=True)
@options.view()
@options.as_json()
def list_(
    experiment_id: tuple[str, ...], experiment_name: tuple[str, ...], view: str, as_json: bool
) -> None:
    """List runs, the newest first; those of all experiments where none is named."""
    _show(_search(experiment_id, experiment_name, view=view), as_json, columns=())


@runs.command()
@options.experiment_id(multiple=True)
@options.experiment_name(multiple=True)
@click.option(
    "-f",
    "--filter",
    "filter_string",
    default="",
    help="Such as \"metrics.loss.min < 0.3 AND params.lr = '0.1'\".",
)
@click.option("--order-by", multiple=True, help='Such as "metrics.loss ASC"; may be repeated.')
@click.option(
    "--max-results",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    help="How many runs at most.",
)
@click.option(
    "-c", "--column", multiple=True, help="Such as metrics.loss or params.lr; may be repeated."
)
@options.view()
@options.as_json()
def search(
    experiment_id: tuple[str, ...],
    experiment_name: tuple[str, ...],
    filter_string: str,
    order_by: tuple[str, ...],
    max_results: int,
    column: tuple[str, ...],
    view: str,
    as_json: bool,
) -> None:
    """Find runs by what they have logged."""
    found = _search(
        experiment_id,
        experiment_name,
        filter_string,
        view=view,
        order_by=order_by,
        max_results=max_results,
    )
    _show(found, as_json, columns=column)


@runs.command()
@options.run_id()
def describe(run_id: str) -> None:
    """Print all of a run as JSON, as MLflow does; `nbtrack show` is for people."""
    from nbtrack.api.runs import get_run

    print_json(get_run(run_of(run_id)).to_dictionary())


@runs.command()
@options.experiment_id()
@options.experiment_name(short=False)
@click.option("--run-name", help="By default a readable random one.")
@click.option("--description", help="The run's note.")
@click.option("-t", "--tags", multiple=True, metavar="KEY=VALUE", help="A tag; may be repeated.")
@click.option(
    "--status",
    type=click.Choice(["FINISHED", "FAILED", "KILLED"], case_sensitive=False),
    default="FINISHED",
    show_default=True,
    help="How it has ended.",
)
@click.option("--parent-run-id", help="The run that it belongs under.")
@options.as_json()
def create(
    experiment_id: str | None,
    experiment_name: str | None,
    run_name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    status: str,
    parent_run_id: str | None,
    as_json: bool,
) -> None:
    """Make a run that has ended already, to log to it from elsewhere."""
    from nbtrack.api.runs import get_run
    from nbtrack.api.stores import set_experiment
    from nbtrack.client import Client

    if (experiment_id is None) == (experiment_name is None):
        raise click.UsageError("Give one of --experiment-id and --experiment-name.")
    if experiment_name is not None:
        experiment_id = set_experiment(experiment_name).experiment_id
    given: dict[str, Any] = pairs(tags, "--tags")
    if description is not None:
        given[NOTE] = description
    if parent_run_id is not None:
        given[PARENT] = run_by_id(parent_run_id)
    client = Client()
    made = client.create_run(str(experiment_id), tags=given, run_name=run_name)
    client.set_terminated(made.info.run_id, status.upper())
    if as_json:
        print_json(run_record(get_run(made.info.run_id)))
    else:
        click.echo(f"Created run '{made.info.run_name}' with id {made.info.run_id}")


@runs.command()
@options.run_id()
def delete(run_id: str) -> None:
    """Mark a run as deleted; `gc` removes it for good."""
    from nbtrack.api.runs import delete_run

    found = run_by_id(run_id)
    delete_run(found)
    click.echo(f"Run {found} is deleted.")


@runs.command()
@options.run_id()
def restore(run_id: str) -> None:
    """Bring a deleted run back."""
    from nbtrack.api.runs import restore_run

    found = run_by_id(run_id)
    restore_run(found)
    click.echo(f"Run {found} is back.")


def _search(
    ids: Sequence[str],
    names: Sequence[str],
    filter_string: str = "",
    *,
    view: str,
    order_by: Sequence[str] = (),
    max_results: int = 100_000,
) -> list[Run]:
    from nbtrack.api.runs import search_runs

    chosen = experiments_of(ids, names)
    return search_runs(
        chosen,
        filter_string,
        options.view_number(view),
        max_results,
        list(order_by) or None,
        output_format="list",
        search_all_experiments=chosen is None,
    )


def _show(found: list[Run], as_json: bool, columns: Sequence[str]) -> None:
    if as_json:
        print_json([run_record(run) for run in found])
        return
    if not found:
        note("no run fits.")
        return
    print_runs(found, columns)


def print_runs(found: Sequence[Run], columns: Sequence[str] = ()) -> None:
    """Print runs as a table.

    Parameters
    ----------
    found : sequence of Run
    columns : sequence of str
        Such as ``metrics.loss``; by default the metric that says most, and params that differ.
    """
    from nbtrack.views.formats import format_duration

    chosen = list(columns) or _columns_that_differ(found)
    several = len({run.info.experiment_id for run in found}) > 1
    narrow = is_terminal()  # what is piped on may be as wide as it is
    rows = [
        (
            run.info.run_id[:8] if narrow else run.info.run_id,
            shortened(run.info.run_name, NAME_WIDTH) if narrow else run.info.run_name,
            *([run.info.experiment_id] if several else []),
            run.info.status,
            format_moment(run.info.start_time) if narrow else format_time(run.info.start_time),
            *(_cell(run, name) for name in chosen),
            format_duration(duration_s(run.info)),
        )
        for run in found
    ]
    head = ["run", "name", *(["exp."] if several else []), "status", "started"]
    labels = _labels(chosen) if narrow else chosen
    numbers = zip(chosen, labels, strict=True)
    print_table(
        [*head, *labels, "duration"],
        rows,
        right=[label for name, label in numbers if name.startswith("metrics.")],
        styles=[STYLES.get(run.info.status, "") for run in found],
        kept=len(head) + len(columns),
    )


def _labels(names: Sequence[str]) -> list[str]:
    """Return the names of columns without what they are of, where that tells them apart still."""
    keys = [name.partition(".")[2] for name in names]
    return [
        key if key and keys.count(key) == 1 else name for key, name in zip(keys, names, strict=True)
    ]


def _columns_that_differ(found: Sequence[Run]) -> list[str]:
    """Return columns that tell runs apart: the primary metric, params that are not all the same."""
    from nbtrack.views.metric_names import primary_metric

    keys = sorted({key for run in found for key in run.data.metrics}, key=natural_order)
    best = primary_metric(keys)
    params = sorted({key for run in found for key in run.data.params}, key=natural_order)
    different = [
        key
        for key in params
        if len({run.data.params[key] for run in found if key in run.data.params}) > 1
    ]
    shown = [f"params.{key}" for key in different[: SHOWN - 1]]
    return [*([f"metrics.{best}"] if best else []), *shown]


def _cell(run: Run, name: str) -> str:
    from nbtrack.views.formats import format_number

    family, _, key = name.partition(".")
    if family == "metrics":
        return format_number(run.data.metrics.get(key))
    values = run.data.params if family == "params" else run.data.tags
    if family not in ("params", "tags"):
        return str(getattr(run.info, name, "") or "")
    return first_line(values.get(key, ""))
