"""Names of MLflow that this version does not have yet: they are refused by name."""

from __future__ import annotations

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
