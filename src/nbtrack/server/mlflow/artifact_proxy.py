"""Where artifacts are for a client: behind the server's proxy, or at a place of their own.

The artifacts of a run are at ``<experiment>/<run>/artifacts/...``, the files of a logged model at
``<experiment>/models/<model>/artifacts/...``, wherever the store keeps them; where the experiment
has a prefix of its own (``mlflow-artifacts:/some/prefix``), that stands for its id. Every other
path is a plain file below one folder: the destination of the server, or one in the store's own.
"""

from __future__ import annotations

import os
import re
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nbtrack.entities import Experiment, LoggedModel, RunInfo
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.protocol.artifact_urls import SCHEME, proxied_path
from nbtrack.store import Store, get_logged_model, get_run, model_folder
from nbtrack.store.artifacts import SCHEMES, ArtifactFolder, check_artifact_path, local_path

MODELS = "models"
ARTIFACTS = "artifacts"
UPLOADS = ".nbtrack-uploads"
"""The folder of a destination in which files are gathered: it is nobody's."""

MAX_KNOWN = 10_000
_KEPT = (UPLOADS, ".content")
_MAX_ESCAPES = 10
_OWNER = re.compile(r"(?:m-)?[0-9a-f]{32}")


@dataclass(frozen=True)
class Target:
    """What a path of the proxy names.

    Attributes
    ----------
    owner : str
        A run or a logged model; empty for a plain file.
    path : str
        Below its artifacts, or below the folder of plain files; empty for all of them.
    is_model : bool
    """

    owner: str
    path: str
    is_model: bool


