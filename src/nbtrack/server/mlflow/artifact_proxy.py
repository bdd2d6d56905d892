"""Where artifacts are for a client: behind the server's proxy, or at a place of their own.

The proxy's paths are names, not folders: ``<experiment>/<run>/artifacts/...`` are the artifacts
of a run, ``<experiment>/models/<model>/artifacts/...`` the files of a logged model, wherever the
store keeps them. A path that names neither leads nowhere, so none can lead out of the store.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from nbtrack.entities import Experiment, LoggedModel, RunInfo
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.protocol.artifact_urls import SCHEME, proxied_path
from nbtrack.store import Store, get_logged_model, get_run, model_folder
from nbtrack.store.artifacts import ArtifactFolder, check_artifact_path, local_path

MODELS = "models"
ARTIFACTS = "artifacts"
MAX_KNOWN = 10_000


@dataclass(frozen=True)
class Target:
    """What a path of the proxy names.

    Attributes
    ----------
    owner : str
        A run or a logged model.
    path : str
        Below its artifacts; empty for all of them.
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
    """

    store: Store
    proxied: bool = True
    destination: str | None = None
    _locations: dict[Target, str] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._usual = f"{self.store.artifacts}{os.sep}"  # saves a look at the disk for each run

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
        for root in self._roots():
            owner: tuple[str, ...]
            match _below(location, root) or ():
                case (experiment_id, kind, model_id, name, *rest) if (
                    kind == MODELS and name == ARTIFACTS
                ):
                    owner = (experiment_id, MODELS, model_id)
                case (experiment_id, run_id, *rest):
                    owner = (experiment_id, run_id)
                    if root == self.destination and rest[:1] == [ARTIFACTS]:
                        rest = rest[1:]  # there a run has a folder of that name
                case _:
                    continue
            return f"{SCHEME}:/{'/'.join((*owner, ARTIFACTS, *rest))}"
        return location

    def is_served(self, location: str) -> bool:
        """Return whether the server may read and write at a location for others."""
        return any(_below(location, root) is not None for root in self._roots())

    def _roots(self) -> list[str]:
        usual = str(self.store.artifacts)
        return [usual] if self.destination is None else [self.destination, usual]

    def _shown(self, location: str, path: str) -> str:
        if not self.proxied:
            return location
        usual = location.startswith(self._usual) and "/.." not in location
        return f"{SCHEME}:/{path}" if usual or self.is_served(location) else location

    def target(self, path: str) -> Target:
        """Return what a path of the proxy names.

        Raises
        ------
        InvalidParameterError
            If it is no path.
        NotFoundError
            If it names neither a run nor a model.
        """
        parts = check_artifact_path(path).split("/")
        match parts:
            case (_, kind, model_id, name, *rest) if kind == MODELS and name == ARTIFACTS:
                return Target(model_id, "/".join(rest), True)
            case (_, run_id, name, *rest) if name == ARTIFACTS:
                return Target(run_id, "/".join(rest), False)
        raise NotFoundError(
            f"There are no artifacts at {path!r}: this server keeps those of runs, at "
            "<experiment>/<run>/artifacts, and of logged models, at "
            "<experiment>/models/<model>/artifacts."
        )

    def folder(self, target: Target) -> ArtifactFolder:
        """Return where the artifacts of a run or a model are, for reading."""
        return self.store.access.folder(self.checked(self._location(target)))

    def recording(self, target: Target) -> ArtifactFolder:
        """Return where the artifacts of a run or a model are; what is put there is recorded."""
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
            return self.folder(target).uri_of(target.path)
        if urlsplit(uri).scheme in ("runs", "models"):
            return uri
        if local_path(uri) is None:
            self.store.access.choose(uri)
        elif not self.is_served(uri) and not self.store.access.was_given(uri):
            raise InvalidParameterError(
                f"Invalid model version source: '{uri}'. A local path must be among the artifacts "
                "that this server keeps; name a run's (runs:/<run>/<path>) or a logged model's "
                "(models:/<model id>)."
            )
        return uri


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
