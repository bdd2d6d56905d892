"""Finds artifacts by the paths that another tracker has recorded, also after they were moved."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbtrack.errors import InvalidParameterError
from nbtrack.interop.allowed_folders import AllowedFolders
from nbtrack.store.artifacts import local_path

Roots = Mapping[str, str] | Sequence[str]
"""What places have become, or places that are read as they are."""

_ROOTS = ("mlruns", "mlartifacts")
_SERVED = re.compile(r"^mlflow-artifacts:/*(?:/[^/]+(?=//))?/*")


@dataclass(frozen=True)
class ArtifactLocation:
    """Where artifacts are: a local folder, a URI that only others can read, closed, or lost.

    Attributes
    ----------
    local : Path or None
    remote : str or None
        A URI of object storage, such as ``s3://``: the artifacts stay there.
    closed : Path or None
        A local folder that neither belongs to the source nor was named by the user.
    """

    local: Path | None = None
    remote: str | None = None
    closed: Path | None = None

    @property
    def why(self) -> str:
        """Say why a closed folder is not read."""
        return (
            f"They are said to be in {self.closed}, which is none of the source's own folders. If "
            f"you know that folder, name it: --artifact-root {self.closed}, or "
            "artifact_roots=[...]."
        )


class ArtifactLocator:
    """Finds artifact folders by the names that they had.

    Parameters
    ----------
    roots : mapping of str to str
        What the beginning of a place has become: ``{"/home/ann/mlruns": "/data/mlruns"}``.
        Or a sequence of places that are believed as they are.
    allowed : AllowedFolders
        The folders that are read, the source's own first.
    """

    def __init__(self, roots: Roots, allowed: AllowedFolders) -> None:
        pairs = roots if isinstance(roots, Mapping) else {root: root for root in roots}
        self._roots = sorted(pairs.items(), key=lambda pair: len(pair[0]), reverse=True)
        self._allowed = allowed

    def find(self, uri: str) -> ArtifactLocation:
        """Return where the artifacts are that a URI or path names."""
        moved = self._moved(uri)
        served = _SERVED.match(moved)
        if served is not None:
            return ArtifactLocation(self._beside(("mlartifacts",), moved[served.end() :]))
        try:
            local = local_path(moved)
        except InvalidParameterError:
            return ArtifactLocation()
        if local is None:
            return ArtifactLocation(remote=moved)
        if self._allowed.holds(local) and local.is_dir():
            return ArtifactLocation(local)
        beside = self._same_tail(local)
        if beside is None and local.exists():
            return ArtifactLocation(closed=local)
        return ArtifactLocation(beside)

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
        if not tail or ".." in tail.split("/"):
            return None
        roots = self._allowed.roots
        for folder in sorted(roots, key=lambda root: root.name not in names):
            if (folder / tail).is_dir() and self._allowed.holds(folder / tail):
                return folder / tail
        return None


def named_folders(roots: Roots) -> list[Path]:
    """Return the local folders among the places that the user has named."""
    places = roots.values() if isinstance(roots, Mapping) else roots
    return [found for place in places if (found := local_path(place)) is not None]
