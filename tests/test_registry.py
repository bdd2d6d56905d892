from __future__ import annotations

import importlib.util
import json
import time
from pathlib import Path

import numpy as np
import pytest

import nbtrack
import programs
from model_folders import log_model
from nbtrack.entities import ModelVersion
from nbtrack.errors import (
    AlreadyExistsError,
    InvalidParameterError,
    NbtrackError,
    NotFoundError,
    StoreLockedError,
)
from nbtrack.store import open_store
from nbtrack.tracking.model_locations import locate


@pytest.fixture
def client(workdir: Path) -> nbtrack.Client:
    """A client of a fresh store, with the registered model ``net`` of three versions."""
    client = nbtrack.Client()
    client.create_registered_model("net", {"team": "red"}, "of the shop")
    for index in range(3):
        version = client.create_model_version(
            "net", f"models:/{log_model().model_id}", tags={"i": index}
        )
        time.sleep(0.002)
        assert version.version == index + 1
    return client


def test_eight_processes_that_register_at_once_get_distinct_numbers(workdir):
    model = log_model()
    open_store(None).close()
    program = """
        import sys
        import nbtrack
        sys.stdin.readline()
        for _ in range(5):
            print(nbtrack.register_model(sys.argv[1], "net").version)
    """
    uri = f"models:/{model.model_id}"
    processes = [programs.start(program, uri, cwd=workdir) for _ in range(8)]
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    numbers = [int(n) for p in processes for n in programs.finish(p, 120).split()]
    assert sorted(numbers) == list(range(1, 41))
    found = nbtrack.search_model_versions(filter_string="name = 'net'")
    assert sorted(v.version for v in found) == sorted(numbers)
    listed = json.loads(nbtrack.get_logged_model(model.model_id).tags["mlflow.modelVersions"])
    assert sorted(entry["version"] for entry in listed) == sorted(numbers)


def test_no_number_is_given_twice_not_even_that_of_the_newest(client):
    client.delete_model_version("net", 3)
    client.delete_model_version("net", "2")
    assert nbtrack.register_model("models:/net/1", "net").version == 4
    assert [v.version for v in client.search_model_versions("name = 'net'")] == [4, 1]
    with pytest.raises(NotFoundError, match=r"Model Version \(name=net, version=3\) not found"):
        client.get_model_version("net", 3)
    client.delete_registered_model("net")
    client.create_registered_model("net")
    source = f"models:/{log_model().model_id}"
    assert client.create_model_version("net", source).version == 1


def test_a_version_knows_its_model_run_params_and_metrics(workdir):
    with nbtrack.start_run() as run:
        nbtrack.log_param("lr", 0.1)
        model = log_model()
        nbtrack.log_metric("acc", 0.9)
    version = nbtrack.register_model(f"runs:/{run.info.run_id}/net", "shop", tags={"a": 1})
    assert (version.version, type(version.version)) == (1, int)
    assert (version.source, version.model_id) == (f"models:/{model.model_id}", model.model_id)
    assert (version.run_id, version.status, version.current_stage) == (
        run.info.run_id, "READY", "None",
    )  # fmt: skip
    found = nbtrack.Client().get_model_version("shop", "1")
    assert [(p.key, p.value) for p in found.params] == [("lr", "0.1")]
    assert [(m.key, m.value) for m in found.metrics] == [("acc", 0.9)]
    tag = nbtrack.get_logged_model(model.model_id).tags["mlflow.modelVersions"]
    assert json.loads(tag) == [{"name": "shop", "version": 1}]


