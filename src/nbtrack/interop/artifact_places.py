"""Where artifacts are now that another tracker has left somewhere, maybe on another machine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nbtrack.errors import InvalidParameterError
from nbtrack.store.artifact_roots import local_path

_ROOTS = ("mlruns", "mlartifacts")
_SERVED = re.compile(r"^mlflow-artifacts:/*(?:/[^/]+(?=//))?/*")


@dataclass(frozen=True)
class Place:
    """Where artifacts are: a local folder that exists, a URI that only others can read, or lost.

    Attributes
    ----------
    local : Path or None
    remote : str or None
        A URI of object storage, such as ``s3://``: the artifacts stay there.
    """

    local: Path | None = None
    remote: str | None = None


class Places:
    """Finds artifact folders by the names that they had.

    Parameters
    ----------
    roots : mapping of str to str
        What the beginning of a place has become: ``{"/home/ann/mlruns": "/data/mlruns"}``.
    near : Path or None
        The folder of the source: ``mlruns`` and ``mlartifacts`` in it are looked into.
    """

    def __init__(self, roots: Mapping[str, str], near: Path | None) -> None:
        self._roots = sorted(roots.items(), key=lambda pair: len(pair[0]), reverse=True)
        self._near = near

    def find(self, uri: str) -> Place:
        """Return where the artifacts are that a URI or path names."""
        moved = self._moved(uri)
        served = _SERVED.match(moved)
        if served is not None:
            return Place(self._beside(("mlartifacts",), moved[served.end() :]))
        try:
            local = local_path(moved)
        except InvalidParameterError:
            return Place()
        if local is None:
            return Place(remote=moved)
        if local.is_dir():
            return Place(local)
        return Place(self._same_tail(local))

    def is_lost(self, uri: str) -> bool:
        """Return whether not even the folder is there that would hold all of an experiment's.

        Where it is, the run or model just has no artifacts.
        """
        moved = self._moved(uri)
        if _SERVED.match(moved):
            tail = _SERVED.sub("", moved).split("/")
            return self._beside(("mlartifacts",), tail[0]) is None
        try:
            local = local_path(moved)
        except InvalidParameterError:
            return True
        if local is None or any(parent.is_dir() for parent in list(local.parents)[:3]):
            return False
        return all(self._same_tail(parent) is None for parent in list(local.parents)[:3])

    def _moved(self, uri: str) -> str:
        plain = uri.removeprefix("file://") if uri.startswith("file:///") else uri
        for old, new in self._roots:
            old = old.rstrip("/")
            for text in (uri, plain):
                if text == old or text.startswith((f"{old}/", f"{old}\\")):
                    return new.rstrip("/") + text[len(old) :].replace("\\", "/")
        return uri

    def _same_tail(self, path: Path) -> Path | None:
        """Return the folder of the same name beside the source: it was moved as a whole."""
        parts = path.as_posix().split("/")
        for name in _ROOTS:
            if name in parts:
                place = len(parts) - 1 - parts[::-1].index(name)
                return self._beside((name,), "/".join(parts[place + 1 :]))
        return None

    def _beside(self, names: tuple[str, ...], tail: str) -> Path | None:
        if self._near is None or ".." in tail.split("/"):
            return None
        for folder in [self._near / name for name in names] + [self._near]:
            if tail and (folder / tail).is_dir():
                return folder / tail
        return None
