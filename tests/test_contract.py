"""The same cases through the fluent functions and through ``Client``."""

from __future__ import annotations

import io
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import nbtrack
import protocol_cases
from nbtrack.entities import Metric, Param, RunTag, ViewType
from nbtrack.errors import (
    AlreadyExistsError,
    InvalidParameterError,
    NbtrackError,
    NbtrackWarning,
    NotFoundError,
)
from trackers import ByClient, Fluent


@pytest.fixture(params=[Fluent, ByClient], ids=["fluent", "client"])
def api(request, workdir):
    return request.param()


@pytest.fixture
def run_id(api):
    return api.start()


class Scalar:
    """What libraries call a scalar: it knows ``item`` and a shape."""

    def __init__(self, *values):
        self.values, self.shape = values, (len(values),)

    def item(self):
        (value,) = self.values
        return value


def test_the_client_has_one_class_and_three_names():
    assert nbtrack.Client is nbtrack.MlflowClient is nbtrack.tracking.MlflowClient
    assert nbtrack.client.MlflowClient is nbtrack.Client
    assert nbtrack.MlflowException is nbtrack.exceptions.MlflowException is NbtrackError


# -- experiments ---------------------------------------------------------------------------


def test_an_experiment_is_made_once_and_found_by_name(api):
    experiment_id = api.create_experiment("digits", tags={"team": "a"})
    found = api.experiment("digits")
    assert (found.experiment_id, found.tags) == (experiment_id, {"team": "a"})
    assert api.experiment("letters") is None
    with pytest.raises(AlreadyExistsError, match=r"Experiment\(name=digits\) already exists"):
        api.create_experiment("digits")


@pytest.mark.parametrize("name", ["", None, 5, "x" * 501])
def test_an_experiment_needs_a_name(api, name):
    with pytest.raises(InvalidParameterError):
        api.create_experiment(name)


def test_a_deleted_name_can_be_used_again_and_then_stops_the_restore(api):
    old = api.create_experiment("digits")
    api.delete_experiment(old)
    assert api.experiment("digits").lifecycle_stage == "deleted"
    new = api.create_experiment("digits")
    assert api.experiment("digits").experiment_id == new != old
    with pytest.raises(AlreadyExistsError, match="digits"):
        api.restore_experiment(old)
    api.delete_experiment(new)
    api.restore_experiment(old)
    assert api.experiment("digits").experiment_id == old


def test_what_is_not_there_cannot_be_deleted_or_restored(api):
    experiment_id = api.create_experiment("digits")
    with pytest.raises(NotFoundError, match="exists that is deleted: it is active"):
        api.restore_experiment(experiment_id)
    with pytest.raises(NotFoundError, match="No Experiment with id=77 exists"):
        api.delete_experiment("77")
    api.delete_experiment(experiment_id)
    with pytest.raises(NotFoundError, match="deleted already"):
        api.delete_experiment(experiment_id)


def test_deleting_an_experiment_takes_its_runs_along(api):
    experiment_id = api.create_experiment("digits")
    run_id = api.start(experiment_id=experiment_id)
    api.delete_experiment(experiment_id)
    assert api.run(run_id).info.lifecycle_stage == "deleted"
    with pytest.raises(InvalidParameterError, match="must be in the 'active' state"):
        api.log("log_metric", run_id, "loss", 1.0)
    api.restore_experiment(experiment_id)
    api.log("log_metric", run_id, "loss", 1.0)
    assert api.run(run_id).data.metrics == {"loss": 1.0}


def test_no_run_starts_in_a_deleted_experiment(api):
    experiment_id = api.create_experiment("digits")
    api.delete_experiment(experiment_id)
    with pytest.raises(InvalidParameterError, match="must be in the 'active' state"):
        api.start(experiment_id=experiment_id)
    with pytest.raises(NotFoundError, match="No Experiment with id=77"):
        api.start(experiment_id="77")


def test_experiment_tags(api):
    experiment_id = api.create_experiment("digits")
    api.tag_experiment(experiment_id, "n", 3)
    api.tag_experiment(experiment_id, "n", "half \ud800 character")
    assert api.experiment("digits").tags == {"n": "half \\ud800 character"}
    api.untag_experiment(experiment_id, "n")
    assert api.experiment("digits").tags == {}
    with pytest.raises(NotFoundError, match="No tag with name: n"):
        api.untag_experiment(experiment_id, "n")
    with pytest.raises(InvalidParameterError, match="20000"):
        api.tag_experiment(experiment_id, "long", "x" * 20001)


