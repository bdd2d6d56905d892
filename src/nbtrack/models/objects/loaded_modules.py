"""Which of a model's source files this process has loaded already, word for word."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.models.objects import statements
from nbtrack.models.objects.form import Form, nodes_in
from nbtrack.models.objects.references import is_file
from nbtrack.models.objects.serializer import Serializer
from nbtrack.models.objects.source_files import without_secrets


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
    serializer = Serializer()
    try:
        for qualname in dict.fromkeys(node["name"] for node in wanted):
            value: Any = module
            for part in qualname.split("."):
                value = getattr(value, part, None)
            if value is None:
                return False
            serializer.sources.add(value)
    except InvalidParameterError:
        return False
    made = serializer.sources.finish()
    if name not in made or made[name].values != form.files[name]["values"]:
        return False
    return all(sources.get(file.path) == file.text for file in made.values()) and all(
        key in arrays and _equal(array, arrays[key])
        for key, array in serializer.arrays.extra.items()
    )


def _equal(array: Any, other: Any) -> bool:
    import numpy as np

    one, two = (a.detach().cpu().float() if hasattr(a, "detach") else a for a in (array, other))
    return bool(np.array_equal(np.asarray(one), np.asarray(two), equal_nan=True))
