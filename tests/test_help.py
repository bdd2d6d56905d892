"""``nbtrack --help`` and ``%%track?`` say what there is, with units and defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
from click.testing import CliRunner

from nbtrack.cli.program import program
from nbtrack.notebook.magics import TrackMagics
from nbtrack.notebook.options import KNOWN

UNITS = re.compile(r"seconds|bytes|rows|processes|runs|experiments|port", re.IGNORECASE)


def commands(
    command: click.Command = program, path: str = "nbtrack"
) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, below in command.commands.items() if isinstance(command, click.Group) else ():
        yield from commands(below, f"{path} {name}")


def options() -> Iterator[tuple[str, click.Option]]:
    for path, command in commands():
        for each in command.params:
            if isinstance(each, click.Option) and not each.hidden:
                yield f"{path} {each.opts[-1]}", each


def test_every_command_and_every_option_has_help() -> None:
    silent = [path for path, command in commands() if not command.hidden and not command.help]
    silent += [path for path, option in options() if not option.help]
    assert not silent


def test_defaults_are_shown() -> None:
    hidden = [
        path
        for path, option in options()
        if isinstance(option.default, str | int | float)
        and option.default not in ("", False)
        and not (option.show_default or "default" in str(option.help).lower())
    ]
    assert not hidden


def test_numbers_have_units() -> None:
    numbers = click.types.IntParamType, click.types.FloatParamType
    bare = [
        path
        for path, option in options()
        if isinstance(option.type, numbers) and not UNITS.search(str(option.help))
    ]
    assert not bare


def test_the_help_of_the_program_names_its_commands() -> None:
    said = CliRunner().invoke(program, ["--help"]).output
    missing = [
        name for name, each in program.commands.items() if not each.hidden and name not in said
    ]
    assert not missing


def test_the_text_of_track_names_all_that_it_takes() -> None:
    text = str(TrackMagics.track.__doc__)
    assert not [option for option in KNOWN if not re.search(rf"(?<![\w-]){option}\b", text)]
    for word in ("status", "off", "on"):
        assert re.search(rf"%track {word} +\w", text), word
    described = set(re.findall(r"(?<![\w-])--?[a-z]+", text))
    assert described <= {*KNOWN}, "there are no such options"