def test_experiments_are_searched(api):
    ids = [api.create_experiment(name, tags={"even": i % 2 == 0}) for i, name in enumerate("abc")]
    api.delete_experiment(ids[2])
    assert api.experiments(filter_string="tags.even = 'True'") == ["a"]
    assert api.experiments(order_by=["name DESC"]) == ["b", "a", "Default"]
    assert api.experiments(view_type=ViewType.DELETED_ONLY) == ["c"]
    assert sorted(api.experiments(view_type=ViewType.ALL)) == ["Default", "a", "b", "c"]
    assert api.experiments(max_results=1, order_by=["name DESC"]) == ["b"]


def test_an_experiment_is_renamed(workdir):
    client = nbtrack.MlflowClient()
    first, second = client.create_experiment("first"), client.create_experiment("second")
    client.rename_experiment(first, "third")
    assert client.get_experiment(first).name == "third"
    with pytest.raises(AlreadyExistsError, match="third"):
        client.rename_experiment(second, "third")
    client.delete_experiment(second)
    with pytest.raises(NbtrackError, match="Cannot rename a non-active experiment"):
        client.rename_experiment(second, "fourth")


def test_a_relative_place_for_artifacts_starts_in_the_working_directory(api, workdir):
    experiment_id = api.create_experiment("digits", artifact_location="mine")
    run_id = api.start(experiment_id=experiment_id)
    api.log("log_text", run_id, "hello", "note.txt")
    assert (workdir / "mine" / run_id / "artifacts" / "note.txt").read_text() == "hello"
    with pytest.raises(InvalidParameterError, match="artifact_location"):
        api.create_experiment("other", artifact_location="runs:/abc")


# -- runs ----------------------------------------------------------------------------------


def test_a_run_begins_and_ends(api):
    run_id = api.start(run_name="first", tags={"a": 1})
    run = api.run(run_id)
    assert (run.info.status, run.info.end_time) == ("RUNNING", None)
    assert (run.info.run_name, run.data.tags["mlflow.runName"]) == ("first", "first")
    assert run.data.tags["a"] == "1"
    api.end(run_id, "KILLED")
    run = api.run(run_id)
    assert run.info.status == "KILLED"
    assert run.info.end_time >= run.info.start_time


def test_names_are_random_and_readable_or_come_from_the_tag(api):
    assert api.run(api.start(tags={"mlflow.runName": "tagged"})).info.run_name == "tagged"
    nbtrack.end_run()
    words = api.run(api.start()).info.run_name.split("-")
    assert len(words) == 3
    assert words[2].isdigit()


def test_the_name_and_its_tag_follow_each_other(api, run_id):
    api.log("set_tag", run_id, "mlflow.runName", "by tag")
    assert api.run(run_id).info.run_name == "by tag"
    nbtrack.MlflowClient().update_run(run_id, name="by name")
    assert api.run(run_id).data.tags["mlflow.runName"] == "by name"
    nbtrack.MlflowClient().update_run(run_id, name="")
    assert api.run(run_id).info.run_name == "by name"


def test_no_status_but_the_known_ones(api, run_id):
    with pytest.raises(InvalidParameterError, match=r"Invalid run status 'DONE'.*FINISHED"):
        api.end(run_id, "DONE")
    assert api.run(run_id).info.status == "RUNNING"


def test_a_deleted_run_takes_nothing_until_it_is_restored(api, run_id):
    api.delete_run(run_id)
    api.delete_run(run_id)
    for name, args in {
        "log_metric": ("m", 1),
        "log_param": ("p", 1),
        "set_tag": ("t", 1),
        "log_text": ("x", "x.txt"),
    }.items():
        with pytest.raises(InvalidParameterError, match="Current state is deleted"):
            api.log(name, run_id, *args)
    api.restore_run(run_id)
    api.log("log_metric", run_id, "m", 1)
    assert api.run(run_id).data.metrics == {"m": 1.0}


def test_a_run_that_is_deleted_while_it_is_active_can_end(workdir):
    run = nbtrack.start_run()
    nbtrack.delete_run(run.info.run_id)
    nbtrack.end_run()
    info = nbtrack.get_run(run.info.run_id).info
    assert (info.lifecycle_stage, info.status) == ("deleted", "FINISHED")


