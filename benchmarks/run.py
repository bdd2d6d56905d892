"""Measure nbtrack and other trackers side by side; print ratios and write ``results.md``.

Usage::

    python benchmarks/run.py [--peers-python PATH] [--rounds 3] [--seconds 2] [--only log search]

Every figure is the median of several rounds; in each round the trackers take turns, each in a
process of its own. The other trackers may live in another environment: ``--peers-python`` names
its Python. One that is not installed is left out, with a note. Clocks of shared machines are
noisy: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from importlib import util
from pathlib import Path

from report import PACKAGES, TASKS, Results, page
from trackers import NAMES

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src"
TIMEOUT = 900


def call(python: str, name: str, task: str, folder: Path, seconds: float) -> dict[str, float]:
    """Run one task in a process of its own and return its figures."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("NBTRACK_", "MLFLOW_"))}
    command = [python, str(HERE / "worker.py"), name, task, str(folder), str(seconds)]
    done = subprocess.run(
        command,
        env={**env, "PYTHONPATH": str(SOURCE)} if name == "nbtrack" else env,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"    {name}, {task}: {last}", flush=True)
        return {}
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def version(python: str, package: str) -> str | None:
    """Return the version of a package in an environment, None where it is not installed."""
    if package == "nbtrack":
        return "this tree" if util.find_spec("duckdb") else None
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True)
    return done.stdout.strip() or None


def measure(arguments: argparse.Namespace, pythons: dict[str, str]) -> Results:
    """Run all rounds of all tasks; return the figures of every round by figure and tracker."""
    results: Results = defaultdict(lambda: defaultdict(list))
    for task in arguments.only:
        prepared = TASKS[task][0]
        with tempfile.TemporaryDirectory(prefix="benchmark-") as parent:
            folders = {name: Path(parent, name) for name in pythons}
            for name, folder in folders.items():
                folder.mkdir()
                if prepared:
                    print(f"- {prepared}, {name}", flush=True)
                    note(results, name, call(pythons[name], name, prepared, folder, 0))
            for turn in range(arguments.rounds):
                for name, python in pythons.items():
                    print(f"- {task}, round {turn + 1}, {name}", flush=True)
                    folder = folders[name] if prepared else folders[name] / str(turn)
                    folder.mkdir(exist_ok=True)
                    note(results, name, call(python, name, task, folder, arguments.seconds))
    return results


def note(results: Results, name: str, figures: dict[str, float]) -> None:
    """Add the figures of one process to the results."""
    for figure, value in figures.items():
        results[figure][name].append(value)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--peers-python", default=sys.executable, help="Python of the others")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a log measurement")
    parser.add_argument("--only", nargs="+", choices=list(TASKS), default=list(TASKS))
    parser.add_argument("--trackers", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--output", type=Path, default=HERE / "results.md")
    arguments = parser.parse_args()
    pythons = dict.fromkeys(arguments.trackers, arguments.peers_python)
    if "nbtrack" in pythons:
        pythons["nbtrack"] = sys.executable
    versions: dict[str, str] = {}
    for name in arguments.trackers:
        found = version(pythons[name], PACKAGES.get(name, name))
        if found:
            versions[name] = found
        else:
            print(f"{name} is left out: it is not installed")
    results = measure(arguments, {name: pythons[name] for name in versions})
    text = page(results, versions, arguments.only, arguments.rounds)
    arguments.output.write_text(text, "utf-8")
    print("\n" + text)


if __name__ == "__main__":
    main()
