"""Where the runs go and what the environment asks for."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from nbtrack import variables
from nbtrack._names import look_elsewhere
from nbtrack.errors import InvalidParameterError

if TYPE_CHECKING:
    from nbtrack.postgres_address import PostgresAddress

look_elsewhere(__name__)

DEFAULT_NAME = "nbtrack.duckdb"
TEAM_SPOOL = "team-"  # what folders of team stores begin with, among those of mirrors


def truncates_long_values() -> bool:
    """Return whether long params and tags are cut (with a warning) or refused."""
    return variables.TRUNCATE_LONG_VALUES.get()


class AsyncLogging:
    """Whether logging calls return a handle where ``synchronous`` is not given."""

    enabled: ClassVar[bool | None] = None


def enable_async_logging(enable: bool = True) -> None:
    """Let logging calls return a handle, as MLflow's asynchronous ones do.

    What they log is on disk when they return either way: the handle has nothing to wait for.

    Parameters
    ----------
    enable : bool
        False to give no handles.

    Examples
    --------
    >>> from nbtrack.config import enable_async_logging
    >>> enable_async_logging()
    >>> with nbtrack.start_run():
    ...     handle = nbtrack.log_metric("loss", 0.4)
    >>> handle.wait()
    >>> enable_async_logging(False)
    """
    AsyncLogging.enabled = enable


def is_async_logging() -> bool:
    """Return whether logging calls return a handle where ``synchronous`` is not given."""
    if AsyncLogging.enabled is None:
        AsyncLogging.enabled = variables.ENABLE_ASYNC_LOGGING.get()
    return AsyncLogging.enabled


def default_uri() -> str | None:
    """Return the tracking URI that the environment names, if any."""
    return variables.URI.get()


@dataclass(frozen=True)
class StoreLocation:
    """A local store: the database file and what was said about it.

    Attributes
    ----------
    path : Path
        The DuckDB file, where it really lies: a store that is reached through links is the same
        one. ``<path>.d`` beside it holds lock, journals and artifacts.
    uri : str
        What ``get_tracking_uri`` answers.
    notice : str or None
        Said to the user once: the URI named another kind of store, or none did, and the store
        is not in the working folder.
    server : str or None
        The URL of the tracking server that the file mirrors; a name and a password that were
        given in it are still there, and shown nowhere.
    team : PostgresAddress or None
        The catalog of a team's store; beside ``path`` are journals then, but there is no file.
    """

    path: Path
    uri: str
    notice: str | None = None
    server: str | None = field(default=None, repr=False)
    team: PostgresAddress | None = None

    def __post_init__(self) -> None:
        """Follow links to the one real place.

        Raises
        ------
        InvalidParameterError
            If it cannot be that of a database.
        """
        object.__setattr__(self, "path", _real(self.path))


def _real(path: Path) -> Path:
    """Return where a database file lies, or will lie, when all links are followed."""
    found = Path(os.path.realpath(path))
    change = "Choose another place with nbtrack.set_tracking_uri(...) or NBTRACK_URI."
    if found.is_symlink():
        raise InvalidParameterError(
            f"{str(path)!r} leads in a circle: {str(found)!r} is a link to itself. {change}"
        )
    text = str(found)
    odd = "" if sys.platform == "win32" else "\\"
    if "?" in str(found.parent) or (odd and odd in text) or not _is_utf8(text):
        raise InvalidParameterError(
            f"A database cannot lie at {text!r}: DuckDB opens none in a folder with a ? in its "
            f"name, nor where a name has a backslash or letters that are not UTF-8. {change}"
        )
    return found


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(os.path.expanduser(os.fspath(path))))


def find_default(start: Path | None = None) -> Path:
    """Return ``nbtrack.duckdb`` in ``start`` or the nearest folder above that has one.

    A folder above counts if it and the store in it are this user's. The search ends at the
    user's home, at the root of a repository and at that of a file system.
    """
    return _default(_absolute(start or Path.cwd())).path


def _default(here: Path) -> StoreLocation:
    path = here / DEFAULT_NAME
    notice = None
    if not _has_store(here):
        for folder in filter(_has_store, _above(here)):
            found = folder / DEFAULT_NAME
            if _is_own(folder):
                path = found
                notice = f"Runs go to {found}, the nearest store above the working folder."
                break
            notice = notice or (
                f"Runs go to {path}: {found} or its folder belongs to another user. To use it, set "
                "NBTRACK_URI to it."
            )
    return StoreLocation(path, str(path), notice)


def _has_store(folder: Path) -> bool:
    place = folder / DEFAULT_NAME
    return os.path.lexists(place) or os.path.lexists(f"{place}.d")


def _above(folder: Path) -> Iterator[Path]:
    """Yield the folders above one, up to the home, and the roots of repository and file system."""
    while not (_is_home(folder) or os.path.lexists(folder / ".git") or os.path.ismount(folder)):
        folder = folder.parent
        if not hasattr(os, "getuid") and folder == folder.parent:
            return  # whose it is cannot be told there, and everybody may write to a drive's root
        yield folder


def _is_home(folder: Path) -> bool:
    try:
        return folder.samefile(Path.home())
    except (OSError, RuntimeError):  # no home, or none that can be looked at
        return False


def _is_own(folder: Path) -> bool:
    """Return whether a folder and the store in it belong to this user, as far as can be told."""
    if not hasattr(os, "getuid"):
        return True
    try:
        return _owner_of(folder) == os.getuid() and all(
            _owner_of(place) == os.getuid()
            for place in (folder / DEFAULT_NAME, folder / f"{DEFAULT_NAME}.d")
            if os.path.lexists(place)
        )
    except OSError:
        return False


def _owner_of(place: Path) -> int:
    return place.stat().st_uid


def resolve(uri: str | os.PathLike[str] | None) -> StoreLocation:
    """Return the local store that a tracking URI names.

    Parameters
    ----------
    uri : str or path or None
        A path of a DuckDB file or of a folder, ``duckdb:///path``, ``file:...``;
        ``None`` or ``""`` for ``nbtrack.duckdb`` in the working directory or the
        nearest one above that is the user's own. ``sqlite:///x.db`` and ``./mlruns`` name a
        store of MLflow: nbtrack keeps its own one beside it (``x.duckdb``, ``mlruns.duckdb``).
        ``http://host`` is a tracking server, ``postgresql://host/database`` a team's store.

    Raises
    ------
    InvalidParameterError
        If the URI names something that nbtrack cannot serve.
    """
    if uri is None or uri == "":
        return _default(_absolute(Path.cwd()))
    text = os.fspath(uri)
    text = os.fsdecode(text)
    scheme = _scheme(text)
    if scheme in ("", "file", "duckdb"):
        return _local(text, scheme)
    if scheme == "sqlite":
        return _beside_sqlite(text)
    if scheme in ("http", "https"):
        return _mirror(text)
    if scheme in ("postgresql", "postgres", "ducklake"):
        from nbtrack.postgres_address import parse_address

        address = parse_address(text)
        spool = remote_root() / f"{TEAM_SPOOL}{address.id}" / DEFAULT_NAME
        return StoreLocation(spool, address.uri, team=address)
    raise InvalidParameterError(
        f"nbtrack cannot track to {_shown(text)!r}: it keeps runs in a DuckDB file. "
        "Use a path, such as set_tracking_uri('nbtrack.duckdb'), or unset "
        "NBTRACK_URI / MLFLOW_TRACKING_URI to use nbtrack.duckdb in the working directory."
    )


def split_server(url: str) -> tuple[str, str | None, str | None]:
    """Return the URL of a tracking server, and the name and the password that it was given with.

    Raises
    ------
    InvalidParameterError
        If it is no such URL.
    """
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host:
        raise InvalidParameterError(
            f"{_shown(url)!r} is no URL of a tracking server. Use one such as "
            "http://localhost:5000, or a path for a store on this machine."
        )
    shown = f"[{host}]" if ":" in host else host
    place = shown if port is None else f"{shown}:{port}"
    plain = f"{parts.scheme.lower()}://{place}{parts.path.rstrip('/')}"
    names = (unquote(text) if text else None for text in (parts.username, parts.password))
    username, password = names
    return plain, username, password


def remote_root() -> Path:
    """Return the folder of the mirrors: ``NBTRACK_REMOTE_DIR``, or one of the user's state."""
    root = variables.REMOTE_DIR.get()
    return state_folder() / "remote" if root is None else _absolute(root)


