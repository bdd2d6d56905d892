#!/usr/bin/env python3
"""Set up, try and test nbtrack on a fresh machine; needs Python 3.11 or later and nothing else.

::

    python3 dev.py demo     install, run the first notebook on real data, show its runs
    python3 dev.py test     install everything, run all checks and the tests
    python3 dev.py test --all       the slow tests, too
    python3 dev.py check    only the static checks, in the environment that is there
    python3 dev.py test --oldest    the tests with the oldest versions that are allowed
    python3 dev.py docs     install everything, execute the tutorials, build the documentation

    python3 dev.py package                 build it, check it, use it in an empty environment
    python3 dev.py version [0.2.0]         say the version, or set it wherever it stands
    python3 dev.py address [https://...]   say where the project lives, or set it in all files
    python3 dev.py release v0.2.0          say what is not ready for this tag, or its notes

Everything goes to ``.venv`` and ``.demo`` below this folder. A second run finds what the first
one made and is fast; ``--fresh`` starts over.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from xml.etree import ElementTree as ET

import dev_package
import dev_release
from dev_setup import (
    OLDER_DUCKDB,
    OLDEST,
    OLDEST_PYTHON,
    OLDEST_VENV,
    PYTHON,
    ROOT,
    SCRIPTS,
    VENV,
    StepError,
    environment,
    find_chromium,
    find_postgres,
    install_front_end,
    install_older_duckdb,
    install_programs,
    make_environment,
    make_oldest_environment,
    npm,
    run,
    say,
)

DEMO = ROOT / ".demo"
NOTEBOOK = "01_first_run.ipynb"
MARKED = VENV / "marked-tests.json"
# in the order of their names: the slowest files have few tests and would else come last
SIDE_BY_SIDE = ["-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", "--maxprocesses"]
NO_TESTS = 5
FRONT_END = {"tsc", "eslint"}
# beside the static checks, what is worth a look before a commit or a push
FAST_TESTS = {
    "project": ["project"],
    "structure": ["structure", "architecture", "docstrings", "public_api"],
}
MOST_LINES = 25

SHOW_RUNS = """
import nbtrack
runs = nbtrack.search_runs(search_all_experiments=True)
wanted = ["run_id", "tags.mlflow.runName", "status", "params.lr", "metrics.val_accuracy"]
runs = runs[[name for name in wanted if name in runs]].rename(columns=lambda c: c.split(".")[-1])
print(runs.to_string(index=False))
"""


def static_checks(command: str | None) -> dict[str, list[str | Path]]:
    """Return the checks that run nothing of nbtrack, by their titles."""
    checks: dict[str, list[str | Path]] = {
        "mypy --strict": [PYTHON, "-m", "mypy"],  # it takes as long as the others together
        "ruff check": [PYTHON, "-m", "ruff", "check", "--output-format", "concise"],
        "ruff format": [PYTHON, "-m", "ruff", "format", "--check"],
    }
    if command:
        checks["tsc --strict"] = [command, "--prefix", ROOT / "js", "run", "typecheck"]
        checks["eslint"] = [command, "--prefix", ROOT / "js", "run", "lint"]
    return checks


def run_checks(checks: dict[str, list[str | Path]], failures: list[str]) -> None:
    """Run every check, two at a time, also when one fails, and note what failed."""
    with ThreadPoolExecutor(2) as pool:
        steps = [
            pool.submit(run, title, command, log_name=f"last-check-{number}.log")
            for number, (title, command) in enumerate(checks.items())
        ]
    for step in steps:
        try:
            step.result()
        except StepError as error:
            say(str(error))
            said = str(error).splitlines()
            failures.append("\n  ".join([*said[:1], *said[1:][-4:]]))


def demo(arguments: argparse.Namespace) -> None:
    """Execute the first notebook in ``.demo`` and print the table of runs it made."""
    make_environment({"examples", "jupyter", "plot", "torch"})
    DEMO.mkdir(exist_ok=True)
    copy = DEMO / NOTEBOOK
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, copy)
    store = {"NBTRACK_URI": str(DEMO / "nbtrack.duckdb")}
    execute: list[str | Path] = [PYTHON, "-m", "nbconvert", "--to", "notebook", "--execute"]
    run(f"execute notebooks/{NOTEBOOK}", [*execute, "--inplace", copy], DEMO, store)
    say("\nThe runs in .demo/nbtrack.duckdb:\n")
    shown = [str(PYTHON), "-c", SHOW_RUNS]
    subprocess.run(shown, cwd=DEMO, env={**environment(), **store}, check=True)
    lab = SCRIPTS / "jupyter-lab"
    say(f"\nThe notebook with its charts, in JupyterLab:\n\n    {lab} {copy}\n")


def test(arguments: argparse.Namespace) -> None:
    """Install everything, then run all checks and the tests."""
    if arguments.oldest:
        test_oldest(arguments.pytest)
        return
    make_environment({"dev", "examples", "gpu", "jupyter", "plot", "remote", "torch"})
    command = install_front_end()
    install_older_duckdb()
    install_programs()
    failures: list[str] = []
    checks = static_checks(command)
    checks["vitest"] = [command, "--prefix", ROOT / "js", "run", "test"]
    run_checks(checks, failures)
    env, chosen = environment(), arguments.pytest
    MARKED.unlink(missing_ok=True)
    # libraries start a thread for each core, and those of two tests would wait for each other
    env["OMP_NUM_THREADS"] = "1"
    env["NUMBA_DISABLE_JIT"] = "1"  # SHAP's loops: to compile them takes longer than few rows do
    also = "" if arguments.all else " and not slow"
    # those in a browser wait for pages: beside many others they would wait too long
    options = [*SIDE_BY_SIDE, "4", "--note-markers", str(MARKED), *chosen]
    run_pytest(["-m", f"not browser and not team{also}", *options], env, failures)
    path = os.pathsep.join([str(OLDER_DUCKDB), *filter(None, [env.get("PYTHONPATH")])])
    options = [*SIDE_BY_SIDE, "2", *(chosen or marked("team", "older_duckdb"))]
    run_pytest(["-m", "team or older_duckdb", *options], {**env, "PYTHONPATH": path}, failures)
    browser = find_chromium()
    if browser:
        env["NBTRACK_CHROMIUM"] = browser
        options = [*SIDE_BY_SIDE, "2", *(chosen or marked("browser"))]
        run_pytest(["-m", "browser", *options], env, failures)
    else:
        say("The browser tests were left out: there is no Chromium or Chrome. Install one, or")
        say("set NBTRACK_CHROMIUM to its path, and run this again.")
    if not arguments.all:
        say("The slow tests were left out: python3 dev.py test --all runs them, too.")
    if not find_postgres():
        say("The tests of a team's store were left out: there is no PostgreSQL. Install it.")
    report(failures)


def test_oldest(chosen: list[str]) -> None:
    """Run the tests without browser and team with the oldest versions that are allowed.

    What needs large libraries, such as PyTorch, is skipped. Libraries that are old warn of newer
    ones below them: that is not ours.
    """
    make_oldest_environment("examples,gpu,jupyter,models,plot,remote,serve,team")
    env = {**environment(OLDEST_VENV), "OMP_NUM_THREADS": "1"}
    kinds = ("DeprecationWarning", "PendingDeprecationWarning", "FutureWarning")
    ignored = [f"ignore::{kind}" for kind in kinds]
    env["TESTS_PASS_OVER"] = ",".join(ignored)  # for what tests start
    passing = [part for each in ignored for part in ("-W", each)]
    failures: list[str] = []
    options = ["-m", "not browser and not team", *passing, *SIDE_BY_SIDE, "4", *chosen]
    run_pytest(options, env, failures, OLDEST_PYTHON)
    report(failures)


def marked(*markers: str) -> list[str]:
    """Return the files that have tests with a marker; to collect all takes half a minute."""
    noted = json.loads(MARKED.read_text("utf-8")) if MARKED.exists() else []
    return sorted({file for marker, file in noted if marker in markers})


def run_pytest(
    options: list[str], env: dict[str, str], failures: list[str], python: Path | None = None
) -> None:
    """Run tests and note which fail, and why; that no test is chosen is no failure."""
    say(f"- pytest {' '.join(options)}")
    results = VENV / "tests.xml"
    results.unlink(missing_ok=True)
    noted = [f"--junitxml={results}", "--durations=15"]  # what makes it long
    command = [str(python or PYTHON), "-m", "pytest", *noted, *options]
    status = subprocess.run(command, cwd=ROOT, env=env).returncode
    if status not in (0, NO_TESTS):
        title = f"pytest {' '.join(options[:2])}: exit status {status}"
        failures.append("\n".join([title, *failed_tests(results)]))


def failed_tests(results: Path) -> list[str]:
    """Return a line for each failed test in a JUnit file: its name and the end of its error."""
    if not results.exists():
        return []
    found = []
    for case in ET.parse(results).iter("testcase"):  # noqa: S314  pytest wrote it
        for fault in [*case.findall("failure"), *case.findall("error")]:
            why = " ".join(fault.get("message", "").split())[:200]
            found.append(f"  {case.get('classname')}::{case.get('name')}: {why}")
    return found


def check(arguments: argparse.Namespace) -> None:
    """Run the static checks in the environment that is there, or those that are named."""
    if not PYTHON.exists():
        raise StepError("there is no .venv yet: python3 dev.py test makes it")
    names = arguments.names or FRONT_END | {"mypy", "ruff"}
    installed = (ROOT / "js" / "node_modules").exists()
    checks = static_checks(npm() if installed and FRONT_END & set(names) else None)
    for title, files in FAST_TESTS.items():
        paths = [f"tests/test_{name}.py" for name in files]
        checks[title] = [PYTHON, "-m", "pytest", "-q", *paths]
    known = {title.split()[0] for title in checks} | FRONT_END
    unknown = set(names) - known
    if unknown:
        raise StepError(
            f"no check {', '.join(sorted(unknown))}: there are {', '.join(sorted(known))}"
        )
    failures: list[str] = []
    run_checks({title: c for title, c in checks.items() if title.split()[0] in names}, failures)
    if not installed and FRONT_END & set(names):
        say("tsc and eslint were left out: python3 dev.py test installs them")
    report(failures)


def package(arguments: argparse.Namespace) -> None:
    """Build the package, check it, and try it in an environment of its own."""
    if not arguments.built:
        dev_package.build()
    dev_package.try_out()


def version(arguments: argparse.Namespace) -> None:
    """Say the version, or set it in all files and date the changelog."""
    if arguments.value:
        say_changed(dev_release.set_version(arguments.value))
    say(dev_release.version())


def address(arguments: argparse.Namespace) -> None:
    """Say where the repository is, or set it in all files that name it."""
    if arguments.value:
        say_changed(dev_release.set_address(arguments.value.rstrip("/")))
    say(dev_release.address())


def release(arguments: argparse.Namespace) -> None:
    """Check that a tag can be released, and say what the changelog has for it."""
    notes = dev_release.release_notes(arguments.value)
    if arguments.notes:
        Path(arguments.notes).write_text(notes + "\n", "utf-8")
    say(notes)


def say_changed(paths: list[Path]) -> None:
    """Name the files that were written."""
    for path in paths:
        say(f"- changed {path.relative_to(ROOT)}")


def docs(arguments: argparse.Namespace) -> None:
    """Build the documentation in ``docs/_build``; what a tutorial prints is part of it."""
    make_environment({"dev", "examples", "gpu", "jupyter", "plot", "remote", "torch"})
    env = {"OMP_NUM_THREADS": "1"}
    if find_postgres():  # for the tutorial on a team's store
        install_older_duckdb()
        env |= {"NBTRACK_DOCS_TEAM": "1", "PYTHONPATH": str(OLDER_DUCKDB)}
    build: list[str | Path] = [PYTHON, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q"]
    site = ROOT / "docs" / "_build" / "html"
    run("build the documentation", [*build, ROOT / "docs", site], extra=env)
    say(f"\nThe documentation:\n\n    {site / 'index.html'}\n")


def report(failures: list[str]) -> None:
    """Say how it went; raise with what failed, in few lines, when something did."""
    lines = "\n".join(failures).splitlines()
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"  and {len(lines) - MOST_LINES} more lines, above"]
    if lines:
        raise StepError("failed:\n" + "\n".join(lines))
    say("all passed")


def main() -> int:
    """Read the command line and do what it says; return the exit status."""
    if sys.version_info < OLDEST:
        this = ".".join(map(str, sys.version_info[:3]))
        print("nbtrack needs Python 3.11 or later; this is Python " + this + ".")
        print("Call a newer one by its name, such as: python3.12 dev.py demo")
        return 2
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for function in (demo, test, check, docs):
        summary = function.__doc__ or ""
        command = commands.add_parser(function.__name__, help=summary, description=summary)
        command.set_defaults(function=function)
        command.add_argument("--fresh", action="store_true", help="remove .venv and .demo first")
    for function, help_text in ((version, "0.2.0"), (address, "https://..."), (release, "v0.2.0")):
        summary = function.__doc__ or ""
        command = commands.add_parser(function.__name__, help=summary, description=summary)
        command.set_defaults(function=function, fresh=False)
        command.add_argument("value", nargs=None if function is release else "?", metavar=help_text)
    summary = package.__doc__ or ""
    command = commands.add_parser("package", help=summary, description=summary)
    command.set_defaults(function=package, fresh=False)
    command.add_argument("--built", action="store_true", help="take the wheel that dist/ has")
    commands.choices["release"].add_argument("--notes", metavar="FILE", help="write them to a file")
    names = ", ".join(["mypy", "ruff", "tsc", "eslint", *FAST_TESTS])
    text = f"which: {names}; by default the first four"
    commands.choices["check"].add_argument("names", nargs="*", metavar="NAME", help=text)
    text = "the slow tests, too: what MLflow, Keras, Binder and Sphinx make of it"
    commands.choices["test"].add_argument("--all", action="store_true", help=text)
    text = "with the oldest versions that are allowed, in .venv-oldest"
    commands.choices["test"].add_argument("--oldest", action="store_true", help=text)
    commands.choices["test"].add_argument("pytest", nargs="*", help="passed on to pytest, after --")
    arguments = parser.parse_args()
    start = time.monotonic()
    try:
        if arguments.fresh:
            say("- remove .venv, .venv-oldest, .demo and js/node_modules")
            for folder in (VENV, OLDEST_VENV, DEMO, ROOT / "js" / "node_modules"):
                shutil.rmtree(folder, ignore_errors=True)
        arguments.function(arguments)
    except StepError as error:
        say(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped; the same command goes on from here")
        return 130
    if time.monotonic() - start > 1:
        say(f"{time.monotonic() - start:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
