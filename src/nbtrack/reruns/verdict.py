"""What came of running a run again, as it is kept with the run."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass, field
from datetime import datetime
from html import escape
from typing import Any, Literal

from nbtrack.entities.runs import REPRODUCED, VERDICT
from nbtrack.redaction.secrets import Secrets, is_wanted
from nbtrack.reruns.comparison import Comparison, Facts, Item, json_number
from nbtrack.reruns.curves import Curve
from nbtrack.store import RunWriter

REPORT_FILE = ".nbtrack/reproduced.json"
MOST_POINTS = 1_000
MOST_KEYS = 20
MOST_LETTERS = 600
_ANSWERS = {"exact": "yes", "close": "yes", "different": "no", "failed": "failed"}

Outcome = Literal["exact", "close", "different", "failed"]


@dataclass(frozen=True)
class Verdict:
    """What came of running a run again; see ``nbtrack.rerun``.

    Attributes
    ----------
    run_id, run_name : str
    result : {"exact", "close", "different", "failed"}
    text : str
        In a sentence.
    date : int
        Milliseconds since the epoch.
    cause : str or None
        Why it differs, as far as that was found: ``"lost"``, ``"not deterministic"``, ``"data
        changed"``, ``"environment"``, ``"error"``.
    differs : list of str
        What differs: metrics first.
    cells : {"needed", "all"}
        Which cells gave this result.
    environment : {"this", "recorded"}
    python : str
        The version of Python in it.
    items : list of Item
        All that was compared.
    curves : dict of str to Curve
        Of the rerun.
    """

    run_id: str
    run_name: str
    result: Outcome
    text: str
    date: int
    cause: str | None = None
    differs: list[str] = field(default_factory=list)
    cells: Literal["needed", "all"] = "needed"
    environment: Literal["this", "recorded"] = "this"
    python: str = field(default_factory=platform.python_version)
    items: list[Item] = field(default_factory=list, repr=False)
    curves: dict[str, Curve] = field(default_factory=dict, repr=False)

    @property
    def same(self) -> bool:
        """Whether the numbers are the same, exactly or but for rounding."""
        return self.result in ("exact", "close")

    @property
    def answer(self) -> str:
        """The value of ``attributes.reproduced``: ``"yes"``, ``"no"`` or ``"failed"``."""
        return _ANSWERS[self.result]

    def __repr__(self) -> str:
        return f"<Verdict {self.run_name}: {self.text}>"

    def _repr_html_(self) -> str:
        mark = {"yes": "✓", "no": "≠", "failed": "✗"}[self.answer]
        rows = "".join(
            f"<tr><td>{escape(item.key)}</td><td>{escape(item.result)}</td>"
            f"<td>{escape(_shown(item.then))}</td><td>{escape(_shown(item.now))}</td>"
            f"<td>{escape(item.detail)}</td></tr>"
            for item in sorted(self.items, key=lambda item: not item.differs)[:50]
        )
        head = "".join(f"<th>{name}</th>" for name in ("", "", "then", "now", ""))
        table = f"<table><tr>{head}</tr>{rows}</table>" if rows else ""
        return f"<p>{mark} <b>{escape(self.run_name)}</b>: {escape(self.text)}</p>{table}"

    def summary(self) -> dict[str, Any]:
        """Return what the tag holds: under 5,000 characters as JSON."""
        return {
            "date": self.date,
            "result": self.result,
            "cause": self.cause,
            "text": self.text[:MOST_LETTERS],
            "differs": [key[:100] for key in self.differs[:MOST_KEYS]],
            "cells": self.cells,
            "nbtrack": sys.modules["nbtrack"].__version__,
            "python": self.python,
            "environment": self.environment,
        }

    def as_json(self) -> dict[str, Any]:
        """Return the whole report."""
        return {
            "version": 1,
            **self.summary(),
            "comparison": [item.as_json() for item in self.items],
            "curves": {key: _thinned(curve) for key, curve in self.curves.items()},
        }

    def keep(self, writer: RunWriter) -> None:
        """Keep it with the run, in the place of an earlier one."""
        report = json.dumps(self.as_json(), indent=1, ensure_ascii=False)
        writer.artifacts.put_bytes(REPORT_FILE, report.encode("utf-8", "backslashreplace"))
        text = json.dumps(self.summary(), ensure_ascii=False)
        writer.set_tags({REPRODUCED: self.answer, VERDICT: text})


def verdict_of(
    then: Facts,
    now: Facts | None,
    compared: Comparison | None,
    *,
    date: int,
    result: Outcome,
    text: str,
    **more: Any,
) -> Verdict:
    """Return a verdict with what was compared, without secrets."""
    items = [] if compared is None else compared.items
    if is_wanted():
        secrets = Secrets()
        text = secrets.text(text)
        items = [_clean(item, secrets) for item in items]
    return Verdict(
        run_id=then.run.info.run_id,
        run_name=then.run.info.run_name,
        result=result,
        text=text,
        date=date,
        items=items,
        differs=[] if compared is None else compared.differs,
        curves={} if now is None else {k: c for k, c in now.curves.items() if len(c.steps) > 1},
        **more,
    )


def day(date: int) -> str:
    """Return the day of a time in milliseconds, such as ``2026-11-30``."""
    return datetime.fromtimestamp(date / 1000).astimezone().strftime("%Y-%m-%d")


def _clean(item: Item, secrets: Secrets) -> Item:
    values = {
        name: secrets.named(item.key, value) if isinstance(value, str) else value
        for name, value in (("then", item.then), ("now", item.now))
    }
    return Item(item.kind, item.key, item.result, detail=item.detail, **values)


def _thinned(curve: Curve) -> dict[str, list[Any]]:
    count = len(curve.steps)
    if count <= MOST_POINTS:
        places = list(range(count))
    else:
        places = [round(i * (count - 1) / (MOST_POINTS - 1)) for i in range(MOST_POINTS)]
    return {
        "steps": [curve.steps[place] for place in places],
        "values": [json_number(curve.values[place]) for place in places],
    }


def _shown(value: Any) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