@pytest.mark.parametrize("name", ["run", "delete_run", "restore_run", "parent"])
def test_a_run_that_is_not_there_is_named(api, name):
    with pytest.raises(NotFoundError, match=f"Run with id={'0' * 32} not found"):
        getattr(api, name)("0" * 32)
    with pytest.raises(InvalidParameterError, match="run_id"):
        getattr(api, name)("no id")


def test_times_that_no_database_holds_are_refused(workdir):
    client = nbtrack.MlflowClient()
    with pytest.raises(InvalidParameterError, match="start_time"):
        client.create_run("0", start_time=2**60)
    run_id = client.create_run("0", start_time=5, run_name=7).info.run_id
    with pytest.raises(InvalidParameterError, match="end_time"):
        client.set_terminated(run_id, end_time=-1)
    client.set_terminated(run_id, end_time=77)
    info = client.get_run(run_id).info
    assert (info.start_time, info.end_time, info.run_name) == (5, 77, "7")


# -- params --------------------------------------------------------------------------------


def test_params_become_text(api, run_id):
    for key, value in {"none": None, "empty": "", "number": 1.5, "list": [1]}.items():
        api.log("log_param", run_id, key, value)
    expected = {"none": "None", "empty": "", "number": "1.5", "list": "[1]"}
    assert api.run(run_id).data.params == expected


def test_log_param_returns_the_value(api, run_id):
    assert api.log("log_param", run_id, "lr", 0.1) == 0.1


def test_a_param_is_written_once(api, run_id):
    api.log("log_param", run_id, "lr", 1)
    api.log("log_param", run_id, "lr", "1")
    with pytest.raises(InvalidParameterError) as caught:
        api.log("log_param", run_id, "lr", 2)
    assert caught.value.message.startswith(
        "Changing param values is not allowed. Param with key='lr' was already logged with "
        f"value='1' for run ID='{run_id}'. Attempted logging new value '2'."
    )


def test_a_batch_of_params_is_written_whole_or_not_at_all(api, run_id):
    api.log("log_param", run_id, "lr", 1)
    with pytest.raises(InvalidParameterError, match="Changing param values"):
        api.log_params(run_id, {"depth": 3, "lr": 2})
    with pytest.raises(InvalidParameterError, match=r"parameter 'params\[1\]\.key' supplied"):
        api.log_params(run_id, {"depth": 3, "what\n": 2})
    assert api.run(run_id).data.params == {"lr": "1"}


def test_long_values_are_cut_and_that_is_said(api, run_id, monkeypatch):
    with pytest.warns(NbtrackWarning, match=r"'long' has 7000 characters and was cut to 6000"):
        api.log("log_param", run_id, "long", "x" * 7000)
    with pytest.warns(NbtrackWarning, match="cut to 8000"):
        api.log("set_tag", run_id, "long", "x" * 9000)
    assert len(api.run(run_id).data.params["long"]) == 6000
    monkeypatch.setenv("MLFLOW_TRUNCATE_LONG_VALUES", "false")
    with pytest.raises(InvalidParameterError, match="exceeds the maximum length"):
        api.log("log_param", run_id, "longer", "x" * 7000)


# -- keys ----------------------------------------------------------------------------------

LOGGING = [("log_param", 1), ("log_metric", 1), ("set_tag", 1)]


@pytest.mark.parametrize(("name", "value"), LOGGING)
@pytest.mark.parametrize(
    "key",
    ["a/b", "x y", "ü.é", "a:b", "ключ", "x" * 250, "p@5 (top, 50%)", "x[0]+y=1", "<b>'\"`", "😀"],
)
def test_keys_that_are_fine(api, run_id, name, value, key):
    api.log(name, run_id, key, value)
    data = api.run(run_id).data
    assert key in {**data.params, **data.metrics, **data.tags}


@pytest.mark.parametrize(("name", "value"), LOGGING)
@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("a\tb", "may not contain line breaks"),
        ("a\n", "may not contain line breaks"),
        ("a//b", "This name would resolve to 'a/b'"),
        ("../x", "must not resolve to other names"),
        ("/x", "must not resolve to other names"),
        (".", "must not resolve to other names"),
        ("", "Missing value for required parameter"),
        (None, "Missing value for required parameter"),
        (5, "must be text, not int"),
        ("x" * 251, "exceeds the maximum length of 250"),
    ],
)
def test_keys_that_are_refused(api, run_id, name, value, key, why):
    with pytest.raises(InvalidParameterError, match=why):
        api.log(name, run_id, key, value)


