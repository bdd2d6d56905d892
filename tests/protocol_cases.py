"""What MLflow's own client does with a server of nbtrack; run as a program, prints JSON.

``python protocol_cases.py URL JUPYTER TOKEN`` goes through every case, each on experiments of its
own, with a stand-alone server, and through some of them with a Jupyter server; it prints for each
``"ok"`` or the traceback. Importing mlflow costs seconds, so that is done once for all.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any


class SkippedError(Exception):
    """A case needs what is not installed."""


CASES: dict[str, Callable[[Any], None]] = {}


def case(function: Callable[[Any], None]) -> Callable[[Any], None]:
    CASES[function.__name__] = function
    return function


def refused(code: str, call: Callable[..., Any], *args: Any, **named: Any) -> str:
    """Return the message of the error that a call gives; it must have this code."""
    begin = time.monotonic()
    try:
        call(*args, **named)
    except Exception as refusal:
        if getattr(refusal, "error_code", None) != code or time.monotonic() - begin > 5:
            raise  # or the client has asked again, since the answer was a 5xx
        return str(refusal)
    raise AssertionError(f"{call} was not refused")


def needed(*modules: str) -> None:
    for name in modules:
        if importlib.util.find_spec(name) is None:
            raise SkippedError(f"{name} is not installed")


@case
def experiments_live_and_die(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    made = client.create_experiment("lives", tags={"a": "1"})
    found = client.get_experiment(made)
    assert (found.name, found.tags, found.lifecycle_stage) == ("lives", {"a": "1"}, "active")
    assert found.creation_time
    assert found.last_update_time
    client.set_experiment_tag(made, "b", "2")
    client.delete_experiment_tag(made, "a")
    client.rename_experiment(made, "lives on")
    assert client.get_experiment_by_name("lives on").tags == {"b": "2"}
    assert client.get_experiment_by_name("nobody") is None
    refused("RESOURCE_ALREADY_EXISTS", client.create_experiment, "lives on")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_experiment, "987654")
    run = client.create_run(made)
    client.delete_experiment(made)
    assert client.get_experiment(made).lifecycle_stage == "deleted"
    message = refused("INVALID_PARAMETER_VALUE", client.log_metric, run.info.run_id, "m", 1)
    assert "must be in the 'active' state" in message
    client.restore_experiment(made)
    client.log_metric(run.info.run_id, "m", 1)


@case
def experiments_are_found_in_pages(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    ids = [client.create_experiment(f"page {n}", tags={"paged": "yes"}) for n in range(5)]
    first = client.search_experiments(filter_string="tags.paged = 'yes'", max_results=3)
    rest = client.search_experiments(
        filter_string="tags.paged = 'yes'", max_results=3, page_token=first.token
    )
    assert [e.experiment_id for e in [*first, *rest]] == ids[::-1]
    assert not rest.token
    by_name = client.search_experiments(filter_string="name LIKE 'page %'", order_by=["name ASC"])
    assert [e.experiment_id for e in by_name] == ids
    refused("INVALID_PARAMETER_VALUE", client.search_experiments, filter_string="name > 'a'")


@case
def a_fluent_run_keeps_what_is_logged(mlflow: Any) -> None:
    mlflow.set_experiment("fluent")
    with mlflow.start_run(run_name="first", tags={"t": "1"}, description="words") as run:
        mlflow.log_params({"lr": 0.1, "layers": [1, 2], "empty": ""})
        mlflow.log_metric("loss", 0.5, step=3)
        mlflow.log_metrics({"loss": 0.25, "acc": 0.75}, step=4)
        mlflow.set_tags({"a": "b", "gone": "x"})
        mlflow.delete_tag("gone")
        refused("RESOURCE_DOES_NOT_EXIST", mlflow.delete_tag, "never")
    found = mlflow.get_run(run.info.run_id)
    assert found.info.status == "FINISHED"
    assert found.info.end_time >= found.info.start_time
    assert found.info.run_name == found.data.tags["mlflow.runName"] == "first"
    assert found.data.params == {"lr": "0.1", "layers": "[1, 2]", "empty": ""}
    assert found.data.metrics == {"loss": 0.25, "acc": 0.75}
    assert found.data.tags["a"] == "b"
    assert found.data.tags["mlflow.note.content"] == "words"
    assert "gone" not in found.data.tags
    assert found.info.user_id == found.data.tags["mlflow.user"]
    assert mlflow.last_active_run().info.run_id == run.info.run_id


@case
def runs_are_nested_resumed_and_fail(mlflow: Any) -> None:
    mlflow.set_experiment("nested")
    with mlflow.start_run() as parent, mlflow.start_run(nested=True) as child:
        pass
    assert mlflow.get_parent_run(child.info.run_id).info.run_id == parent.info.run_id
    with mlflow.start_run(run_id=child.info.run_id):
        assert mlflow.get_run(child.info.run_id).info.status == "RUNNING"
        mlflow.log_metric("later", 1)
    assert mlflow.get_run(child.info.run_id).info.status == "FINISHED"
    try:
        with mlflow.start_run() as failing:
            raise ZeroDivisionError
    except ZeroDivisionError:
        assert mlflow.get_run(failing.info.run_id).info.status == "FAILED"
    client = mlflow.MlflowClient()
    client.set_terminated(child.info.run_id, "KILLED", end_time=1_900_000_000_000)
    killed = client.get_run(child.info.run_id).info
    assert (killed.status, killed.end_time) == ("KILLED", 1_900_000_000_000)
    client.update_run(child.info.run_id, name="renamed")
    assert client.get_run(child.info.run_id).data.tags["mlflow.runName"] == "renamed"


@case
def deleted_runs_take_nothing(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    run_id = client.create_run("0").info.run_id
    client.delete_run(run_id)
    assert client.get_run(run_id).info.lifecycle_stage == "deleted"
    refused("INVALID_PARAMETER_VALUE", client.log_param, run_id, "a", 1)
    client.restore_run(run_id)
    client.log_param(run_id, "a", 1)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_run, "0" * 32)
    refused("RESOURCE_DOES_NOT_EXIST", client.log_metric, "f" * 32, "a", 1)


@case
def params_are_written_once(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    run_id = client.create_run("0").info.run_id
    client.log_param(run_id, "p", 1)
    client.log_param(run_id, "p", "1")
    message = refused("INVALID_PARAMETER_VALUE", client.log_param, run_id, "p", 2)
    assert "Changing param values is not allowed. Param with key='p' was already logged" in message
    metrics = [mlflow.entities.Metric("never", 1.0, 1, 0)]
    clash = [mlflow.entities.Param("q", "1"), mlflow.entities.Param("p", "3")]
    refused("INVALID_PARAMETER_VALUE", client.log_batch, run_id, metrics, clash)
    found = client.get_run(run_id).data
    assert found.params == {"p": "1"}
    assert found.metrics == {}


@case
def histories_have_every_point_once(mlflow: Any) -> None:
    from mlflow.entities import Metric

    client = mlflow.MlflowClient()
    run_id = client.create_run("0").info.run_id
    points = [Metric("m", step / 7, 1_700_000_000_000 + step, step) for step in range(-3, 2600)]
    client.log_batch(run_id, points)
    client.log_batch(run_id, points[:500])  # a client that asks again doubles nothing
    found = client.get_metric_history(run_id, "m")
    assert [(m.value, m.timestamp, m.step) for m in found] == [
        (m.value, m.timestamp, m.step) for m in points
    ]
    assert client.get_metric_history(run_id, "unknown") == []
    store = client._tracking_client.store
    page = store.get_metric_history(run_id, "m", max_results=1000)
    last = store.get_metric_history(run_id, "m", max_results=2000, page_token=page.token)
    assert [m.step for m in [*page, *last]] == list(range(-3, 2600))
    assert not last.token


@case
def the_latest_value_is_that_of_the_greatest_step(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    run_id = client.create_run("0").info.run_id
    client.log_metric(run_id, "m", 1.0, step=5)
    client.log_metric(run_id, "m", 2.0, step=1)
    for key, value in (("nan", math.nan), ("inf", math.inf), ("low", -math.inf), ("yes", True)):
        client.log_metric(run_id, key, value)
    found = client.get_run(run_id).data.metrics
    assert (found["m"], found["yes"]) == (1.0, 1.0)
    assert math.isnan(found["nan"])
    assert (found["inf"], found["low"]) == (sys.float_info.max, -sys.float_info.max)
    assert math.isnan(client.get_metric_history(run_id, "nan")[0].value)


@case
def what_cannot_be_is_refused_at_once(mlflow: Any) -> None:
    from mlflow.entities import Metric, Param, RunTag

    client = mlflow.MlflowClient()
    store = client._tracking_client.store
    run_id = client.create_run("0").info.run_id
    many = [Metric("m", 1.0, 1, step) for step in range(1001)]
    message = refused("INVALID_PARAMETER_VALUE", store.log_batch, run_id, many, [], [])
    assert "A batch logging request can contain at most 1000 metrics. Got 1001" in message
    params = [Param(f"p{n}", "1") for n in range(101)]
    refused("INVALID_PARAMETER_VALUE", store.log_batch, run_id, [], params, [])
    for key in ("a/../b", "/a", "a//b", "a\nb", "x" * 251, "."):
        refused("INVALID_PARAMETER_VALUE", store.log_param, run_id, Param(key, "1"))
        refused("INVALID_PARAMETER_VALUE", store.set_tag, run_id, RunTag(key, "1"))
        refused("INVALID_PARAMETER_VALUE", store.log_metric, run_id, Metric(key, 1.0, 1, 0))
    refused("INVALID_PARAMETER_VALUE", store.log_metric, run_id, Metric("m", 1.0, -1, 0))
    refused("INVALID_PARAMETER_VALUE", client.search_runs, ["0"], "nonsense here")
    refused("INVALID_PARAMETER_VALUE", client.search_runs, ["0"], max_results=50001)
    refused("INVALID_PARAMETER_VALUE", client.search_runs, ["0"], page_token="%%%")
    refused(
        "INVALID_PARAMETER_VALUE", client.search_runs, ["0"], order_by=["metrics.m", "metrics.m"]
    )
    refused("INVALID_PARAMETER_VALUE", client.create_run, "0", start_time=-5)
    refused("RESOURCE_DOES_NOT_EXIST", client.create_run, "123456")


@case
def runs_are_found_in_pages(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("searched")
    for n in range(7):
        run = client.create_run(experiment, start_time=1000 + n, run_name=f"run {n}")
        client.log_metric(run.info.run_id, "acc", n / 10)
        client.log_param(run.info.run_id, "kind", "even" if n % 2 == 0 else "odd")
    found: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment], max_results=3, page_token=token)
        found += page
        token = page.token
        if not token:
            break
    assert [run.info.run_name for run in found] == [f"run {n}" for n in range(6, -1, -1)]
    best = client.search_runs(
        [experiment], "params.kind = 'odd' AND metrics.acc > 0.2", order_by=["metrics.acc ASC"]
    )
    assert [run.data.metrics["acc"] for run in best] == [0.3, 0.5]
    client.delete_run(found[0].info.run_id)
    assert len(client.search_runs([experiment])) == 6
    deleted = client.search_runs([experiment], run_view_type=mlflow.entities.ViewType.DELETED_ONLY)
    assert [run.info.run_name for run in deleted] == ["run 6"]
    frame = mlflow.search_runs(experiment_names=["searched"])
    assert len(frame) == 6
    assert set(frame["params.kind"]) == {"even", "odd"}


@case
def inputs_are_kept_with_their_context(mlflow: Any) -> None:
    import numpy as np

    mlflow.set_experiment("inputs")
    data = mlflow.data.from_numpy(np.arange(6).reshape(3, 2), name="numbers")
    with mlflow.start_run() as run:
        mlflow.log_input(data, context="training", tags={"more": "1"})
    (found,) = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("numbers", data.digest)
    assert {t.key: t.value for t in found.tags} == {"mlflow.data.context": "training", "more": "1"}
    again = mlflow.search_runs(
        experiment_names=["inputs"], filter_string="datasets.name = 'numbers'", output_format="list"
    )
    assert [r.info.run_id for r in again] == [run.info.run_id]


@case
def artifacts_go_up_and_come_down(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    mlflow.set_experiment("artifacts")
    folder = Path(tempfile.mkdtemp())
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "ü x.bin").write_bytes(bytes(range(256)) * 10)
    (folder / "empty.txt").write_bytes(b"")
    with mlflow.start_run() as run:
        assert run.info.artifact_uri.startswith("mlflow-artifacts:/")
        mlflow.log_text("hello", "notes/a.txt")
        mlflow.log_dict({"a": [1, 2]}, "d.json")
        mlflow.log_artifacts(str(folder), "all")
        mlflow.log_text("anew", "notes/a.txt")
    run_id = run.info.run_id
    assert [f.path for f in client.list_artifacts(run_id)] == ["all", "d.json", "notes"]
    assert [(f.path, f.file_size) for f in client.list_artifacts(run_id, "all")] == [
        ("all/deep", None),
        ("all/empty.txt", 0),
    ]
    assert client.list_artifacts(run_id, "notes/a.txt") == []
    assert client.list_artifacts(run_id, "nothing") == []
    place = Path(client.download_artifacts(run_id, "all", tempfile.mkdtemp()))
    assert (place / "deep/er/ü x.bin").read_bytes() == bytes(range(256)) * 10
    assert (place / "empty.txt").read_bytes() == b""
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/notes/a.txt") == "anew"
    assert mlflow.artifacts.load_dict(f"{run.info.artifact_uri}/d.json") == {"a": [1, 2]}
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    repository = get_artifact_repository(run.info.artifact_uri)
    repository.delete_artifacts("notes")
    assert [f.path for f in client.list_artifacts(run_id)] == ["all", "d.json"]


@case
def large_files_come_in_parts_where_that_is_wanted(mlflow: Any) -> None:
    os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD"] = "true"
    os.environ["MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE"] = "100000"
    os.environ["MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE"] = "100000"
    os.environ["MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD"] = "true"
    try:
        data = os.urandom(350_001)
        place = Path(tempfile.mkdtemp()) / "big.bin"
        place.write_bytes(data)
        with mlflow.start_run() as run:
            mlflow.log_artifact(str(place), "parts")
        back = mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/parts/big.bin")
        assert Path(back).read_bytes() == data
    finally:
        for name in list(os.environ):
            if "MULTIPART" in name:
                del os.environ[name]


@case
def images_tables_and_figures_are_kept(mlflow: Any) -> None:
    import numpy as np

    client = mlflow.MlflowClient()
    mlflow.set_experiment("rich")
    with mlflow.start_run() as run:
        mlflow.log_table({"a": [1, 2]}, "t.json")
        mlflow.log_table({"a": [3]}, "t.json")
        mlflow.log_image(np.zeros((4, 4, 3), np.uint8), key="seen", step=1)
        mlflow.flush_artifact_async_logging()
    assert list(mlflow.load_table("t.json")["a"]) == [1, 2, 3]
    assert len(client.list_artifacts(run.info.run_id, "images")) == 2


@case
def a_model_is_logged_and_loaded(mlflow: Any) -> None:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
    trained = LogisticRegression().fit(x, y)
    mlflow.set_experiment("models")
    with mlflow.start_run() as run:
        mlflow.log_param("c", 1)
        mlflow.log_metric("acc", 1.0)
        info = mlflow.sklearn.log_model(
            trained, name="lr", pip_requirements=["scikit-learn"], registered_model_name="digits"
        )
    again = mlflow.sklearn.load_model(info.model_uri)
    assert again.predict(x).tolist() == [0, 0, 1, 1]
    assert mlflow.pyfunc.load_model("models:/digits/1").predict(x).tolist() == [0, 0, 1, 1]
    assert mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/lr").predict(x).tolist()[3] == 1
    model = mlflow.get_logged_model(info.model_id)
    assert (model.name, model.status.value, model.params) == ("lr", "READY", {"c": "1"})
    assert [(m.key, m.value) for m in model.metrics] == [("acc", 1.0)]
    assert model.artifact_location.startswith("mlflow-artifacts:/")
    assert [o.model_id for o in mlflow.get_run(run.info.run_id).outputs.model_outputs] == [
        info.model_id
    ]
    client = mlflow.MlflowClient()
    assert "MLmodel" in [f.path for f in client.list_logged_model_artifacts(info.model_id)]
    assert json.loads(model.tags["mlflow.modelVersions"])[0]["name"] == "digits"


@case
def logged_models_are_found_and_described(mlflow: Any) -> None:
    mlflow.set_experiment("found models")
    experiment = mlflow.get_experiment_by_name("found models").experiment_id
    client = mlflow.MlflowClient()
    for n in range(4):
        model = client.create_logged_model(
            experiment, f"m{n}", model_type="tree", params={"n": str(n)}, tags={"t": str(n % 2)}
        )
        client.finalize_logged_model(model.model_id, "READY" if n else "FAILED")
    page = client.search_logged_models([experiment], max_results=3)
    rest = client.search_logged_models([experiment], max_results=3, page_token=page.token)
    assert [m.name for m in [*page, *rest]] == ["m3", "m2", "m1", "m0"]
    even = client.search_logged_models(
        [experiment], "tags.t = '0' AND params.n = '2'", order_by=[{"field_name": "name"}]
    )
    assert [m.name for m in even] == ["m2"]
    chosen = even[0].model_id
    client.set_logged_model_tags(chosen, {"new": "1", "a/b": "2"})
    client.log_model_params(chosen, {"more": "3"})
    client.delete_logged_model_tag(chosen, "t")
    found = client.get_logged_model(chosen)
    assert (found.tags, found.params) == ({"new": "1", "a/b": "2"}, {"n": "2", "more": "3"})
    client.delete_logged_model(chosen)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_logged_model, chosen)
    refused("RESOURCE_DOES_NOT_EXIST", client.get_logged_model, "m-nothing")


@case
def metrics_of_models_have_their_dataset(mlflow: Any) -> None:
    import numpy as np

    mlflow.set_experiment("model metrics")
    client = mlflow.MlflowClient()
    data = mlflow.data.from_numpy(np.arange(4), name="held out")
    with mlflow.start_run() as run:
        model = mlflow.initialize_logged_model(name="measured", source_run_id=run.info.run_id)
        mlflow.log_metric("f1", 0.5, model_id=model.model_id, dataset=data)
        mlflow.finalize_logged_model(model.model_id, "READY")
    (found,) = client.get_logged_model(model.model_id).metrics
    assert (found.key, found.value, found.dataset_name) == ("f1", 0.5, "held out")
    assert found.run_id == run.info.run_id
    assert client.get_run(run.info.run_id).data.metrics == {"f1": 0.5}


@case
def the_registry_has_versions_stages_and_aliases(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    mlflow.set_experiment("registry")
    with mlflow.start_run() as run:
        mlflow.log_text("x", "model/MLmodel")
    source = f"runs:/{run.info.run_id}/model"
    client.create_registered_model("reg", tags={"a": "1"}, description="words")
    refused("RESOURCE_ALREADY_EXISTS", client.create_registered_model, "reg")
    first = client.create_model_version("reg", source, run.info.run_id, tags={"k": "v"})
    uri = f"{run.info.artifact_uri}/model"
    second = client.create_model_version("reg", uri, run.info.run_id, description="second")
    assert [v.version for v in (first, second)] == ["1", "2"]
    assert (first.status, first.run_id, first.tags) == ("READY", run.info.run_id, {"k": "v"})
    assert client.get_model_version_download_uri("reg", "2") == uri
    client.set_registered_model_alias("reg", "champion", "2")
    assert client.get_model_version_by_alias("reg", "champion").version == "2"
    assert client.get_registered_model("reg").aliases == {"champion": "2"}
    client.transition_model_version_stage("reg", "1", "Production")
    client.transition_model_version_stage("reg", "2", "Production", archive_existing_versions=True)
    assert client.get_model_version("reg", "1").current_stage == "Archived"
    latest = client.get_latest_versions("reg", stages=["Production"])
    assert [v.version for v in latest] == ["2"]
    client.set_model_version_tag("reg", "2", "t", "u")
    client.delete_model_version_tag("reg", "1", "k")
    client.set_registered_model_tag("reg", "b", "2")
    client.delete_registered_model_tag("reg", "a")
    client.update_model_version("reg", "2", description="better")
    client.update_registered_model("reg", description="other words")
    found = client.search_model_versions("name = 'reg'", order_by=["version_number ASC"])
    assert [(v.version, v.tags, v.description) for v in found] == [
        ("1", {}, None),
        ("2", {"t": "u"}, "better"),
    ]
    (model,) = client.search_registered_models("name = 'reg'")
    assert (model.tags, model.description) == ({"b": "2"}, "other words")
    client.rename_registered_model("reg", "renamed")
    client.delete_registered_model_alias("renamed", "champion")
    refused("INVALID_PARAMETER_VALUE", client.get_model_version_by_alias, "renamed", "champion")
    client.delete_model_version("renamed", "2")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version, "renamed", "2")
    copied = client.copy_model_version("models:/renamed/1", "copy")
    assert copied.source == "models:/renamed/1"
    client.delete_registered_model("renamed")
    refused("RESOURCE_DOES_NOT_EXIST", client.get_registered_model, "renamed")


@case
def a_version_has_no_files_of_the_servers_machine(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    client.create_registered_model("outside")
    for source in (
        "/etc",
        "file:///etc",
        "mlflow-artifacts:/../../etc",
        "mlflow-artifacts:/0/%2e%2e/%2e%2e/etc",
        "mlflow-artifacts:/.nbtrack-uploads/x",
        f"runs:/{'0' * 32}/../../etc",
    ):
        try:
            client.create_model_version("outside", source)
        except mlflow.exceptions.MlflowException as refusal:
            if refusal.error_code not in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
                raise
        else:
            raise AssertionError(source)


@case
def registered_models_are_found_in_pages(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    for n in range(5):
        client.create_registered_model(f"listed {n}")
    first = client.search_registered_models("name LIKE 'listed %'", max_results=3)
    rest = client.search_registered_models(
        "name LIKE 'listed %'", max_results=3, page_token=first.token
    )
    assert [m.name for m in [*first, *rest]] == [f"listed {n}" for n in range(5)]
    assert not rest.token


@case
def versions_come_from_elsewhere(mlflow: Any) -> None:
    """Who moves from another server registers models whose runs and files are not here."""
    client = mlflow.MlflowClient()
    client.create_registered_model("moved")
    made = client.create_model_version("moved", "runs:/run_of_old/model", "run_of_old")
    assert (made.source, made.run_id, made.status) == (
        "runs:/run_of_old/model", "run_of_old", "READY",
    )  # fmt: skip
    assert client.get_model_version_download_uri("moved", made.version) == made.source
    run = client.create_run("0").info
    later = client.create_model_version("moved", f"runs:/{run.run_id}/net", run.run_id)
    client.log_text(run.run_id, "flavors: {}", "net/MLmodel")
    uri = f"models:/moved/{later.version}"
    assert [f.path for f in mlflow.artifacts.list_artifacts(uri)] == ["MLmodel"]
    of_proxy = client.create_model_version("moved", "mlflow-artifacts:/old/models/net")
    assert of_proxy.source == "mlflow-artifacts:/old/models/net"
    found = client.search_model_versions("name = 'moved'")
    assert sorted(int(version.version) for version in found) == [1, 2, 3]
    assert client.get_model_version_by_alias("moved", "latest").version == of_proxy.version
    refused("RESOURCE_DOES_NOT_EXIST", client.get_model_version_by_alias, "nobody", "a")
    for source, run_id in (
        ("runs:/run_of_old/model", "another"), ("runs:/a/../../etc", "a"), ("/etc", None),
        ("mlflow-artifacts:/a/..%2f..%2fetc", None), ("file:///etc", run.run_id),
    ):  # fmt: skip
        make = client._get_registry_client().store.create_model_version
        message = refused("INVALID_PARAMETER_VALUE", make, "moved", source, run_id)
        assert "Invalid model version source" in message


@case
def artifacts_lie_where_clients_say(mlflow: Any) -> None:
    client = mlflow.MlflowClient()
    place = client.create_experiment("placed", "mlflow-artifacts:/teams/vision")
    run = client.create_run(place).info
    assert run.artifact_uri == f"mlflow-artifacts:/teams/vision/{run.run_id}/artifacts"
    client.log_text(run.run_id, "hello", "notes/a.txt")
    assert [f.path for f in client.list_artifacts(run.run_id, "notes")] == ["notes/a.txt"]
    assert mlflow.artifacts.load_text(f"{run.artifact_uri}/notes/a.txt") == "hello"
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    beside = get_artifact_repository("mlflow-artifacts:/shared/data")
    folder = Path(tempfile.mkdtemp())
    (folder / "deep").mkdir()
    (folder / "deep" / "ü.bin").write_bytes(b"123")
    beside.log_artifacts(str(folder))
    assert [(f.path, f.file_size) for f in beside.list_artifacts("deep")] == [("deep/ü.bin", 3)]
    there = Path(mlflow.artifacts.download_artifacts("mlflow-artifacts:/shared/data"))
    assert (there / "deep" / "ü.bin").read_bytes() == b"123"
    beside.delete_artifacts("deep")
    assert beside.list_artifacts() == []


@case
def what_is_not_served_is_done_without(mlflow: Any) -> None:
    refused("ENDPOINT_NOT_FOUND", mlflow.MlflowClient().get_trace, "tr-1")


@case
def asynchronous_calls_arrive(mlflow: Any) -> None:
    mlflow.set_experiment("async")
    with mlflow.start_run() as run:
        for step in range(50):
            mlflow.log_metric("m", step, step=step, synchronous=False)
        mlflow.log_params({"a": 1}, synchronous=False)
        mlflow.flush_async_logging()
    assert len(mlflow.MlflowClient().get_metric_history(run.info.run_id, "m")) == 50
    assert mlflow.get_run(run.info.run_id).data.params == {"a": "1"}


@case
def the_trainer_of_transformers_logs(mlflow: Any) -> None:
    """Hugging Face's ``MLflowCallback``, as its trainer uses it."""
    needed("torch", "transformers", "accelerate")
    import torch
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    torch.set_num_threads(1)
    os.environ["MLFLOW_EXPERIMENT_NAME"] = "transformers"
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    model = BertForSequenceClassification(BertConfig(vocab_size=16, intermediate_size=8, **sizes))
    rows = [{"input_ids": torch.tensor([1, 2, 3]), "labels": n % 2} for n in range(4)]
    arguments = TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        report_to=["mlflow"],
        run_name="tiny",
        use_cpu=True,
        max_steps=2,
        logging_steps=1,
        save_strategy="no",
        disable_tqdm=True,
        per_device_train_batch_size=2,
    )
    Trainer(model, arguments, train_dataset=rows).train()
    mlflow.end_run()
    del os.environ["MLFLOW_EXPERIMENT_NAME"]
    (run,) = mlflow.search_runs(experiment_names=["transformers"], output_format="list")
    assert (run.info.run_name, run.info.status) == ("tiny", "FINISHED")
    assert run.data.params["hidden_size"] == "8"
    assert run.data.params["max_steps"] == "2"
    losses = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [m.step for m in losses] == [1, 2]


