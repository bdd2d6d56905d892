"""Records of the models that are this user's own or trusted, in the user's state folder.

A model is known by the digest of the list of its files with their digests, so by all of its
content and by nothing else: where it lies says nothing. A note is a file named by that digest;
it is empty for a model that this user has saved, and names the store or the folder for one that
the user has said to trust. The folder and the notes are for the user alone, and what somebody
else could have written there is not believed.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbtrack.errors import warn
from nbtrack.models.manifest import manifest_text, text_digest

FOLDER = "saved_models"


@dataclass(frozen=True)
class Trusted:
    """What the user has said to trust.

    Attributes
    ----------
    place : str
        A store or a model, as it was said.
    models : int
        How many models it had then.
    """

    place: str
    models: int


def digest_of(files: Mapping[str, str]) -> str:
    """Return the digest of a model's content, given the SHA-256 of each of its files by path."""
    return text_digest(manifest_text(files))


def remember(digest: str, trusted: str | None = None) -> None:
    """Note that a model is this user's own, so that loading it needs no consent.

    Parameters
    ----------
    digest : str
        See :func:`digest_of`: another content is another model.
    trusted : str, optional
        The store or the model that the user has said to trust; None where the user has saved it.
    """
    note = notes_folder() / _name(digest)
    try:
        _make_private(note.parent)
        _write(note, trusted)
    except OSError as error:
        warn(
            f"It cannot be noted in {note.parent} that this model is yours ({error}), so loading "
            "it asks for trust=True. XDG_STATE_HOME names another folder for such notes."
        )


def is_remembered(digest: str) -> bool:
    """Return whether this user has saved a model with this content, or has said to trust it."""
    note = notes_folder() / _name(digest)
    try:
        return why_not_believed(note.parent) is None and _is_own_file(note.lstat())
    except OSError:
        return False


def why_unknown() -> str | None:
    """Return why this user's own models cannot be known here; None where they can."""
    folder = notes_folder()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not os.access(folder, os.W_OK) or not folder.is_dir():
        return f"{folder} cannot be written"
    return why_not_believed(notes_folder())


def trusted() -> list[Trusted]:
    """Return what the user has said to trust, by name."""
    found: dict[str, int] = {}
    for _, place in _trusted_notes():
        found[place] = found.get(place, 0) + 1
    return [Trusted(place, found[place]) for place in sorted(found)]


def forget(place: str) -> int:
    """Trust the models of a store, or one model, no more; return how many those were.

    What this user has saved stays the user's own.
    """
    notes = [note for note, trusted_place in _trusted_notes() if trusted_place == place]
    for note in notes:
        note.unlink(missing_ok=True)
    return len(notes)


def notes_folder() -> Path:
    """Return where the notes are."""
    import platformdirs

    return Path(platformdirs.user_state_dir("nbtrack")) / FOLDER


def why_not_believed(folder: Path) -> str | None:
    """Return why notes in a folder are not believed: somebody else could have written them."""
    if not hasattr(os, "geteuid"):
        return None
    try:
        found = folder.lstat()
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        return f"{folder} is not a folder of yours"
    shared = found.st_mode & stat.S_IWOTH
    if found.st_mode & stat.S_IWGRP and not _is_private_group(found.st_gid):
        shared = True
    return f"others can write to {folder}; remove it" if shared else None


def _make_private(folder: Path) -> None:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    problem = why_not_believed(folder)
    if problem is not None:
        raise PermissionError(problem)
    if os.name == "posix" and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)


def _write(note: Path, trusted: str | None) -> None:
    text = "" if trusted is None else json.dumps({"trusted": trusted})
    try:
        descriptor = os.open(note, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if trusted is not None or not note.stat().st_size:
            return
        descriptor = os.open(note, os.O_WRONLY | os.O_TRUNC)  # now the user has saved it, too
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _trusted_notes() -> Iterator[tuple[Path, str]]:
    try:
        notes = sorted(notes_folder().iterdir())
    except OSError:
        return
    for note in notes:
        try:
            trusted_place = json.loads(note.read_text("utf-8") or "{}").get("trusted")
        except (OSError, ValueError, AttributeError):
            continue
        if isinstance(trusted_place, str):
            yield note, trusted_place


def _is_own_file(found: os.stat_result) -> bool:
    mine = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    return mine and stat.S_ISREG(found.st_mode)


def _is_private_group(gid: int) -> bool:
    """Return whether a group is the one that some systems make for each user."""
    import grp
    import pwd

    try:
        user, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(gid)
    except KeyError:
        return False
    alone = set(group.gr_mem) <= {user.pw_name}
    return alone and gid == user.pw_gid and group.gr_name == user.pw_name


def _name(digest: str) -> str:
    return re.sub(r"[^0-9a-f]", "", digest)