# -- metrics -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (True, 1.0),
        ("3.5", 3.5),
        (np.float32(0.5), 0.5),
        (np.array([2.5]), 2.5),
        (np.array(7), 7.0),
        (Scalar(4), 4.0),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
    ],
)
def test_scalars_of_any_kind(api, run_id, value, stored):
    api.log("log_metric", run_id, "m", value)
    assert api.run(run_id).data.metrics == {"m": stored}
    assert [m.value for m in api.history(run_id, "m")] == [stored]


def test_a_nan_comes_back(api, run_id):
    api.log("log_metric", run_id, "m", math.nan)
    assert math.isnan(api.run(run_id).data.metrics["m"])


@pytest.mark.parametrize("value", ["abc", None, [1], np.array([1, 2]), Scalar(1, 2), 1j, 10**400])
def test_what_is_no_single_number_is_refused(api, run_id, value):
    with pytest.raises(InvalidParameterError, match="Metric 'm'"):
        api.log("log_metric", run_id, "m", value)
    assert api.history(run_id, "m") == []


def test_a_tensor_with_a_gradient_is_no_reason_to_warn(api, run_id):
    torch = pytest.importorskip("torch")
    api.log("log_metric", run_id, "m", torch.tensor(0.5, requires_grad=True))
    assert api.run(run_id).data.metrics == {"m": 0.5}


@pytest.mark.parametrize(
    ("step", "stored"), [(-5, -5), (2.0, 2), (np.int64(7), 7), (-(2**63), -(2**63)), (None, 0)]
)
def test_steps_are_whole_numbers(api, run_id, step, stored):
    api.log("log_metric", run_id, "m", 1.0, step=step)
    assert [m.step for m in api.history(run_id, "m")] == [stored]


@pytest.mark.parametrize("step", [1.5, "3", math.nan, 2**63])
def test_steps_that_are_refused(api, run_id, step):
    with pytest.raises(InvalidParameterError, match="parameter 'step'"):
        api.log("log_metric", run_id, "m", 1.0, step=step)


@pytest.mark.parametrize("timestamp", [-1, "12", math.inf, 2**62])
def test_timestamps_that_are_refused(api, run_id, timestamp):
    with pytest.raises(InvalidParameterError, match="parameter 'timestamp'"):
        api.log("log_metric", run_id, "m", 1.0, timestamp=timestamp)


def test_the_latest_value_has_the_greatest_step_then_time_then_value(api, run_id):
    for step, timestamp, value in [(5, 9, 1.0), (5, 10, 2.0), (5, 10, 1.5), (1, 99, 7.0)]:
        api.log("log_metric", run_id, "m", value, step=step, timestamp=timestamp)
    assert api.run(run_id).data.metrics == {"m": 2.0}


def test_a_history_goes_by_time_step_and_value_and_has_each_point_once(api, run_id):
    for step, timestamp, value in [(2, 5, 1), (1, 5, 2), (1, 5, 0), (0, 9, 4), (0, 9, 4)]:
        api.log("log_metric", run_id, "m", value, step=step, timestamp=timestamp)
    points = [(m.timestamp, m.step, m.value) for m in api.history(run_id, "m")]
    assert points == [(5, 1, 0.0), (5, 1, 2.0), (5, 2, 1.0), (9, 0, 4.0)]
    assert api.history(run_id, "other") == []


@pytest.mark.parametrize("bad", [{"good": 1, "bad": "x"}, {"good": 1, "bad\n": 1}])
def test_a_batch_of_metrics_is_written_whole_or_not_at_all(api, run_id, bad):
    with pytest.raises(InvalidParameterError, match="bad"):
        api.log_metrics(run_id, bad)
    api.log_metrics(run_id, {"fine": 1, "also": 2}, step=3)
    assert api.run(run_id).data.metrics == {"fine": 1.0, "also": 2.0}


# -- tags ----------------------------------------------------------------------------------


def test_tags_change_and_go(api, run_id):
    api.log("set_tag", run_id, "a", 1)
    api.set_tags(run_id, {"a": 2, "b": None, "c": {"d": 1}})
    tags = api.run(run_id).data.tags
    assert (tags["a"], tags["b"], tags["c"]) == ("2", "None", "{'d': 1}")
    api.log("delete_tag", run_id, "a")
    assert "a" not in api.run(run_id).data.tags
    with pytest.raises(NotFoundError, match=f"No tag with name: a in run with id {run_id}"):
        api.log("delete_tag", run_id, "a")


