"""Programs that tests run as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from inspect import signature
from pathlib import Path

import pytest
from click import Command
from click.testing import CliRunner, Result

SRC = Path(__file__).parent.parent / "src"
# what is passed over where libraries are old: see dev.py
_PASSED_OVER = [each for each in os.environ.get("TESTS_PASS_OVER", "").split(",") if each]
STRICT = ["-W", "error", *(part for each in _PASSED_OVER for part in ("-W", each))]
"""Options of Python for a process in which warnings are errors."""


def needs(*libraries: str) -> pytest.MarkDecorator:
    """Return the mark of tests that are skipped where large libraries are not installed."""
    missing = [name for name in libraries if find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def command_line(program: Command, *words: str) -> Result:
    """Run a command of the command line; what it says and its result are told apart.

    Click 8.1 mixes them unless it is told not to.
    """
    apart = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}
    return CliRunner(**apart).invoke(program, list(words))


def python_path() -> str:
    """Return the PYTHONPATH for another process: this source, and the packages that we have.

    Tests of the team's store have another DuckDB than the environment, by PYTHONPATH.
    """
    return os.pathsep.join([str(SRC), *filter(None, [os.environ.get("PYTHONPATH")])])


def start(code: str, *args: object, cwd: Path, **variables: str) -> subprocess.Popen[str]:
    """Start Python code as a process; its output is read with ``communicate``."""
    env = {**os.environ, "PYTHONPATH": python_path(), "PYTHONWARNINGS": "default", **variables}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)],
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str], timeout: float = 120) -> str:
    """Wait for a process that must succeed, and return what it printed."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    assert process.returncode == 0, err
    return out


def run(code: str, *args: object, cwd: Path, **variables: str) -> str:
    """Run Python code to its end, and return what it printed."""
    return finish(start(code, *args, cwd=cwd, **variables))
