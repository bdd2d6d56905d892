"""Where the files of a project come from: a folder, a file in one, an archive, a repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from nbtrack.errors import MissingDependencyError, ProjectError
from nbtrack.projects.entry_points import RUNNABLE
from nbtrack.untrusted_files import unpack

_GIT_URI = re.compile(r"^(https?|ssh|git|git\+ssh|git\+https)://|^[^/@\s]+@[^/:\s]+:")
_PROTOCOLS = "file:git:http:https:ssh"


@dataclass(frozen=True)
class Source:
    """The files of a project, as long as they are needed.

    Attributes
    ----------
    folder : Path
        The project; a sub folder of ``root`` where the URI has a ``#``.
    name : str
        What the run says it came from: an absolute path, or the URI without credentials.
    file : str or None
        The script or notebook that the URI names itself.
    version : str or None
        The version that was asked for.
    cloned : bool
        Whether it was fetched from a repository.
    """

    folder: Path
    name: str
    file: str | None = None
    version: str | None = None
    cloned: bool = False


@contextmanager
def opened(uri: str, version: str | None = None) -> Iterator[Source]:
    """Fetch a project; what was fetched is removed again at the end.

    Parameters
    ----------
    uri : str
        A folder, a script, a notebook, a ``.zip`` file, each also as ``file://``; or a repository
        (``https://...``, ``ssh://...``, ``git@...``, or a folder that is one, with ``version``).
        ``#`` and a path name a folder in it.
    version : str, optional
        A branch, a tag or a commit of a repository.

    Raises
    ------
    ProjectError
        If there is no such project or no such version.
    """
    base, sub = _divided(str(uri).strip().strip("'\""))
    with ExitStack() as stack:
        if _GIT_URI.match(base):
            root = stack.enter_context(_cloned(base, version))
            yield _within(root, sub, _shown(base, sub), version=version, cloned=True)
            return
        path = _local(base)
        if path.suffix == ".zip" and path.is_file():
            _refuse_version(version, base)
            root = stack.enter_context(_unpacked(path))
            yield _within(root, sub, str(path))
        elif path.is_file():
            _refuse_version(version, base)
            if path.suffix not in RUNNABLE:
                raise ProjectError(
                    f"{path} is no project: name a folder, a repository, a .zip file, or a file "
                    f"that ends in {', '.join(RUNNABLE)}.",
                    "INVALID_PARAMETER_VALUE",
                )
            yield Source(path.parent, str(path), file=path.name)
        elif not path.is_dir():
            raise ProjectError(
                f"There is no project at {path}. Name a folder, a script, a notebook or a "
                "repository.",
                "RESOURCE_DOES_NOT_EXIST",
            )
        elif version is None and not _is_bare(path):
            yield _within(path, sub, str(path))
        elif not _is_repository(path):
            _refuse_version(version, base)
        else:
            root = stack.enter_context(_cloned(path.as_uri(), version))
            yield _within(root, sub, _shown(str(path), sub), version=version, cloned=True)


def _divided(uri: str) -> tuple[str, str]:
    base, _, sub = uri.partition("#")
    parts = [part for part in sub.split("/") if part]
    if any(part in (".", "..") for part in parts):
        raise ProjectError(
            f"The folder {sub!r} behind # may not have '.' or '..' in it.",
            "INVALID_PARAMETER_VALUE",
        )
    return base, "/".join(parts)


def _local(base: str) -> Path:
    if base.startswith("file:"):
        base = url2pathname(urlsplit(base).path)
    return Path(os.path.abspath(os.path.expanduser(base)))


def _within(
    root: Path, sub: str, name: str, *, version: str | None = None, cloned: bool = False
) -> Source:
    folder = root / sub if sub else root
    if folder.is_file() and folder.suffix in RUNNABLE:
        return Source(folder.parent, name, folder.name, version, cloned)
    if not folder.is_dir():
        raise ProjectError(f"There is no folder {sub!r} in {name}.", "RESOURCE_DOES_NOT_EXIST")
    return Source(folder, name, None, version, cloned)


def _shown(base: str, sub: str) -> str:
    from nbtrack.tracking.git import without_credentials

    name = without_credentials(base) if "://" in base else base
    return f"{name}#{sub}" if sub else name


def _refuse_version(version: str | None, base: str) -> None:
    if version is not None:
        raise ProjectError(
            f"{base!r} is no git repository, so that it has no version {version!r}.",
            "INVALID_PARAMETER_VALUE",
        )


def _is_repository(path: Path) -> bool:
    return (path / ".git").exists() or _is_bare(path)


def _is_bare(path: Path) -> bool:
    """Return whether a folder is a repository without files to run in place."""
    return (path / "HEAD").is_file() and (path / "objects").is_dir()


@contextmanager
def _unpacked(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nbtrack-project-") as place:
        unpack(path, Path(place))
        yield Path(place)


@contextmanager
def _cloned(uri: str, version: str | None) -> Iterator[Path]:
    """Fetch one version of a repository, with its submodules, into a temporary folder."""
    if version is not None and (version.startswith("-") or not version):
        raise ProjectError(f"{version!r} is no version of a repository.", "INVALID_PARAMETER_VALUE")
    uri = uri.removeprefix("git+")
    with tempfile.TemporaryDirectory(
        prefix="nbtrack-project-", ignore_cleanup_errors=True
    ) as place:
        root = Path(place)
        _git(root, "init", "--quiet")
        _git(root, "remote", "add", "origin", "--", uri)
        if version is None:
            _git(root, "fetch", "--quiet", "--depth=1", "origin", "HEAD")
            _git(root, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        else:
            _checkout(root, uri, version)
        if (root / ".gitmodules").exists():
            _git(root, "submodule", "update", "--init", "--recursive", "--quiet")
        yield root


def _checkout(root: Path, uri: str, version: str) -> None:
    fetched = _git(root, "fetch", "--quiet", "--depth=1", "origin", version, check=False)
    if fetched == 0:
        _git(root, "checkout", "--quiet", "--detach", "FETCH_HEAD")
        return
    # a commit that is written short, or a server that gives no single commits
    _git(root, "fetch", "--quiet", "--tags", "origin", "+refs/heads/*:refs/remotes/origin/*")
    for name in (f"origin/{version}", version):
        if _git(root, "checkout", "--quiet", "--detach", name, check=False) == 0:
            return
    raise ProjectError(
        f"The repository {_shown(uri, '')} has no branch, tag or commit {version!r}.",
        "RESOURCE_DOES_NOT_EXIST",
    )


def _git(root: Path, *words: str, check: bool = True) -> int:
    asks = sys.stdin is not None and sys.stdin.isatty()
    variables = {"GIT_ALLOW_PROTOCOL": _PROTOCOLS, "LC_ALL": "C"}
    if not asks:
        variables["GIT_TERMINAL_PROMPT"] = "0"
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words],
            env={**os.environ, **variables},
            stdin=None if asks else subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise MissingDependencyError(
            "Projects from repositories need the command git, which is not installed."
        ) from None
    if check and done.returncode:
        from nbtrack.tracking.git import without_credentials

        output = done.stderr.decode("utf-8", "replace").strip()
        output = re.sub(r"\S+://\S+", lambda found: without_credentials(found.group()), output)
        raise ProjectError(f"git {words[0]} failed: {output}")
    return done.returncode
