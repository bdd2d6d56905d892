"""Detects the format of a source or a target."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.interop.sqlite import SqliteFile
from nbtrack.store.artifacts import local_path

SOURCES = (
    "mlflow-database", "mlflow-files", "mlflow-server", "tensorboard", "wandb", "trackio", "csv",
    "nbtrack",
)  # fmt: skip
TARGETS = ("mlflow-server", "mlflow-database", "parquet", "csv", "nbtrack")
LOOKED_AT = 20_000
_TEAM = re.compile(r"(postgres(ql)?(\+\w+)?|ducklake):", re.IGNORECASE)


def is_team(place: str) -> bool:
    """Return whether a place is a team's store, such as ``postgresql://host/database``."""
    return _TEAM.match(place) is not None


def path_of(place: str) -> Path:
    """Return the local path that a place names: a path, ``file:`` or ``sqlite:///``."""
    if place.lower().startswith("sqlite:"):
        rest = unquote(place.split(":", 1)[1]).split("?")[0].removeprefix("//")
        return Path(rest.removeprefix("/") or "mlflow.db").absolute()
    found = local_path(place.removeprefix("duckdb:///"))
    if found is None:
        raise InvalidParameterError(
            f"nbtrack cannot import from or export to {shown(place)!r}. Give a path, or the "
            "http(s) address of an MLflow server."
        )
    return found


def source_kind(place: str) -> str:
    """Return what a place holds, one of `SOURCES`.

    Raises
    ------
    NotFoundError
        If there is nothing.
    InvalidParameterError
        If it is nothing that can be read.
    """
    if place.startswith(("http://", "https://")):
        return "mlflow-server"
    if is_team(place):
        return "nbtrack"
    path = path_of(place)
    if path.is_dir():
        return _kind_of_folder(path)
    if not path.is_file():
        raise NotFoundError(f"There is nothing at {str(path)!r} to import.")
    found = kind_of_file(path)
    if found is None:
        raise _unknown(path)
    return found


def kind_of_file(path: Path) -> str | None:
    """Return what a file holds, or None for nothing that can be read."""
    if "tfevents" in path.name:
        return "tensorboard"
    kind = {".wandb": "wandb", ".duckdb": "nbtrack", ".csv": "csv", ".tsv": "csv"}.get(path.suffix)
    if kind is not None:
        return kind
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"SQLite format 3"):
        database = SqliteFile(path)
        try:
            if {"experiments", "runs", "metrics"} <= database.tables:
                return "mlflow-database"
            return "trackio" if {"metrics", "configs"} <= database.tables else None
        finally:
            database.close()
    return "nbtrack" if head[8:12] == b"DUCK" else None


def _kind_of_folder(path: Path) -> str:
    if (path / "nbtrack.duckdb").is_file():
        return "nbtrack"
    if _is_mlruns(path) or _is_mlruns(path / "mlruns"):
        return "mlflow-files"
    if (path / "mlflow.db").is_file():
        return "mlflow-database"
    for found in islice(_files(path), LOOKED_AT):
        if "tfevents" in found.name or found.suffix in (".wandb", ".csv"):
            return kind_of_file(found) or ""
        if found.suffix == ".db" and kind_of_file(found) == "trackio":
            return "trackio"
    raise _unknown(path)


def _is_mlruns(path: Path) -> bool:
    return any(path.glob("*/meta.yaml")) or any(path.glob(".trash/*/meta.yaml"))


def _files(path: Path) -> Iterator[Path]:
    return (found for found in sorted(path.rglob("*")) if found.is_file())


def target_kind(target: str) -> str:
    """Return what a target is to become, one of `TARGETS`, by its name.

    Raises
    ------
    InvalidParameterError
        If that cannot be told.
    """
    if target.startswith(("http://", "https://")):
        return "mlflow-server"
    if target.lower().startswith("sqlite:"):
        return "mlflow-database"
    if is_team(target):
        return "nbtrack"
    path = path_of(target)
    by_suffix = {
        ".duckdb": "nbtrack",
        ".db": "mlflow-database",
        ".sqlite": "mlflow-database",
        ".csv": "csv",
        ".parquet": "parquet",
    }
    kind = by_suffix.get(path.suffix)
    if kind is None:
        kind = next((name for name in ("parquet", "csv") if name in path.name.lower()), None)
    if kind is None:
        raise InvalidParameterError(
            f"What should {target!r} become? Say it with kind=, one of {', '.join(TARGETS)}, or by "
            "its name: http://..., something.db (MLflow), .duckdb, .parquet, .csv."
        )
    return kind


def check_kind(kind: str, known: tuple[str, ...]) -> str:
    """Return ``kind`` when it is known."""
    if kind not in known:
        raise InvalidParameterError(f"kind is {kind!r}; use one of {', '.join(known)}.")
    return kind


def _unknown(path: Path) -> InvalidParameterError:
    return InvalidParameterError(
        f"{str(path)!r} is nothing that nbtrack can import. It reads mlflow.db, mlruns folders, "
        "MLflow servers, TensorBoard event files, offline runs of W&B, databases of trackio, CSV "
        "files and its own stores; kind= says which it is."
    )


def shown(place: str) -> str:
    """Return a place without the password that it may have."""
    return re.sub(r"(?<=://)[^/@]*@", "...@", place)
