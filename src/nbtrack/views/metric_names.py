"""What the names of metrics say: which share a plot, and which one a run is judged by.

``train_loss``, ``val/loss`` and ``loss`` share a plot.

``js/shared/src/groups.ts`` does the same in the browser; ``js/shared/test/groups.json`` tests both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from nbtrack.entities.run_data import SYSTEM, is_system_metric
from nbtrack.store.search import direction_of

_SPLITS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "eval": "val",
    "test": "test",
    "testing": "test",
}
SPLIT_ORDER = ("train", "", "val", "test")
_UNITS = {"_percentage": " %", "_megabytes": " MB", "_watts": " W", "_watt_hours": " Wh"}
_SEPARATOR = re.compile(r"([/_.\- ])")


class MetricName(NamedTuple):
    """A metric's name in two parts.

    Attributes
    ----------
    group : str
        What is measured, such as ``loss``.
    split : {"", "train", "val", "test"}
        On which data.
    """

    group: str
    split: str


def parse_metric(key: str) -> MetricName:
    """Split a metric's name into what is measured and on which data."""
    parts = _SEPARATOR.split(key)
    if len(parts) > 1:
        slash = max((i for i, part in enumerate(parts) if part == "/"), default=-1)
        for at in (0, slash + 1, len(parts) - 1):
            split = _SPLITS.get(parts[at].lower())
            if split is None:
                continue
            # the separator goes with the word: the one after it, or before it at the end
            separator = at + 1 if at + 1 < len(parts) else at - 1
            rest = "".join(part for i, part in enumerate(parts) if i not in (at, separator))
            if rest:
                return MetricName(rest, split)
    return MetricName(key, "")


def title_of(group: str) -> str:
    """Return what stands above a plot: of a metric of the machine, words and a unit."""
    if not is_system_metric(group):
        return group
    name = group.removeprefix(SYSTEM).removeprefix("system_")
    name = re.sub("(memory|power)_usage", r"\1", name)
    for ending, unit in _UNITS.items():
        if name.endswith(ending):
            name = name.removesuffix(ending) + unit
    return re.sub(r"^[cg]pu\b", lambda found: found[0].upper(), name.replace("_", " "))


def group_metrics(keys: Iterable[str]) -> dict[str, list[str]]:
    """Return the metrics by plot: losses first, the machine's own (``system/``) last."""
    groups: dict[str, list[str]] = {}
    for key in keys:
        members = groups.setdefault(parse_metric(key).group, [])
        if key not in members:
            members.append(key)
    for members in groups.values():
        members.sort(key=lambda key: SPLIT_ORDER.index(parse_metric(key).split))
    return dict(sorted(groups.items(), key=lambda item: _rank(item[0])))


def primary_metric(keys: Iterable[str]) -> str | None:
    """Return the metric by which runs are judged, never the machine's; see ``rank_metrics``."""
    return next(iter(rank_metrics(sorted(key for key in keys if not is_system_metric(key)))), None)


def compared_metrics(now: Mapping[str, float], before: Mapping[str, float]) -> list[str]:
    """Return the metrics that both have, apart from the machine's own, the primary one first."""
    shared = [key for key in now if key in before and not is_system_metric(key)]
    return rank_metrics(shared)


def rank_metrics(keys: Iterable[str]) -> list[str]:
    """Return metrics in the order of what they say about a run.

    A known direction before none, validation before training, losses before others; the machine's
    own (``system/``) come last.
    """

    def rank(key: str) -> tuple[bool, bool, bool, bool]:
        machine, unsure = is_system_metric(key), direction_of(key) is None
        held_out = parse_metric(key).split in ("val", "test")
        return machine, unsure, not held_out, "loss" not in key.lower()

    return sorted(keys, key=rank)


def _rank(group: str) -> int:
    if is_system_metric(group):
        return 2
    return 0 if "loss" in group.lower() else 1
