"""``nbtrack compare``: runs beside each other, what differs first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from nbtrack.cli import completion, options
from nbtrack.cli.command import Command
from nbtrack.cli.output import first_line, print_json, print_table
from nbtrack.cli.selection import run_of, store
from nbtrack.entities.run_data import is_system_metric
from nbtrack.views.formats import natural_order

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """What several runs have under one name.

    Attributes
    ----------
    family : str
        ``params``, ``metrics``, ``tags``, ``packages``, ``code`` or ``run``.
    name : str
    values : list
        One for each run; None where it has none.
    best : set of int
        The places of the best values, where the metric's name says what is better.
    """

    family: str
    name: str
    values: list[Any]
    best: frozenset[int] = frozenset()

    @property
    def differs(self) -> bool:
        """Whether not all runs have the same value."""
        return any(value != self.values[0] for value in self.values)


@click.command(cls=Command)
@click.argument("run", nargs=-1, required=True, shell_complete=completion.runs)
@click.option("--all", "everything", is_flag=True, help="Also what is the same in all of them.")
@options.as_json()
def compare(run: tuple[str, ...], everything: bool, as_json: bool) -> None:
    """Compare runs: what differs comes first.

    Each RUN is an id, the beginning of one, or a name. A metric's value is its last one; the best
    of them has a star where the name of the metric says what is better.
    """
    from nbtrack.views.comparison.run_facts import run_facts

    ids = list(dict.fromkeys(run_of(word) for word in run))
    if len(ids) < 2:
        raise click.UsageError("Name at least two different runs.")
    with store().read() as reader:
        facts = [run_facts(reader, run_id) for run_id in ids]
    rows = _rows(facts)
    if as_json:
        print_json(_record(facts, rows))
    else:
        _print(facts, rows, everything)


def _rows(facts: Sequence[Facts]) -> list[Row]:
    return [
        Row("run", "state", [f["state"] for f in facts]),
        Row("run", "duration_s", [f["duration_s"] for f in facts]),
        *_pairs("params", [dict(f["params"]) for f in facts]),
        *_metrics(facts),
        *_pairs("tags", [dict(f["tags"]) for f in facts]),
        Row("code", "source", [_source(f) for f in facts]),
        Row("code", "commit", [_git(f, "commit") for f in facts]),
        Row("code", "python", [(f["environment"] or {}).get("python") for f in facts]),
        *_pairs("packages", [(f["environment"] or {}).get("packages", {}) for f in facts]),
        Row("data", "datasets", [_datasets(f) for f in facts]),
    ]


def _pairs(family: str, each: Sequence[dict[str, Any]]) -> list[Row]:
    names = sorted({name for found in each for name in found}, key=natural_order)
    return [Row(family, name, [found.get(name) for found in each]) for name in names]


def _metrics(facts: Sequence[Facts]) -> list[Row]:
    each = [{m["key"]: m for m in f["metrics"]} for f in facts]
    rows = []
    keys = {key for found in each for key in found if not is_system_metric(key)}
    for name in sorted(keys, key=natural_order):
        found = [metrics.get(name) for metrics in each]
        values = [None if metric is None else metric["last"] for metric in found]
        direction = next(metric["direction"] for metric in found if metric is not None)
        known = [value for value in values if isinstance(value, float | int)]
        best = (min(known) if direction == "min" else max(known)) if direction and known else None
        places = [i for i, v in enumerate(values) if best is not None and v == best]
        rows.append(Row("metrics", name, values, frozenset(places)))
    return rows


def _source(facts: Facts) -> str | None:
    text = facts["source"]
    if not text:
        return None
    import hashlib

    return f"cell {hashlib.sha256(str(text).encode()).hexdigest()[:8]}"


def _git(facts: Facts, key: str) -> str | None:
    git = (facts["environment"] or {}).get("git") or {}
    found = git.get(key)
    return None if found is None else str(found)[:10] + ("+changes" if git.get("dirty") else "")


def _datasets(facts: Facts) -> str | None:
    names = sorted(f"{d['name']}@{d['digest']}" for d in facts["datasets"])
    return ", ".join(names) or None


def _record(facts: Sequence[Facts], rows: Sequence[Row]) -> dict[str, Any]:
    """Return the comparison as JSON: values stand in the order of ``runs``."""

    def part(wanted: Sequence[Row]) -> dict[str, dict[str, list[Any]]]:
        found: dict[str, dict[str, list[Any]]] = {}
        for row in wanted:
            found.setdefault(row.family, {})[row.name] = row.values
        return found

    return {
        "runs": [
            {"run_id": f["run_id"], "run_name": f["name"], "experiment": f["experiment"]}
            for f in facts
        ],
        "different": part([row for row in rows if row.differs]),
        "same": part([row for row in rows if not row.differs]),
    }


def _print(facts: Sequence[Facts], rows: Sequence[Row], everything: bool) -> None:
    names = [f["name"] for f in facts]
    heads = [
        name if names.count(name) == 1 else f"{name} ({f['run_id'][:6]})"
        for name, f in zip(names, facts, strict=True)
    ]
    different = [row for row in rows if row.differs]
    same = [row for row in rows if not row.differs and row.values[0] is not None]
    if different:
        _print_rows("Different", heads, different)
    else:
        click.echo("The runs do not differ.")
    if everything and same:
        click.echo()
        print_table(
            ["", "the same in all"],
            [(_name(row), _cell(row, 0)) for row in same],
        )
    elif same:
        click.echo(f"{len(same)} values are the same in all of them; --all shows them.")


def _print_rows(title: str, heads: Sequence[str], rows: Sequence[Row]) -> None:
    print_table(
        ["", *heads],
        [(_name(row), *(_cell(row, place) for place in range(len(heads)))) for row in rows],
        title=title,
    )


def _name(row: Row) -> str:
    return row.name if row.family in ("run", "code", "data") else f"{row.family}.{row.name}"


def _cell(row: Row, place: int) -> str:
    from nbtrack.views.formats import format_duration, format_number

    value = row.values[place]
    if value is None:
        return ""
    if row.name == "duration_s" and row.family == "run":
        return format_duration(value)
    text = format_number(value) if isinstance(value, float) else first_line(str(value), 40)
    return f"{text} *" if place in row.best and row.differs else text