def test_a_batch_of_tags_is_written_whole_or_not_at_all(api, run_id):
    with pytest.raises(InvalidParameterError, match=r"parameter 'tags\[1\]\.key' supplied"):
        api.set_tags(run_id, {"a": 1, "what\n": 2})
    assert "a" not in api.run(run_id).data.tags


# -- log_batch -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "bad",
    [
        {"metrics": [Metric("m\n", 1, 1, 1)]},
        {"metrics": [Metric("m", "x", 1, 1)]},
        {"metrics": [Metric("m", 1, None, 1)]},
        {"metrics": [Metric("m", 1, 1, 1.5)]},
        {"tags": [RunTag("t\n", "1")]},
        {"params": [Param("p\n", "1")]},
        {"params": [Param("p", "1"), Param("p", "2")]},
    ],
)
def test_log_batch_checks_everything_before_it_writes(workdir, bad):
    client = nbtrack.MlflowClient()
    run_id = client.create_run("0").info.run_id
    before = client.get_run(run_id).data.tags
    good = {"metrics": [Metric("x", 1, 1)], "params": [Param("x", "1")], "tags": [RunTag("x", "1")]}
    with pytest.raises(InvalidParameterError):
        client.log_batch(run_id, **{name: good[name] + bad.get(name, []) for name in good})
    data = client.get_run(run_id).data
    assert (data.metrics, data.params, data.tags) == ({}, {}, before)


def test_log_batch_takes_any_number(workdir):
    client = nbtrack.MlflowClient()
    run_id = client.create_run("0").info.run_id
    client.log_batch(
        run_id,
        metrics=[Metric("m", step, step, step) for step in range(1500)],
        params=[Param(f"p{i}", str(i)) for i in range(150)],
        tags=[RunTag(f"t{i}", str(i)) for i in range(150)],
    )
    assert len(client.get_metric_history(run_id, "m")) == 1500
    assert len(client.get_run(run_id).data.params) == 150


def test_handles_are_handed_out_where_they_are_asked_for(api, run_id):
    assert api.log("log_metric", run_id, "m", 1, synchronous=True) is None
    api.log("log_metric", run_id, "m", 1, synchronous=False).wait()
    nbtrack.config.enable_async_logging()
    try:
        api.log("set_tag", run_id, "t", 1).wait()
    finally:
        nbtrack.config.enable_async_logging(False)
    assert api.log("set_tag", run_id, "t", 1) is None


# -- artifacts -----------------------------------------------------------------------------


def test_artifacts_of_all_kinds(api, run_id, workdir):
    (workdir / "d").mkdir()
    (workdir / "d" / "a.txt").write_text("A")
    api.log("log_artifact", run_id, "d/a.txt")
    api.log("log_artifact", run_id, "d/a.txt", "in")
    api.log("log_artifacts", run_id, "d", "whole")
    api.log("log_text", run_id, "hällo", "t/x.txt")
    api.log("log_dict", run_id, {"a": 1}, "x.json")
    api.log("log_table", run_id, {"a": [1], "b": ["x"]}, "table.json")
    api.log("log_stream", run_id, io.BytesIO(b"abc"), "s.bin")
    api.log("log_image", run_id, np.zeros((4, 4, 3), "uint8"), "i.png")
    api.log("log_image", run_id, np.zeros((4, 4, 3), "uint8"), key="k/q", step=3)
    api.log("log_figure", run_id, figure(), "f.png")
    client = nbtrack.MlflowClient()
    found = {f.path: f.is_dir for f in client.list_artifacts(run_id)}
    found.pop("environment.json", None)
    files = ["a.txt", "f.png", "i.png", "s.bin", "table.json", "x.json"]
    folders = ["images", "in", "t", "whole"]
    assert found == {**dict.fromkeys(files, False), **dict.fromkeys(folders, True)}
    assert [f.path for f in client.list_artifacts(run_id, "whole")] == ["whole/a.txt"]
    assert len(client.list_artifacts(run_id, "images")) == 2


def figure():
    pytest.importorskip("matplotlib")
    from matplotlib.figure import Figure

    return Figure()


