"""Deserializing objects: what is allowed without consent, and which deserializer does it."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.objects import statements
from nbtrack.models.objects.checking import serialize
from nbtrack.models.objects.deserializer import Deserializer
from nbtrack.models.objects.form import Form, damaged, nodes_in
from nbtrack.models.objects.references import is_file
from nbtrack.models.objects.restricted import RestrictedDeserializer
from nbtrack.models.objects.safety import unknown_in, untrusted
from nbtrack.models.objects.source_files import without_secrets


def deserialize(
    tree: dict[str, Any],
    arrays: Mapping[str, Any],
    sources: Mapping[str, str],
    *,
    trusted: bool = False,
    place: str | os.PathLike[str] = "<model>",
) -> Any:
    """Make an object anew from what ``serialize`` has returned.

    Where this process has the very classes the object was made of, with the same source,
    they are used; else they are made of the saved source, in modules of their own. Without
    trust a description is a closed language: of known names and data, and nothing is imported
    or called before all of it is found to be so.

    Parameters
    ----------
    tree : dict
    arrays : mapping of str to torch.Tensor or numpy.ndarray
        ``weights`` and ``extra`` together. Tensors are used as they are, on their device.
    sources : mapping of str to str
    trusted : bool
        Whether the source may run, and whatever else the description names.
    place : path
        The folder of the sources, named in tracebacks.

    Raises
    ------
    UntrustedError
        If code would run and ``trusted`` is False.
    InvalidParameterError
        If something that the object needs is not there (an array, a package, a function), or
        the description is none that ``serialize`` returns.
    """
    form = Form.of(tree)
    _check_consent(form, trusted, place)
    try:
        return _deserializer(form, arrays, sources, trusted, os.fspath(place)).deserialize()
    except NbtrackError:
        raise
    except RecursionError as error:
        raise damaged("its values lie too deep in each other") from error
    except Exception as error:  # what a damaged description, or a class of the user's, raises
        raise InvalidParameterError(
            f"This object cannot be put together: {type(error).__name__}: {error}. Its files are "
            "damaged, or the packages of its requirements.txt are not those it was saved with."
        ) from error


def check_consent(
    tree: Any, *, trusted: bool = False, place: str | os.PathLike[str] = "<model>"
) -> None:
    """Raise what ``deserialize`` would raise without consent, before any array is read."""
    _check_consent(Form.of(tree), trusted, place)


def _check_consent(form: Form, trusted: bool, place: str | os.PathLike[str]) -> None:
    if not trusted and (found := unknown_in(form)):
        raise untrusted(found, place)


def _deserializer(
    form: Form, arrays: Mapping[str, Any], sources: Mapping[str, str], trusted: bool, place: str
) -> Deserializer:
    if not trusted:
        return RestrictedDeserializer(form, arrays, place)
    missing = [r["path"] for r in form.files.values() if r["path"] not in sources]
    if missing:
        raise InvalidParameterError(
            f"The source {missing[0]!r} of this model is missing: its files are not complete."
        )
    return Deserializer(form, arrays, dict(sources), place, loaded_modules(form, sources, arrays))


def loaded_modules(
    form: Form, sources: Mapping[str, str], arrays: Mapping[str, Any]
) -> dict[str, ModuleType]:
    """Return what stands in this process for saved files, which need not be run then.

    So a model that is loaded where it was made is of the class that is there, and
    ``isinstance`` says so; where the class was changed since, the saved one is made anew.
    Names of the description are looked up in those modules: the caller has consent.
    """
    found: dict[str, ModuleType] = {}
    for name, record in form.files.items():
        if record["path"] not in sources:
            continue
        if record["whole"]:
            module = sys.modules.get(record["origin"])
            same = is_file(record["origin"]) and _text(module) == sources[record["path"]]
        else:
            module = sys.modules.get("__main__")
            same = _is_same(form, name, module, sources, arrays)
        if same and module is not None:
            found[name] = module
    return found


def _text(module: Any) -> str | None:
    try:
        return without_secrets(statements.text_of(module))[0]
    except InvalidParameterError:
        return None


def _is_same(
    form: Form,
    name: str,
    module: Any,
    sources: Mapping[str, str],
    arrays: Mapping[str, Any],
) -> bool:
    """Return whether saving the same names now would write the same source and values."""
    wanted = [node for node in nodes_in(form.root) if node.get("file") == name]
    if any(node["~"] != "own" for node in wanted):
        return False
    values = []
    for qualname in dict.fromkeys(node["name"] for node in wanted):
        value: Any = module
        for part in qualname.split("."):
            value = getattr(value, part, None)
        if value is None:
            return False
        values.append(value)
    try:
        made = serialize(values)
    except InvalidParameterError:
        return False  # a class was changed since, so that it is none that can be saved
    files = made.tree["files"]
    if name not in files or files[name]["values"] != form.files[name]["values"]:
        return False
    return all(sources.get(path) == text for path, text in made.sources.items()) and all(
        key in arrays and _equal(array, arrays[key]) for key, array in made.extra.items()
    )


def _equal(array: Any, other: Any) -> bool:
    import numpy as np

    one, two = (a.detach().cpu().float() if hasattr(a, "detach") else a for a in (array, other))
    return bool(np.array_equal(np.asarray(one), np.asarray(two), equal_nan=True))
