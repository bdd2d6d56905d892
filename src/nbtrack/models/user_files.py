"""The user's own code and files that travel with a model (``code_paths``, ``artifacts``)."""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.abc import PathEntryFinder
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path
from typing import Any

from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.models.objects.source_files import imported_files
from nbtrack.store import get_run
from nbtrack.store.artifacts import ArtifactFolder, folder_and_path
from nbtrack.tracking import context
from nbtrack.tracking.model_locations import locate, split_run_uri

CODE = "code"
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", ".git", ".ipynb_checkpoints")
FOLDER = "artifacts"


def copy_code(folder: Path, code_paths: Iterable[str | os.PathLike[str]] | None) -> str | None:
    """Copy files and folders into the model's folder, and return the name of the folder there.

    Raises
    ------
    InvalidParameterError
        If ``code_paths`` is no list.
    NotFoundError
        If one of them does not exist.
    """
    if code_paths is None:
        return None
    if isinstance(code_paths, str | os.PathLike):
        raise InvalidParameterError(
            f"code_paths is a list of files and folders: code_paths=[{str(code_paths)!r}]."
        )
    target = folder / CODE
    target.mkdir()
    for given in code_paths:
        source = Path(given)
        if source.is_dir():
            if source.resolve() == folder.resolve():
                raise InvalidParameterError(
                    f"code_paths has {str(given)!r}, which the model is saved into. "
                    "Name the packages and files that the model needs."
                )
            place = target / source.resolve().name
            shutil.copytree(source, place, ignore=_without_stores(folder), dirs_exist_ok=True)
        elif source.is_file():
            shutil.copyfile(source, target / source.name)
        else:
            raise NotFoundError(f"code_paths has {str(given)!r}, which is not there: {Path.cwd()}.")
    return CODE


def _without_stores(model: Path) -> Callable[[str, list[str]], set[str]]:
    """Return what says which files of a folder are no code: stores, the model itself, bytecode."""
    own = os.path.realpath(model)

    def ignored(folder: str, names: list[str]) -> set[str]:
        place = Path(folder)
        stores = tuple(
            name.removesuffix(".d")
            for name in names
            if name.endswith(".d") and (place / name / "journal").is_dir()
        )
        found = {name for name in names if stores and name.startswith(stores)}
        found |= {name for name in names if os.path.realpath(place / name) == own}
        return found | _IGNORED(folder, names)

    return ignored


def add_code_paths(
    options: Any, python_model: Any, loader_module: str | None, wanted: bool
) -> None:
    """Add the modules of the user's own that a model's file of code or its loader imports."""
    if not wanted or not (loader_module or isinstance(python_model, str | os.PathLike)):
        return  # the source of objects and functions is kept with what it imports
    if options.get("code_paths") is not None:
        raise InvalidParameterError("Pass either code_paths or infer_code_paths=True.")
    text = f"import {loader_module}" if loader_module else Path(python_model).read_text("utf-8")
    options["code_paths"] = imported_files(text) or None


def use_code(folder: Path) -> None:
    """Let modules of a model's code folder be imported; they come before installed ones.

    A module of the same name that an earlier model brought is forgotten, so that each model
    loads with its own code.
    """
    entries = {path.stem: path for path in folder.iterdir() if path.suffix in ("", ".py")}
    for name, module in list(sys.modules.items()):
        top = name.partition(".")[0]
        place = getattr(module, "__file__", None) or next(iter(getattr(module, "__path__", [])), "")
        if top in entries and place and not Path(place).is_relative_to(folder) and _is_code(place):
            del sys.modules[name]
    text = str(folder)
    if text in sys.path:
        sys.path.remove(text)
    sys.path.insert(0, text)
    _without_bytecode(text)
    importlib.invalidate_caches()


class SourceOnlyLoader(SourceFileLoader):
    """Compiles a module anew: bytecode beside it is no file of the model and is not believed."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Say that the age of the source is unknown, so that no bytecode is read or written."""
        raise OSError(path)


_folders: set[str] = set()
_finder = FileFinder.path_hook(
    (ExtensionFileLoader, EXTENSION_SUFFIXES), (SourceOnlyLoader, SOURCE_SUFFIXES)
)


def _find_in_code(path: str) -> PathEntryFinder:
    if not any(path == folder or path.startswith(folder + os.sep) for folder in _folders):
        raise ImportError(path)
    return _finder(path)


def _without_bytecode(folder: str) -> None:
    _folders.add(folder)
    if _find_in_code not in sys.path_hooks:
        sys.path_hooks.insert(0, _find_in_code)
    for path in [
        p for p in sys.path_importer_cache if p == folder or p.startswith(folder + os.sep)
    ]:
        del sys.path_importer_cache[path]


def _is_code(place: str) -> bool:
    """Return whether a module was brought by a model: it lies in the code folder of one."""
    return any((up.parent / "MLmodel").is_file() for up in Path(place).parents if up.name == CODE)


def copy_artifacts(folder: Path, artifacts: Mapping[str, str] | None) -> dict[str, dict[str, str]]:
    """Copy artifacts into a model's folder and return what the MLmodel file says about them.

    Parameters
    ----------
    folder : Path
        The model's folder.
    artifacts : mapping of str to str, optional
        Local paths, ``runs:/...``, ``models:/...``, and what fsspec knows, by name.

    Raises
    ------
    InvalidParameterError
        If it is no mapping of names.
    NotFoundError
        If one does not exist.
    """
    if artifacts is not None and not isinstance(artifacts, Mapping):
        raise InvalidParameterError(f"artifacts={artifacts!r} is no dictionary of names and URIs.")
    found = {}
    taken: set[str] = set()
    for name, given in (artifacts or {}).items():
        uri = os.fspath(given)
        source, path = _place(uri)
        base = (path or Path(uri.rstrip("/")).name).rpartition("/")[2]
        inside = base if base not in taken else f"{name}/{base}"
        taken.add(inside)
        target = folder / FOLDER / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        local = Path(source.download(path))
        if local.is_dir():
            shutil.copytree(local, target)
        else:
            shutil.copyfile(local, target)
        found[name] = {"path": f"{FOLDER}/{inside}", "uri": uri}
    return found


def _place(uri: str) -> tuple[ArtifactFolder, str | None]:
    if uri.startswith("models:"):
        return locate(uri).folder, None
    if uri.startswith("runs:"):
        run_id, path = split_run_uri(uri)
        with context.store_of(run_id).read() as reader:
            return reader.access.folder(get_run(reader, run_id).info.artifact_uri), path or None
    return folder_and_path(uri)