def state_folder() -> Path:
    """Return the folder of this user's state; ``keep_private`` makes folders in it."""
    import platformdirs

    return _absolute(platformdirs.user_state_dir("nbtrack", appauthor=False))


def keep_private(folder: Path) -> None:
    """Make a folder, with those of the user's state around it, for this user alone.

    What lies in it already, with wider modes, is closed to others too.
    """
    state = state_folder()
    around = [each for each in (state, *folder.parents) if each.is_relative_to(state)]
    with contextlib.suppress(OSError):  # of another user, or read-only: nothing is put there
        for place in sorted({*around, folder}):
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            _close(place)
    for inside, folders, files in os.walk(folder):
        for name in (*folders, *files):
            with contextlib.suppress(OSError):
                _close(Path(inside, name))


def _close(place: Path) -> None:
    mode = place.lstat().st_mode
    if mode & 0o077 and not stat.S_ISLNK(mode):
        place.chmod(stat.S_IMODE(mode) & 0o700)


def _mirror(text: str) -> StoreLocation:
    """Return the store on this machine that mirrors a tracking server, for one of its users."""
    import hashlib

    url, username, _ = split_server(text)
    user = username or variables.TRACKING_USERNAME.get() or ""
    name = hashlib.sha256(f"{user}@{url}".encode()).hexdigest()[:16]
    return StoreLocation(remote_root() / name / DEFAULT_NAME, url, server=text)


