"""The folders and small files that MLflow's file store is made of."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from nbtrack.errors import NbtrackError, StoreError
from nbtrack.interop.allowed_folders import AllowedFolders
from nbtrack.interop.source import int_column, unclamped
from nbtrack.store import Points
from nbtrack.untrusted_files import read_yaml

META = "meta.yaml"
EXACT = 2**53
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def meta(folder: Path, allowed: AllowedFolders) -> dict[str, Any]:
    """Return what the ``meta.yaml`` of a folder says.

    Raises
    ------
    StoreError
        If it is missing, or was only written in part, or leads out of the source.
    """
    if (folder / META).exists() and not allowed.is_readable(folder / META):
        raise StoreError(f"{META} is not read: it is a link that leads elsewhere, or no file.")
    if not allowed.holds(folder):
        raise StoreError(f"{folder} is not read: it is not in the folders of the source.")
    try:
        text = (folder / META).read_text("utf-8")
        # a part that is named again may unfold without end; the loader in C does not look
        named = "*" in text
        found = read_yaml(text, META) if named else yaml.load(text, _LOADER)  # noqa: S506  is safe
    except (OSError, ValueError, TypeError, RecursionError, NbtrackError, yaml.YAMLError) as error:
        first = str(error).splitlines()[0]
        raise StoreError(f"{META} cannot be read: {first}") from error
    if not isinstance(found, dict):
        raise StoreError(f"{META} says nothing: it was cut off when it was written.")
    return found


def folders(folder: Path, allowed: AllowedFolders) -> Iterator[Path]:
    """Yield the folders in a folder that have a ``meta.yaml``, by name."""
    if allowed.is_folder(folder):
        for path in sorted(folder.iterdir()):
            if (path / META).is_file() and allowed.is_folder(path):
                yield path


def texts(folder: Path, allowed: AllowedFolders) -> dict[str, str]:
    """Return the content of every file below a folder; a ``/`` in a key is a folder."""
    return {key: path.read_text("utf-8", "replace") for key, path in files(folder, allowed)}


def files(folder: Path, allowed: AllowedFolders) -> Iterator[tuple[str, Path]]:
    """Yield (key, path) of every file below a folder."""
    if not allowed.is_folder(folder):
        return
    for place, below, names in os.walk(folder):
        below.sort()
        for name in sorted(names):
            path = Path(place, name)
            if allowed.is_readable(path):
                yield path.relative_to(folder).as_posix(), path


Rest = tuple[str, ...]


def metric_lines(data: bytes) -> tuple[Points, list[Rest], int, int]:
    """Read the lines of a metric: time, value, step, and whatever follows.

    Older files have no step, newer ones a dataset behind it, those of models a run before that.

    Returns
    -------
    (Points, list of tuple of str, int, int)
        The points (``series`` is 0), what follows in each line (empty where nothing does), how
        many lines could not be read, and how many steps were no whole numbers.
    """
    quick = _all_at_once(data)
    if quick is not None:
        time, value, step = quick
        series = np.zeros(len(time), np.int64)
        return Points(series, step, time, unclamped(value)), [], 0, 0
    rows: list[tuple[int, float, Any, Rest]] = []
    bad = 0
    for line in data.decode("utf-8", "replace").splitlines():
        if not line.strip():
            continue
        fields = line.split(" ")
        try:
            step_text = fields[2] if len(fields) > 2 else "0"
            number: Any = int(step_text) if _is_int(step_text) else float(step_text)
            rows.append((int(float(fields[0])), float(fields[1]), number, tuple(fields[3:])))
        except (ValueError, IndexError, OverflowError):
            bad += 1
    steps, odd = int_column(tuple(row[2] for row in rows))
    values = np.array([row[1] for row in rows], dtype=np.float64)
    points = Points(
        np.zeros(len(rows), np.int64),
        steps,
        np.array([row[0] for row in rows], dtype=np.int64),
        unclamped(values),
    )
    return points, [row[3] for row in rows], bad, odd


def _is_int(text: str) -> bool:
    return text.lstrip("+-").isdecimal()


def _all_at_once(
    data: bytes,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64]] | None:
    """Parse lines of three numbers with NumPy; None where they are anything else."""
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if data.count(b" ") != 2 * lines:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            numbers = np.fromstring(data, dtype=np.float64, sep=" ")
        except (ValueError, DeprecationWarning):
            return None
    if numbers.size != 3 * lines:
        return None
    time, value, step = numbers.reshape(-1, 3).T
    whole = np.abs(step) < EXACT
    if not bool(np.all(whole & (step == np.floor(step)) & (np.abs(time) < EXACT))):
        return None
    return time.astype(np.int64), value.copy(), step.astype(np.int64)
