"""The packages that a model needs: found in what it is made of, and missed by name."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from importlib import import_module, metadata
from typing import Any

from nbtrack.errors import MissingDependencyError

MAX_OBJECTS = 2000
_PLAIN = (str, bytes, int, float, complex, bool, type(None))
_BACKENDS = ("tensorflow", "jax", "torch")


class Requirements:
    """A set of packages, filled while a model is written.

    Attributes
    ----------
    packages : set of str
        Names of distributions, such as ``scikit-learn``.
    own : set of str
        Modules that belong to no installed package: the user's own code.
    """

    def __init__(self) -> None:
        self.packages: set[str] = set()
        self.own: set[str] = set()

    def add_package(self, *names: str) -> None:
        """Add distributions by name."""
        self.packages.update(names)

    def add_module(self, *names: str) -> None:
        """Add the distributions that modules come from; the standard library needs none."""
        for name in names:
            top = name.partition(".")[0]
            if top in sys.stdlib_module_names or top in ("__main__", "mlflow", ""):
                continue
            found = distributions_of(top)
            self.packages.update(found)
            if not found:
                self.own.add(top)

    def add_source(self, text: str) -> None:
        """Add what Python source imports, wherever in it."""
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                self.add_module(*(alias.name for alias in node.names))
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                self.add_module(node.module)

    def add_object(self, given: Any) -> None:
        """Add the packages of an object's class, its bases, and of all that it holds."""
        seen: set[int] = set()
        waiting = [given]
        while waiting and len(seen) < MAX_OBJECTS:
            one = waiting.pop()
            if isinstance(one, _PLAIN) or id(one) in seen:
                continue
            seen.add(id(one))
            kind = one if isinstance(one, type) else type(one)
            self.add_module(*{base.__module__ for base in kind.__mro__})
            if callable(one) and isinstance(getattr(one, "__module__", None), str):
                self.add_module(one.__module__)
            waiting += _held(one)

    def lines(self) -> list[str]:
        """Return the packages as lines of a requirements file, with the installed versions."""
        return [pinned(name) for name in sorted(self.packages, key=str.lower)]


def pinned(name: str) -> str:
    """Return ``name==version`` as pip can install it, or the name of what is not installed.

    A local version (``2.9.0+cu130``) is on no package index: the part after the plus is cut.
    A package from a repository is named with its commit.
    """
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        # nbtrack in a source tree, which nothing has installed, still knows its version
        own = name == "nbtrack"
        return f"{name}=={sys.modules['nbtrack'].__version__}" if own else name
    origin = json.loads(found.read_text("direct_url.json") or "{}")
    if vcs := origin.get("vcs_info"):
        below = f"#subdirectory={origin['subdirectory']}" if "subdirectory" in origin else ""
        return f"{name} @ {vcs['vcs']}+{origin['url']}@{vcs['commit_id']}{below}"
    return f"{name}=={found.version.partition('+')[0]}"


def distributions_of(module: str) -> list[str]:
    """Return the installed distributions that a top-level module comes from."""
    if module == "nbtrack":
        return ["nbtrack"]
    return _by_module().get(module, [])


@lru_cache(maxsize=1)
def _by_module() -> Mapping[str, list[str]]:
    # takes 0.2 s: all installed packages are gone through
    return {name: sorted(set(found)) for name, found in metadata.packages_distributions().items()}


def _held(one: Any) -> Iterable[Any]:
    if isinstance(one, Mapping):
        return list(one.values())
    if isinstance(one, list | tuple | set | frozenset):
        return list(one)
    if isinstance(one, type) or (callable(one) and not hasattr(one, "__dict__")):
        return []
    held = getattr(one, "__dict__", None)
    return list(held.values()) if isinstance(held, dict) else []


def framework(module: str, package: str | None = None) -> Any:
    """Return a module of a framework.

    Parameters
    ----------
    module : str
        Such as ``"xgboost"`` or ``"skops.io"``.
    package : str, optional
        What pip calls it, where that is another name.

    Raises
    ------
    MissingDependencyError
        If it, or what it needs, is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = package or module.partition(".")[0]
        if name == "keras" and error.name in _BACKENDS:
            raise MissingDependencyError(
                f"Keras cannot start: its backend {error.name} is not installed. Set the variable "
                "KERAS_BACKEND to one that is, before keras is imported: "
                "os.environ['KERAS_BACKEND'] = 'torch'."
            ) from error
        raise MissingDependencyError(
            f"This needs the package {name}, which cannot be used here ({error}): pip install "
            f"{name}. The requirements.txt of a model names the version that it was made with."
        ) from error


def default_requirements(*packages: str) -> Callable[..., list[str]]:
    """Return the function ``get_default_pip_requirements`` of a flavor.

    Parameters
    ----------
    *packages : str
        What every model of the flavor needs.
    """

    def get_default_pip_requirements(
        include_cloudpickle: bool = False, include_skops: bool = False
    ) -> list[str]:
        """Return the requirements that every model of this flavor has.

        Parameters
        ----------
        include_cloudpickle, include_skops : bool
            Add these packages.
        """
        found = Requirements()
        found.add_package(*packages)
        found.add_package(*["cloudpickle"] * include_cloudpickle, *["skops"] * include_skops)
        return found.lines()

    return get_default_pip_requirements
