"""Public names: where each is defined, and those of MLflow that this version does not have yet."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, lru_cache, partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_REASONS = {
    "it does not evaluate language models and traces": r"""
        metrics\.(ari_grade_level|bleu|exact_match|flesch_kincaid_grade_level|genai|latency|\w+_at_k|
        rouge\w+|token_count|toxicity)(\..*)?|
        entities\.(evaluation_dataset\w*(\..*)?|EvaluationDataset\w*)|
        data\.(evaluation_dataset_source(\..*)?|EvaluationDatasetSource)|
        \w+\.(Dataset(Record\w*|Granularity)|dataset_(record\w*|summary))|
        \w*Client\.\w+_datasets?(_\w+)?""",
    "more model flavors come with a later one": r"""
        (diffusers|h2o|paddle|pmdarima)(\..*)?|
        data\.(from_tensorflow|tensorflow_dataset(\..*)?)""",
    "traces and prompts come with a later one": r"""
        context|trace|test|log_(trace|feedback|expectation|issue|assessment)|search_sessions|
        \w*_(span|spans|trace|traces|prompt|prompts|assessment|feedback|trace_tag|prompt_alias)|
        (get_current_active|start)_span\w*|get_(last_)?active_trace_id|flush_trace_async_logging|
        (tracing|genai|openai|anthropic|langchain|litellm|llama_index|dspy|bedrock|gemini|groq|
        mistral|autogen|crewai|smolagents|pydantic_ai|semantic_kernel|haystack)(\..*)?|
        entities\.(model_registry\.)?(\w*Span\w*|\w*Trace\w*|Assessment\w*|Feedback|Prompt\w*|
        Expectation|Issue\w*|Session|Document|ScorerVersion|Link|\w+Location|EntityAssociationType)|
        entities\.(model_registry\.)?(span|trace|assessment|issue|session|document|scorer|link|
        entity_type|prompt)\w*(\..*)?|
        exceptions\.\w*Trac\w+|pyfunc\.(ChatModel|ChatAgent|ResponsesAgent)|pyfunc\.context(\..*)?|
        pyfunc\.model\.(ChatModel|ChatAgent|ResponsesAgent)|models\.set_retriever_schema|
        types\.(agent|chat|llm|responses|responses_helpers)(\..*)?|
        \w*Client\.\w*(trace|span|prompt)\w*""",
    "servers come with a later one": r"""
        login|(gateway|deployments|server)(\..*)?|(\w+\.)*ModelFromDeploymentEndpoint""",
    "it leaves out Spark and Databricks": r"""
        (spark|pyspark)(\..*)?|(\w+\.)*\w*(spark|pyspark|databricks|Spark|Databricks|MockDbutils)\w*|
        models\.(resources|auth_policy|Resource|ResourceType)(\..*)?|
        data\.(load_delta|(delta|uc_volume)_\w+(\..*)?|sources\.(Delta|UC)\w+)|
        entities\.(UC|UnityCatalog|InferenceTable)\w*|(\w+\.)*\w*[dD]eployment_?[jJ]ob\w*""",
    "it leaves out workspaces, webhooks, MCP and the AI gateway": r"""
        \w+_workspaces?|entities\.(Workspace|Webhook|Gateway|Connect|Budget|MCP|Routing|Fallback|Guardrail|
        workspace|webhook|gateway|mcp)\w*|\w*Client\.\w*(mcp|webhook|workspace)\w*""",
    "it makes no conda environments and no containers": r"""
        (\w+\.)*(get_default_conda_env|build_docker|build_model_env|EnvType|env_type)""",
    "it leaves out MLflow's internal modules": r"""
        (utils|protos|telemetry)\.\w+(\..*)?|
        store\.(artifact|tracking|model_registry|entities|db|db_migrations|analytics)\.\w+(\..*)?|
        tracking\.(context|default_experiment|request_auth|request_header|registry|_\w+|fluent|
        metric_value_conversion_utils|multimedia)(\..*)?|
        data\.(artifact_dataset_sources|dataset_(source_)?registry|schema|Dataset\w*Registry)(\..*)?|
        entities\.(multipart_upload|presigned_\w+|\w+Upload\w*|Presigned\w+)(\..*)?|
        entities\.model_registry\.(\w+_search|\w+Search)|
        models\.(\w+\.)?(FlavorBackend|add_libraries_to_model|load_serving_example|plot_lines|
        validate_schema|infer_pip_requirements|get_external_mlflow_model_spec|
        get_model_requirements_files|get_model_version_from_model_uri)|
        pyfunc\.(add_to_model|load_pyfunc|update_signature_for_type_hint_from_example)|
        shap\.get_underlying_model_flavor|transformers\.(generate_signature_output|is_gpu_available|persist_pretrained_model)|
        types\.(utils|schema\.(BaseType|TensorInfo|convert_dataclass_to_schema)|type_hints)(\..*)?|
        data\.polars_dataset\.\w+|data\.pyfunc_dataset_mixin(\..*)?|\w+\.to_evaluation_dataset|
        data\.evaluation_dataset\.\w+|metrics\.metric_definitions(\..*)?|
        models\.evaluation\.(\w+\.\w+|utils|evaluator_registry|deprecated|\w+_curve|_\w+)(\..*)?|
        \w+\.\w+\.(\w+_attribute|check_run_is_active|MetricWithRunId)|
        exceptions\.(get_error_code|MlflowNotImplementedException|MissingConfigException|
        InvalidUrlException)|models\.model\.Files|data\.digest_utils\.get_normalized_md5_digest|
        projects\.submitted_run\.LocalSubmittedRun|statsmodels\.AutologHelpers|version\.is_release_version|
        (\w+\.)*get_canonical_stage""",
}
"""Why nbtrack has not what MLflow has: patterns of its names without ``mlflow.``."""


_ENTITIES = """dataset dataset_input experiment experiment_tag file_info input_tag lifecycle_stage
logged_model logged_model_input logged_model_output logged_model_parameter logged_model_status
logged_model_tag metric param run run_data run_info run_inputs run_outputs run_status run_tag
source_type view_type"""
_REGISTRY = """model_version model_version_status model_version_tag
registered_model registered_model_alias registered_model_tag"""
_DATA = """code_dataset_source dataset dataset_source http_dataset_source huggingface_dataset
huggingface_dataset_source meta_dataset numpy_dataset pandas_dataset polars_dataset sources
filesystem_dataset_source digest_utils"""
_REPOSITORIES = """artifact_repo artifact_repository_registry local_artifact_repo
mlflow_artifacts_repo models_artifact_repo runs_artifact_repo"""

FLAVORS = "nbtrack.flavors"
"""The entry points by which packages bring flavors of their own."""

PATHS: dict[str, str] = {
    "config": ".",
    **{f"entities.{each}": "entities" for each in _ENTITIES.split()},
    **{f"entities.model_registry.{each}": "entities.model_registry" for each in _REGISTRY.split()},
    "entities.model_registry.model_version_stages": "compat.constants",
    **{f"data.{each}": "data compat.functions" for each in _DATA.split()},
    "data.evaluation_dataset": "models.evaluation",
    "environment_variables": "compat.constants",
    "metrics.base": "metrics",
    "models.model": "models",
    "models.model_config": "models",
    "models.python_api": "models",
    "models.signature": "models",
    "models.utils": "models",
    "projects.submitted_run": "projects",
    "protos": "",
    "protos.databricks_pb2": "compat.constants",
    "pyfunc.model": "pyfunc",
    "store.artifact": "",
    **{f"store.artifact.{each}": "compat.functions" for each in _REPOSITORIES.split()},
    "store.entities": "entities",
    "store.entities.paged_list": "entities",
    "store.tracking": "compat.constants",
    "tracking.artifact_utils": "compat.functions",
    "tracking.client": "client",
    "tracking.context.registry": "compat.functions",
    "tracking.fluent": "compat.functions .",
    "tracking.multimedia": ".",
    "utils": "",
    "utils.async_logging": "",
    "utils.async_logging.run_operations": ".",
    "utils.file_utils": "compat.functions",
    "utils.git_utils": "compat.functions",
    "utils.logging_utils": "compat.functions",
    "utils.mlflow_tags": "compat.constants",
    "utils.time": "compat.functions",
    "utils.validation": "compat.constants",
    "version": "compat.constants",
}
"""MLflow's modules without ``mlflow.``, and which of ours have their names ("." is the package)."""


