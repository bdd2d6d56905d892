"""Let ``import mlflow`` give nbtrack, for code of others that says so.

``%load_ext nbtrack.as_mlflow`` does it in a notebook, ``%unload_ext`` takes it back.
"""

from __future__ import annotations

import os
import sys
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from nbtrack import variables
from nbtrack.compat.constants import VERSION
from nbtrack.environment import env
from nbtrack.errors import NbtrackWarning

__all__ = ["install_as_mlflow", "uninstall_as_mlflow"]

URI = variables.URI.mlflow

_nbtrack = sys.modules["nbtrack"]
_replaced: dict[str, ModuleType] = {}
_variables: list[str] = []


class _Mlflow(ModuleType):
    """The package ``mlflow``: the names of nbtrack, and the version of MLflow that they follow."""

    __version__ = VERSION

    def __getattr__(self, name: str) -> Any:
        return getattr(_nbtrack, name)

    def __dir__(self) -> list[str]:
        return dir(_nbtrack)


class _Finder:
    """Finds ``mlflow`` and what lies below it, before Python looks for files."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a module of MLflow, None for all others."""
        if name.partition(".")[0] != "mlflow":
            return None
        return ModuleSpec(name, _Loader, origin=_nbtrack.__file__, is_package=True)  # type: ignore[arg-type]


class _Loader:
    """Gives nbtrack's own modules under MLflow's names."""

    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        if spec.name == "mlflow":
            return _Mlflow("mlflow", _nbtrack.__doc__)
        module = import_module(f"nbtrack{spec.name.removeprefix('mlflow')}")
        spec.loader_state = module.__spec__  # Python writes the new one into the module
        return module

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Leave the module as it is."""
        if module.__spec__ is not None and module.__spec__.loader_state is not None:
            module.__spec__ = module.__spec__.loader_state


def install_as_mlflow() -> None:
    """Let ``import mlflow`` give nbtrack in this process, until ``uninstall_as_mlflow``.

    Libraries that log to MLflow, such as Lightning, transformers, Optuna and skorch, then log
    to nbtrack, without a server. Whether the package ``mlflow`` is installed does not matter.
    ``MLFLOW_TRACKING_URI`` is set to the current store where it is not set: Lightning takes it
    when it is imported, and would else ask for a store of its own.

    Warns
    -----
    NbtrackWarning
        If MLflow has been imported: modules that hold it keep it.

    Examples
    --------
    >>> nbtrack.install_as_mlflow()
    >>> import mlflow
    >>> mlflow.start_run is nbtrack.start_run
    True
    >>> nbtrack.uninstall_as_mlflow()
    """
    if _Finder in sys.meta_path:
        return
    sys.meta_path.insert(0, _Finder)
    _replaced.update(_take_out())
    if _replaced:
        warnings.warn(
            "MLflow has been imported before install_as_mlflow: modules that have imported it "
            "keep it. Call install_as_mlflow first, in a fresh kernel.",
            NbtrackWarning,
            stacklevel=2,
        )
    if not env(URI):
        os.environ[URI] = _nbtrack.get_tracking_uri()
        _variables.append(URI)
    import_module("mlflow")  # who only asks whether it is there finds its spec


def uninstall_as_mlflow() -> None:
    """Let ``import mlflow`` give MLflow again, or fail where it is not installed.

    Examples
    --------
    >>> nbtrack.install_as_mlflow()
    >>> nbtrack.uninstall_as_mlflow()
    """
    if _Finder not in sys.meta_path:
        return
    sys.meta_path.remove(_Finder)
    _take_out()
    sys.modules.update(_replaced)
    _replaced.clear()
    while _variables:
        os.environ.pop(_variables.pop(), None)


def _take_out() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == "mlflow"]
    return {name: sys.modules.pop(name) for name in names}


def load_ipython_extension(shell: Any) -> None:
    """Let ``import mlflow`` give nbtrack: ``%load_ext nbtrack.as_mlflow``."""
    _nbtrack.load_ipython_extension(shell)
    install_as_mlflow()


def unload_ipython_extension(shell: Any) -> None:
    """Take it back: ``%unload_ext nbtrack.as_mlflow``."""
    uninstall_as_mlflow()
