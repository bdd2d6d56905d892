"""``nbtrack doctor``: what is wrong, and what to do about it."""

from __future__ import annotations

import shutil
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command, Exit, chosen_uri
from nbtrack.cli.output import is_terminal, print_json

if TYPE_CHECKING:
    from nbtrack.health import Finding

_COLOURS = {"ok": "green", "note": "cyan", "warning": "yellow", "problem": "red"}
_MARGIN = 10


@click.command(cls=Command)
@click.option("--mask-envs", is_flag=True, help="Leave the values of variables out.")
@options.as_json()
def doctor(mask_envs: bool, as_json: bool) -> None:
    """Look for what is wrong, and say what helps.

    It looks at versions, extensions of Jupyter, who holds the store, journals that are not folded
    in, and the disk. Nothing is changed. The exit status is 1 where a problem was found.
    """
    from nbtrack.health import Level, examine

    found = examine(chosen_uri(), mask=mask_envs)
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        for each in found:
            _say(each)
    if any(each.level is Level.PROBLEM for each in found):
        raise click.exceptions.Exit(int(Exit.FAILED))


def _say(found: Finding) -> None:
    level = str(found.level)
    click.echo(click.style(level.ljust(_MARGIN), fg=_COLOURS[level]), nl=False)
    click.echo(_wrapped(f"{found.subject}: {found.text}").lstrip())
    if found.fix:
        click.echo(_wrapped(f"→ {found.fix}"))


def _wrapped(text: str) -> str:
    """Return lines that fit a terminal; whole where they are piped on, for grep."""
    margin = " " * _MARGIN
    if not is_terminal():
        return margin + text
    width = shutil.get_terminal_size().columns
    return textwrap.fill(
        text,
        max(width, 40),
        initial_indent=margin,
        subsequent_indent=margin + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
