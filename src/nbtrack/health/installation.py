"""What is installed: versions that fit together, and the parts that Jupyter shows."""

from __future__ import annotations

import json
import platform
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from nbtrack.health.finding import Finding, Level, note, problem, warning

_NAME = "nbtrack"
_SHOWN = ("duckdb", "numpy", "pandas", "torch", "mlflow", "jupyterlab", "notebook", "ipykernel")
_EXTRA = re.compile(r"""extra\s*==\s*['"]([\w.-]+)""")
_FRONT_END = Path(__file__).parents[1] / "static" / "views.js"


def findings() -> Iterator[Finding]:
    """Look at the versions, the front end and the extensions of Jupyter."""
    yield from versions()
    yield from front_end()
    if _version("jupyterlab") or _version("notebook"):
        yield from extensions(*_jupyter_folders())
    if shutil.which("nvidia-smi") and find_spec("pynvml") is None:
        yield note(
            "gpu",
            "There is an NVIDIA GPU, and its load is not among the system metrics.",
            "pip install 'nbtrack[gpu]'",
        )


def versions() -> Iterator[Finding]:
    """Name the versions, and the requirements that are not met."""
    yield Finding(
        "version",
        f"nbtrack {_code_version()}, Python {platform.python_version()} ({sys.executable}), "
        f"{platform.platform()}",
    )
    known = [f"{name} {version}" for name in _SHOWN if (version := _version(name))]
    yield Finding("version", ", ".join(known))
    installed = _version(_NAME)
    if installed is None:
        yield note("version", f"nbtrack runs from {Path(__file__).parents[2]}, not installed.")
    elif installed != _code_version():
        yield problem(
            "version",
            f"Two versions are mixed: the code is {_code_version()} "
            f"({Path(__file__).parents[1]}), and pip knows {installed}.",
            "pip install --force-reinstall nbtrack, and restart the kernel.",
        )
    else:
        yield from unmet(metadata.requires(_NAME) or ())


def unmet(requirements: Iterable[str]) -> Iterator[Finding]:
    """Name the requirements that the installed versions do not meet.

    Those of an extra count where something else has brought the package, and then as a warning:
    not everybody who has it uses it with nbtrack. The tools of developers do not count.
    """
    try:
        from packaging.requirements import Requirement
    except ModuleNotFoundError:
        yield note("version", "Without 'packaging' the versions of packages are not compared.")
        return
    seen = set()
    for text in requirements:
        wanted = Requirement(text)
        extra = _EXTRA.search(text)
        version = _version(wanted.name)
        if extra is not None and (version is None or extra[1] == "dev"):
            continue
        if wanted.marker is not None and not wanted.marker.evaluate(
            {"extra": extra[1] if extra else ""}
        ):
            continue
        named = f"{wanted.name}{wanted.specifier}"
        if named in seen or (version and wanted.specifier.contains(version, prereleases=True)):
            continue
        seen.add(named)
        there = "is not installed" if version is None else f"is {version}"
        yield Finding(
            "version",
            f"{wanted.name} {there}; nbtrack needs {named}.",
            Level.PROBLEM if extra is None else Level.WARNING,
            f"pip install '{named}'",
        )


def front_end(bundle: Path = _FRONT_END) -> Iterator[Finding]:
    """See whether the widgets have their code."""
    if not bundle.is_file():
        yield problem(
            "front end",
            "nbtrack was installed without its front end: no table and no chart shows.",
            "Put npm on the PATH and install nbtrack again, or install a wheel.",
        )


def extensions(data: Iterable[Path], config: Iterable[Path]) -> Iterator[Finding]:
    """Look for the extensions of JupyterLab and of the Jupyter server.

    Parameters
    ----------
    data, config : iterable of Path
        The folders in which Jupyter looks, those that count most first.
    """
    config = list(config)
    yield from _lab(_code_version(), data, config)
    enabled = None
    for folder in config:
        found = _read(folder / "jupyter_server_config.d" / "nbtrack.json")
        enabled = found.get("ServerApp", {}).get("jpserver_extensions", {}).get(_NAME)
        if enabled is not None:
            break
    if enabled:
        yield Finding("server extension", "It is enabled.")
    else:
        what = "not enabled" if enabled is None else "disabled"
        yield warning(
            "server extension",
            f"The Jupyter server extension is {what}: no sidebar, and no tracking server.",
            "jupyter server extension enable nbtrack, and restart Jupyter.",
        )


def _lab(version: str, data: Iterable[Path], config: list[Path]) -> Iterator[Finding]:
    packages = [_read(folder / "labextensions" / _NAME / "package.json") for folder in data]
    found = next((each for each in packages if each), None)
    if found is None:
        yield warning(
            "lab extension",
            "JupyterLab has no extension of nbtrack: no sidebar and no details.",
            "pip install --force-reinstall nbtrack in the environment that Jupyter runs in.",
        )
    elif found.get("version") != version:
        yield problem(
            "lab extension",
            f"JupyterLab has the extension of nbtrack {found.get('version')}, and the kernel has "
            f"nbtrack {version}.",
            "Install the same version in both environments, and reload the page.",
        )
    else:
        yield Finding("lab extension", f"Version {version} is installed.")
    for folder in config:
        disabled = _read(folder / "labconfig" / "page_config.json").get("disabledExtensions", {})
        names = [name for name, off in dict(disabled).items() if off]
        if any(name == _NAME or name.startswith(f"{_NAME}:") for name in names):
            yield warning(
                "lab extension",
                f"It is disabled in {folder / 'labconfig'}.",
                "jupyter labextension enable nbtrack, and reload the page.",
            )


def _code_version() -> str:
    return str(sys.modules[_NAME].__version__)


def _jupyter_folders() -> tuple[list[Path], list[Path]]:
    from jupyter_core.paths import jupyter_config_path, jupyter_path

    return [Path(p) for p in jupyter_path()], [Path(p) for p in jupyter_config_path()]


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
