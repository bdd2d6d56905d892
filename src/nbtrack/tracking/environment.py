"""Where a run happens: who, which notebook or script, which commit, which versions."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrack.entities import SourceType
from nbtrack.entities.runs import HOST, SOURCE_NAME, SOURCE_TYPE, USER
from nbtrack.redaction.values import display_path
from nbtrack.tracking.kernel import in_notebook, known_notebook, notebook_of_server
from nbtrack.variables import RUN_CONTEXT

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from nbtrack.redaction.secrets import Secrets


def quick_tags() -> dict[str, str]:
    """Return the tags that a new run gets at once: nothing here waits for anything.

    ``mlflow.user``, ``mlflow.source.name``, ``mlflow.source.type``, ``nbtrack.host``,
    ``nbtrack.pid``, and those of the variable ``MLFLOW_RUN_CONTEXT``.
    """
    kind = source_kind()
    return {
        USER: user_name(),
        SOURCE_NAME: _source_name(kind, known_notebook()),
        SOURCE_TYPE: kind,
        HOST: host_name(),
        "nbtrack.pid": str(os.getpid()),
        **_context_tags(),
    }


def describe() -> tuple[dict[str, str], dict[str, Any]]:
    """Return what takes longer to find out, for a background thread.

    Returns
    -------
    tags : dict of str to str
        ``mlflow.source.name`` when it is a notebook that only the Jupyter server knows,
        and ``mlflow.source.git.*``.
    environment : dict
        Python, platform, processors, memory, GPUs, git, and the versions of the
        packages that are imported. Paths in the home folder start with ``~``; URLs hold
        no credentials; environment variables are not read into it.
    """
    import platform

    from nbtrack.tracking.git import git_state
    from nbtrack.tracking.gpu import describe_gpus

    kind = source_kind()
    notebook = _notebook()
    source = notebook or _script()
    folder = _folder(source)
    state = None if folder is None else git_state(folder)
    tags = {} if state is None else state.tags()
    if notebook:
        tags[SOURCE_NAME] = display_path(notebook)
    environment: dict[str, Any] = {
        "python": {
            "version": platform.python_version(),
            "implementation": platform.python_implementation(),
            "executable": display_path(sys.executable),
        },
        "platform": {
            "system": platform.system(),
            "release": platform.release(),
            "machine": platform.machine(),
        },
        "host": host_name(),
        "folder": None if folder is None else display_path(folder),
        "source": _source_name(kind, notebook),
        "command": [] if kind == SourceType.NOTEBOOK else _command(),
        "working_folder": _working_folder(),
        "below_git": None if state is None else _below(state.root),
        "cpu_count": os.cpu_count(),
        "memory": _memory(),
        "git": None if state is None else state.to_dict(),
        "packages": imported_packages(),
        **describe_gpus(),
    }
    return {**tags, **_context_tags()}, environment


def script_source(limit: int = 1_000_000) -> str | None:
    """Return the source of the script that runs, without secrets; None where there is none.

    What an installed program such as ``pytest`` consists of is no script of the user's.
    """
    script = _script()
    if script is None or not script.endswith(".py") or "site-packages" in script:
        return None
    try:
        if Path(script).stat().st_size > limit:
            return None
        text = Path(script).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    from nbtrack.redaction.secrets import Secrets, is_wanted
    from nbtrack.redaction.source import clean_source

    return clean_source(text, Secrets()).text if is_wanted() else text


def installed_packages() -> str:
    """Return all packages that are installed, as lines of a requirements file.

    It takes 0.2 s for 300 packages, and is looked at again when something was installed. What was
    installed from a folder or file of this machine has a comment that says so.
    """
    return _installed(_package_folders())


def _package_folders() -> tuple[tuple[str, int], ...]:
    """Return the folders of ``sys.path`` that have packages, and when each has changed.

    The working folder changes with every file that a run writes: it counts if it has packages.
    """
    found = []
    for folder in dict.fromkeys(sys.path):
        try:
            if _has_packages(folder or "."):
                found.append((folder, Path(folder or ".").stat().st_mtime_ns))
        except OSError:
            continue
    return tuple(found)


def _has_packages(folder: str) -> bool:
    try:
        with os.scandir(folder) as entries:
            return any(entry.name.endswith((".dist-info", ".egg-info")) for entry in entries)
    except NotADirectoryError:  # an archive
        return True


@lru_cache(maxsize=1)
def _installed(folders: tuple[tuple[str, int], ...]) -> str:
    import platform
    from importlib import metadata

    lines: dict[str, str] = {}
    for found in metadata.distributions(path=[folder for folder, _ in folders]):
        name = found.metadata["Name"]
        if name and (key := name.lower().replace("_", "-")) not in lines:  # the first is imported
            lines[key] = _requirement(name, found)
    first = f"# Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    return "\n".join([first, *(lines[key] for key in sorted(lines))]) + "\n"


def _requirement(name: str, found: Distribution) -> str:
    """Return the line of a package: by its version, or by the commit or file it came from."""
    from nbtrack.tracking.git import without_credentials

    try:
        origin = json.loads(found.read_text("direct_url.json") or "{}")
        url = str(origin.get("url", ""))
        if vcs := origin.get("vcs_info"):
            below = f"#subdirectory={origin['subdirectory']}" if "subdirectory" in origin else ""
            place = without_credentials(url)
            return f"{name} @ {vcs['vcs']}+{place}@{vcs['commit_id']}{below}"
        if url.startswith(("http://", "https://")):
            return f"{name} @ {without_credentials(url)}"
    except (ValueError, KeyError, TypeError):
        url = ""
    return f"{name}=={found.version}" + ("  # from this machine" if url else "")


def source_kind() -> str:
    """Return ``"NOTEBOOK"`` where a kernel or a notebook app runs the code, else ``"LOCAL"``."""
    if in_notebook():
        return SourceType.NOTEBOOK
    marimo = sys.modules.get("marimo")
    try:
        if marimo is not None and marimo.running_in_notebook():
            return SourceType.NOTEBOOK
    except Exception:  # noqa: BLE001 - another package's way of saying no
        return SourceType.LOCAL
    return SourceType.LOCAL


def host_name() -> str:
    """Return the name of this machine."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket

    return socket.gethostname()


