"""``nbtrack rerun``: runs them again from their record."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING

import click

from nbtrack.cli import completion, options
from nbtrack.cli.command import Command, Exit
from nbtrack.cli.output import note, print_json, print_table, run_record
from nbtrack.cli.selection import original_of, pairs, store

if TYPE_CHECKING:
    from nbtrack.reruns import Verdict
    from nbtrack.reruns.plan import Part

_ENDS = (signal.SIGTERM, *((signal.SIGHUP,) if sys.platform != "win32" else ()))


@click.command(cls=Command)
@click.argument("run", nargs=-1, shell_complete=completion.runs)
@click.option("-f", "--filter", "filter_string", metavar="FILTER", help="All runs that fit it.")
@click.option(
    "--as", "as_what", type=click.Choice(["new"]), help="'new': log a new run, without a verdict."
)
@click.option(
    "-p", "--param", "params", multiple=True, metavar="NAME=VALUE",
    help="With --as new: another value of a literal of its cells; may be repeated.",
)  # fmt: skip
@click.option(
    "--cells",
    type=click.Choice(["needed", "all"]),
    default="needed",
    show_default=True,
    help="The cells that the run needed, or all that were executed before it.",
)
@click.option(
    "--timeout",
    type=float,
    metavar="SECONDS",
    help="How many seconds an attempt may take.  [default: no limit]",
)
@click.option("--env", is_flag=True, help="In the recorded environment, made by uv if need be.")
@options.as_json()
def rerun(
    run: tuple[str, ...],
    filter_string: str | None,
    as_what: str | None,
    params: tuple[str, ...],
    cells: str,
    timeout: float | None,
    env: bool,
    as_json: bool,
) -> None:
    """Execute the cells of a run again, and compare.

    This runs the code that was recorded: in a fresh kernel, in a copy of the notebook's folder,
    with a store of its own. Params and whole numbers have to be the same, curves within 1 % of
    their range, artifacts by content. What differs is run again, so that the cause can be named.
    The verdict stays with the run, as the tag nbtrack.reproduced.

    Each RUN is an id, the beginning of one, or a name: of several with one name the newest that is
    no variation. The exit status is 0 when all are the same, 1 when one differs, 2 when one could
    not be run.
    """
    from nbtrack.reruns import vary

    for number in _ENDS:
        if signal.getsignal(number) is signal.SIG_DFL:  # nohup means it
            signal.signal(number, _as_interrupt)
    if params and as_what is None:
        raise click.UsageError("With another value it is another run: add --as new.")
    fitting = _fitting(filter_string) if filter_string is not None else []
    ids = list(dict.fromkeys([*map(original_of, run), *fitting]))
    if not ids:
        raise click.UsageError("Name a run, or give a filter that runs fit.")
    part: Part = "all" if cells == "all" else "needed"
    if as_what == "new":
        values = pairs(params, "-p")
        made = [
            vary(store(), each, values, cells=part, timeout=timeout, shown=True, env=env)
            for each in ids
        ]
        if as_json:
            records = [run_record(each) for each in made]
            print_json(records[0] if len(records) == 1 else records)
        for each in made if not as_json else ():
            click.echo(f"{each.info.run_name} ({each.info.run_id}): {each.info.status}")
        return
    many = len(ids) > 1
    verdicts = [_verdict(each, part, timeout, many=many, env=env) for each in ids]
    known = [each for each in verdicts if each is not None]
    if as_json:
        print_json(known[0].as_json() if len(ids) == 1 else [_record(each) for each in known])
    else:
        _print(known)
    failed = len(known) < len(ids) or any(each.result == "failed" for each in known)
    differs = any(each.result == "different" for each in known)
    raise click.exceptions.Exit(int(Exit.USAGE if failed else Exit.FAILED if differs else Exit.OK))


def _verdict(
    run_id: str, part: Part, timeout: float | None, *, many: bool, env: bool
) -> Verdict | None:
    """Return the verdict on a run; of several, one that cannot be run does not end the others."""
    from nbtrack.errors import NbtrackError
    from nbtrack.reruns import rerun as verified

    try:
        return verified(store(), run_id, cells=part, timeout=timeout, shown=True, env=env)
    except NbtrackError as error:
        if not many:
            raise
        note(str(error))
        return None


def _fitting(filter_string: str) -> list[str]:
    from nbtrack.entities import ViewType
    from nbtrack.store.search import search_runs

    with store().read() as reader:
        found = search_runs(reader, None, filter_string, ViewType.ACTIVE_ONLY, 10_000)
    return [each.info.run_id for each in found]


def _record(verdict: Verdict) -> dict[str, object]:
    return {"run_id": verdict.run_id, "run_name": verdict.run_name, **verdict.as_json()}


def _print(verdicts: list[Verdict]) -> None:
    from nbtrack.views.formats import format_number

    for verdict in verdicts:
        click.echo(f"{verdict.run_name}: {verdict.text}")
        rows = [
            (
                item.key,
                item.result,
                *(format_number(v) if isinstance(v, float) else v for v in (item.then, item.now)),
                item.detail,
            )
            for item in verdict.items
            if item.result != "exact"
        ]
        if rows:
            print_table(["", "", "then", "now", ""], rows)


def _as_interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
