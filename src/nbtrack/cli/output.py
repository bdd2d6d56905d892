"""What commands print: tables for people, JSON for scripts."""

from __future__ import annotations

import json
import math
import os
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO

import click

from nbtrack.entities import Experiment, FileInfo, Run, RunInfo
from nbtrack.errors import NbtrackWarning

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, OverflowMethod

BARS = "▁▂▃▄▅▆▇█"
_NON_FINITE = {math.inf: "Infinity", -math.inf: "-Infinity"}
RUN_FIELDS = (
    "run_id",
    "run_name",
    "experiment_id",
    "status",
    "lifecycle_stage",
    "start_time",
    "end_time",
    "user_id",
    "artifact_uri",
)


def prepare_streams() -> None:
    """Let no letter that a terminal does not know end a command; say warnings in one line."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    show = warnings.showwarning

    def say(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if issubclass(category, NbtrackWarning):
            note(str(message))
        else:
            show(message, category, filename, lineno, file, line)

    warnings.showwarning = say


def note(text: str) -> None:
    """Say something beside the output: on standard error."""
    click.echo(f"nbtrack: {text}", err=True)


def print_json(value: Any) -> None:
    """Print a value as JSON; numbers that JSON does not have are the texts of MLflow's protocol."""
    click.echo(json.dumps(plain(value), indent=2, ensure_ascii=False, default=str))


def plain(value: Any) -> Any:
    """Return lists, dicts and values as JSON knows them: ``NaN`` and ``Infinity`` as texts."""
    if isinstance(value, float) and not math.isfinite(value):
        return _NON_FINITE.get(value, "NaN")
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(each) for each in value]
    return value


def console() -> Console:
    """Return where rich prints: colours only where a terminal shows them."""
    from rich.console import Console

    return Console(file=sys.stdout, highlight=False, soft_wrap=False)


def is_terminal() -> bool:
    """Return whether people read the output as it comes."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show on a terminal that something takes its time; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{what} ..."):
        yield


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    title: str = "",
    right: Iterable[str] = (),
    styles: Sequence[str] = (),
    kept: int | None = None,
) -> None:
    """Print a table: drawn on a terminal, aligned columns of text where it is piped on.

    Parameters
    ----------
    columns : sequence of str
    rows : iterable of sequences
        None is an empty cell.
    title : str
    right : iterable of str
        Columns that are aligned to the right.
    styles : sequence of str
        Of rich, one for each row; for terminals.
    kept : int, optional
        How many columns are always shown, a line for each row; those after them are left out where
        a terminal has no room for them. By default all are shown, and long cells are folded.
    """
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    right = set(right)
    if not is_terminal():
        _print_plain(columns, cells, title, right)
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    screen = console()
    places = range(len(columns)) if kept is None else _fitting(columns, cells, screen.width, kept)
    table = Table(
        title=title or None,
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for column in (columns[place] for place in places):
        side: JustifyMethod = "right" if column in right else "left"
        way: OverflowMethod = "fold" if kept is None else "ellipsis"
        table.add_column(
            column, justify=side, overflow=way, no_wrap=kept is not None, header_style="bold"
        )
    for place, row in enumerate(cells):
        style = styles[place] if place < len(styles) else None
        table.add_row(*(Text(row[each]) for each in places), style=style)
    screen.print(table)
    left_out = [column for place, column in enumerate(columns) if place not in places]
    if left_out:
        note(f"no room for {', '.join(left_out)}")


def _fitting(columns: Sequence[str], cells: list[list[str]], room: int, kept: int) -> Sequence[int]:
    """Return the places of the columns that fit a screen: the first ``kept`` in any case."""
    used, found = 2, []
    for place, name in enumerate(columns):
        width = 2 + max([len(name), *(len(row[place]) for row in cells)])
        if place < kept or used + width <= room:
            used += width
            found.append(place)
    return found


def _print_plain(
    columns: Sequence[str], cells: list[list[str]], title: str, right: set[str]
) -> None:
    if title:
        click.echo(title)
    lines = [list(columns), *([cell.replace("\n", " ") for cell in row] for row in cells)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        padded = (
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(columns, line, widths, strict=True)
        )
        click.echo("  ".join(padded).rstrip())


def sparkline(values: Sequence[float | None]) -> str:
    """Return a small curve of blocks; a gap where there is no number."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if not known:
        return ""
    low, span = min(known), (max(known) - min(known)) or 1.0
    return "".join(
        " "
        if value is None or not math.isfinite(value)
        else BARS[min(len(BARS) - 1, int((value - low) / span * len(BARS)))]
        for value in values
    )


def format_time(milliseconds: int | None) -> str:
    """Return a time of the clock where the command runs, such as ``2026-05-03 14:02:11``."""
    if milliseconds is None:
        return ""
    from datetime import UTC, datetime

    moment = datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def format_moment(milliseconds: int | None) -> str:
    """Return a time in few letters: the hour of today, else the day."""
    text = format_time(milliseconds)
    day, _, clock = text.partition(" ")
    return clock if day == format_time(time.time_ns() // 1_000_000)[:10] else day


def format_size(size: int | None) -> str:
    """Return a number of bytes such as ``1.5 MB``."""
    if size is None:
        return ""
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.3g} {unit}"
        value /= 1000
    return f"{value:.3g} TB"


def shortened(text: str, most: int) -> str:
    """Return a text that is not longer than so many letters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def first_line(text: str, most: int = 60) -> str:
    """Return the first line of a text, cut where it is long."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return line if len(line) <= most and line == text.strip() else line[: most - 1] + "…"


def run_record(run: Run) -> dict[str, Any]:
    """Return a run: the fields of its info, params, last values of its metrics, tags."""
    return {
        **{field: getattr(run.info, field) for field in RUN_FIELDS},
        "duration_s": duration_s(run.info),
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
    }


def duration_s(info: RunInfo) -> float | None:
    """Return the seconds that a run took so far, if that is known."""
    from nbtrack.views.details.tree_run import duration_s as seconds

    return seconds(info.status, info.start_time, info.end_time)


def experiment_record(experiment: Experiment) -> dict[str, Any]:
    """Return an experiment with the fields that MLflow's protocol gives it."""
    return experiment.to_dictionary()


def file_record(file: FileInfo) -> dict[str, Any]:
    """Return a file or folder of artifacts: ``path``, ``is_dir``, ``file_size``."""
    return {"path": file.path, "is_dir": file.is_dir, "file_size": file.file_size}