@case
def the_logger_of_lightning_logs(mlflow: Any) -> None:
    """PyTorch Lightning's ``MLFlowLogger``, with the checkpoints that it keeps as artifacts."""
    needed("torch", "lightning")
    import lightning
    import torch
    from lightning.pytorch.loggers import MLFlowLogger

    torch.set_num_threads(1)

    class Tiny(lightning.LightningModule):
        def __init__(self, lr: float) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(2, 1)

        def training_step(self, batch: Any, _index: int) -> Any:
            loss = self.layer(batch).square().mean()
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), self.hparams["lr"])

    logger = MLFlowLogger(
        "lightning", "tiny", tracking_uri=mlflow.get_tracking_uri(), log_model=True
    )
    trainer = lightning.Trainer(
        accelerator="cpu",
        max_epochs=2,
        logger=logger,
        log_every_n_steps=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tempfile.mkdtemp(),
    )
    trainer.fit(Tiny(0.1), torch.utils.data.DataLoader(torch.ones(4, 2), batch_size=2))
    run = mlflow.get_run(logger.run_id)
    assert (run.info.run_name, run.info.status) == ("tiny", "FINISHED")
    assert run.data.params == {"lr": "0.1"}
    client = mlflow.MlflowClient()
    assert [m.step for m in client.get_metric_history(logger.run_id, "loss")] == [0, 1, 2, 3]
    (kept,) = client.list_artifacts(logger.run_id)
    place = client.download_artifacts(logger.run_id, kept.path, tempfile.mkdtemp())
    checkpoint = Path(place) / f"{kept.path}.ckpt"
    assert torch.load(checkpoint, weights_only=False)["global_step"] == 4


