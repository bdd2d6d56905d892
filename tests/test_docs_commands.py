"""The commands of pages about the command line run, in order, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from nbtrack.cli.program import program
from programs import python_path

ROOT = Path(__file__).parents[1]
EXAMPLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# other pages have commands that serve until they are stopped, or need files of the reader
NAMES = ("cli.md", "projects.md", "how-to/ci.md", "how-to/cluster.md")
PAGES = [ROOT / "docs" / name for name in NAMES]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_of_a_page_run(page: Path, tmp_path: Path) -> None:
    lines = "".join(EXAMPLE.findall(page.read_text("utf-8"))).splitlines()
    script = "\n".join(line.removeprefix("$ ") for line in lines)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("NBTRACK_", "MLFLOW_"))}
    first = f'nbtrack() {{ "{sys.executable}" -m nbtrack "$@"; }}\nset -e\n'
    done = subprocess.run(
        ["bash", "-c", first + script],
        cwd=tmp_path,
        env={
            **env,
            "PYTHONPATH": python_path(),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def commands(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, below in command.commands.items() if isinstance(command, click.Group) else ():
        yield f"{path} {name}".strip(), below
        yield from commands(below, f"{path} {name}".strip())


def told(table: str) -> set[str]:
    """Return the commands that the first column of a table names; "runs list, search" are two."""
    found: set[str] = set()
    for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        group = ""
        for text in re.findall(r"`([^`]+)`", row):
            name = " ".join(word for word in text.split() if not re.search(r"[A-Z.]", word))
            alone = name.split()[0] in program.commands
            group = name.split()[0] if alone else group
            found.add(name if alone else f"{group} {name}")
    return found


GROUPS = {name for name, each in program.commands.items() if isinstance(each, click.Group)}


def test_the_page_has_every_command_and_what_its_json_is() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    first, _, rest = page.partition("## Example")
    known = {name: each for name, each in commands(program) if name not in GROUPS}
    assert {*known} - told(first) == set()
    json = {name for name, each in known.items() if "--json" in str([p.opts for p in each.params])}
    assert json - told(rest.partition("| command | JSON |")[2].partition("Errors are")[0]) == set()