def test_stages_move_and_archive_those_that_were_there(client):
    client.transition_model_version_stage("net", 1, "production")
    client.transition_model_version_stage("net", 2, "Production", archive_existing_versions=True)
    stages = {v.version: v.current_stage for v in client.search_model_versions("name = 'net'")}
    assert stages == {1: "Archived", 2: "Production", 3: "None"}
    assert [v.version for v in client.get_latest_versions("net", ["production"])] == [2]
    assert [v.version for v in client.get_latest_versions("net")] == [1, 2, 3]
    assert locate("models:/net/Production").version == 2
    assert locate("models:/net/latest").version == 3
    with pytest.raises(NbtrackError, match="'Archived' is not an Active stage") as raised:
        client.transition_model_version_stage("net", 1, "Archived", archive_existing_versions=True)
    assert raised.value.error_code == "INTERNAL_ERROR"
    with pytest.raises(InvalidParameterError, match="Invalid Model Version stage: Prod"):
        client.transition_model_version_stage("net", 1, "Prod")
    assert client.get_model_version_stages("net", "1")[1:3] == ["Staging", "Production"]
    client.set_model_version_tag("net", key="live", value="yes", stage="Production")
    assert client.get_model_version("net", 2).tags["live"] == "yes"
    with pytest.raises(InvalidParameterError, match="Exactly one of 'version' and 'stage'"):
        client.set_model_version_tag("net", key="live", value="yes")


def test_an_alias_names_one_version_and_moves(client):
    client.set_registered_model_alias("net", "champion", 1)
    client.set_registered_model_alias("net", "best", 1)
    assert client.get_model_version("net", 1).aliases == ["best", "champion"]
    client.set_registered_model_alias("net", "champion", "2")
    assert client.get_model_version_by_alias("net", "champion").version == 2
    assert locate("models:/net@champion").version == 2
    assert client.get_registered_model("net").aliases == {"best": 1, "champion": 2}
    client.delete_model_version("net", 2)
    with pytest.raises(InvalidParameterError, match="Registered model alias champion not found"):
        client.get_model_version_by_alias("net", "champion")
    client.delete_registered_model_alias("net", "best")
    client.delete_registered_model_alias("net", "nobody")
    assert client.get_registered_model("net").aliases == {}
    with pytest.raises(NotFoundError, match="version=9"):
        client.set_registered_model_alias("net", "x", 9)


@pytest.mark.parametrize(
    ("alias", "message"),
    [
        ("latest", "is reserved"),
        ("Latest", "is reserved"),
        ("v12", "is reserved"),
        ("a b", "Invalid alias name"),
        ("a/b", "Invalid alias name"),
        ("", "cannot be empty"),
        ("x" * 256, "exceeds the maximum length of 255"),
    ],
)
def test_aliases_that_mean_something_else_are_refused(client, alias, message):
    with pytest.raises(InvalidParameterError, match=message):
        client.set_registered_model_alias("net", alias, 1)


def test_renaming_takes_versions_tags_and_aliases_along(client):
    client.set_registered_model_alias("net", "champion", 1)
    client.create_registered_model("taken")
    assert client.rename_registered_model("net", "shop").name == "shop"
    found = client.get_registered_model("shop")
    assert (found.tags, found.aliases, found.description) == (
        {"team": "red"}, {"champion": 1}, "of the shop",
    )  # fmt: skip
    assert [v.tags["i"] for v in client.search_model_versions("name = 'shop'")] == ["2", "1", "0"]
    assert nbtrack.register_model("models:/shop@champion", "shop").version == 4
    with pytest.raises(NotFoundError, match="Registered Model with name=net not found"):
        client.get_registered_model("net")
    with pytest.raises(AlreadyExistsError, match=r"Registered Model \(name=taken\) already exists"):
        client.rename_registered_model("shop", "taken")
    with pytest.raises(InvalidParameterError, match="required parameter 'new_name'"):
        client.rename_registered_model("shop", " ")


def test_a_copy_has_the_files_tags_and_text_of_the_version(client):
    client.update_model_version("net", 2, "the good one")
    copy = client.copy_model_version("models:/net/2", "copies")
    assert (copy.name, copy.version, copy.source) == ("copies", 1, "models:/net/2")
    assert (copy.tags, copy.description) == ({"i": "1"}, "the good one")
    assert copy.model_id == client.get_model_version("net", 2).model_id
    client.delete_registered_model("net")
    assert locate("models:/copies/1").folder.read_bytes("MLmodel") == b"flavors: {}\n"
    with pytest.raises(InvalidParameterError, match="Unsupported source model URI"):
        client.copy_model_version("runs:/a/b", "copies")


