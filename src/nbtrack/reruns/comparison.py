"""A run and its rerun beside each other: params, metrics, artifacts, datasets."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from nbtrack.entities import Run
from nbtrack.entities.run_data import is_system_metric
from nbtrack.reruns.curves import Curve, Result, compare_curves, is_of_clock
from nbtrack.reruns.file_content import OPAQUE, compare_file, is_text, without_chance
from nbtrack.reruns.run_matching import Step, runs_inside
from nbtrack.store import Reader, get_logged_models, metric_history_columns, model_ids_of_run
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.code import ENVIRONMENT_FILE, read_json

MOST_FILES = 500
MOST_DEPTH = 3
MOST_MODELS = 50
MOST_BYTES = 500_000_000
_OF_DIGESTS = ("nbtrack-files.json", "data/digests.json")  # of a model: what is compared anyway
_STOPPED = ("KILLED", "INTERRUPTED")

Kind = Literal["param", "metric", "artifact", "text"]


@dataclass(frozen=True)
class Item:
    """One thing that was compared.

    Attributes
    ----------
    kind : {"param", "metric", "artifact", "text"}
    key : str
    result : {"exact", "close", "different", "missing", "new"}
    then, now : str, float or None
        Of a metric the last values.
    detail : str
        How far they are from each other.
    """

    kind: Kind
    key: str
    result: Result
    then: Any = None
    now: Any = None
    detail: str = ""

    @property
    def differs(self) -> bool:
        """Whether it makes the runs different; bytes without values do not."""
        return self.result in ("different", "missing", "new") and self.detail != OPAQUE

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object; ``NaN`` and the infinities are texts."""
        return {**vars(self), "then": json_number(self.then), "now": json_number(self.now)}


@dataclass(frozen=True)
class Facts:
    """What is compared of a run; ``inner`` are the runs that it had inside, in their order."""

    run: Run
    curves: dict[str, Curve]
    folder: ArtifactFolder
    datasets: dict[str, str] = field(default_factory=dict)
    packages: dict[str, str] = field(default_factory=dict)
    inner: list[Facts] = field(default_factory=list)
    models: dict[str, ArtifactFolder] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """What came of comparing."""

    items: list[Item]

    @property
    def result(self) -> Literal["exact", "close", "different"]:
        """The result of the whole."""
        if any(item.differs for item in self.items):
            return "different"
        return "exact" if all(item.result == "exact" for item in self.items) else "close"

    @property
    def differs(self) -> list[str]:
        """The keys that differ: metrics first."""
        order = {"metric": 0, "param": 1, "artifact": 2, "text": 3}
        found = sorted((item for item in self.items if item.differs), key=lambda i: order[i.kind])
        return list(dict.fromkeys(item.key for item in found))

    @property
    def how_close(self) -> str:
        """What a verdict of sameness leaves open, in parentheses; empty where that is nothing."""
        close = [item for item in self.items if item.result == "close"]
        opaque = [item.key for item in self.items if item.detail == OPAQUE]
        parts = []
        if close:
            named = [f"{item.key} within {item.detail}" for item in close]
            parts.append(f"but for rounding: {listed(named, 2)}")
        if opaque:
            parts.append(f"{listed(opaque, 2)} could not be compared by value")
        return f" ({'; '.join(parts)})" if parts else ""


def facts_of(reader: Reader, run: Run, depth: int = MOST_DEPTH) -> Facts:
    """Return what is compared of a run, and of those inside it.

    Parameters
    ----------
    reader : Reader
    run : Run
    depth : int, optional
        How deep runs inside it are looked for.
    """
    series = metric_history_columns(reader, [run.info.run_id])
    folder = reader.access.folder(run.info.artifact_uri)
    packages = read_json(folder, ENVIRONMENT_FILE).get("packages")
    return Facts(
        run,
        {
            each.key: Curve(each.step.tolist(), each.value.tolist())
            for each in series
            if not is_system_metric(each.key)
        },
        folder,
        _digests(run),
        packages if isinstance(packages, dict) else {},
        [facts_of(reader, each, depth - 1) for each in runs_inside(reader, run)] if depth else [],
        _models(reader, run),
    )


def _digests(run: Run) -> dict[str, str]:
    """Return the digests of data by its name; X with labels and X alone may both be there."""
    found: dict[str, set[str]] = {}
    for each in run.inputs.dataset_inputs:
        found.setdefault(each.dataset.name, set()).add(each.dataset.digest)
    return {name: ", ".join(sorted(digests)) for name, digests in found.items()}


def _models(reader: Reader, run: Run) -> dict[str, ArtifactFolder]:
    """Return the files of the models that a run has logged, by their names and steps."""
    ids = model_ids_of_run(reader, run.info.run_id)[:MOST_MODELS]
    steps = {each.model_id: each.step for each in run.outputs.model_outputs}
    found: dict[str, ArtifactFolder] = {}
    for model in get_logged_models(reader, ids):
        step = steps.get(model.model_id)
        name = f"model {model.name}" + (f" at step {step}" if step else "")
        found[_free(name, found)] = reader.access.folder(model.artifact_location)
    return found


def _free(name: str, known: Container[str]) -> str:
    count, found = 1, name
    while found in known:
        count += 1
        found = f"{name} ({count})"
    return found


