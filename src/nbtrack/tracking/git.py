"""The git commit that a run was made from."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from nbtrack.entities.runs import GIT_BRANCH, GIT_COMMIT, GIT_DIRTY, GIT_REPO_URL
from nbtrack.redaction.values import display_path

MAX_CHANGED = 50
TIMEOUT = 5.0
_OURS = re.compile(r"\.duckdb(\.d/.*|\.d|\.wal)?$")


@dataclass(frozen=True)
class GitState:
    """Where a working tree stands.

    Attributes
    ----------
    root : str
        Its top folder.
    commit, branch : str or None
        None before the first commit, and where no branch is checked out.
    repo_url : str or None
        Of ``origin``, or else the first remote; without credentials.
    changed : list of str
        Tracked files that differ from the commit, at most 50.
    changed_count, untracked_count : int or None
        How many there are, and how many files and folders git does not know; None
        if git could not say in time.
    """

    root: str
    commit: str | None
    branch: str | None
    repo_url: str | None
    changed: list[str] = field(default_factory=list)
    changed_count: int | None = None
    untracked_count: int | None = None

    @property
    def dirty(self) -> bool | None:
        """Whether a tracked file differs from the commit; None if that is not known."""
        return None if self.changed_count is None else self.changed_count > 0

    def tags(self) -> dict[str, str]:
        """Return the tags that MLflow gives a run."""
        found = {
            GIT_COMMIT: self.commit,
            GIT_BRANCH: self.branch,
            GIT_REPO_URL: self.repo_url,
            GIT_DIRTY: None if self.dirty is None else str(self.dirty).lower(),
        }
        return {key: value for key, value in found.items() if value}

    def to_dict(self) -> dict[str, Any]:
        """Return what is kept with the run."""
        return {
            "commit": self.commit,
            "branch": self.branch,
            "repo_url": self.repo_url,
            "dirty": self.dirty,
            "changed": self.changed,
            "changed_count": self.changed_count,
            "untracked_count": self.untracked_count,
        }


def git_state(folder: Path) -> GitState | None:
    """Return the state of the working tree that ``folder`` is in.

    None if it is in none, git is not installed, or git does not answer in five seconds.
    """
    root = git_output(folder, "rev-parse", "--show-toplevel")
    if not root:
        return None
    status = git_output(
        folder, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal"
    )
    if status is None:
        return GitState(
            root=root.rstrip("\n"),
            commit=(git_output(folder, "rev-parse", "--verify", "HEAD") or "").strip() or None,
            branch=(git_output(folder, "symbolic-ref", "--short", "HEAD") or "").strip() or None,
            repo_url=_remote_url(folder),
        )
    heads: dict[str, str] = {}
    changed: list[str] = []
    untracked = 0
    entries = iter(status.split("\0"))
    for entry in entries:
        kind = entry[:1]
        if kind == "#":
            key, _, value = entry[2:].partition(" ")
            heads[key] = value
        elif kind in ("1", "2", "u"):
            # fields before the path: 8 in an ordinary entry, 9 in a renamed, 10 in an unmerged one
            path = entry.split(" ", {"1": 8, "2": 9, "u": 10}[kind])[-1]
            if not _OURS.search(path):
                changed.append(path)
            if kind == "2":
                next(entries, None)
        elif kind == "?":
            untracked += not _OURS.search(entry[2:].rstrip("/"))
    commit = heads.get("branch.oid")
    branch = heads.get("branch.head")
    return GitState(
        root=root.rstrip("\n"),
        commit=None if commit == "(initial)" else commit,
        branch=None if branch == "(detached)" else branch,
        repo_url=_remote_url(folder),
        changed=changed[:MAX_CHANGED],
        changed_count=len(changed),
        untracked_count=untracked,
    )


def without_credentials(url: str) -> str:
    """Return a URL without password, token and query; a path is shortened, ``git@host:x`` stays."""
    if "://" not in url:
        return display_path(url)
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    keeps_user = parts.scheme in ("ssh", "git+ssh") and at
    netloc = f"{user.split(':')[0]}@{host}" if keeps_user else host
    return urlunsplit((parts.scheme, netloc, parts.path, "", ""))


def _remote_url(folder: Path) -> str | None:
    url = git_output(folder, "config", "--get", "remote.origin.url")
    if not url:
        found = git_output(folder, "config", "--get-regexp", r"^remote\..*\.url$")
        url = found.split("\n")[0].partition(" ")[2] if found else None
    return without_credentials(url.strip()) if url else None


def git_output(folder: Path, *arguments: str, timeout: float | None = TIMEOUT) -> str | None:
    """Return what git says in a folder; None where it cannot, or takes too long."""
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
            env={**os.environ, **quiet},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