@dataclass
class ArtifactProxy:
    """Tells clients where artifacts are, and finds what they ask for.

    Attributes
    ----------
    store : Store
    proxied : bool
        Whether artifacts go through the server.
    destination : str, optional
        Where artifacts of new runs are kept, if not in the folder of the store.
    root : str, optional
        Where clients put artifacts of new runs themselves; the server reads and writes there too.
    """

    store: Store
    proxied: bool = True
    destination: str | None = None
    root: str | None = None
    _locations: dict[Target, str] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._plain = self.destination or str(self.store.access.plain_files)
        # these save a look at the disk for each run
        self._usual = f"{self.store.artifacts}{os.sep}"
        self._plain_head = f"{self._plain.rstrip('/')}{'/' if '://' in self._plain else os.sep}"

    def of_experiment(self, experiment: Experiment) -> str:
        """Return where a client finds the artifacts of an experiment."""
        location = experiment.artifact_location or ""
        return self._shown(location, experiment.experiment_id)

    def of_run(self, info: RunInfo) -> str:
        """Return where a client finds the artifacts of a run."""
        return self._shown(info.artifact_uri, f"{info.experiment_id}/{info.run_id}/{ARTIFACTS}")

    def of_model(self, model: LoggedModel) -> str:
        """Return where a client finds the files of a logged model."""
        path = f"{model.experiment_id}/{MODELS}/{model.model_id}/{ARTIFACTS}"
        return self._shown(model.artifact_location, path)

    def shown(self, location: str) -> str:
        """Return a location among what is served, of a model's version, for a client."""
        if not self.proxied:
            return location
        plain = _below(location, self._plain)
        if plain is not None:
            return _uri(plain)
        match _below(location, str(self.store.artifacts)):
            case None:
                return location
            case (experiment_id, run_id, *rest) if run_id != MODELS:
                # in the store's own folder the artifacts of a run are not in one of that name
                return _uri((experiment_id, run_id, ARTIFACTS, *rest))
            case parts:
                return _uri(parts)

    def is_served(self, location: str) -> bool:
        """Return whether the server may read and write at a location for others."""
        roots = (self._plain, str(self.store.artifacts), self.root)
        return any(root is not None and _below(location, root) is not None for root in roots)

    def _shown(self, location: str, path: str) -> str:
        if not self.proxied:
            return location
        if "/.." not in location:
            if location.startswith(self._plain_head):
                return f"{SCHEME}:/{location[len(self._plain_head) :].replace(os.sep, '/')}"
            if location.startswith(self._usual):
                return f"{SCHEME}:/{path}"
        plain = _below(location, self._plain)
        if plain is not None:
            return _uri(plain)
        is_usual = _below(location, str(self.store.artifacts)) is not None
        return f"{SCHEME}:/{path}" if is_usual else location

    @property
    def is_in_bucket(self) -> bool:
        """Whether new artifacts that are sent through the server go to a bucket."""
        return self._plain.partition(":")[0].lower() in SCHEMES

    def shown_of(self, target: Target) -> str:
        """Return where a client finds the artifacts of a run or a model."""
        models = f"{MODELS}/" if target.is_model else ""
        return self._shown(self._location(target), f"{models}{target.owner}/{ARTIFACTS}")

    def location_of(self, path: str) -> str:
        """Return where the plain files at a path of the proxy lie; empty for all of them."""
        return f"{self._plain.rstrip('/')}/{checked_path(path)}" if path else self._plain

    def target(self, path: str) -> Target:
        """Return what a path of the proxy names; empty for all plain files.

        Raises
        ------
        InvalidParameterError
            If it is no path.
        """
        if not path:
            return Target("", "", False)
        parts = checked_path(path).split("/")
        for place, part in enumerate(parts):
            if part == ARTIFACTS and place > 0:
                is_model = place > 1 and parts[place - 2] == MODELS
                owner = Target(parts[place - 1], "/".join(parts[place + 1 :]), is_model)
                if self._is_known(owner, parts[: place + 1]):
                    return owner
        if parts[0] in _KEPT or self._is_of_store("/".join(parts)):
            raise _invalid()
        return Target("", "/".join(parts), False)

    def _is_of_store(self, path: str) -> bool:
        """Return whether plain files at a path would be the store, or have it among them."""
        root = local_path(self._plain)
        if root is None or self.destination is None:
            return False
        place = Path(os.path.realpath(root / path))
        own = Path(os.path.realpath(self.store.path))
        named = next(
            (each.name for each in (place, *place.parents) if each.parent == own.parent), ""
        )
        return own.is_relative_to(place) or named.startswith(own.name)

    def _is_known(self, owner: Target, top: list[str]) -> bool:
        """Return whether the artifacts of a run or a model are at a path."""
        usual = len(top) == (4 if owner.is_model else 3)
        if not usual and not _OWNER.fullmatch(owner.owner):
            return False
        try:
            location = self._location(owner)
        except (NotFoundError, InvalidParameterError):
            return False
        return usual or _below(location, self._plain) == tuple(top)

    def folder(self, target: Target) -> ArtifactFolder:
        """Return where the artifacts of a run or a model are, for reading."""
        return self.store.access.folder(self.checked(self._location(target)))

    def recording(self, target: Target) -> ArtifactFolder:
        """Return where the artifacts of a run or a model are; what is put there is recorded."""
        if not target.owner:
            return self.folder(target)
        if target.is_model:
            location = self.checked(self._location(target))
            return model_folder(self.store, target.owner, location)
        writer = self.store.writer(target.owner)
        self.checked(writer.artifact_uri)
        return writer.artifacts

    def checked(self, location: str) -> str:
        """Return a location that the server may use for others; raise where it may not."""
        if not self.is_served(location):
            raise InvalidParameterError(
                f"These artifacts are kept at {location}, where the client reaches them itself; "
                "the server does not."
            )
        return location

    def _location(self, target: Target) -> str:
        if not target.owner:
            return self._plain
        key = Target(target.owner, "", target.is_model)
        found = self._locations.get(key)
        if found is None:
            with self.store.read() as reader:
                if target.is_model:
                    found = get_logged_model(reader, target.owner).artifact_location
                else:
                    found = get_run(reader, target.owner).info.artifact_uri
            with self._guard:
                if len(self._locations) >= MAX_KNOWN:
                    self._locations.clear()
                self._locations[key] = found
        return found

    def inner(self, uri: str) -> str:
        """Return a URI that a client gave as the server's own: a path instead of the proxy's.

        Raises
        ------
        InvalidParameterError
            If it names a file of the server's machine that is not served.
        UntrustedError
            If it is a URI that the server's operator has not allowed.
        """
        path = proxied_path(uri)
        if path is not None:
            target = self.target(path)
            return self.folder(target).uri_of(target.path or None)
        if urlsplit(uri).scheme in ("runs", "models"):
            return uri
        if local_path(uri) is None:
            self.store.access.choose(uri)
        elif not self.is_served(uri) and not self.store.access.was_given(uri):
            raise InvalidParameterError(
                f"Invalid model version source: '{uri}'. To use a local path as a model version "
                "source, it has to be among the artifacts that this server keeps; name a run's "
                "(runs:/<run>/<path>) or a logged model's (models:/<model id>)."
            )
        return uri


def checked_path(path: str) -> str:
    """Return a path that a client gave, of an artifact; one that leads out may be escaped, too.

    Raises
    ------
    InvalidParameterError
        If it is none.
    """
    read = path
    for _ in range(_MAX_ESCAPES):
        read, before = unquote(read), read
        if read == before:
            break
    parts = read.replace("\\", "/").split("/")
    if ".." in parts or not parts[0] or re.match(r"[A-Za-z]:/|file:", "/".join(parts)):
        raise _invalid()
    return check_artifact_path(path.rstrip("/"))


def _invalid() -> InvalidParameterError:
    return InvalidParameterError("Invalid path")


def _uri(parts: tuple[str, ...]) -> str:
    return f"{SCHEME}:/{'/'.join(parts)}"


def _below(location: str, root: str) -> tuple[str, ...] | None:
    """Return the parts of a location below a root, none for the root itself; None elsewhere."""
    try:
        local, real_root = local_path(location), local_path(root)
    except InvalidParameterError:  # of another machine
        return None
    if real_root is None:
        head = f"{root.rstrip('/')}/"
        found = location.startswith(head) and ".." not in location.split("/")
        return tuple(location[len(head) :].split("/")) if found else None
    if local is None:
        return None
    try:
        return Path(os.path.realpath(local)).relative_to(os.path.realpath(real_root)).parts
    except ValueError:
        return None