def test_artifacts_come_back(api, run_id, workdir):
    api.log("log_text", run_id, "hällo", "t/x.txt")
    api.log("log_dict", run_id, {"a": 1}, "x.yaml")
    assert nbtrack.artifacts.load_text(f"runs:/{run_id}/t/x.txt") == "hällo"
    assert nbtrack.artifacts.load_dict(f"runs:/{run_id}/x.yaml") == {"a": 1}
    place = nbtrack.MlflowClient().download_artifacts(run_id, "x.yaml", str(workdir / "copy"))
    assert place == str(workdir / "copy" / "x.yaml")
    with pytest.raises(NotFoundError, match=r"no\.txt"):
        nbtrack.artifacts.load_text(f"runs:/{run_id}/no.txt")


def test_tables_grow_and_come_back(api, run_id):
    api.log("log_table", run_id, {"a": [1, 2]}, "t.json")
    api.log("log_table", run_id, pd.DataFrame({"a": [3]}), "t.json")
    assert nbtrack.load_table("t.json")["a"].tolist() == [1, 2, 3]
    table = nbtrack.MlflowClient().load_table("0", "t.json", extra_columns=["run_id"])
    assert table["run_id"].tolist() == [run_id] * 3


@pytest.mark.parametrize("name", ["../x.txt", "/x.txt", ""])
def test_artifacts_stay_in_the_folder_of_their_run(api, run_id, name):
    with pytest.raises(InvalidParameterError, match="Invalid artifact path"):
        api.log("log_text", run_id, "x", name)


def test_file_names_that_are_no_text_are_refused_and_do_no_harm(api, run_id, workdir):
    (workdir / "d").mkdir()
    (workdir / "d" / "\udcff.txt").write_text("A")
    with pytest.raises(InvalidParameterError, match="Invalid artifact path"):
        api.log("log_artifacts", run_id, "d")
    api.log("log_metric", run_id, "m", 1)
    assert api.run(run_id).data.metrics == {"m": 1.0}


# -- datasets ------------------------------------------------------------------------------


