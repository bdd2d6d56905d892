"""``nbtrack capsule`` and ``nbtrack open``: a run in one file, and where it is to be elsewhere."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path

import click

from nbtrack.cli import completion, options
from nbtrack.cli.command import Command
from nbtrack.cli.output import format_size, note, print_json
from nbtrack.cli.selection import original_of

_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*([kMG]?)i?B?\s*$", re.IGNORECASE)
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}


@click.command(cls=Command)
@click.argument("run", shell_complete=completion.runs)
@click.argument("path", type=click.Path(dir_okay=False))
@click.option(
    "--data-below",
    default="100MB",
    show_default=True,
    metavar="SIZE",
    help="How much data may come along in all; other files are named with their SHA-256.",
)
@click.option("--no-model", is_flag=True, help="Leave the files of models out.")
@options.as_json()
def capsule(run: str, path: str, data_below: str, no_model: bool, as_json: bool) -> None:
    """Write a run into one zip file, to look at it or run it again elsewhere.

    RUN is its id, the beginning of it, or its name: of several with one name the newest that is no
    variation. PATH ends in .zip. The file has the code of the run, a lock file, the data that it
    read, models, params, metrics and artifacts, and no secrets; it is an RO-Crate.
    """
    from nbtrack.api.capsules import capsule as write

    made = write(original_of(run), path, data_below=_bytes(data_below), model=not no_model)
    if as_json:
        print_json(asdict(made))
        return
    click.echo(f"{made.path}  {format_size(made.size)}")
    for each in made.left_out:
        note(each)


@click.command("open", cls=Command)
@click.argument("path", type=click.Path(dir_okay=False))
@click.argument("folder", required=False)
@click.option("--rerun", is_flag=True, help="Run its code, which is its maker's, and compare.")
@click.option("--env", is_flag=True, help="With --rerun: in the environment that was recorded.")
@options.as_json()
def open_(path: str, folder: str | None, rerun: bool, env: bool, as_json: bool) -> None:
    """Unpack a capsule, and bring its run into a store beside it.

    FOLDER is new or empty; by default one with the name of the capsule, here. Nothing of the
    capsule is executed but with --rerun, whose verdict is about the numbers in it.
    """
    from nbtrack.api.capsules import open_capsule

    if env and not rerun:
        raise click.UsageError("--env says where --rerun runs the code: give both.")
    target = folder or Path(path).name.removesuffix(".zip")
    found = open_capsule(path, target, rerun=rerun, env=env)
    verdict = found.verdict
    if as_json:
        known = asdict(replace(found, verdict=None))
        print_json(known | {"verdict": None if verdict is None else verdict.as_json()})
        return
    click.echo(f"run {found.run_name} ({found.run_id}) in {found.store}")
    if found.code:
        click.echo(f"code: {found.folder}/{found.code}")
    click.echo(f"look at it: nbtrack --uri {found.store} show {found.run_id}")
    if verdict is None:
        click.echo(f"run it: nbtrack --uri {found.store} rerun {found.run_id} [--env]")
    else:
        click.echo(f"{verdict.run_name}: {verdict.text}")
    for each in found.missing:
        note(each)


def _bytes(text: str) -> int:
    found = _SIZE.match(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no size such as 500MB.", param_hint="--data-below")
    return int(float(found[1]) * _UNITS[found[2].lower()])
