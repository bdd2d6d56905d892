"""Tables of a run: rows of numbers, text and images that grow with every call."""

from __future__ import annotations

import io
import json
import math
import uuid
import warnings
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from nbtrack.entities import Run
from nbtrack.errors import (
    InvalidParameterError,
    MissingDependencyError,
    NbtrackWarning,
    NotFoundError,
)
from nbtrack.store import Store
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.suggestions import did_you_mean
from nbtrack.tracking.artifacts import Target, check_extension, plain
from nbtrack.tracking.images import Image
from nbtrack.validation import MAX_TAG_VALUE

if TYPE_CHECKING:
    import pandas as pd

FORMATS = (".json", ".parquet")
_MOST_NEAR = 20  # runs among whose artifacts a name like that of a missing table is looked for
TAG = "mlflow.loggedArtifacts"


def log_table(target: Target, data: Any, artifact_file: str) -> None:
    """Store rows as a table, or add them to the one that is there.

    Parameters
    ----------
    data : dict or pandas.DataFrame
        Columns by name; a dictionary of single values is one row. Cells may be
        ``Image`` or images of Pillow: they are stored as files below ``table_images``.
    artifact_file : str
        ``.json`` (columns and rows, as pandas' orient ``split``; infinities become
        null there) or ``.parquet`` (needs pyarrow).

    Raises
    ------
    InvalidParameterError
        If the data is no table or the file has another extension.
    """
    suffix = check_extension(artifact_file, FORMATS)
    frame = _frame(data)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()].tolist()
        raise InvalidParameterError(f"A table has each column once; these are there twice: {twice}")
    frame = _store_images(target.artifacts, frame, artifact_file)
    with target.artifacts.exclusive():
        exists = target.artifacts.exists(artifact_file)
        before = target.artifacts.read_bytes(artifact_file) if exists else None
        append = _append_json if suffix == ".json" else _append_parquet
        target.artifacts.put_bytes(artifact_file, append(before, frame))
    _tag(target, artifact_file)


def read_table(artifacts: ArtifactFolder, artifact_file: str) -> pd.DataFrame:
    """Return a table of one run.

    Raises
    ------
    NotFoundError
        If the run has no such artifact.
    """
    suffix = check_extension(artifact_file, FORMATS)
    data = artifacts.read_bytes(artifact_file)
    return _parse_json(data) if suffix == ".json" else _parse_parquet(data)


def table_of_runs(
    runs: Iterable[tuple[Mapping[str, Any], ArtifactFolder]],
    artifact_file: str,
    extra_columns: list[str] | None = None,
) -> pd.DataFrame:
    """Return a table of several runs, one after the other.

    Parameters
    ----------
    runs : iterable of (mapping, ArtifactFolder)
        What is known of each run (``run_id``, ``params.lr``, ...) and its artifacts;
        runs without the table are passed over.
    artifact_file : str
        The table.
    extra_columns : list of str, optional
        What of the first is added as a column to each row.

    Raises
    ------
    NotFoundError
        If no run has the table.
    InvalidParameterError
        If the table has a column of that name already.
    """
    import pandas as pd

    frames = []
    for known, artifacts in runs:
        if not artifacts.exists(artifact_file):
            continue
        frame = read_table(artifacts, artifact_file)
        for column in extra_columns or []:
            if column in frame.columns:
                raise InvalidParameterError(
                    f"Column name {column!r} already exists in the table {artifact_file!r}. "
                    "Leave it out of extra_columns or rename the column."
                )
            frame[column] = known.get(column)
        frames.append(frame)
    if not frames:
        near = [artifacts for _, artifacts in list(runs)[:_MOST_NEAR]]
        there = [entry.path for artifacts in near for entry in artifacts.list()]
        hint = did_you_mean(artifact_file, there, "Log it first.")
        raise NotFoundError(f"No runs found with the table {artifact_file!r}. {hint}")
    return _concat(frames) if len(frames) > 1 else pd.DataFrame(frames[0])


def load_table(
    store: Store,
    experiment_id: str,
    artifact_file: str,
    run_ids: list[str] | None = None,
    extra_columns: list[str] | None = None,
) -> pd.DataFrame:
    """Return a table that runs of an experiment have logged, one run below the other."""
    from nbtrack.store.search import search_runs

    with store.read() as reader:
        found = search_runs(reader, [experiment_id], max_results=50000, order_by=["start_time"])
    wanted = None if run_ids is None else set(run_ids)
    missing = sorted((wanted or set()) - {run.info.run_id for run in found})
    if missing:
        raise NotFoundError(
            f"Experiment {experiment_id} has no run {missing[0]!r}; load_table looks at the runs "
            "of one experiment."
        )
    chosen = [
        (_known(run), store.access.folder(run.info.artifact_uri))
        for run in found
        if wanted is None or run.info.run_id in wanted
    ]
    return table_of_runs(chosen, artifact_file, extra_columns)


def table_paths(tags: Mapping[str, str]) -> list[str]:
    """Return the tables that a run's tags name."""
    return [entry["path"] for entry in _entries(tags) if entry.get("type") == "table"]


