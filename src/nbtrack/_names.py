"""Public names: where each is defined, and those of MLflow that this version does not have yet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

_EVALUATION = "evaluate shap"
_FLAVORS = """lightgbm catboost onnx statsmodels spark sentence_transformers prophet pmdarima
spacy diffusers h2o paddle"""
_AUTOLOG = "autolog"
_TRACING = """trace start_span start_span_no_context get_trace search_traces log_trace add_trace
set_trace_tag delete_trace_tag update_current_trace get_current_active_span get_active_trace_id
get_last_active_trace_id flush_trace_async_logging search_sessions log_feedback log_expectation
log_assessment get_assessment update_assessment delete_assessment override_feedback tracing genai
openai anthropic langchain litellm llama_index dspy load_prompt register_prompt search_prompts
set_prompt_alias delete_prompt_alias"""
_SERVERS = "login gateway deployments server"

LATER: dict[str, str] = {
    name: what
    for what, names in (
        ("evaluations", _EVALUATION),
        ("doors to more frameworks", _FLAVORS),
        ("autologging", _AUTOLOG),
        ("traces and prompts", _TRACING),
        ("servers", _SERVERS),
    )
    for name in names.split()
}
"""Names of the package ``mlflow``, and what each of them belongs to."""

LATER_METHODS: dict[str, str] = {
    name: what
    for what, names in (
        ("traces and prompts", "search_traces get_trace set_trace_tag delete_trace_tag"),
    )
    for name in names.split()
}
"""Methods of ``mlflow.MlflowClient``, and what each of them belongs to."""


def missing_attribute(where: str, name: str, later: dict[str, str]) -> str:
    """Return what to say about a name that is not there."""
    if name in later:
        return (
            f"{where}.{name} is not available in this version of nbtrack: {later[name]} come with "
            "a later one."
        )
    return f"{where} has no attribute {name!r}"


def attach(
    package: str,
    shown: str | None = None,
    later: dict[str, str] | None = None,
    public: list[str] | None = None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Let a package import what its ``__init__.pyi`` names when a name is first asked for.

    Type checkers read the same file, so there is one list of names (SPEC 1 of Scientific Python).

    Parameters
    ----------
    package : str
        Its name.
    shown : str, optional
        What an error calls the package; by default Python's own words.
    later : dict of str, optional
        Names that come with a later version, and what each of them belongs to.
    public : list of str, optional
        The names that users are shown; by default all.

    Returns
    -------
    tuple of callable
        ``__getattr__`` and ``__dir__`` of the package.
    """

    def get(name: str) -> Any:
        if name == "__all__":
            return directory()
        home, original = exports(package).get(name, ("", ""))
        if not home:
            raise AttributeError(
                missing_attribute(shown or f"module {package!r}", name, later or {})
            )
        if home == package:
            return import_module(f"{package}.{original}")
        value = vars(sys.modules[package])[name] = getattr(import_module(home), original)
        return value

    def directory() -> list[str]:
        return sorted(public or exports(package), key=lambda name: (not name[0].isupper(), name))

    return get, directory


@cache
def exports(package: str) -> dict[str, tuple[str, str]]:
    """Return which module has each public name of a package, and under which name.

    As for type checkers, ``from module import name as name`` makes a name public.
    """
    import ast
    from pathlib import Path

    stub = Path(str(sys.modules[package].__file__)).with_suffix(".pyi")
    found: dict[str, tuple[str, str]] = {}
    for node in ast.parse(stub.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            found |= {
                each.asname: (str(node.module), each.name) for each in node.names if each.asname
            }
        elif isinstance(node, ast.AnnAssign):
            found[ast.unparse(node.target)] = ("", "")  # the package itself has it
    return found
