"""References to installed objects by name, and which modules are the user's own."""

from __future__ import annotations

import functools
import sys
import sysconfig
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

SYNTHETIC = "nbtrack_model_"
"""What the names of modules begin with that are made of a model's source."""

# where functions live that say nothing, or nothing useful, of the module they belong to
_HOMES = (
    "builtins", "torch", "torch.nn.functional", "torch._C._nn", "torch.special", "torch.linalg",
    "torch.fft", "numpy", "math", "operator", "cmath", "functools", "itertools",
)  # fmt: skip


def is_own(module_name: str | None) -> bool:
    """Return whether a module is the user's own: a notebook, a script, a file beside it."""
    if module_name is None:
        return False
    top = module_name.partition(".")[0]
    if top == "__main__" or top.startswith(SYNTHETIC):
        return True
    if top in sys.stdlib_module_names or top in sys.builtin_module_names or top == "nbtrack":
        return False
    module = sys.modules.get(module_name)
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py"):
        return False
    return not _is_installed(top, str(Path(file).resolve().parent))


@functools.cache
def _is_installed(top: str, folder: str) -> bool:
    if is_site(Path(folder)):
        return True
    return top in _distributions() and not _is_editable(_distributions()[top])


def is_site(folder: Path) -> bool:
    """Return whether a folder is one, or lies in one, where packages are installed."""
    return any(folder.is_relative_to(site) for site in _sites())


@functools.cache
def _sites() -> tuple[Path, ...]:
    import site

    names = ("purelib", "platlib", "stdlib", "platstdlib")
    paths = [sysconfig.get_path(name) for name in names]
    paths += [*site.getsitepackages(), site.getusersitepackages()]
    return tuple(Path(path).resolve() for path in paths if path)


@functools.cache
def _distributions() -> dict[str, str]:
    return {top: names[0] for top, names in metadata.packages_distributions().items()}


@functools.cache
def _is_editable(distribution: str) -> bool:
    try:
        text = metadata.distribution(distribution).read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return True
    return text is not None and '"editable": true' in text


def is_file(module_name: str) -> bool:
    """Return whether a module is a file as a whole, not the statements of a notebook."""
    module = sys.modules.get(module_name)
    if module is None or module_name == "__main__" or not getattr(module, "__file__", None):
        return False
    return bool(getattr(module, "__nbtrack_whole__", True))


def original_name(module_name: str) -> str:
    """Return the name that a module had when its source was saved first."""
    first, _, rest = module_name.partition(".")
    return rest if first.startswith(SYNTHETIC) and rest else module_name


def reference(value: Any) -> tuple[str, str] | None:
    """Return the module and the name by which an installed function or class is found.

    The shortest public place is preferred: ``torch.nn``, not ``torch.nn.modules.linear``.
    None where there is no such place, or where it is the user's own.
    """
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if not isinstance(name, str) or "<" in name:
        return None
    module = getattr(value, "__module__", None)
    if isinstance(module, str) and not is_own(module):
        for home in _homes(module):
            if _found(home, name) is value:
                return home, name
    if isinstance(module, str) and is_own(module):
        return None
    short = getattr(value, "__name__", name)
    for home in _HOMES:
        if home in sys.modules and _found(home, short) is value:
            return home, short
    return None


def resolve(module: str, name: str) -> Any:
    """Return what ``reference`` has named.

    Raises
    ------
    ImportError, AttributeError
        If it is not there any more.
    """
    import importlib

    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def is_whole(value: Any) -> bool:
    """Return whether a value is found in a module of the user's own, not a notebook."""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", None)
    if not isinstance(module, str) or not isinstance(name, str) or module == "__main__":
        return False
    if not is_own(module) or not is_file(module):
        return False
    return _found(module, name) is value


def module_of(value: Any) -> str | None:
    """Return the name by which a module can be imported again, or None."""
    if isinstance(value, ModuleType) and sys.modules.get(value.__name__) is value:
        return value.__name__
    return None


def _homes(module: str) -> list[str]:
    parts = module.split(".")
    homes = [".".join(parts[: end + 1]) for end in range(len(parts))]
    public = [home for home in homes if not any(part[0] == "_" for part in home.split("."))]
    return [*public, module]


def _found(module: str, name: str) -> Any:
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return found