def missing_attribute(where: str, name: str) -> str:
    """Return what to say about a name that is not there, and why if MLflow has it.

    Parameters
    ----------
    where : str
        What should have it, such as ``nbtrack.sklearn``.
    name : str
        The name.
    """
    import re

    full = f"{where}.{name}"
    for reason, pattern in _REASONS.items():
        if re.fullmatch(re.sub(r"\s+", "", pattern), full.removeprefix("nbtrack.")):
            return f"{full} is not available in this version of nbtrack: {reason}."
    return f"{where} has no attribute {name!r}"


def look_elsewhere(module: str, **late: str) -> None:
    """Let a module have the names and submodules that only MLflow has in it.

    What nbtrack has in another module is found there, see ``PATHS``; for the rest
    the error says why. Type checkers see nothing of it.

    Parameters
    ----------
    module : str
        Its ``__name__``.
    **late
        Names of its own, and the modules that have them: imported when they are asked for, since
        they need a library.
    """
    space = vars(sys.modules[module])
    space["__getattr__"] = partial(_late if late else _elsewhere, module, module, **late)
    space.setdefault("__path__", [])  # without it there can be no module below


def _elsewhere(module: str, shown: str, name: str) -> Any:
    if not name.startswith("__"):
        found = look_up(module.removeprefix("nbtrack").lstrip("."), name)
        if found is None and module == "nbtrack":
            found = installed_flavor(name)
        if found is not None:
            return found
    raise _missing(module, shown, name)


