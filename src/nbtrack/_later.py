"""Names of MLflow that this version does not have yet: they are refused by name."""

from __future__ import annotations

_MODELS = """create_external_model finalize_logged_model get_logged_model import_checkpoints
initialize_logged_model last_logged_model log_model_params log_outputs search_logged_models
set_logged_model_tags delete_logged_model_tag set_active_model get_active_model_id
clear_active_model ActiveModel evaluate models pyfunc pytorch sklearn transformers tensorflow keras
xgboost lightgbm catboost onnx statsmodels spark sentence_transformers prophet pmdarima spacy
diffusers h2o paddle shap"""
_REGISTRY = """register_model search_registered_models search_model_versions set_model_version_tag
set_registry_uri get_registry_uri"""
_AUTOLOG = "autolog"
_TRACING = """trace start_span start_span_no_context get_trace search_traces log_trace add_trace
set_trace_tag delete_trace_tag update_current_trace get_current_active_span get_active_trace_id
get_last_active_trace_id flush_trace_async_logging search_sessions log_feedback log_expectation
log_assessment get_assessment update_assessment delete_assessment override_feedback tracing genai
openai anthropic langchain litellm llama_index dspy load_prompt register_prompt search_prompts
set_prompt_alias delete_prompt_alias"""
_PROJECTS = "run projects"
_SERVERS = "login doctor gateway deployments server"

LATER: dict[str, str] = {
    name: what
    for what, names in (
        ("logged models", _MODELS),
        ("the model registry", _REGISTRY),
        ("autologging", _AUTOLOG),
        ("traces and prompts", _TRACING),
        ("projects", _PROJECTS),
        ("servers", _SERVERS),
    )
    for name in names.split()
}
"""Names of the package ``mlflow``, and what each of them belongs to."""

LATER_METHODS: dict[str, str] = {
    name: what
    for what, names in (
        (
            "logged models",
            """create_logged_model log_model_params finalize_logged_model get_logged_model
            delete_logged_model set_logged_model_tags delete_logged_model_tag log_model_artifact
            log_model_artifacts search_logged_models list_logged_model_artifacts log_outputs""",
        ),
        (
            "the model registry",
            """create_registered_model rename_registered_model update_registered_model
            delete_registered_model search_registered_models get_registered_model
            get_latest_versions set_registered_model_tag delete_registered_model_tag
            create_model_version copy_model_version update_model_version
            transition_model_version_stage delete_model_version get_model_version
            get_model_version_download_uri search_model_versions get_model_version_stages
            set_model_version_tag delete_model_version_tag set_registered_model_alias
            delete_registered_model_alias get_model_version_by_alias""",
        ),
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
