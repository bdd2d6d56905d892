"""The places of artifacts that this user has chosen, remembered in the user's state folder.

An experiment whose artifacts go to a bucket or a shared folder is made in one notebook and read
in another: the first has chosen the place. One line of JSON for each choice.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

MAX_BYTES = 1 << 20


def remember(root: str, folder: Path | None = None) -> None:
    """Note a root of artifacts, for one store or for all.

    Parameters
    ----------
    root : str
        An absolute path or a URI.
    folder : Path, optional
        The folder of the store; None for all stores of this user.
    """
    choice = {"root": root, "store": None if folder is None else os.path.realpath(folder)}
    if choice in _choices():
        return
    line = json.dumps(choice) + "\n"
    try:
        _file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = os.open(_file(), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(opened, line.encode())
        finally:
            os.close(opened)
    except OSError:  # a home that cannot be written: then the next process asks again
        return


def roots_of(folder: Path) -> list[str]:
    """Return the roots that were chosen for a store, or for all."""
    store = os.path.realpath(folder)
    return [str(choice["root"]) for choice in _choices() if choice["store"] in (None, store)]


def _choices() -> list[dict[str, str | None]]:
    try:
        with _file().open("rb") as file:
            lines = file.read(MAX_BYTES).splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            choice = json.loads(line)
        except ValueError:  # cut off by a full disk
            continue
        if isinstance(choice, dict) and isinstance(choice.get("root"), str) and "store" in choice:
            found.append({"root": choice["root"], "store": choice["store"]})
    return found


def _file() -> Path:
    import platformdirs

    state = platformdirs.user_state_dir("nbtrack", appauthor=False)
    return Path(state, "artifact-roots.jsonl")
