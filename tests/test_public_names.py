"""One list of public names, ``__init__.pyi``, for type checkers and at run time."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nbtrack._names import exports
from source_tree import ROOT, SRC

PROGRAM = Path(__file__).parent / "typed_program.py"
# Where other parts of nbtrack have more names than users.
SHOWN = {"nbtrack.store": ["CompactReport", "Store", "compact", "open_store", "sync"]}
PACKAGES = sorted(".".join(stub.relative_to(SRC).parts[:-1]) for stub in SRC.rglob("__init__.pyi"))


@pytest.mark.timeout(600)  # without the cache of the static checks, all that is imported is read
def test_a_type_checker_sees_every_mistake_and_no_other() -> None:
    pytest.importorskip("mypy")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", str(PROGRAM)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    found = {
        (int(line), code)
        for line, code in re.findall(
            r"typed_program\.py:(\d+): error: .*\[(.+)\]$", done.stdout, re.M
        )
    }
    planted = {
        (number, line.partition("# mistake: ")[2])
        for number, line in enumerate(PROGRAM.read_text("utf-8").splitlines(), 1)
        if "# mistake: " in line
    }
    assert found == planted, done.stdout + done.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_the_names_of_a_stub_are_those_at_run_time(package: str) -> None:
    module = importlib.import_module(package)
    names = exports(package)
    shown = SHOWN.get(package, sorted(names))
    assert dir(module) == shown
    assert sorted(module.__all__) == shown
    for name in names:
        try:
            getattr(module, name)
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("nbtrack"):
                raise


def test_there_is_a_stub_for_the_package_itself() -> None:
    assert "nbtrack" in PACKAGES


@pytest.mark.parametrize("package", PACKAGES)
def test_a_stub_is_read_as_type_checkers_read_it(package: str) -> None:
    module = importlib.import_module(package)
    stub = Path(str(module.__file__)).with_suffix(".pyi")
    found = {}
    for node in ast.parse(stub.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            found |= {a.asname: (node.module, a.name) for a in node.names if a.asname}
        elif isinstance(node, ast.AnnAssign):
            found[ast.unparse(node.target)] = ("", "")
    assert exports(package) == found


def test_importing_nbtrack_reads_no_stub() -> None:
    code = "import nbtrack, sys; sys.exit(nbtrack._names.exports.cache_info().currsize)"
    assert (
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(SRC)}).returncode == 0
    )


@pytest.mark.parametrize(
    ("package", "shown"),
    [
        ("nbtrack", "nbtrack"),
        ("nbtrack.models", "nbtrack.models"),
        ("nbtrack.interop", "module 'nbtrack.interop'"),
    ],
)
def test_misspelt_names_are_refused(package: str, shown: str) -> None:
    with pytest.raises(AttributeError, match=f"^{re.escape(shown)} has no attribute 'typo'"):
        importlib.import_module(package).typo  # noqa: B018
