"""The images of a run as series by key and step, from the names of its files.

`nbtrack.log_image(image, key=..., step=...)` and MLflow write two files for each image, below
``images/``: the image and a small WebP of it. The names say key, step and time::

    <key>+step+<n>+timestamp+<ms>+<uuid>.png     with ``~`` for slashes of the key
    <key>%step%<n>%timestamp%<ms>%<uuid>.png     with ``#``: MLflow before 2.14

The small one has ``+compressed.webp`` (``%compressed.webp``) in the place of ``.png``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TypedDict

from nbtrack.errors import NbtrackError
from nbtrack.store import Reader, Store, get_runs
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.formats import natural_order
from nbtrack.views.table.query import table_cells

FOLDER = "images"
LOGGED_IMAGES = "mlflow.loggedImages"
MAX_IMAGES = 2000  # of one series
MAX_COMPARED = 500  # of one series, where many runs are compared

_NAME = re.compile(
    r"(?P<key>.+)(?P<by>[+%])step(?P=by)(?P<step>-?\d{1,18})(?P=by)timestamp(?P=by)(?P<time>\d{1,18})"
    r"(?P=by)(?P<id>[^+%]+?)(?P<small>(?P=by)compressed)?\.(?P<kind>png|jpe?g|webp|gif|bmp)"
)
_SLASH = {"+": "~", "%": "#"}


class ImageSeries(TypedDict):
    """Images of one key, by step and time.

    ``files`` are names in the folder of images, which have ``thumbnail`` in the place of their
    extension where ``small`` says that there is a small one. ``total`` counts also those that are
    left out where there are too many to send: they are thinned evenly.
    """

    key: str
    steps: list[int]
    times: list[int]
    files: list[str]
    small: list[bool]
    thumbnail: str
    total: int


class RunImages(TypedDict):
    """The images of one run; ``problem`` says why they cannot be listed."""

    run_id: str
    folder: str
    series: list[ImageSeries]
    problem: str | None


def has_images(tags: Mapping[str, str]) -> bool:
    """Return whether a run with these tags has logged images by key."""
    return tags.get(LOGGED_IMAGES, "").lower() == "true"


def runs_with_images(reader: Reader, run_ids: Sequence[str]) -> list[str]:
    """Return which of some runs have logged images by key."""
    column = f"tags.{LOGGED_IMAGES}"
    cells = table_cells(reader, run_ids, [column])[column]
    return [
        run_id
        for run_id, value in zip(run_ids, cells, strict=True)
        if has_images({LOGGED_IMAGES: str(value)})
    ]


def images_of_run(folder: ArtifactFolder, run_id: str, most: int = MAX_IMAGES) -> RunImages:
    """Return the images of a run.

    Parameters
    ----------
    folder : ArtifactFolder
        The artifacts of the run.
    run_id : str
    most : int, optional
        How many of one series are listed.
    """
    names = [each.path.rpartition("/")[2] for each in folder.list(FOLDER) if not each.is_dir]
    return {
        "run_id": run_id,
        "folder": FOLDER,
        "series": image_series(names, most),
        "problem": None,
    }


def images_of_runs(store: Store, run_ids: Sequence[str]) -> list[RunImages]:
    """Return the images of those runs that have logged some.

    A run whose files cannot be reached says so; it takes nothing from the others.
    """
    with store.read() as reader:
        runs = get_runs(reader, runs_with_images(reader, run_ids))
    found: list[RunImages] = []
    for run in runs:
        run_id = run.info.run_id
        try:
            folder = store.access.folder(run.info.artifact_uri)
            found.append(images_of_run(folder, run_id, MAX_COMPARED))
        except NbtrackError as error:
            found.append({"run_id": run_id, "folder": FOLDER, "series": [], "problem": str(error)})
    return found


def image_series(names: Iterable[str], most: int = MAX_IMAGES) -> list[ImageSeries]:
    """Return series by key from the names of files; other files are not looked at."""
    full: dict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
    small: set[str] = set()
    for name in names:
        if not (match := _NAME.fullmatch(name)):
            continue
        stem = name.rpartition(".")[0]
        if match["small"]:
            small.add(stem)
            continue
        key = match["key"].replace(_SLASH[match["by"]], "/")
        full[key, match["by"]].append((int(match["step"]), int(match["time"]), name))
    ordered = sorted(full.items(), key=lambda item: (natural_order(item[0][0]), item[0]))
    return [_series(key, by, sorted(found), small, most) for (key, by), found in ordered]


def _series(
    key: str, by: str, found: list[tuple[int, int, str]], small: set[str], most: int
) -> ImageSeries:
    total = len(found)
    if total > most:  # the first and the last are always among them
        found = [found[round(i * (total - 1) / (most - 1))] for i in range(most)]
    ending = f"{by}compressed"
    return {
        "key": key,
        "steps": [step for step, _, _ in found],
        "times": [time for _, time, _ in found],
        "files": [name for _, _, name in found],
        "small": [f"{name.rpartition('.')[0]}{ending}" in small for _, _, name in found],
        "thumbnail": f"{ending}.webp",
        "total": total,
    }