def _entries(tags: Mapping[str, str]) -> list[dict[str, str]]:
    try:
        entries: list[dict[str, str]] = json.loads(tags.get(TAG, "[]"))
    except json.JSONDecodeError:
        return []
    return entries


def _frame(data: Any) -> pd.DataFrame:
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data
    if hasattr(data, "to_pandas"):
        return pd.DataFrame(data.to_pandas())
    if not isinstance(data, Mapping):
        raise InvalidParameterError(
            f"A table is a dictionary or a pandas.DataFrame, not {type(data).__name__}."
        )
    lists = [v for v in data.values() if not isinstance(v, str) and hasattr(v, "__len__")]
    try:
        return pd.DataFrame(dict(data) if lists else [dict(data)])
    except ValueError as error:
        raise InvalidParameterError(f"The columns of the table do not fit: {error}") from None


def _store_images(
    artifacts: ArtifactFolder, frame: pd.DataFrame, artifact_file: str
) -> pd.DataFrame:
    import pandas as pd

    columns = [
        c for c in frame.columns if frame[c].dtype == object and any(map(_picture, frame[c]))
    ]
    if not columns:
        return frame
    stored = frame.copy()
    folder = PurePosixPath("table_images", PurePosixPath(artifact_file).with_suffix(""))
    for column in columns:
        cells = [
            _store_image(artifacts, folder, cell) if _picture(cell) else cell
            for cell in frame[column]
        ]
        stored[column] = pd.Series(cells, index=frame.index, dtype=object)
    return stored


def _picture(cell: Any) -> bool:
    return isinstance(cell, Image) or type(cell).__module__.startswith("PIL.")


def _store_image(artifacts: ArtifactFolder, folder: PurePosixPath, cell: Any) -> dict[str, str]:
    picture = cell if isinstance(cell, Image) else Image(cell)
    path = f"{folder}/{uuid.uuid4()}"
    artifacts.put_bytes(f"{path}.png", picture.encode(".png"))
    artifacts.put_bytes(f"{path}.webp", picture.thumbnail().encode(".webp"))
    return {
        "type": "image",
        "filepath": f"{path}.png",
        "compressed_filepath": f"{path}.webp",
    }


def _append_json(before: bytes | None, frame: pd.DataFrame) -> bytes:
    columns = [str(column) for column in frame.columns]
    head = f'{{"columns":{json.dumps(columns)},"data":['.encode()
    if before is not None and not (before.startswith(head) and before.endswith(b"]}")):
        merged = _concat([_parse_json(before), frame.set_axis(columns, axis=1)])
        return _append_json(None, merged)
    rows = ",".join(
        json.dumps([_cell(cell) for cell in row])
        for row in frame.itertuples(index=False, name=None)
    ).encode()
    if before is None:
        return head + rows + b"]}"
    # the same columns: the new rows go behind the old ones, which stay as they are
    comma = b"," if rows and len(before) > len(head) + 2 else b""
    return before[:-2] + comma + rows + b"]}"


def _append_parquet(before: bytes | None, frame: pd.DataFrame) -> bytes:
    if before is not None:
        frame = _concat([_parse_parquet(before), frame])
    buffer = io.BytesIO()
    try:
        frame.to_parquet(buffer, index=False)
    except ImportError:
        raise _needs_pyarrow() from None
    return buffer.getvalue()


def _parse_json(data: bytes) -> pd.DataFrame:
    import pandas as pd

    table = json.loads(data)
    return pd.DataFrame(table["data"], columns=table["columns"])


def _parse_parquet(data: bytes) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_parquet(io.BytesIO(data))
    except ImportError:
        raise _needs_pyarrow() from None


def _concat(frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled or frames[:1], ignore_index=True)


def _cell(cell: Any) -> Any:
    if type(cell) in (str, int, bool):
        return cell
    return None if _missing(cell) else _finite(plain(cell))


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(item) for item in value]
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return value


def _missing(cell: Any) -> bool:
    import pandas as pd

    return cell is None or cell is pd.NaT or cell is pd.NA


def _tag(target: Target, artifact_file: str) -> None:
    tags = target.tags()
    if artifact_file in table_paths(tags):
        return
    value = json.dumps([*_entries(tags), {"path": artifact_file, "type": "table"}])
    if len(value) > MAX_TAG_VALUE:
        warnings.warn(
            f"The table {artifact_file!r} is stored, but the tag {TAG!r} is full: "
            "log fewer tables of different names in one run.",
            NbtrackWarning,
            stacklevel=4,
        )
        return
    target.set_tag(TAG, value)


def _needs_pyarrow() -> MissingDependencyError:
    return MissingDependencyError(
        "Parquet tables need pyarrow, which is not installed. "
        "Run: pip install pyarrow, or log the table as .json."
    )


def _known(run: Run) -> dict[str, Any]:
    known: dict[str, Any] = run.info.to_dictionary()
    for noun in ("metrics", "params", "tags"):
        known.update({f"{noun}.{key}": value for key, value in getattr(run.data, noun).items()})
    return known
