"""Numbers in what a cell prints: ``Epoch 3 - loss: 0.31 - acc: 0.9`` is a point of two curves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

from nbtrack.store.search import direction_of

MAX_LINE = 1000
MAX_SENTENCE = 120
MAX_KEYS = 30
MAX_KEY = 60
MAX_POINTS = 20_000

_SIGNLESS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|nan|inf)"
_NUMBER = re.compile(rf"(?<![\w.])([-+]?{_SIGNLESS})(?!\w|\.\d)")
_WORD = r"[A-Za-z_](?:[\w/.@²-]*[\w²])?(?:'s)?"
_NAME = re.compile(
    rf"(?<![\w.])(?P<name>{_WORD}(?: {_WORD}){{0,3}})"
    r"(?P<gap>['\"]?\s*(?:->|[:=#])\s*|\s*[\[(]\s*|\s+)(?:tensor\(|np\.float\d\d\()?$"
)
_UNIT = re.compile(
    r" ?(?:s|ms|min|h|us|µs|μs|ns|it|sec|secs|seconds|minutes|[kmg]i?b)\b", re.IGNORECASE
)
_COARSE = frozenset({"epoch", "ep", "round", "fold", "episode", "trial", "generation"})
_FINE = frozenset({"step", "global_step", "iter", "iteration", "it", "batch"})
_MARKERS = _COARSE | _FINE
_NEVER = re.compile(
    r"(^|_)(time|elapsed|eta|sec|secs|seconds|ms|took|remaining|total|duration|best_epoch|samples?"
    r"|epochs|seed|size|version|v_num|it_s|patience|improve[d_]*from|best|[a-z])$"
)
_SPLIT = re.compile(
    r"^\W*(?P<split>train|training|val|valid|validation|test|testing|eval|evaluation|dev)\b"
    r"(?P<rest>[^:=|\d]{0,20}?)(?::|\||\s-\s)(?=\D)",
    re.IGNORECASE,
)
_SPLITS = {"tr": "train_", "va": "val_", "te": "test_", "ev": "eval_", "de": "dev_"}
_HAS_SPLIT = re.compile(r"(^|_)(train|training|val|valid|validation|test|eval|dev)(_|$)")
_OF_ALL = re.compile(
    rf"\b(accuracy|loss)\b[^:=]*[:=]\s*(?P<value>[-+]?{_SIGNLESS})\s*%?\s*$", re.IGNORECASE
)
_BAR = re.compile(
    r"^(?P<before>.*?):?\s*\d+%\|[^|]*\|\s*(?P<n>\d+)/\d+\s*\[[^\],]*(?:,[^,\]=]*/[^,\]=]*)?(?P<after>.*?)\]?\s*$"
)
_LEADING = re.compile(r"^\s*(?:\[(\d+)\]|(\d+):)\s")
_PROGRESS = re.compile(r"^\s*\d+/\d+\s.*(?:step|[=━]{3})")
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_TIMED = re.compile(r"^((?:[\d.]+ ?(?:h|min|s|ms|[µμu]s|ns) ?)+)± .* per loop")
_TIME = re.compile(r"([\d.]+) ?(h|min|s|ms|[µμu]s|ns)\b")
_UNITS = {"h": 3600.0, "min": 60.0, "s": 1.0, "ms": 1e-3, "ns": 1e-9}


@dataclass
class Printed:
    """One metric that was printed.

    Attributes
    ----------
    values : list of float
    steps : list of int
        The epochs, where the lines name them; else they are counted.
    digits : int
        How many decimals were printed, at least.
    """

    values: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    digits: int = 15


@dataclass
class _Points:
    values: list[float] = field(default_factory=list)
    fine: list[int | None] = field(default_factory=list)
    coarse: list[int | None] = field(default_factory=list)
    digits: int = 15


def printed_numbers(text: str) -> dict[str, Printed]:
    """Return the numbers of some output that have the name of a metric, as curves.

    Of a line that was overwritten, as progress bars do, its last state counts; where there is
    only one bar, all of its states do.

    Parameters
    ----------
    text : str
        What was printed, with carriage returns.

    Returns
    -------
    dict of str to Printed
        By name: of ``Train Loss`` it is ``train_loss``. Numbers that say how the work goes on
        (times, sizes) and names that tell of no metric are left out, except in a line that names
        its epoch.
    """
    reader = _Reader()
    for line in text.replace("\r\n", "\n").split("\n"):
        reader.line(line)
    return reader.found()


class _Reader:
    def __init__(self) -> None:
        self._points: dict[str, _Points] = {}
        self._coarse: int | None = None
        self._split = ""
        self._bars = 0
        self._states: list[str] = []

    def line(self, raw: str) -> None:
        if "\r" in raw or "\b" in raw:
            states = [state for state in raw.replace("\b", "").split("\r") if state.strip()]
        else:
            states = [raw]
        if not states:
            return
        last = _clean(states[-1])
        if "%|" in last and _BAR.match(last) is not None:
            self._bars += 1
            self._states = states if self._bars == 1 else []
        self._read(last)

    def found(self) -> dict[str, Printed]:
        if self._bars == 1 and len(self._states) > 1:
            alone = _Reader()
            for state in self._states:
                alone._read(_clean(state))
            for key, points in alone._points.items():
                self._points[key] = _without_repeats(points)
        return {key: _as_curve(points) for key, points in self._points.items()}

    def _read(self, line: str) -> None:
        if " per loop" in line and (timed := _TIMED.match(line.strip())):
            self._add("seconds_per_loop", _seconds(timed[1]), 15, None)
            return
        fine, is_known = None, "/" in line and _PROGRESS.match(line) is not None
        bar = _BAR.match(line) if "%|" in line else None
        if bar is not None:
            fine, is_known = int(bar["n"]), True
            line = f"{bar['before']} {bar['after']}"
        elif leading := _LEADING.match(line):
            fine, is_known = int(leading[1] or leading[2]), True
        split = inner = self._split_of(line)
        pairs = list(_pairs(line))
        for name, _, value, _ in pairs:
            if name in _COARSE and value >= 0:
                self._coarse, is_known = int(value), True
            elif name in _FINE and value >= 0:
                fine, is_known = int(value), True
        names = [name for name, *_ in pairs]
        count = 0
        for name, spaced, value, digits in pairs:
            if not _is_metric(name, known=is_known and not spaced):
                continue
            own = _HAS_SPLIT.search(name)
            if own:
                inner = _SPLITS[own[2][:2]]
            key = name if own else (inner if names.count(name) > 1 else split) + name
            self._add(key, value, digits, fine)
            count += 1
        if not count and len(line) <= MAX_SENTENCE and (whole := _OF_ALL.search(line)):
            self._add(
                split + whole[1].lower(), _number(whole["value"]), _digits(whole["value"]), fine
            )

    def _split_of(self, line: str) -> str:
        """Return what stands before names that do not say on which data they were measured."""
        before, self._split = self._split, ""
        match = _SPLIT.match(line)
        if match is None:
            return before
        word = _SPLITS[match["split"].lower()[:2]]
        rest = match["rest"].strip().lower()
        if direction_of(rest) is not None and line[match.end() :].strip():
            return ""  # it is a name itself: "Test accuracy:"
        if not line[match.end() :].strip():
            self._split = word
        return word

    def _add(self, key: str, value: float, digits: int, fine: int | None) -> None:
        if key not in self._points and len(self._points) >= MAX_KEYS:
            return
        points = self._points.setdefault(key, _Points())
        if len(points.values) < MAX_POINTS:
            points.values.append(value)
            points.fine.append(fine)
            points.coarse.append(self._coarse)
            points.digits = min(points.digits, digits)


def _pairs(line: str) -> Iterator[tuple[str, bool, float, int]]:
    """Yield the names and numbers of a line, whether only a space is between them, and decimals."""
    parts = _NUMBER.split(line)
    for place in range(1, len(parts), 2):
        name, spaced = _name_before(parts[place - 1])
        if not name or _has_unit(parts[place + 1]):
            continue
        text, after = parts[place], parts[place + 1].strip()
        if after == "/" and place + 2 < len(parts) and name not in _MARKERS:
            whole = _number(parts[place + 2])
            if direction_of(name) is not None and whole:
                yield name, spaced, _number(text) / whole, 15
            continue
        yield name, spaced, _number(text), _digits(text)


@lru_cache(4096)
def _name_before(text: str) -> tuple[str, bool]:
    """Return the name that stands right before a number, and whether only a space is between."""
    match = _NAME.search(text[-120:])
    if match is None:
        return "", False
    gap = match["gap"].strip()
    name = _key(match["name"])
    last = name.rpartition("_")[2]
    if gap[-1:] in ("[", "(") or not gap:
        if last in _MARKERS:
            return last, True
        return ("", False) if gap or direction_of(last) is None else (name, True)
    first, _, rest = name.partition("_")
    if first in _MARKERS and rest and direction_of(rest) is None:
        return "", False
    return (name, False) if len(name) <= MAX_KEY else ("", False)


def _key(name: str) -> str:
    plain = name.lower().replace("'s", "").replace("²", "2")
    return re.sub(r"[^\w/.@-]+", "_", plain).strip("_-./")


@lru_cache(1024)
def _has_unit(text: str) -> bool:
    return _UNIT.match(text) is not None


@lru_cache(1024)
def _is_metric(name: str, *, known: bool) -> bool:
    if name in _MARKERS or _NEVER.search(name):
        return False
    return known or direction_of(name) is not None


def _clean(line: str) -> str:
    return (_ESCAPE.sub("", line) if "\x1b" in line else line)[:MAX_LINE]


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _digits(text: str) -> int:
    if "e" in text.lower():
        return 15
    return len(text.partition(".")[2])


def _seconds(text: str) -> float:
    return sum(float(number) * _UNITS.get(unit, 1e-6) for number, unit in _TIME.findall(text))


def _without_repeats(points: _Points) -> _Points:
    """Return the points of a bar: of those that stand at the same place, the last one."""
    places = {n: i for i, n in enumerate(points.fine)}
    chosen = sorted(places.values())
    return _Points(
        [points.values[i] for i in chosen],
        [points.fine[i] for i in chosen],
        [None] * len(chosen),
        points.digits,
    )


def _as_curve(points: _Points) -> Printed:
    for steps in (points.fine, points.coarse):
        known = [step for step in steps if step is not None]
        rising = all(a < b for a, b in pairwise(known))
        if len(known) == len(points.values) and rising:
            return Printed(points.values, known, points.digits)
    return Printed(points.values, list(range(len(points.values))), points.digits)
