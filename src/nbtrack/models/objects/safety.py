"""Lists what deserializing would run: what is not on the allowlist needs consent."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from nbtrack.errors import UntrustedError
from nbtrack.models.objects import allowlist, constructors
from nbtrack.models.objects.form import Form

_PACKAGES = {"tensor": "torch", "ndarray": "numpy", "objects": "numpy", "scalar": "numpy"}
_TELLING = {"global", "module", "method", "call", "object", "parametrized", *_PACKAGES}


def code_in(tree: Any) -> list[str]:
    """Return what deserializing a tree would run that is not known to be harmless.

    Nothing is imported to find out.

    Returns
    -------
    list of str
        Source files by their path, installed functions and classes by their full names.

    Raises
    ------
    InvalidParameterError
        If the tree is none that ``serialize`` returns.
    """
    return unknown_in(Form.of(tree))


def unknown_in(form: Form) -> list[str]:
    """Return what has no consent in a tree; see ``code_in``."""
    shared = form.shared
    names = {_unknown(node, shared) for node in form.nodes if node["~"] in _TELLING} - {None}
    return [*(str(record["path"]) for record in form.files.values()), *sorted(map(str, names))]


def name_of(node: Any, shared: dict[int, dict[str, Any]]) -> tuple[str, str] | None:
    """Return the module and name that a node stands for, also where it refers to another."""
    meant = _meant(node, shared)
    return (meant["module"], meant["name"]) if meant.get("~") == "global" else None


def _meant(node: Any, shared: dict[int, dict[str, Any]]) -> dict[str, Any]:
    if not isinstance(node, dict):
        return {}
    return shared.get(node["id"], {}) if node.get("~") == "ref" else node


def untrusted(names: Iterable[str], place: str | os.PathLike[str]) -> UntrustedError:
    """Return the error that names what would run, and says how to consent."""
    found = list(names)
    # a stranger's names are not to look like words of ours
    shown = [f"{name if name.isprintable() else ascii(name):.100}" for name in found[:8]]
    return UntrustedError(
        f"Loading this would run code: {', '.join(shown)}"
        f"{', ...' if len(found) > 8 else ''}. If you trust where it comes from, read it "
        f"in {os.fspath(place)} and pass trust=True."
    )


def _unknown(node: dict[str, Any], shared: dict[int, dict[str, Any]]) -> str | None:
    kind = node["~"]
    if kind == "global":
        full = f"{node['module']}.{node['name']}"
        return None if allowlist.is_allowed(node["module"], node["name"]) else full
    if kind in _PACKAGES:
        return None if allowlist.is_here(_PACKAGES[kind]) else _PACKAGES[kind]
    if kind == "module":
        return str(node["module"])
    if kind == "method":
        return f"the method {node['name']}"
    if kind == "call":
        name = name_of(node["function"], shared)
        return None if name in constructors.CONSTRUCTORS else _called(node["function"], shared)
    if kind in ("object", "parametrized"):
        name = name_of(node["class"], shared)
        plain = not {"arguments", "items", "pairs"} & set(node)
        known_class = name is not None and plain and allowlist.is_class(*name)
        return None if known_class else _called(node["class"], shared)
    return None


def _called(node: Any, shared: dict[int, dict[str, Any]]) -> str | None:
    meant = _meant(node, shared)
    if meant.get("~") in ("own", "made"):
        return None  # the file that it is from says so
    name = name_of(meant, shared)
    return "a call of what it makes itself" if name is None else ".".join(name)
