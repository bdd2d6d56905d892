"""What MLflow offers at which path, and what of it nbtrack has not or has otherwise.

``python tests/mlflow_surface.py`` writes the list that ``test_mlflow_surface.py`` compares.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import re
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

RECORDED = Path(__file__).parent / "recorded" / "mlflow_surface.txt"
# Modules for users. Left out are those of which nbtrack has nothing, and MLflow's inner ones:
# whoever imports one of them is told why it is missing (see nbtrack._names).
SCOPE = re.compile(
    r"""mlflow|mlflow\.(
    artifacts|catboost|client|config|exceptions|keras|lightgbm|metrics|onnx|
    projects|prophet|pyfunc|pytorch|sentence_transformers|shap|sklearn|spacy|
    statsmodels|system_metrics|tensorflow|tracking|transformers|version|xgboost|
    types(\.schema|\.utils)?|
    models(\.(evaluation(\.(base|validation))?|model|model_config|python_api|signature|utils))?|
    pyfunc\.(model|context)|projects\.submitted_run|
    data(\.\w+)?|
    entities(\.(?!gateway|mcp|span|trace|assessment|issue|workspace|webhook|session)\w+)*|
    tracking\.(client|fluent|artifact_utils|multimedia)|
    store\.entities(\.paged_list)?|
    utils\.(mlflow_tags|time|async_logging\.run_operations))""",
    re.VERBOSE,
)


def surface() -> Iterator[str]:
    """Yield a line for each public name that nbtrack has not, or with other parameters."""
    import mlflow

    seen: set[Any] = set()
    for name in modules(Path(mlflow.__file__).parent):
        # without TensorFlow it can be imported only where Keras was, on another backend
        if name == "mlflow.keras" and find_spec("tensorflow") is None:
            continue
        if SCOPE.fullmatch(name) and "._" not in name:
            yield from differences(name, seen)


def modules(package: Path) -> list[str]:
    """Return the names of a package and of all below it, without importing any."""
    files = [file.relative_to(package.parent) for file in package.rglob("*.py")]
    parts = [file.parent if file.name == "__init__.py" else file.with_suffix("") for file in files]
    return sorted(".".join(part.parts) for part in parts)


def differences(path: str, seen: set[Any]) -> Iterator[str]:
    """Yield what nbtrack has not of a module."""
    try:
        theirs = importlib.import_module(path)
    except ImportError:  # a framework that is not installed
        return
    ours_path = "nbtrack" + path.removeprefix("mlflow")
    try:
        ours = importlib.import_module(ours_path)
    except ImportError as error:
        yield f"{path}: {why(error)}"
        return
    for name in public(theirs):
        try:
            mine = getattr(ours, name)
        except AttributeError as error:
            yield f"{path}.{name}: {why(error)}"
            continue
        if (theirs_is := getattr(theirs, name)) not in seen:
            seen.add(theirs_is)
            yield from compared(f"{path}.{name}", theirs_is, mine)


def why(error: Exception) -> str:
    return str(error).partition("version of nbtrack: ")[2] or "missing without a reason"


def public(module: ModuleType) -> list[str]:
    """Return the names that a module offers: those of ``__all__``, else what it defines."""
    listed = getattr(module, "__all__", None)
    if listed is not None:
        return sorted({name for name in listed if not name.startswith("_")})
    return sorted(
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    )


def compared(name: str, theirs: Any, ours: Any) -> Iterator[str]:
    """Yield how a function, or the methods of a class, take other arguments than MLflow's."""
    if inspect.isfunction(theirs) and callable(ours):
        yield from arguments(name, theirs, ours)
    elif inspect.isclass(theirs) and inspect.isclass(ours):
        for method, function in vars(theirs).items():
            if method.startswith("_") or not inspect.isroutine(function):
                continue
            mine = getattr(ours, method, None)
            if mine is None:
                reason = missing_method(ours, method)
                yield f"{name}.{method}: {reason}"
            else:
                yield from arguments(f"{name}.{method}", getattr(theirs, method), mine)


def missing_method(owner: type, method: str) -> str:
    from nbtrack._names import missing_attribute

    said = missing_attribute(f"nbtrack.{owner.__name__}", method)
    return said.partition("version of nbtrack: ")[2] or "no such method"


def arguments(name: str, theirs: Any, ours: Any) -> Iterator[str]:
    """Yield the parameters of MLflow that ours lacks, and other defaults."""
    try:
        wanted, known = inspect.signature(theirs).parameters, inspect.signature(ours).parameters
    except (TypeError, ValueError):
        return
    rest = {each.kind for each in known.values()}
    for parameter in wanted.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if parameter.name.startswith("_"):
            continue
        mine = known.get(parameter.name)
        if mine is None and parameter.kind is parameter.POSITIONAL_ONLY:
            continue
        if mine is None:
            if inspect.Parameter.VAR_KEYWORD not in rest:
                yield f"{name}({parameter.name}): no such parameter"
        elif repr(mine.default) != repr(parameter.default):
            yield f"{name}({parameter.name}={mine.default!r}): {parameter.default!r} in MLflow"


def main() -> None:
    warnings.simplefilter("ignore")
    with contextlib.redirect_stdout(io.StringIO()):
        import mlflow

        lines = sorted(set(surface()))
    print(f"# MLflow {mlflow.__version__}: python tests/mlflow_surface.py > tests/recorded/...")
    print("\n".join(re.sub(r" at 0x[0-9a-f]+", "", line) for line in lines))


if __name__ == "__main__":
    main()
