"""What is measured, and how the figures become a page."""

from __future__ import annotations

import os
import platform
import statistics

PACKAGES = {"mlflow_files": "mlflow"}
Results = dict[str, dict[str, list[float]]]

PAGE = """\
# Measured side by side

Written by `python benchmarks/run.py`: medians of {rounds} rounds in turn, each in a process of
its own, on one machine ({machine}). In brackets: how many times better
nbtrack does; below 1 is worse. A dash: not offered or not measured. Versions: {packages}.

{table}

- nbtrack imports what it needs at its first use, so most of its import counts in the first run.
- `mlflow` uses SQLite, its default; `mlflow, files` its older folder of files.
- A log call of trackio returns when the values are in a queue in memory; those of nbtrack and
  mlflow when they are in a file.
- Steps per second end when a second process, started before, reads the last step.
"""

# task: (needs a filled folder, rows of the table as (figure, title, unit, target))
TASKS: dict[str, tuple[str | None, list[tuple[str, str, str, float | None]]]] = {
    "import": (None, [("import", "`import`", "ms", 0.1)]),
    "first_run": (
        None,
        [
            (
                "first run",
                "first run in an empty folder, until the first log call returns",
                "ms",
                0.05,
            )
        ],
    ),
    "log": (
        None,
        [
            ("log p50", "one log call of 4 values, median", "us", 3e-6),
            ("log p99", "one log call of 4 values, 99th percentile", "us", None),
        ],
    ),
    "log_folding": (
        None,
        [("log p99 while folding", "the same while folding without a pause", "us", 50e-6)],
    ),
    "throughput": (
        None,
        [
            (
                "steps per second",
                "steps of 4 values per second, until readable by another process",
                "/s",
                100_000,
            )
        ],
    ),
    "memory": (
        None,
        [
            ("memory, first", "memory added by import and the first log call", "MiB", 30),
            ("memory", "memory added after three seconds of logging", "MiB", 80),
        ],
    ),
    "search": (
        "fill_search",
        [
            ("search all", "500 runs x 10 metrics x 10 params to a DataFrame", "ms", 0.02),
            ("search top 10", "the same filtered and ordered, top 10", "ms", 0.005),
        ],
    ),
    "fold": (None, [("fold", "points folded per second", "/s", 2_000_000)]),
    "points": (
        "fill_points",
        [
            ("buckets", "of 10 M points: one series of 100,000 as 1,000 buckets", "ms", 0.01),
            ("latest", "of 10 M points: latest values of 10 metrics for 1,000 runs", "ms", 0.01),
        ],
    ),
}
SCALE = {"us": 1e6, "ms": 1e3, "s": 1.0, "/s": 1.0, "MiB": 1.0}
MORE_IS_BETTER = {"/s"}


def cell(value: float | None, unit: str, ours: float | None = None) -> str:
    """Return a figure as text, with its ratio to ours."""
    if value is None:
        return "–"
    scaled = value * SCALE[unit]
    text = f"{scaled:,.0f}" if scaled >= 100 else f"{scaled:,.3g}"
    text = f"{text}{unit}" if unit in MORE_IS_BETTER else f"{text} {unit}"
    if not ours or not value:
        return text
    ratio = ours / value if unit in MORE_IS_BETTER else value / ours
    precise = f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2g}"
    return f"{text} ({precise}×)"


def table(results: Results, names: list[str], tasks: list[str]) -> list[str]:
    """Return the lines of a Markdown table: one row for each figure, a column a tracker."""
    others = [name for name in names if name != "nbtrack"]
    titles = ["work", "target", "nbtrack", *[name.replace("_", ", ") for name in others]]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for task in tasks:
        for figure, title, unit, target in TASKS[task][1]:
            medians = {name: statistics.median(v) for name, v in results[figure].items()}
            ours = medians.get("nbtrack")
            row = [title, cell(target, unit), cell(ours, unit)]
            row += [cell(medians.get(name), unit, ours) for name in others]
            lines.append("| " + " | ".join(row) + " |")
    return lines


def page(results: Results, versions: dict[str, str], tasks: list[str], rounds: int) -> str:
    """Return the text of ``results.md``."""
    packages = ", ".join(f"{name} {versions[name]}" for name in versions if name not in PACKAGES)
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    lines = "\n".join(table(results, list(versions), tasks))
    return PAGE.format(rounds=rounds, machine=machine, packages=packages, table=lines)