def test_datasets_are_recorded_with_what_they_are_for(workdir):
    data = nbtrack.data.from_pandas(pd.DataFrame({"a": [1, 2]}), name="mine")
    with nbtrack.start_run() as run:
        nbtrack.log_input(data, context="train", tags={"q": "1"})
    (found,) = nbtrack.get_run(run.info.run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("mine", data.digest)
    assert found.to_dictionary()["tags"] == {"mlflow.data.context": "train", "q": "1"}
    names = Fluent().search("0", "dataset.name = 'mine' AND dataset.context = 'train'")
    assert names == [run.info.run_name]


@pytest.mark.parametrize(("name", "digest"), [("n" * 501, "d"), ("n", "d" * 37), ("", "d")])
def test_a_dataset_has_a_name_and_a_digest_of_some_length(workdir, name, digest):
    client = nbtrack.MlflowClient()
    run_id = client.create_run("0").info.run_id
    dataset = nbtrack.entities.Dataset(name, digest, "local", "{}")
    with pytest.raises(InvalidParameterError, match=r"name|digest"):
        client.log_inputs(run_id, [nbtrack.entities.DatasetInput(dataset)])


@pytest.mark.parametrize("source", [("local", None), (None, "{}"), ("local", "")])
def test_a_dataset_has_a_source_so_that_the_store_can_hold_it(workdir, source):
    client = nbtrack.MlflowClient()
    run_id = client.create_run("0").info.run_id
    dataset = nbtrack.entities.Dataset("n", "d", *source)
    with pytest.raises(InvalidParameterError, match="source"):
        client.log_inputs(run_id, [nbtrack.entities.DatasetInput(dataset)])
    assert len(nbtrack.search_runs()) == 1


def test_what_is_no_text_or_only_half_of_it_is_stored_as_text(workdir):
    client = nbtrack.MlflowClient()
    run_id = client.create_run("0", tags={"mlflow.user": 5}).info.run_id
    dataset = nbtrack.entities.Dataset("n\udc80", 5, "local", {"a": "\ud800"})
    tag = nbtrack.entities.InputTag("k\udc80", None)
    client.log_inputs(run_id, [nbtrack.entities.DatasetInput(dataset, [tag])])
    (found,) = client.get_run(run_id).inputs.dataset_inputs
    assert (found.dataset.name, found.dataset.digest) == ("n\\udc80", "5")
    assert nbtrack.set_experiment("e\ud800").name == "e\\ud800"
    assert nbtrack.get_experiment_by_name("e\ud800").experiment_id == "1"


@pytest.mark.parametrize("given", [None, 5, SimpleNamespace(a=1), ["ab", 5]])
def test_what_is_no_mapping_is_refused(workdir, given):
    for log in (nbtrack.log_params, nbtrack.log_metrics, nbtrack.set_tags):
        with pytest.raises(InvalidParameterError, match=r"must be a mapping"):
            log(given)


# -- searching -----------------------------------------------------------------------------


@pytest.fixture
def three(api):
    for i, loss in enumerate([0.3, 0.1, 0.2]):
        run_id = api.start(run_name=f"r{i}")
        api.log_params(run_id, {"i": i, "kind": "a" if i else "b"})
        api.log_metrics(run_id, {"loss": loss})
        api.end(run_id)
    return api


def test_runs_are_searched_ordered_and_limited(three):
    assert three.search("0", order_by=["metrics.loss"]) == ["r1", "r2", "r0"]
    assert three.search("0", "params.kind = 'a'", order_by=["run_name DESC"]) == ["r2", "r1"]
    assert three.search("0", order_by=["metrics.loss DESC"], max_results=1) == ["r0"]
    either = "metrics.loss < 0.15 OR (params.kind = 'b' AND status = 'FINISHED')"
    assert three.search("0", either, order_by=["run_name"]) == ["r0", "r1"]
    with pytest.raises(InvalidParameterError, match="Invalid entity type 'foo'"):
        three.search("0", "foo.bar = 1")


def test_deleted_runs_are_searched_by_view_type(three):
    gone = nbtrack.search_runs(output_format="list", order_by=["run_name"])[0].info.run_id
    three.delete_run(gone)
    assert three.search("0", run_view_type=ViewType.DELETED_ONLY) == ["r0"]
    assert len(three.search("0", run_view_type=ViewType.ALL)) == 3
    assert len(three.search("0")) == 2


def test_pages_follow_each_other(three):
    client = nbtrack.MlflowClient()
    first = client.search_runs(["0"], max_results=2, order_by=["run_name"])
    second = client.search_runs(["0"], "", 1, 2, ["run_name"], first.token)
    assert [r.info.run_name for r in first + second] == ["r0", "r1", "r2"]
    assert not second.token
    with pytest.raises(InvalidParameterError, match="page token"):
        client.search_runs(["0"], page_token="nonsense")


@pytest.mark.parametrize("count", [0, -1, 50001])
def test_a_page_has_a_size(workdir, count):
    client = nbtrack.MlflowClient()
    for search in (client.search_experiments, lambda **o: client.search_runs(["0"], **o)):
        with pytest.raises(InvalidParameterError, match="max_results"):
            search(max_results=count)


def test_a_frame_of_runs(three):
    frame = nbtrack.search_runs(order_by=["run_name"])
    columns = ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time"]
    assert list(frame.columns[:6]) == columns
    assert frame["metrics.loss"].tolist() == [0.3, 0.1, 0.2]
    assert frame["params.i"].tolist() == ["0", "1", "2"]
    assert str(frame["start_time"].dtype) == "datetime64[us, UTC]"
    empty = nbtrack.search_runs(filter_string="metrics.loss > 5")
    assert (len(empty), list(empty.columns)) == (0, columns)


def test_where_a_search_looks(three):
    nbtrack.set_experiment("other")
    nbtrack.start_run()
    nbtrack.end_run()
    assert len(nbtrack.search_runs()) == 1
    assert len(nbtrack.search_runs([])) == 1
    assert len(nbtrack.search_runs(experiment_names=["Default"])) == 3
    assert len(nbtrack.search_runs(search_all_experiments=True)) == 4
    with pytest.raises(InvalidParameterError, match="but not both"):
        nbtrack.search_runs(["0"], experiment_names=["other"])
    with pytest.raises(InvalidParameterError, match="Unsupported output format"):
        nbtrack.search_runs(output_format="json")


# -- what mlflow's client does with a server, done in its place -------------------------------


@pytest.mark.filterwarnings("ignore::nbtrack.errors.NbtrackWarning")
@pytest.mark.parametrize("name", protocol_cases.EVERYWHERE)
def test_what_mlflow_does_with_a_server_is_done_with_a_store(name, workdir):
    protocol_cases.CASES[name](nbtrack)