def compare_facts(then: Facts, now: Facts, translated: Callable[[str], str] = str) -> Comparison:
    """Compare a run with its rerun.

    Parameters
    ----------
    then, now : Facts
    translated : callable
        Gives the texts of the rerun the names of folders that they had then.
    """
    stopped = then.run.info.status in _STOPPED
    items = [
        *_texts("param", then.run.data.params, now.run.data.params, translated, stopped),
        *_metrics(then, now, stopped),
        *_texts("text", _named(then.datasets), _named(now.datasets), str, stopped),
    ]
    failed = then.run.info.status == "FAILED"
    if failed != (now.run.info.status == "FAILED"):
        items.append(Item("text", "status", "different", then.run.info.status, now.run.info.status))
    if not stopped:  # what it would have written at its end is not there
        items += _artifacts(then.folder, now.folder)
        for name, files in then.models.items():
            if name not in now.models:
                items.append(Item("artifact", name, "missing", "a model"))
            else:
                items += _artifacts(files, now.models[name], f"{name}/")
        names = now.models.keys() - then.models.keys()
        items += [Item("artifact", name, "new", None, "a model") for name in sorted(names)]
    items += _inner(then.inner, now.inner, translated)
    return Comparison(items)


def _inner(
    then: Sequence[Facts], now: Sequence[Facts], translated: Callable[[str], str]
) -> Iterator[Item]:
    """Compare runs inside of others with those at their place; what is new there does not count."""
    names = tuple(each.run.info.run_name for each in then)
    runs = {each.run.info.run_id: each for each in now}
    for place, (name, old) in enumerate(zip(names, then, strict=True)):
        found = Step(names, place).choose([each.run for each in now])
        if found is None:
            yield Item("text", name, "missing", "a run inside it", None)
            continue
        for item in compare_facts(old, runs[found.info.run_id], translated).items:
            yield replace(item, key=f"{name}: {item.key}")


def _named(datasets: Mapping[str, str]) -> dict[str, str]:
    return {f"dataset {name}": digest for name, digest in datasets.items()}


def _texts(
    kind: Kind,
    then: Mapping[str, str],
    now: Mapping[str, str],
    translated: Callable[[str], str],
    stopped: bool,
) -> list[Item]:
    found = []
    for key, old in then.items():
        if key not in now:
            found.append(Item(kind, key, "missing", old, None))
        else:
            new = translated(now[key])
            same = without_chance(new) == without_chance(old)
            found.append(Item(kind, key, "exact" if same else "different", old, new))
    if not stopped:
        found += [Item(kind, key, "new", None, now[key]) for key in now.keys() - then.keys()]
    return found


def _metrics(then: Facts, now: Facts, stopped: bool) -> list[Item]:
    found = []
    for key, old in then.curves.items():
        new = now.curves.get(key)
        if new is None:
            if not is_of_clock(key):
                found.append(Item("metric", key, "missing", old.last))
            continue
        if stopped:  # it would have gone on
            new = Curve(new.steps[: len(old.steps)], new.values[: len(old.values)])
        result, detail = compare_curves(key, old, new)
        if result != "exact" and is_of_clock(key):
            continue
        found.append(
            Item("metric", key, result, old.last, new.last if new.values else None, detail)
        )
    if not stopped:
        added = sorted(now.curves.keys() - then.curves.keys())
        found += [
            Item("metric", key, "new", None, now.curves[key].last)
            for key in added
            if not is_of_clock(key)
        ]
    return found


def _artifacts(then: ArtifactFolder, now: ArtifactFolder, before: str = "") -> list[Item]:
    """Compare the files of two folders; their keys have something before them."""
    old, new = _files(then), _files(now)
    both = old.keys() & new.keys()
    found = []
    room = MOST_BYTES
    for path in sorted(old.keys() | new.keys()):
        kind: Kind = "text" if is_text(path) else "artifact"
        key = f"{before}{path}"
        if path not in new:
            found.append(Item(kind, key, "missing", _bytes(old[path])))
        elif path not in old:
            found.append(Item(kind, key, "new", None, _bytes(new[path])))
        elif (room := room - old[path] - new[path]) >= 0:
            result, detail = compare_file(path, then.read_bytes, now.read_bytes, both)
            found.append(Item(kind, key, result, _bytes(old[path]), _bytes(new[path]), detail))
    return found


def _files(folder: ArtifactFolder) -> dict[str, int]:
    found = {}
    for file in folder.walk():
        if not (file.is_dir or file.path.startswith(".nbtrack/") or file.path in _OF_DIGESTS):
            found[file.path] = file.file_size or 0
        if len(found) >= MOST_FILES:
            break
    return found


def _bytes(size: int) -> str:
    return f"{size:,} bytes"


def json_number(value: Any) -> Any:
    """Return a value as JSON knows it: ``NaN`` and the infinities as MLflow's protocol has them."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def other_packages(then: Mapping[str, str], now: Facts | None) -> list[str]:
    """Return the packages that have another version than a run had, with both."""
    found = {} if now is None else now.packages
    return [
        f"{name} {version}, now {found[name]}"
        for name, version in then.items()
        if found.get(name, version) != version
    ]


def listed(names: Sequence[str], most: int = 4) -> str:
    """Return names for a sentence: the first of them, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
