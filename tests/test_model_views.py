"""What is shown of models: the tree, the details, the card, and the form that asks them."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.shown_models import EXAMPLE, TENSOR, log_folder, mlmodel

import nbtrack
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.rpc import respond
from nbtrack.server.messages import Request
from nbtrack.server.routes import action_of_request
from nbtrack.store import open_store
from nbtrack.store.artifacts.folder import ArtifactFolder
from nbtrack.views.models.card import card_facts, model_bundle
from nbtrack.views.models.facts import logged_model
from nbtrack.views.models.files import (
    file_facts,
    read_mlmodel,
    serving_example,
    signature_facts,
)
from nbtrack.views.models.form import form_of, input_of
from nbtrack.views.models.predictions import prediction


def ask(kind: str, **fields: Any) -> dict[str, Any]:
    return respond(open_store(), {"type": kind, **fields}).body


def act(action: str, **fields: Any) -> None:
    ask("models.act", action=action, **fields)


@pytest.fixture
def versions(workdir: Path) -> list[str]:
    """Three versions of ``digits`` from three runs; the second is the champion."""
    ids = []
    for i in range(3):
        with nbtrack.start_run(run_name=f"run-{i}") as run:
            nbtrack.log_metrics({"val_loss": 0.3 - i / 10, "system/cpu": 1.0})
            model = log_folder("net", run.info.run_id)
        nbtrack.register_model(model.model_uri, "digits")
        ids.append(model.model_id)
    nbtrack.Client().set_registered_model_alias("digits", "champion", "2")
    return ids


# -- the tree and the details ---------------------------------------------------------------


def test_the_tree_has_models_with_their_versions(versions: list[str]) -> None:
    found = ask("models.tree")
    [model] = found["models"]
    assert (model["name"], model["total"], found["logged"]) == ("digits", 3, 3)
    assert [v["version"] for v in model["versions"]] == [3, 2, 1]
    second = model["versions"][1]
    assert (second["aliases"], second["stage"], second["state"]) == (["champion"], "None", "READY")
    assert (second["model_id"], second["run_name"]) == (versions[1], "run-1")
    assert second["metric"]["key"] == "val_loss"
    assert second["metric"]["value"] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("DIG", [3, 2, 1]),
        ("@champion net", [3, 2, 1]),
        ("nothing", []),
        ("metrics.val_loss < 0.25", [3, 2]),
        ("attributes.run_name = 'run-0'", [1]),
    ],
)
def test_the_tree_is_searched_by_words_and_by_runs(
    versions: list[str], text: str, found: list[int]
) -> None:
    models = ask("models.tree", filter=text)["models"]
    assert [v["version"] for model in models for v in model["versions"]] == found


def test_old_versions_are_left_out_unless_they_have_a_name(workdir: Path) -> None:
    model = log_folder()
    for _ in range(23):
        nbtrack.register_model(model.model_uri, "digits")
    act("set_alias", name="digits", version=2, alias="first")
    [found] = ask("models.tree")["models"]
    assert found["total"] == 23
    assert [v["version"] for v in found["versions"]] == [*range(23, 3, -1), 2]


def test_details_of_a_version_say_all_there_is(versions: list[str]) -> None:
    found = ask("models.details", name="digits", version=2)
    assert found["signature"]["inputs"][0] == {"name": "length", "type": "double", "required": True}
    assert found["signature"]["outputs"][0]["type"] == "float32 [any, 2]"
    assert (found["device"], found["flavors"], found["state"]) == ("cuda:0", ["pytorch"], "READY")
    assert {"path": "data/weights.bin", "size": 5000} in found["files"]
    assert found["size"] == sum(file["size"] for file in found["files"])
    assert (found["run"]["name"], found["model_id"]) == ("run-1", versions[1])
    assert [(v["name"], v["version"]) for v in found["versions"]] == [("digits", 2)]
    assert found["load"] == "model = nbtrack.pytorch.load_model('models:/digits/2')"
    assert found["requirements"] == ["torch==2.4"]
    assert [m["key"] for m in found["metrics"]] == ["val_loss"]
    shown = ask("models.preview", name="digits", version=2, path="requirements.txt")
    assert shown["text"] == "torch==2.4\n"


def test_details_know_data_and_code_of_the_run(workdir: Path) -> None:
    with nbtrack.start_run() as run:
        frame = pd.DataFrame({"x": [1.0]})
        nbtrack.log_input(nbtrack.data.from_pandas(frame, name="mnist"), context="training")
        nbtrack.set_tag("mlflow.source.git.commit", "a" * 40)
        model = log_folder("net", run.info.run_id)
    found = ask("models.details", model_id=model.model_id)
    assert [(d["name"], d["context"]) for d in found["datasets"]] == [("mnist", "training")]
    assert found["code"]["commit"] == "a" * 40
    assert (found["kind"], found["version"], found["versions"]) == ("logged", None, [])


def test_a_run_lists_its_models(versions: list[str]) -> None:
    run_id = nbtrack.Client().get_logged_model(versions[0]).source_run_id
    [found] = ask("run.details", run_id=run_id)["models"]
    assert (found["name"], found["state"], found["size"] > 5000) == ("net", "READY", True)
    assert found["load"] == f"model = nbtrack.pytorch.load_model('models:/{versions[0]}')"
    assert [v["version"] for v in found["versions"]] == [1]


def test_a_model_without_its_files_is_still_shown(versions: list[str], workdir: Path) -> None:
    place = Path(nbtrack.Client().get_logged_model(versions[0]).artifact_location)
    for path in sorted(place.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    found = ask("models.details", name="digits", version=1)
    assert (found["flavors"], found["signature"], found["predicts"]) == ([], None, False)
    assert found["load"] == "model = nbtrack.pyfunc.load_model('models:/digits/1')"


# -- what changes the registry --------------------------------------------------------------


def test_aliases_stages_and_descriptions_are_changed(versions: list[str]) -> None:
    act("set_alias", name="digits", version=3, alias="champion")
    act("delete_alias", name="digits", alias="nobody")
    act("stage", name="digits", version=2, stage="Production")
    act("stage", name="digits", version=3, stage="Production", archive_existing=True)
    act("describe", name="digits", version=3, description="the best")
    act("describe", name="digits", description="digits of MNIST")
    act("tag", name="digits", version=3, key="owner", value="ada")
    [model] = ask("models.tree")["models"]
    assert [v["stage"] for v in model["versions"]] == ["Production", "Archived", "None"]
    assert [v["aliases"] for v in model["versions"]] == [["champion"], [], []]
    assert (model["description"], model["versions"][0]["description"]) == (
        "digits of MNIST",
        "the best",
    )
    assert ask("models.details", name="digits", version=3)["tags"] == [["owner", "ada"]]


def test_models_are_registered_renamed_and_deleted(versions: list[str]) -> None:
    act("register", model_id=versions[0], name="other")
    act("rename", name="other", new_name="another")
    act("delete_version", name="digits", version=3)
    names = {m["name"]: m["total"] for m in ask("models.tree")["models"]}
    assert names == {"digits": 2, "another": 1}
    act("delete_model", name="digits")
    assert [m["name"] for m in ask("models.tree")["models"]] == ["another"]
    with pytest.raises(NotFoundError):
        ask("models.details", name="digits", version=1)
    with pytest.raises(InvalidParameterError, match="action is 'explode'"):
        act("explode")


def test_changing_the_registry_needs_the_right_to_write() -> None:
    def of(kind: str) -> str:
        return action_of_request(Request({}, json.dumps({"type": kind}).encode()))

    assert (of("models.act"), of("models.tree"), of("models.details")) == ("write", "read", "read")


# -- the form -------------------------------------------------------------------------------


def form() -> dict[str, Any]:
    made = form_of(file_facts(mlmodel()), EXAMPLE)
    assert made is not None
    return made


def test_the_form_has_a_field_for_each_column_with_the_example(workdir: Path) -> None:
    made = form()
    assert [(f["name"], f["value"]) for f in made["fields"]] == [
        ("length", "1.5"),
        ("count", ""),
        ("kind", "a"),
    ]
    assert made["params"] == [{"name": "scale", "type": "double", "value": "1.0"}]
    assert form_of(file_facts({"flavors": {"pytorch": {}}}), {}) is None


def test_the_form_makes_a_typed_row() -> None:
    given = {"fields": {"length": " −2.5", "count": "", "kind": " b"}, "params": {"scale": "3"}}
    frame, params = input_of(form(), given)
    assert list(frame.columns) == ["length", "kind"]
    assert (frame["length"].dtype, frame["length"][0], frame["kind"][0]) == ("float64", -2.5, " b")
    assert params == {"scale": 3.0}
    assert input_of(form(), {**given, "params": {"scale": "1.0"}})[1] == {}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"length": "", "kind": "a"}, "length is empty; it needs a value of type double"),
        ({"length": "long", "kind": "a"}, "length is 'long'; it needs a value of type double"),
        ({"length": "1", "count": "1.5", "kind": "a"}, "count is '1.5'"),
    ],
)
def test_what_does_not_fit_a_column_is_said(fields: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidParameterError, match=said):
        input_of(form(), {"fields": fields})


def test_tensors_are_typed_as_json() -> None:
    signature = {"inputs": json.dumps(TENSOR)}
    made = form_of(file_facts(mlmodel(signature=signature)), {"inputs": [[1.0, 2.123456789]]})
    assert made is not None
    assert (made["kind"], made["text"]) == ("json", "[[1.0, 2.12346]]")
    data, _ = input_of(made, {"text": "[[3, 4]]"})
    assert (data.dtype, data.tolist()) == (np.float32, [[3.0, 4.0]])
    with pytest.raises(InvalidParameterError, match="no JSON"):
        input_of(made, {"text": "[[3, 4"})
    with pytest.raises(InvalidParameterError, match="no array of float32"):
        input_of(made, {"text": "[[1], [2, 3]]"})
    assert form_of(file_facts(mlmodel(signature=signature)), {})["text"] == "[[0, 0]]"  # type: ignore[index]


@pytest.mark.parametrize(
    ("value", "rows", "total"),
    [
        (np.arange(50.0), [[float(i)] for i in range(20)], 50),
        (np.array([[1.0, math.nan]]), [[1.0, "nan"]], 1),
        (pd.DataFrame({"a": [1], "b": ["x"]}), [[1, "x"]], 1),
        (pd.Series([2.5], name="y"), [[2.5]], 1),
        ([{"label": "cat", "score": 0.5}], [["cat", 0.5]], 1),
        ({"a": np.array([1, 2])}, [[1], [2]], 2),
    ],
)
def test_predictions_are_small_tables(value: Any, rows: list[Any], total: int) -> None:
    found = prediction(value)
    assert (found["kind"], found["rows"], found["total"]) == ("table", rows, total)
    json.dumps(found, allow_nan=False)


def test_other_predictions_are_texts() -> None:
    assert prediction("hello")["text"] == "hello"
    assert prediction({"a": {"b": 1}})["text"].startswith("{")
    assert prediction(np.zeros((2, 2, 2)))["note"] == "float64 [2, 2, 2]"
    assert len(prediction("x" * 9000)["text"]) < 4100


# -- the card -------------------------------------------------------------------------------


def test_html_of_a_card_is_escaped_and_gives_nothing_away(workdir: Path) -> None:
    evil = "<script>alert(1)</script>"
    columns = [{"type": "string", "name": evil, "required": True}]
    facts, _ = logged_model(
        open_store(), log_folder(signature={"inputs": json.dumps(columns)}).model_id
    )
    facts |= {"description": f"key sk-{'a1' * 20} in /home/ada/models", "name": evil}
    shown = card_facts(facts)
    bundle, _ = model_bundle(shown)
    assert "<script" not in bundle["text/html"]
    assert "&lt;script&gt;" in bundle["text/html"]
    assert "/home/ada" not in json.dumps(bundle)
    assert "a1a1a1" not in json.dumps(bundle)
    assert facts["model_id"] in bundle["text/plain"]


def test_a_card_is_small_whatever_the_model(workdir: Path) -> None:
    many = [{"type": "double", "name": f"column {i}" * 5, "required": True} for i in range(4000)]
    model = log_folder(signature={"inputs": json.dumps(many)})
    bundle, _ = model_bundle(card_facts(logged_model(open_store(), model.model_id)[0]))
    assert len(json.dumps(bundle)) < 50_000
    view = bundle["application/vnd.nbtrack.view.v1+json"]
    assert view["facts"]["signature"]["more"] == 3970


def test_a_card_asks_its_model(workdir: Path) -> None:
    from nbtrack.views.widgets.model_card import ModelCard

    model = log_folder()
    asked: list[Any] = []

    def predict(data: pd.DataFrame, params: dict[str, Any]) -> Any:
        asked.append((data, params))
        return data["length"] * 2

    card = ModelCard(lambda: logged_model(open_store(), model.model_id), predict)
    question = {"type": "model.predict", "fields": {"length": "4", "kind": "a"}}
    found = card.respond(question).body
    assert (found["kind"], found["rows"]) == ("table", [[8.0]])
    assert asked[0][1] == {}
    with pytest.raises(InvalidParameterError, match="length is empty"):
        card.respond({"type": "model.predict", "fields": {}})


def test_an_error_of_the_model_is_an_answer(workdir: Path) -> None:
    from nbtrack.views.widgets.model_card import ModelCard

    def predict(data: Any, params: dict[str, Any]) -> Any:
        raise ValueError("the weights are on strike")

    model = log_folder()
    card = ModelCard(lambda: logged_model(open_store(), model.model_id), predict)
    with pytest.raises(InvalidParameterError, match="ValueError: the weights are on strike"):
        card.respond({"type": "model.predict", "fields": {"length": "4", "kind": "a"}})


def test_a_shell_shows_models_as_cards(versions: list[str], monkeypatch: Any) -> None:
    from IPython.core.interactiveshell import InteractiveShell

    from nbtrack.notebook.formatters import register

    monkeypatch.setenv("NBTRACK_DISPLAY", "static")
    shell = InteractiveShell()
    register(shell)
    client = nbtrack.Client()
    for model in (client.get_model_version("digits", "2"), client.get_logged_model(versions[1])):
        shown, _ = shell.display_formatter.format(model)
        assert "application/vnd.nbtrack.view.v1+json" in shown
        assert "<table>" in shown["text/html"]
        assert "load_model" in shown["text/plain"]
    gone = client.get_model_version("digits", "2")
    client.delete_registered_model("digits")
    shown, _ = shell.display_formatter.format(gone)
    assert "application/vnd.nbtrack.view.v1+json" not in shown  # its fields are shown alone
    assert "not found" in shown["text/plain"]


def test_files_that_are_no_model_say_nothing(workdir: Path) -> None:
    assert signature_facts({"inputs": "{no json"}) is None
    assert file_facts({"flavors": "x", "nbtrack": 3, "model_size_bytes": "y"})["flavors"] == []
    folder = ArtifactFolder(str(workdir))
    assert serving_example(folder, {"saved_input_example_info": {"serving_input_path": 3}}) == {}


def test_a_file_of_more_than_a_megabyte_is_read_whole(workdir: Path) -> None:
    text = f"metadata: {{notes: {'x' * 1_200_000}}}\nflavors: {{sklearn: {{}}}}\n"
    (workdir / "MLmodel").write_text(text)
    assert file_facts(read_mlmodel(ArtifactFolder(str(workdir))))["flavors"] == ["sklearn"]


@pytest.mark.parametrize("late", [False, True])
def test_a_model_has_the_values_that_its_run_had_when_it_was_made(
    workdir: Path, late: bool
) -> None:
    with nbtrack.start_run() as run:
        for step in range(5):
            nbtrack.log_metrics({"val_loss": 1.2 / (step + 1), "odd": float(step)}, step=step)
        model = log_folder("net", run.info.run_id)
        nbtrack.register_model(f"models:/{model.model_id}", "net")
        time.sleep(0.002)
        if late:
            nbtrack.log_metric("val_loss", 0.01, step=9)
        nbtrack.log_metric("f1", 0.5, model_id=model.model_id)
    found = ask("models.details", model_id=model.model_id)["metrics"]
    assert [(each["key"], each["value"], each["step"]) for each in found] == [
        ("f1", 0.5, 0),
        ("odd", 4.0, 4),
        ("val_loss", 0.24, 4),
    ]
    [version] = ask("models.tree")["models"][0]["versions"]
    assert version["metric"] == {"key": "val_loss", "value": 0.24}