def _scheme(text: str) -> str:
    if text.split("://")[0].lower() in ("databricks", "databricks-uc", "uc"):
        return "databricks"
    match = re.match(r"^([A-Za-z][A-Za-z0-9+.\-]+):", text)
    if not match or (sys.platform == "win32" and len(match.group(1)) == 1):
        return ""
    return match.group(1).lower().split("+")[0]


def _shown(text: str) -> str:
    """Return a URI without the password that it may have."""
    return re.sub(r"(?<=://)[^/@]*@", "...@", text)


def _local(text: str, scheme: str) -> StoreLocation:
    path = _absolute(_path_of(text, scheme))
    if path.suffix == ".duckdb":
        return StoreLocation(path, str(path))
    if _is_mlruns(path):
        ours = path.with_name(path.name + ".duckdb")
        return StoreLocation(ours, str(ours), _notice(text, ours))
    if path.is_file() or path.suffix in (".db", ".ddb"):
        return StoreLocation(path, str(path))
    ours = path / DEFAULT_NAME
    return StoreLocation(ours, str(ours))


def _path_of(text: str, scheme: str) -> str:
    if not scheme:
        return text
    from urllib.parse import unquote, urlsplit  # imports much that a plain path does not need

    rest = text[len(scheme) + 1 :]
    if rest.startswith("//"):
        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost", "."):
            raise InvalidParameterError(
                f"{text!r} names another machine ({parts.netloc}); use a path on this one."
            )
        rest = ("." if parts.netloc == "." else "") + parts.path
        # duckdb:///x.duckdb is relative, duckdb:////x.duckdb absolute, as with sqlite
        if scheme == "duckdb" and rest.startswith("/"):
            rest = rest[1:]
    return unquote(rest) or "."


def _is_mlruns(path: Path) -> bool:
    if path.name == "mlruns":
        return True
    return path.is_dir() and any(path.glob("*/meta.yaml"))


def _beside_sqlite(text: str) -> StoreLocation:
    from urllib.parse import unquote

    rest = unquote(text.split(":", 1)[1])
    rest = rest.removeprefix("//").removeprefix("/").split("?")[0]
    if not rest or rest == ":memory:":
        rest = "mlflow.db"
    ours = _absolute(rest).with_suffix(".duckdb")
    return StoreLocation(ours, str(ours), _notice(text, ours))


def _notice(text: str, ours: Path) -> str:
    return (
        f"{text!r} is a store of MLflow, which nbtrack leaves as it is. "
        f"Runs go to {ours}; the runs in the old store can be imported."
    )