def test_the_source_of_a_version_must_be_there(client, tmp_path_factory):
    for uri, message in [
        ("models:/m-" + "0" * 32, "Logged model with ID"),
        ("models:/net/9", "version=9"),
        ("runs:/" + "0" * 32 + "/net", "Run with id"),
        ("no/such/folder", "no such folder"),
        ("memory://no-such-place/model", "no files"),
        (tmp_path_factory.mktemp("empty"), "no files"),
    ]:
        with pytest.raises(NotFoundError, match=message):
            nbtrack.register_model(uri, "net")
    assert client.get_registered_model("net").latest_versions[-1].version == 3


def test_a_folder_that_was_saved_can_be_registered(client, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    (folder / "MLmodel").write_text("flavors: {}\n")
    version = nbtrack.register_model(folder, "net")
    assert (version.source, version.run_id, version.model_id) == (str(folder), None, None)
    assert client.get_model_version_download_uri("net", version.version) == str(folder)
    with nbtrack.start_run() as run:
        nbtrack.log_artifacts(folder, "old style")
    version = nbtrack.register_model(f"runs:/{run.info.run_id}/old style", "net")
    assert version.run_id == run.info.run_id
    assert version.source == f"{run.info.artifact_uri}/old style"


def test_tags_of_models_and_versions_come_and_go(client):
    client.set_registered_model_tag("net", "team", "blue")
    client.delete_registered_model_tag("net", "never")
    nbtrack.set_model_version_tag("net", 1, "i", "x" * 100_000)
    client.delete_model_version_tag("net", 2, "i")
    client.update_registered_model("net", "another text")
    found = client.get_registered_model("net")
    assert (found.tags, found.description) == ({"team": "blue"}, "another text")
    tags = [len(client.get_model_version("net", n).tags.get("i", "")) for n in (1, 2, 3)]
    assert tags == [100_000, 0, 1]
    with pytest.raises(InvalidParameterError, match="maximum length of 100000"):
        nbtrack.set_model_version_tag("net", 1, "i", "x" * 100_001)
    with pytest.raises(InvalidParameterError, match="must be an integer, got 'one'"):
        nbtrack.set_model_version_tag("net", "one", "i", "x")


@pytest.mark.parametrize("name", [None, "", " ", "a/b", "a:b", ".."])
def test_names_that_do_not_fit_in_a_uri_are_refused(client, name):
    with pytest.raises(InvalidParameterError):
        client.create_registered_model(name)


def test_searches_of_the_registry(client):
    for name in ("a-b", "a_c", "Z"):
        client.create_registered_model(name, {"kind": name[0]})
    search = client.search_registered_models
    assert [m.name for m in search()] == ["Z", "a-b", "a_c", "net"]
    assert [m.name for m in search("name LIKE 'a%'", order_by=["name DESC"])] == ["a_c", "a-b"]
    assert [m.name for m in search("tags.kind = 'Z' OR tag.team = 'red'")] == ["Z", "net"]
    assert [m.name for m in search("tags.`mlflow.prompt.is_prompt` != 'true'")][-1] == "net"
    assert search("tags.`mlflow.prompt.is_prompt` = 'true'") == []
    first = search(max_results=3)
    assert [m.name for m in search(max_results=3, page_token=first.token)] == ["net"]
    assert [m.name for m in client.list_registered_models()] == [m.name for m in search()]
    assert len(nbtrack.search_registered_models(max_results=2)) == 2
    with pytest.raises(InvalidParameterError, match="at most 1000"):
        search(max_results=1001)
    with pytest.raises(InvalidParameterError, match="Invalid attribute key 'stage'"):
        search("stage = 'x'")


def test_searches_of_versions(client):
    client.copy_model_version("models:/net/2", "other")
    model_id = client.get_model_version("net", 2).model_id

    def found(text: str | None, **options: object) -> list[tuple[str, int]]:
        return [(v.name, v.version) for v in client.search_model_versions(text, **options)]

    assert found(None) == [("other", 1), ("net", 3), ("net", 2), ("net", 1)]
    assert found("tags.i = '1'", order_by=["name"]) == [("net", 2), ("other", 1)]
    assert found("version_number >= 2 AND name = 'net'") == [("net", 3), ("net", 2)]
    assert found(f"model_id = '{model_id}' AND NOT name = 'net'") == [("other", 1)]
    assert found("source_path LIKE 'models:/net%'") == [("other", 1)]
    assert found("name IN ('net')", max_results=1, order_by=["version_number ASC"]) == [("net", 1)]
    with pytest.raises(InvalidParameterError, match="duplicate"):
        found(None, order_by=["name", "name DESC"])
    with pytest.raises(InvalidParameterError, match="attributes only"):
        found(None, order_by=["tags.i"])


def test_a_name_cannot_wait_while_somebody_holds_the_database(client):
    import duckdb

    open_store(None).close()
    held = duckdb.connect("nbtrack.duckdb")
    with pytest.raises(StoreLockedError, match="held open"):
        client.create_registered_model("later")
    held.close()
    assert client.create_registered_model("later").name == "later"


def test_a_registry_may_be_another_store(workdir):
    nbtrack.set_registry_uri(workdir / "registry")
    assert nbtrack.get_registry_uri() == str(workdir / "registry" / "nbtrack.duckdb")
    model = log_model()
    nbtrack.register_model(f"models:/{model.model_id}", "net")
    assert locate("models:/net/1").model_id == model.model_id
    assert locate("models:/net/1").tracked
    assert nbtrack.Client(nbtrack.get_tracking_uri()).search_registered_models() == []
    elsewhere = nbtrack.Client(registry_uri=workdir / "registry")
    assert elsewhere.get_registered_model("net").latest_versions[0].version == 1
    assert "mlflow.modelVersions" in nbtrack.get_logged_model(model.model_id).tags
    assert nbtrack.lineage("models:/net/1").model.model_id == model.model_id
    nbtrack.set_registry_uri("")
    assert nbtrack.get_registry_uri() == nbtrack.get_tracking_uri()


def test_lineage_leads_from_a_version_to_data_and_code(workdir):
    data = nbtrack.data.from_numpy(np.zeros((2, 2)), name="iris", digest="d1")
    base = log_model("base")
    with nbtrack.start_run(run_name="sweep") as outer, nbtrack.start_run(nested=True) as run:
        nbtrack.log_param("lr", 0.1)
        nbtrack.log_input(data, "train", model=nbtrack.entities.LoggedModelInput(base.model_id))
        nbtrack.set_tags({"mlflow.source.name": "train.ipynb", "nbtrack.cell.number": 4})
        nbtrack.set_tag("mlflow.source.git.commit", "abc123")
        model = log_model()
        nbtrack.log_metric("acc", 0.9)
    version = nbtrack.register_model(f"models:/{model.model_id}", "shop")
    nbtrack.Client().copy_model_version("models:/shop/1", "copy")
    line = nbtrack.lineage(version)
    assert (line.version.version, line.model.name, line.run.info.run_id) == (
        1, "net", run.info.run_id,
    )  # fmt: skip
    assert (line.code.source, line.code.cell, line.code.commit) == ("train.ipynb", "4", "abc123")
    assert [(d.name, d.context) for d in line.data] == [("iris", "train")]
    assert [a.id for a in line.parents] == [outer.info.run_id]
    assert [a.name for a in line.models] == ["base"]
    assert (line.params, line.metrics) == ({"lr": "0.1"}, {"acc": 0.9})
    text = str(line)
    for part in ("models:/shop/1", "train.ipynb, cell 4", "iris (train)", "also models:/copy/1"):
        assert part in text
    assert json.loads(json.dumps(line.to_dictionary()))["data"][0]["name"] == "iris"


def test_lineage_takes_whatever_names_a_model(workdir, tmp_path_factory):
    with nbtrack.start_run() as run:
        model = log_model()
    saved = tmp_path_factory.mktemp("saved")
    (saved / "MLmodel").write_text(f"model_id: {model.model_id}\n")
    logged = nbtrack.get_logged_model(model.model_id)
    for what in (logged, logged.model_uri, f"runs:/{run.info.run_id}/net", saved, model.place):
        assert nbtrack.lineage(what).run.info.run_id == run.info.run_id
    (saved / "MLmodel").write_text("flavors: {}\n")
    assert "nothing is known" in str(nbtrack.lineage(saved))
    with pytest.raises(InvalidParameterError, match="knows nothing of a int"):
        nbtrack.lineage(3)


def test_the_lineage_of_a_number_follows_the_models_that_its_run_has_read(workdir):
    with nbtrack.start_run(run_name="pretraining") as first:
        base = log_model("base")
    data = nbtrack.data.from_numpy(np.zeros((2, 2)), name="iris", digest="d1")
    with nbtrack.start_run(run_name="tuning") as run:
        nbtrack.log_input(data, "train", model=nbtrack.entities.LoggedModelInput(base.model_id))
        nbtrack.log_metrics({"acc": 0.9, "loss": 0.1})
        nbtrack.set_tag("nbtrack.reproduced", "yes")
    line = nbtrack.lineage(run.info.run_id, "acc")
    assert (line.metrics, line.reproduced) == ({"acc": 0.9}, "yes")
    assert [each.run.info.run_id for each in line.inputs] == [first.info.run_id]
    assert "pretraining" in str(line)
    assert json.loads(json.dumps(line.to_dictionary()))["inputs"][0]["model"]["name"] == "base"
    assert nbtrack.lineage(run).metrics == {"acc": 0.9, "loss": 0.1}
    with pytest.raises(NotFoundError, match="it has acc, loss"):
        nbtrack.lineage(run, "f1")
    with pytest.raises(InvalidParameterError, match="give the run's id"):
        nbtrack.lineage(base, "acc")


def test_the_lineage_of_models_that_runs_have_read_in_a_circle_ends(workdir):
    def read(model):
        data = nbtrack.data.from_numpy(np.zeros((2, 2)), name="iris", digest="d1")
        nbtrack.log_input(data, "train", model=nbtrack.entities.LoggedModelInput(model.model_id))

    with nbtrack.start_run() as run:
        first = log_model("first")
    with nbtrack.start_run():
        read(first)
        second = log_model("second")
    with nbtrack.start_run(run.info.run_id):
        read(second)
    found = nbtrack.lineage(run).inputs[0]
    assert (found.model.name, found.inputs[0].model.name) == ("second", "first")
    assert found.inputs[0].inputs == []


def test_entities_are_plain_values(client):
    version = client.get_model_version("net", 1)
    assert isinstance(version, ModelVersion)
    assert version == client.get_model_version("net", 1)
    assert version.to_dictionary()["tags"] == {"i": "0"}
    assert dict(version)["name"] == "net"


SAME = """
    import json, os, sys
    api = __import__(sys.argv[1])
    api.set_tracking_uri(sys.argv[2])
    client = api.MlflowClient()
    found = []

    def plain(value):
        if isinstance(value, list):
            return [plain(item) for item in value]
        if hasattr(value, "current_stage"):
            return [value.name, int(value.version), value.current_stage, value.description,
                    dict(value.tags), value.status]
        if hasattr(value, "latest_versions"):
            versions = sorted(int(v.version) for v in value.latest_versions)
            aliases = {k: int(v) for k, v in dict(value.aliases).items()}
            return [value.name, value.description, versions, dict(value.tags), aliases]
        return None if value is None or isinstance(value, (int, str)) is False else value

    def do(name, *args, **kwargs):
        try:
            found.append([name, plain(getattr(client, name)(*args, **kwargs))])
        except Exception as error:
            code = getattr(error, "error_code", type(error).__name__)
            found.append([name, "error", code, str(error).split(".")[0][:60]])

    models = [api.create_external_model(name=f"m{i}").model_id for i in range(4)]
    do("create_registered_model", "net", {"team": "red"}, "text")
    do("create_registered_model", "net")
    for bad in ("", "a/b", "a:b"):
        do("create_registered_model", bad)
    do("get_registered_model", "nothing")
    for model_id in models:
        do("create_model_version", "net", f"models:/{model_id}", model_id=model_id)
    do("create_model_version", "nothing", f"models:/{models[0]}")
    do("set_registered_model_alias", "net", "champion", 1)
    do("set_registered_model_alias", "net", "champion", "2")
    for bad in ("latest", "v1", "a b", ""):
        do("set_registered_model_alias", "net", bad, 1)
    do("set_registered_model_alias", "net", "x", 99)
    do("get_model_version_by_alias", "net", "champion")
    do("get_model_version_by_alias", "net", "nobody")
    do("delete_registered_model_alias", "net", "nobody")
    do("transition_model_version_stage", "net", 1, "production")
    do("transition_model_version_stage", "net", 3, "Production", archive_existing_versions=True)
    do("transition_model_version_stage", "net", 1, "Archived", archive_existing_versions=True)
    do("transition_model_version_stage", "net", 1, "Nowhere")
    do("transition_model_version_stage", "net", 99, "Staging")
    do("get_model_version", "net", 1)
    do("get_model_version", "net", "one")
    do("set_model_version_tag", "net", 1, "k", 3)
    do("delete_model_version_tag", "net", 1, "nobody")
    do("set_model_version_tag", "net", key="live", value="1", stage="Production")
    do("update_model_version", "net", 1, "good")
    do("update_registered_model", "net", "better")
    do("delete_model_version", "net", 4)
    do("delete_model_version", "net", 4)
    do("create_model_version", "net", f"models:/{models[0]}", model_id=models[0])
    do("search_model_versions", "name = 'net'", order_by=["version_number ASC"])
    do("search_model_versions", "tags.live = '1'")
    do("search_model_versions", "version_number > 2", order_by=["version_number DESC"])
    do("search_model_versions", "nonsense = 1")
    client.rename_registered_model("net", "shop")
    do("get_registered_model", "shop")
    do("rename_registered_model", "nothing", "x")
    do("get_registered_model", "net")
    do("copy_model_version", "models:/shop/3", "copies")
    do("search_registered_models", "name LIKE 'sh%'")
    do("search_registered_models", "tags.team = 'red'")
    do("search_registered_models", max_results=5000)
    do("search_registered_models", order_by=["name DESC"])
    do("get_latest_versions", "shop", ["Production"])
    do("get_latest_versions", "shop", ["Nowhere"])
    do("get_model_version_stages", "shop", "1")
    do("delete_registered_model", "shop")
    do("delete_registered_model", "shop")
    do("search_model_versions", "name = 'shop'")
    print("FOUND" + json.dumps(found))
"""


@pytest.mark.skipif(importlib.util.find_spec("mlflow") is None, reason="mlflow is not installed")
def test_the_registry_answers_as_mlflows_does(workdir):
    theirs = programs.start(
        SAME, "mlflow", f"sqlite:///{workdir}/mlflow.db", cwd=workdir, PYTHONWARNINGS="ignore",
        MLFLOW_DISABLE_TELEMETRY="true",
    )  # fmt: skip
    ours = programs.run(SAME, "nbtrack", workdir / "ours.duckdb", cwd=workdir)
    found = [json.loads(out.partition("FOUND")[2]) for out in (ours, programs.finish(theirs, 150))]
    different = [(a, b) for a, b in zip(*found, strict=True) if a != b]
    assert different == []
