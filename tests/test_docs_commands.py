"""The commands of docs/cli.md and docs/projects.md run, in order, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from programs import python_path

ROOT = Path(__file__).parents[1]
EXAMPLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# other pages have commands that serve until they are stopped, or need files of the reader
PAGES = [ROOT / "docs" / name for name in ("cli.md", "projects.md")]


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