def user_name() -> str:
    """Return the name of the user, or ``"unknown"``."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # no such user id, as in many containers
        return "unknown"


def imported_packages() -> dict[str, str]:
    """Return the version of every installed package of which a module is imported."""
    names = {name.partition(".")[0] for name in list(sys.modules)}
    names = {n for n in names - sys.stdlib_module_names if n.isidentifier() and n[0] != "_"}
    return dict(_versions(frozenset(names)))


@lru_cache(maxsize=1)
def _packages_of_modules(folders: tuple[tuple[str, int], ...]) -> Mapping[str, list[str]]:
    """Return the packages of each module; going through all of them takes 0.2 s."""
    from importlib import metadata

    return metadata.packages_distributions()


@lru_cache(maxsize=2)
def _versions(names: frozenset[str]) -> dict[str, str]:
    """Return the versions of the packages of some modules."""
    from importlib import metadata

    found: dict[str, str] = {}
    by_module = _packages_of_modules(_package_folders())
    for name in names:
        for package in by_module.get(name, ()):
            if package not in found:
                try:
                    found[package] = metadata.version(package)
                except metadata.PackageNotFoundError:
                    continue
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _source_name(kind: str, notebook: str | None) -> str:
    if notebook:
        return display_path(notebook)
    if kind == SourceType.NOTEBOOK:
        return "notebook"
    script = _script()
    return display_path(script) if script else "python"


def _notebook() -> str | None:
    # a notebook that was renamed has another name than the kernel was told when it started
    known = known_notebook()
    return known if known and Path(known).is_file() else notebook_of_server() or known


def _script() -> str | None:
    first = sys.argv[0] if sys.argv else ""
    if not first or first.startswith("-") or in_notebook():
        return None
    try:
        return os.path.abspath(first)
    except OSError:  # the working directory was deleted
        return first


def _folder(source: str | None) -> Path | None:
    try:
        here = Path.cwd()
    except OSError:
        here = None
    beside = Path(source).parent if source and Path(source).is_absolute() else here
    return beside if beside is not None and beside.is_dir() else here


def _command() -> list[str]:
    """Return the words after the interpreter that started this process, without secrets."""
    from nbtrack.redaction.secrets import Secrets, is_wanted

    words = [display_path(word) for word in sys.orig_argv[1:]]
    if not is_wanted():
        return words
    secrets = Secrets()
    pairs = zip(["", *words[:-1]], words, strict=True)
    return [_without_secret(secrets, before, word) for before, word in pairs]


def _without_secret(secrets: Secrets, before: str, word: str) -> str:
    """Return a word of a command; the one before may name it, as in ``--token 1234``."""
    name, equals, value = word.partition("=")
    if word.startswith("-") and equals:
        return f"{name}={secrets.named(name.lstrip('-'), value)}"
    if before.startswith("-") and "=" not in before:
        return secrets.named(before.lstrip("-"), word)
    return secrets.text(word)


def _working_folder() -> str | None:
    try:
        return display_path(Path.cwd())
    except OSError:  # it was deleted
        return None


def _below(root: str) -> str | None:
    """Return where the working directory lies in a working tree; None where it lies elsewhere."""
    try:
        below = Path(os.path.realpath(Path.cwd())).relative_to(os.path.realpath(root))
    except (OSError, ValueError):
        return None
    return below.as_posix()


def _context_tags() -> dict[str, str]:
    text = RUN_CONTEXT.get()
    if text is None:
        return {}
    try:
        given = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return {str(k): str(v) for k, v in given.items()} if isinstance(given, dict) else {}


def _memory() -> int | None:
    try:
        import psutil
    except ImportError:
        return None
    return int(psutil.virtual_memory().total)