def _missing(module: str, shown: str, name: str) -> AttributeError:
    message = missing_attribute(shown, name)
    if name.startswith("_") or not message.endswith(repr(name)):
        return AttributeError(message)  # MLflow has it, and the message says why nbtrack has not
    from nbtrack.suggestions import MissingNameError

    return MissingNameError(message, name, partial(_public, module))


def _public(module: str) -> list[str]:
    there = sys.modules[module]
    return [name for name in dir(there) if not name.startswith("_")]


def _late(module: str, shown: str, name: str, /, **late: str) -> Any:
    if name in late:
        value = vars(sys.modules[module])[name] = getattr(import_module(late[name]), name)
        return value
    return _elsewhere(module, shown, name)


def attach(
    package: str, shown: str | None = None, public: list[str] | None = None
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Let a package import what its ``__init__.pyi`` names when a name is first asked for.

    Type checkers read the same file, so there is one list of names (SPEC 1 of Scientific Python).

    Parameters
    ----------
    package : str
        Its name.
    shown : str, optional
        What an error calls the package; by default Python's own words.
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
            return _elsewhere(package, shown or f"module {package!r}", name)
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
    import re
    from pathlib import Path

    text = Path(str(sys.modules[package].__file__)).with_suffix(".pyi").read_text("utf-8")
    # ast would read any file, and takes longer to be imported than a first run has
    found = {
        name: (home, original)
        for home, original, name in re.findall(
            r"^from ([\w.]+) import \(?\s*(\w+) as (\w+)", text, re.MULTILINE
        )
    }
    return found | dict.fromkeys(re.findall(r"^(\w+): ", text, re.MULTILINE), ("", ""))


def look_up(path: str, name: str) -> Any:
    """Return what a module of MLflow has under a name, None if nbtrack has it nowhere.

    Parameters
    ----------
    path : str
        The module without ``mlflow.``, such as ``"tracking.client"``; "" for the package.
    name : str
        The name in it, also of a module below it.
    """
    below = f"{path}.{name}".lstrip(".")
    if below in PATHS:
        return import_module(f"nbtrack.{below}")
    for where in PATHS.get(path, "").split():
        module = import_module("nbtrack" if where == "." else f"nbtrack.{where}")
        try:
            return getattr(module, name)
        except AttributeError:
            continue
    return None


def installed_flavor(name: str) -> Any:
    """Return the flavor of this name that an installed package brings along; None without one.

    Parameters
    ----------
    name : str
        The name of an entry point in the group ``nbtrack.flavors``.
    """
    from pathlib import Path

    # libraries that look for an object ask every module for its name, hundreds of times
    folders = [Path(path) for path in sys.path if path and Path(path).is_dir()]
    places = tuple((str(folder), folder.stat().st_mtime_ns) for folder in folders)
    found = _installed(places).get(name)
    return None if found is None else found.load()


@lru_cache(maxsize=1)
def _installed(places: tuple[tuple[str, int], ...]) -> dict[str, Any]:
    """Return the entry points; read anew once a package was installed in one of the places."""
    from importlib.metadata import entry_points

    return {each.name: each for each in entry_points(group=FLAVORS)}


class _Module(ModuleType):
    """A module without a file; its names are taken from others when they are asked for."""

    def __getattr__(self, name: str) -> Any:
        path = self.__name__.removeprefix("nbtrack.")
        found = None if name.startswith("__") else look_up(path, name)
        if found is None:
            raise _missing(self.__name__, self.__name__, name)
        vars(self)[name] = found
        return found


class PathFinder:
    """Finds the modules of ``PATHS``, for imports that no file answers."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return the spec of a module, or None for one that is not nbtrack's.

        Raises
        ------
        ModuleNotFoundError
            If MLflow has it and nbtrack not; the text says why.
        """
        head, _, rest = name.partition(".")
        if head != "nbtrack" or not rest:
            return None
        if rest in PATHS:
            return ModuleSpec(name, _Loader, is_package=True)  # type: ignore[arg-type]
        if "." not in rest and installed_flavor(rest) is not None:
            return ModuleSpec(name, _FlavorLoader)  # type: ignore[arg-type]
        where, _, last = name.rpartition(".")
        said = missing_attribute(where, last)
        if said.startswith(where + " has no"):
            return None
        # without its name, which would let `from nbtrack import shap` hide the text
        raise ModuleNotFoundError(said)


class _Loader:
    @staticmethod
    def create_module(spec: ModuleSpec) -> ModuleType:
        return _Module(spec.name)

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """Leave it empty: names come when they are asked for."""


class _FlavorLoader(_Loader):
    """Gives a flavor of another package, a module or an object, its name below nbtrack."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        sys.modules[module.__name__] = installed_flavor(module.__name__.partition(".")[2])


def register_paths() -> None:
    """Let Python find the paths, after all that has a file."""
    if PathFinder not in sys.meta_path:
        sys.meta_path.append(PathFinder)
