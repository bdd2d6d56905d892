"""``nbtrack import`` and ``nbtrack export``: from other trackers, and to them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command, Exit, chosen_uri
from nbtrack.cli.output import note, print_json, print_table

if TYPE_CHECKING:
    from nbtrack.interop.report import Report

MOST_ON_SCREEN = 20


@click.command("import", cls=Command)
@click.argument("source")
@click.option("--kind", help="What SOURCE is, where that cannot be seen.")
@click.option(
    "-e",
    "--experiment",
    "experiments",
    multiple=True,
    help="The id or the name of an experiment of a nbtrack store; may be repeated.  [default: all]",
)
@click.option(
    "--artifact-root",
    "roots",
    multiple=True,
    metavar="[OLD=]PLACE",
    help="Where artifacts may come from, beside the source's own folders; with OLD=, where they "
    "are now that were in OLD. May be repeated.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress bar.")
@options.as_json()
def import_(
    source: str,
    kind: str | None,
    experiments: tuple[str, ...],
    roots: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Bring the runs of another tracker into the store.

    SOURCE is an mlflow.db, an mlruns folder, the address of an MLflow server, TensorBoard event
    files, offline runs of W&B, a database of trackio, CSV files, or another nbtrack store: its
    path, or postgresql://host/database. Runs keep their ids, and what is there already stays as
    it is: importing again is harmless, and completes what was cut off.

    Exit status 1 says that something could not come; the table says what, and why.
    """
    from nbtrack.interop import import_from

    given = dict(_root(text) for text in roots)
    found = import_from(
        source,
        chosen_uri(),
        experiments=list(experiments) or None,
        artifact_roots=given,
        progress=not quiet,
        kind=kind,
    )
    _finish(found, as_json, "came")


@click.command(cls=Command)
@click.argument("target")
@click.option("--kind", help="What TARGET becomes, where its name does not say it.")
@click.option(
    "-e",
    "--experiment",
    "experiments",
    multiple=True,
    help="The id or the name of an experiment; may be repeated.  [default: all]",
)
@click.option(
    "--artifact-root",
    "roots",
    multiple=True,
    metavar="PLACE",
    help="Where artifacts may go, beside the target's own folders, where the target says so.",
)
@click.option("-q", "--quiet", is_flag=True, help="Show no progress bar.")
@options.as_json()
def export(
    target: str,
    kind: str | None,
    experiments: tuple[str, ...],
    roots: tuple[str, ...],
    quiet: bool,
    as_json: bool,
) -> None:
    """Give runs to another tracker, or write them as tables.

    TARGET is the address of an MLflow server, an mlflow.db (made where it is missing, which needs
    mlflow), another nbtrack store (its path, or postgresql://host/database), or a folder whose
    name or --kind says parquet or csv. Exporting again is harmless.

    Exit status 1 says that something could not go; the table says what, and why.
    """
    from nbtrack.interop import export_to

    wanted = list(experiments) or None
    found = export_to(
        target,
        chosen_uri(),
        experiments=wanted,
        artifact_roots=roots,
        progress=not quiet,
        kind=kind,
    )
    _finish(found, as_json, "went")


def _root(text: str) -> tuple[str, str]:
    """Return what a place was and what it is now: mostly the same."""
    old, equals, new = text.partition("=")
    if equals and not (old and new):
        raise click.BadParameter(f"{text!r} is no PLACE and no OLD=PLACE.")
    return (old, new) if equals else (text, text)


def _finish(report: Report, as_json: bool, done: str) -> None:
    if as_json:
        print_json(
            {
                "source": report.source,
                "target": report.target,
                "seconds": round(report.seconds, 3),
                "rows": [asdict(row) for row in report.rows],
                "problems": [asdict(problem) for problem in report.problems],
                "notes": report.notes,
            }
        )
    else:
        _print(report, done)
    if not report.ok:
        raise click.exceptions.Exit(int(Exit.FAILED))


def _print(report: Report, done: str) -> None:
    print_table(
        ["", done, "known", "failed", "why"],
        [(r.what, f"{r.came:,}", f"{r.known:,}", f"{r.failed:,}", r.reason) for r in report.rows],
        title=f"{report.source} -> {report.target} ({report.seconds:.1f} s)",
        right=(done, "known", "failed"),
    )
    for problem in report.problems[:MOST_ON_SCREEN]:
        note(f"{problem.what} {problem.name}: {problem.reason}")
    if len(report.problems) > MOST_ON_SCREEN:
        note(f"{len(report.problems) - MOST_ON_SCREEN} more; --json has all of them")
    for text in report.notes:
        note(text)
