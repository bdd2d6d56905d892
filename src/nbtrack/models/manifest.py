"""The SHA-256 of a model's files, kept beside them, so that a changed file is noticed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from nbtrack.errors import InvalidParameterError
from nbtrack.models.progress import Progress
from nbtrack.tracking.model_locations import MANIFEST as MANIFEST

MLMODEL = "MLmodel"
BYTECODE = "__pycache__"
_PIECE = 1 << 20


def write_manifest(
    folder: Path, known: Mapping[str, str] | None = None, *, shown: bool = False
) -> dict[str, str]:
    """Record the digest of every file below a folder, and return them by path.

    Parameters
    ----------
    folder : Path
        The model's folder.
    known : mapping, optional
        Digests that were taken while files were written; those files are not read again.
    shown : bool, optional
        Whether to show a progress bar if it takes longer than a second.
    """
    found = dict(known or {})
    paths = files_below(folder)
    unknown = [path for path in paths if path not in found]
    total = sum((folder / path).stat().st_size for path in unknown)
    with Progress("record model", total, shown) as progress:
        found |= {path: sha256(folder / path, progress.add) for path in unknown}
    found = {path: found[path] for path in paths}
    (folder / MANIFEST).write_text(manifest_text(found), "utf-8")
    return found


def manifest_text(files: Mapping[str, str]) -> str:
    """Return what is recorded of files with these digests: the same text for the same files."""
    found = {path: files[path] for path in sorted(files) if path != MANIFEST}
    return json.dumps({"sha256": found}, indent=1) + "\n"


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_manifest(folder: Path) -> dict[str, str] | None:
    """Return the recorded digests by path; None for a folder without any, such as MLflow's.

    Raises
    ------
    InvalidParameterError
        If the file that has them cannot be read.
    """
    file = folder / MANIFEST
    if not file.is_file():
        return None
    return manifest_of(file.read_text("utf-8", errors="replace"), str(file))


def manifest_of(text: str, file: str) -> dict[str, str]:
    """Return the digests that the text of a manifest records, by path.

    Raises
    ------
    InvalidParameterError
        If it is damaged.
    """
    try:
        found = json.loads(text)["sha256"]
        return {str(path): str(digest) for path, digest in found.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidParameterError(
            f"{file!r}, which has the digests of the model's files, is damaged. Get the model "
            "anew; or, if you trust its files as they are, delete this one."
        ) from None


def files_below(folder: Path) -> list[str]:
    """Return the paths of a model's files, in order, without the file of the digests.

    Bytecode is left out: Python writes it where it imports from, and nbtrack never reads it.
    """
    found = (path for path in folder.rglob("*") if path.is_file())
    paths = sorted(path.relative_to(folder).as_posix() for path in found)
    return [path for path in paths if path != MANIFEST and BYTECODE not in path.split("/")]


def file_of(folder: Path, name: object) -> Path:
    """Return the path of a file or a folder of a model that its MLmodel file names.

    Raises
    ------
    InvalidParameterError
        If it is outside of the model's folder, where nothing is recorded.
    """
    parts = name.replace("\\", "/").split("/") if isinstance(name, str) else [""]
    if ".." in parts or parts[0] == "" or ":" in parts[0] or "\0" in str(name):
        raise InvalidParameterError(
            f"The MLmodel file in {folder} names {name!r}, which is no file of the model. Get the "
            "model anew."
        )
    return folder / str(name)


def links_below(folder: Path) -> list[str]:
    """Return the paths of links to folders: what lies behind them is no part of a model."""
    found = (path for path in folder.rglob("*") if path.is_symlink() and path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def sha256(path: Path, add: Callable[[int], None] | None = None) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Parameters
    ----------
    path : Path
        The file.
    add : callable, optional
        Told the number of bytes of each piece that is read.
    """
    digest = hashlib.sha256()
    buffer = memoryview(bytearray(_PIECE))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            digest.update(buffer[:size])
            if add is not None:
                add(size)
    return digest.hexdigest()