IN_JUPYTER = (
    "a_fluent_run_keeps_what_is_logged",
    "runs_are_found_in_pages",
    "what_cannot_be_is_refused_at_once",
    "artifacts_go_up_and_come_down",
    "large_files_come_in_parts_where_that_is_wanted",
    "a_model_is_logged_and_loaded",
    "the_registry_has_versions_stages_and_aliases",
    "what_is_not_served_is_done_without",
)
"""The cases that a Jupyter server goes through, too: each takes another way through it."""


EVERYWHERE = [
    "experiments_live_and_die",
    "experiments_are_found_in_pages",
    "a_fluent_run_keeps_what_is_logged",
    "runs_are_nested_resumed_and_fail",
    "deleted_runs_take_nothing",
    "params_are_written_once",
    "runs_are_found_in_pages",
    "inputs_are_kept_with_their_context",
    "images_tables_and_figures_are_kept",
    "logged_models_are_found_and_described",
    "metrics_of_models_have_their_dataset",
    "registered_models_are_found_in_pages",
    "asynchronous_calls_arrive",
]
"""Cases that nbtrack passes in mlflow's place, with a store of its own and with servers."""


def main(url: str, jupyter: str, token: str) -> None:
    os.environ.update(
        MLFLOW_HTTP_REQUEST_MAX_RETRIES="1",
        MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR="false",
        MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
        MLFLOW_DISABLE_TELEMETRY="true",
    )
    os.chdir(tempfile.mkdtemp())
    import mlflow

    mlflow.set_tracking_uri(url)
    results = {}
    for name, run in CASES.items():
        results[name] = outcome(mlflow, name, run)
    mlflow.set_tracking_uri(jupyter)
    os.environ["MLFLOW_TRACKING_TOKEN"] = token
    for name in IN_JUPYTER:
        results[f"jupyter: {name}"] = outcome(mlflow, name, CASES[name])
    sys.stdout.write(f"\n{json.dumps(results)}\n")


def outcome(mlflow: Any, name: str, run: Callable[[Any], None]) -> str:
    begin = time.monotonic()
    try:
        run(mlflow)
        found = "ok"
    except SkippedError as reason:
        found = f"skipped: {reason}"
    except BaseException:
        found = traceback.format_exc()
    while mlflow.active_run() is not None:
        mlflow.end_run("FAILED")
    sys.stderr.write(f"{name}: {time.monotonic() - begin:.2f} s\n")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
