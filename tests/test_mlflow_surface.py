"""MLflow's paths, names and parameters: what nbtrack has not is listed, with the reason."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import nbtrack
from mlflow_surface import RECORDED
from nbtrack._names import PATHS
from programs import SRC, needs

HERE = Path(__file__).parent


@pytest.mark.timeout(600)  # it imports most of MLflow
@needs("mlflow")
def test_nothing_of_mlflow_is_missing_that_is_not_listed() -> None:
    done = subprocess.run(
        [sys.executable, HERE / "mlflow_surface.py"],
        env={**__import__("os").environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=True,
    )
    found = done.stdout.splitlines()
    listed = RECORDED.read_text("utf-8").splitlines()
    new = sorted(set(found) - set(listed[1:]) - {found[0]})
    assert not new, "python tests/mlflow_surface.py > tests/recorded/mlflow_surface.txt"
    if listed[0] == found[0]:
        assert not set(listed) - set(found), "these are there now: write the list again"


def test_every_name_that_is_missing_has_a_reason() -> None:
    assert "without a reason" not in RECORDED.read_text("utf-8")


@pytest.mark.parametrize(
    "code",
    [
        "import nbtrack.h2o",
        "from nbtrack import h2o",
        "import nbtrack.h2o.callbacks",
        "from nbtrack.models import build_docker",
        "from nbtrack.data import from_spark",
        "from nbtrack.utils.databricks_utils import get_dbutils",
        "import nbtrack.models.evaluation.evaluator_registry",
    ],
)
def test_imports_of_what_is_missing_say_why(code: str) -> None:
    with pytest.raises(ImportError, match="is not available in this version of nbtrack: "):
        exec(code)


@pytest.mark.parametrize(
    "name", ["metrics.genai", "pyfunc.ChatModel", "models.build_docker", "genai"]
)
def test_names_that_are_missing_say_why(name: str) -> None:
    found: object = nbtrack
    *above, last = name.split(".")
    for each in above:
        found = getattr(found, each)
    with pytest.raises(AttributeError, match="is not available in this version of nbtrack: "):
        getattr(found, last)


@pytest.mark.parametrize("path", ["nbtrack.typo", "nbtrack.data.typo", "nbtrack.sklearn.typo"])
def test_modules_that_nobody_has_are_not_found(path: str) -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named"):
        __import__(path)


def test_what_programs_use_of_mlflows_inner_modules(tmp_path: Path) -> None:
    from nbtrack.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST, ErrorCode
    from nbtrack.store.artifact.artifact_repository_registry import get_artifact_repository
    from nbtrack.store.artifact.runs_artifact_repo import RunsArtifactRepository
    from nbtrack.tracking.artifact_utils import _download_artifact_from_uri, get_artifact_uri
    from nbtrack.tracking.context.registry import resolve_tags
    from nbtrack.tracking.fluent import _get_experiment_id, start_run
    from nbtrack.utils.file_utils import TempDir, local_file_uri_to_path, path_to_local_file_uri
    from nbtrack.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID
    from nbtrack.utils.validation import MAX_PARAM_VAL_LENGTH

    from nbtrack.entities import RunStatus

    nbtrack.set_tracking_uri(tmp_path / "runs.duckdb")
    assert _get_experiment_id() == "0"
    with start_run() as parent, start_run(nested=True) as run:
        nbtrack.log_metric("loss", 0.5, step=3)
        nbtrack.log_param("lr", 0.1)
        nbtrack.log_text("hello", "notes/a.txt")
    found = nbtrack.get_run(run.info.run_id)
    assert found.data.tags[MLFLOW_PARENT_RUN_ID] == parent.info.run_id
    sent = found.to_proto()
    assert sent.info.status == found.info.to_proto().status == RunStatus.FINISHED
    assert [(m.key, m.value, m.step) for m in sent.data.metrics] == [("loss", 0.5, 3)]
    assert [(p.key, p.value) for p in sent.data.params] == [("lr", "0.1")]
    uri = f"runs:/{run.info.run_id}"
    assert Path(_download_artifact_from_uri(f"{uri}/notes/a.txt")).read_text("utf-8") == "hello"
    assert get_artifact_uri(run.info.run_id, "notes").endswith("/notes")
    repository = RunsArtifactRepository(uri)
    (tmp_path / "b.txt").write_text("b", "utf-8")
    repository.log_artifact(str(tmp_path / "b.txt"), "more")
    assert [each.path for each in repository.list_artifacts()] == ["more", "notes"] or [
        each.path for each in repository.list_artifacts()
    ][-2:] == ["more", "notes"]
    place = get_artifact_repository(uri).download_artifacts("more", str(tmp_path / "out"))
    assert Path(place, "b.txt").exists()
    with TempDir() as folder:
        assert local_file_uri_to_path(path_to_local_file_uri(folder.path())) == folder.path()
    assert not Path(folder.path()).exists()
    assert resolve_tags({"a": "b"})["a"] == "b"
    assert ErrorCode.Name(RESOURCE_DOES_NOT_EXIST) == "RESOURCE_DOES_NOT_EXIST"
    error = nbtrack.MlflowException("gone", error_code=RESOURCE_DOES_NOT_EXIST)
    assert error.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert MAX_PARAM_VAL_LENGTH == 6000


def test_no_path_takes_the_place_of_a_name_of_ours() -> None:
    """Importing a module below another makes it an attribute of that."""
    for path in PATHS:
        above, _, name = f"nbtrack.{path}".rpartition(".")
        found = vars(importlib.import_module(above)).get(name)
        assert found is None or inspect.ismodule(found), path
