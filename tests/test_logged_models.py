from __future__ import annotations

import math
import stat
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import nbtrack
import programs
from model_folders import log_model
from nbtrack.entities import LoggedModelInput, LoggedModelOutput, LoggedModelStatus, Metric
from nbtrack.errors import InvalidParameterError, InvalidStateError, NotFoundError
from nbtrack.store import open_store
from nbtrack.tracking import context
from nbtrack.tracking import logged_models as made
from nbtrack.tracking.model_locations import locate


def metrics_of(model_id: str) -> list[tuple[str, float, int]]:
    found = nbtrack.get_logged_model(model_id).metrics or []
    return sorted((m.key, m.value, m.step) for m in found)


def test_a_model_is_pending_until_its_files_are_there(workdir):
    with nbtrack.start_run() as run:
        nbtrack.log_params({"lr": 0.1, "depth": 3})
        model = made.start(context.store(), "net", params={"kind": "cnn"}, model_type="image")
        assert nbtrack.get_logged_model(model.model_id).status == "PENDING"
        (model.place / "MLmodel").write_text("flavors: {}\n")
        model.finish()
    found = nbtrack.get_logged_model(model.model_id)
    assert (found.status, found.name, found.model_type) == (
        LoggedModelStatus.READY, "net", "image",
    )  # fmt: skip
    assert found.params == {"lr": "0.1", "depth": "3", "kind": "cnn"}
    assert (found.source_run_id, found.model_uri) == (run.info.run_id, f"models:/{found.model_id}")
    outputs = nbtrack.get_run(run.info.run_id).outputs.model_outputs
    assert outputs == [LoggedModelOutput(model.model_id, 0)]


def test_files_are_recorded_read_only_and_shared_with_equal_ones(workdir):
    first, second = log_model("a", "same"), log_model("b", "same")
    files = [m.place / "data" / "weights.bin" for m in (first, second)]
    assert files[0].stat().st_ino == files[1].stat().st_ino
    assert not files[0].stat().st_mode & stat.S_IWUSR
    place = locate(f"models:/{second.model_id}")
    assert set(place.hashes) == {"MLmodel", "data/weights.bin"}
    assert place.tracked
    assert place.folder.download() == str(second.place)
    store = open_store(None)
    kept = store.artifacts / ".content" / place.hashes["data/weights.bin"][:2]
    assert (kept / place.hashes["data/weights.bin"]).stat().st_nlink == 3


def test_a_model_without_a_run_belongs_to_the_active_experiment(workdir):
    nbtrack.set_experiment("vision")
    model = nbtrack.get_logged_model(log_model().model_id)
    assert model.experiment_id == nbtrack.get_experiment_by_name("vision").experiment_id
    assert model.source_run_id is None
    assert nbtrack.active_run() is None
    assert nbtrack.last_logged_model() == model


def test_metrics_at_the_step_of_a_model_are_the_models_before_and_after(workdir):
    with nbtrack.start_run():
        nbtrack.log_metric("loss", 0.9, step=1)
        nbtrack.log_metric("loss", 0.5, step=2)
        open_store(None).fold()
        model = log_model(step=2)
        nbtrack.log_metric("acc", math.nan, step=2)
        nbtrack.log_metrics({"acc": 0.8, "f1": 0.7}, step=3)
        open_store(None).fold()
        nbtrack.log_metric("late", 1.0, step=2)
    found = nbtrack.get_logged_model(model.model_id).metrics
    assert sorted((m.key, m.step) for m in found) == [("acc", 2), ("late", 2), ("loss", 2)]
    assert math.isnan(next(m.value for m in found if m.key == "acc"))


def test_a_metric_given_to_one_model_is_not_that_of_the_others(workdir):
    with nbtrack.start_run() as run:
        one, two = log_model("one"), log_model("two")
        nbtrack.log_metric("shared", 1.0)
        nbtrack.log_metric("acc", 0.1, model_id=one.model_id)
        nbtrack.log_metrics({"acc": 0.2}, model_id=two.model_id)
        open_store(None).fold()
    assert metrics_of(one.model_id) == [("acc", 0.1, 0), ("shared", 1.0, 0)]
    assert metrics_of(two.model_id) == [("acc", 0.2, 0), ("shared", 1.0, 0)]
    assert len(nbtrack.Client().get_metric_history(run.info.run_id, "acc")) == 2
    assert nbtrack.get_run(run.info.run_id).inputs.model_inputs == []


def test_metrics_of_another_runs_model_make_it_an_input(workdir):
    model = log_model()
    data = nbtrack.data.from_numpy(np.zeros((2, 2)), name="test", digest="d1")
    with nbtrack.start_run() as run:
        nbtrack.log_metric("acc", 0.5, step=4, model_id=model.model_id, dataset=data)
    found = nbtrack.get_run(run.info.run_id)
    assert found.inputs.model_inputs == [LoggedModelInput(model.model_id)]
    assert [d.dataset.name for d in found.inputs.dataset_inputs] == ["test"]
    (metric,) = nbtrack.get_logged_model(model.model_id).metrics
    assert (metric.dataset_name, metric.dataset_digest, metric.step) == ("test", "d1", 4)
    assert metric.run_id == run.info.run_id
    with pytest.raises(NotFoundError, match="Logged model with ID 'm-no' not found"):
        nbtrack.log_metric("acc", 1, model_id="m-no")


def test_a_batch_may_hold_metrics_of_models(workdir):
    model, client = log_model(), nbtrack.Client()
    run = client.create_run("0")
    points = [Metric("acc", 0.5, 7, 1, model.model_id, "test", "d1"), Metric("acc", 0.6, 8, 2)]
    client.log_batch(run.info.run_id, points)
    (metric,) = nbtrack.get_logged_model(model.model_id).metrics
    assert (metric.value, metric.dataset_name, metric.timestamp) == (0.5, "test", 7)
    assert len(client.get_metric_history(run.info.run_id, "acc")) == 2
    with pytest.raises(NotFoundError, match="m-none"):
        client.log_batch(run.info.run_id, [Metric("acc", 1, 9, 3, "m-none")])
    assert len(client.get_metric_history(run.info.run_id, "acc")) == 2


def test_metrics_go_to_the_model_that_is_active(workdir, monkeypatch):
    outer = log_model("outer")
    with nbtrack.start_run():
        nbtrack.set_active_model(name="outer")
        with nbtrack.set_active_model(name="fresh") as fresh:
            nbtrack.log_metric("x", 1)
        nbtrack.log_metric("x", 2)
        nbtrack.clear_active_model()
        assert nbtrack.get_active_model_id() is None
        nbtrack.log_metric("x", 3)
        monkeypatch.setenv("MLFLOW_ACTIVE_MODEL_ID", outer.model_id)
        seen = []
        thread = threading.Thread(target=lambda: seen.append(nbtrack.get_active_model_id()))
        thread.start()
        thread.join()
    assert seen == [outer.model_id]
    assert metrics_of(fresh.model_id) == [("x", 1.0, 0)]
    assert metrics_of(outer.model_id) == [("x", 2.0, 0)]
    assert nbtrack.get_logged_model(fresh.model_id).tags["mlflow.model.isExternal"] == "true"
    with pytest.raises(InvalidParameterError, match="does not match the provided name"):
        nbtrack.set_active_model(name="fresh", model_id=outer.model_id)


def test_a_failed_model_says_why_and_leaves_no_files(workdir):
    model = made.start(context.store(), "net")
    (model.place / "half").write_text("x")
    model.fail("the GPU went away")
    model.fail("said twice")
    found = nbtrack.get_logged_model(model.model_id)
    assert (found.status, found.status_message) == ("FAILED", "the GPU went away")
    assert not model.place.exists()
    with pytest.raises(InvalidStateError, match="finished or failed already"):
        model.finish()


def test_a_model_can_be_written_into_one_that_is_there(workdir):
    external = nbtrack.create_external_model("net", params={"a": 1})
    model = log_model(model_id=external.model_id, params={"a": 2, "b": 3})
    found = nbtrack.get_logged_model(external.model_id)
    assert model.model_id == external.model_id
    assert (found.status, found.params) == ("READY", {"a": "1", "b": "3"})
    assert "mlflow.model.isExternal" not in found.tags
    assert set(locate(found.model_uri).hashes) == {"MLmodel", "data/weights.bin"}


@pytest.mark.parametrize("name", ["a/b", "a:b", "v1.2", "", "it's", "50%", 3])
def test_names_that_do_not_fit_in_a_uri_are_refused(workdir, name):
    with pytest.raises(InvalidParameterError, match="Invalid model name"):
        made.start(context.store(), name)


def test_params_are_written_once_and_tags_change(workdir):
    model = nbtrack.initialize_logged_model("net", params={"a": 1})
    nbtrack.log_model_params({"a": "1", "b": None}, model.model_id)
    with pytest.raises(InvalidParameterError, match="Changing param values is not allowed"):
        nbtrack.log_model_params({"a": 2}, model.model_id)
    nbtrack.set_logged_model_tags(model.model_id, {"team": "x", "long": "y" * 50_000})
    nbtrack.set_logged_model_tags(model.model_id, {"team": "z"})
    nbtrack.delete_logged_model_tag(model.model_id, "long")
    found = nbtrack.finalize_logged_model(model.model_id, "READY")
    assert (found.params, found.tags["team"]) == ({"a": "1", "b": "None"}, "z")
    with pytest.raises(NotFoundError, match="No tag with key 'long'"):
        nbtrack.delete_logged_model_tag(model.model_id, "long")
    with pytest.raises(InvalidParameterError, match="Invalid model status"):
        nbtrack.finalize_logged_model(model.model_id, "DONE")


def test_models_are_deleted_and_not_found_any_more(workdir):
    model = log_model()
    client = nbtrack.Client()
    client.delete_logged_model(model.model_id)
    assert client.search_logged_models(["0"]) == []
    for call in (nbtrack.get_logged_model, client.delete_logged_model):
        with pytest.raises(NotFoundError, match=f"Logged model with ID '{model.model_id}'"):
            call(model.model_id)
    nbtrack.store.compact()
    assert not model.place.exists()


def test_compact_keeps_what_is_in_use_and_removes_the_rest(workdir):
    kept, gone, registered = log_model("kept"), log_model("gone", "x"), log_model("registered")
    pending = made.start(context.store(), "pending")
    orphan = kept.place.parents[1] / ("m-" + "0" * 32)
    orphan.mkdir()
    nbtrack.register_model(f"models:/{registered.model_id}", "net")
    for model in (gone, registered):
        nbtrack.Client().delete_logged_model(model.model_id)
    report = nbtrack.store.compact()
    assert report.models == 1
    present = [m.place.exists() for m in (kept, gone, registered, pending)]
    assert present == [True, False, True, True]
    assert not orphan.exists()
    assert Path(locate("models:/net/1").folder.download(), "MLmodel").exists()
    pending.finish()


def test_a_held_database_loses_no_model(workdir):
    open_store(None).fold()
    program = """
        import sys
        import duckdb
        held = duckdb.connect("nbtrack.duckdb")
        print("held", flush=True)
        sys.stdin.readline()
        print(held.execute("SELECT count(*) FROM logged_models").fetchone()[0])
    """
    holder = programs.start(program, cwd=workdir)
    assert holder.stdout.readline().strip() == "held"
    with nbtrack.start_run() as run:
        nbtrack.log_metric("loss", 0.5, step=1)
        model = log_model(step=1)
        assert nbtrack.get_logged_model(model.model_id).status == "READY"  # read beside it
        assert locate(f"runs:/{run.info.run_id}/net").model_id == model.model_id
    in_file, _ = holder.communicate("\n", timeout=30)
    assert in_file.strip() == "0"
    assert metrics_of(model.model_id) == [("loss", 0.5, 1)]
    assert nbtrack.get_logged_model(model.model_id).status == "READY"


def test_a_model_whose_process_is_killed_has_failed(workdir):
    program = """
        import time
        from nbtrack.tracking import context, logged_models
        model = logged_models.start(context.store(), "big")
        (model.place / "half").write_bytes(b"x" * 1000)
        print(model.model_id, flush=True)
        time.sleep(60)
    """
    writer = programs.start(program, cwd=workdir)
    model_id = writer.stdout.readline().strip()
    assert nbtrack.get_logged_model(model_id).status == "PENDING"
    writer.kill()
    writer.communicate()
    found = nbtrack.get_logged_model(model_id)
    assert (found.status, "is gone" in found.status_message) == ("FAILED", True)
    assert nbtrack.search_logged_models(filter_string="status = 'FAILED'").name.tolist() == ["big"]
    nbtrack.store.compact()
    assert not Path(found.artifact_location, "half").exists()


def test_a_forked_child_does_not_end_its_parents_model(workdir):
    program = """
        import os
        from nbtrack.tracking import context, logged_models
        model = logged_models.start(context.store(), "net")
        if os.fork() == 0:
            os._exit(0)
        os.wait()
        context.store().fold()
        (model.place / "MLmodel").write_text("x")
        print(model.finish().status, model.model_id)
    """
    status, model_id = programs.run(program, cwd=workdir).split()
    assert (status, nbtrack.get_logged_model(model_id).status) == ("READY", "READY")


def test_a_moved_store_still_finds_its_models(workdir):
    with nbtrack.start_run() as run:
        log_model()
    nbtrack.register_model(f"runs:/{run.info.run_id}/net", "net")
    open_store(None).close()
    moved = workdir / "elsewhere"
    moved.mkdir()
    for name in ("nbtrack.duckdb", "nbtrack.duckdb.d"):
        (workdir / name).rename(moved / name)
    nbtrack.set_tracking_uri(moved)
    for uri in ("models:/net/1", f"runs:/{run.info.run_id}/net"):
        assert locate(uri).folder.read_bytes("MLmodel") == b"flavors: {}\n"
        assert str(moved) in locate(uri).folder.uri


def test_checkpoints_of_a_folder_become_external_models(workdir):
    folder = workdir / "checkpoints"
    (folder / "epoch=1.ckpt").mkdir(parents=True)
    (folder / "last.pt").write_bytes(b"x")
    with pytest.raises(InvalidParameterError, match="start an active run"):
        nbtrack.import_checkpoints(folder)
    with nbtrack.start_run():
        found = nbtrack.import_checkpoints(folder, model_prefix="a-")
        again = nbtrack.import_checkpoints(folder, model_prefix="a-")
        anew = nbtrack.import_checkpoints(folder, model_prefix="a-", overwrite_checkpoints=True)
    assert [m.name for m in found] == ["a-epoch=1_ckpt", "a-last_pt"]
    assert found[1].tags["original_artifact_path"] == str(folder / "last.pt")
    assert [m.model_id for m in again] == [m.model_id for m in found]
    assert not {m.model_id for m in anew} & {m.model_id for m in found}
    assert len(nbtrack.search_logged_models()) == 2


def test_the_files_of_a_model_can_be_added_to_and_listed(workdir):
    client = nbtrack.Client()
    model = client.create_logged_model("0", "net", tags={"a": "b"}, params={"p": "1"})
    (workdir / "extra").mkdir()
    (workdir / "extra" / "notes.txt").write_text("hello")
    client.log_model_artifacts(model.model_id, workdir / "extra", "docs")
    client.log_model_artifact(model.model_id, workdir / "extra" / "notes.txt")
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    assert [f.path for f in client.list_logged_model_artifacts(model.model_id)] == [
        "docs", "notes.txt",
    ]  # fmt: skip
    assert set(locate(model.model_uri).hashes) == {"docs/notes.txt", "notes.txt"}
    assert nbtrack.artifacts.load_text(f"models:/{model.model_id}/docs/notes.txt") == "hello"


def test_models_show_among_the_artifacts_of_their_run(workdir):
    client = nbtrack.Client()
    with nbtrack.start_run() as run:
        nbtrack.log_text("own", "notes.txt")
        log_model()
    run_id = run.info.run_id
    assert {f.path for f in client.list_artifacts(run_id)} >= {"net", "notes.txt"}
    assert [f.path for f in client.list_artifacts(run_id, "net")] == ["net/MLmodel", "net/data"]
    listed = nbtrack.artifacts.list_artifacts(f"runs:/{run_id}/net/data")
    assert [(f.path, f.file_size) for f in listed] == [("net/data/weights.bin", 7000)]
    copied = Path(client.download_artifacts(run_id, "net/data", str(workdir / "out")))
    assert (copied / "weights.bin").stat().st_size == 7000
    everything = Path(nbtrack.artifacts.download_artifacts(f"runs:/{run_id}", dst_path="all"))
    assert (everything / "net" / "MLmodel").exists()
    assert (everything / "notes.txt").read_text() == "own"


def test_places_know_whose_files_they_are(workdir, tmp_path_factory):
    with nbtrack.start_run() as run:
        model = log_model()
        nbtrack.log_artifacts(model.place, "old")
    own = locate(model.artifact_location)
    assert (own.tracked, own.model_id, set(own.hashes)) == (
        True, model.model_id, {"MLmodel", "data/weights.bin"},
    )  # fmt: skip
    old = locate(f"runs:/{run.info.run_id}/old")
    assert (old.tracked, old.model_id, old.run_id) == (True, None, run.info.run_id)
    assert old.hashes == own.hashes
    foreign = tmp_path_factory.mktemp("foreign")
    (foreign / "MLmodel").write_text("flavors: {}\n")
    assert not locate(foreign).tracked
    nbtrack.register_model(foreign, "taken")
    assert not locate("models:/taken/1").tracked  # a name of one's own makes no file one's own
    (workdir / "link").symlink_to(foreign)
    assert not locate(workdir / "link").tracked


def test_a_name_that_is_not_there_says_what_is(workdir):
    with nbtrack.start_run() as run:
        log_model("real")
    with pytest.raises(NotFoundError, match=r"artifact_path 'net' under run .* It has 'real'"):
        locate(f"runs:/{run.info.run_id}/net")
    with pytest.raises(NotFoundError, match="no such folder"):
        locate("no/such/folder")
    nbtrack.register_model(f"runs:/{run.info.run_id}/real", "shop")
    with pytest.raises(NotFoundError, match="models:/shop/latest"):
        locate("models:/shop")
    for bad in ("models:/", "models:shop/1", "models:/shop/1/x", "models:/@a", "models://shop/1"):
        with pytest.raises(InvalidParameterError, match="Not a proper models:/ URI"):
            locate(bad)


def test_of_models_of_one_name_that_of_the_greatest_step_is_meant(workdir):
    with nbtrack.start_run() as run:
        last = log_model(step=9)
        time.sleep(0.01)
        log_model(step=3)
    assert locate(f"runs:/{run.info.run_id}/net").model_id == last.model_id


def test_a_remote_model_is_sent_when_it_is_finished(workdir):
    experiment_id = nbtrack.create_experiment("far", artifact_location="memory://models-test")
    model = log_model(experiment_id=experiment_id)
    assert model.artifact_location.startswith("memory://models-test/models/m-")
    assert not model.place.exists()
    place = locate(f"models:/{model.model_id}")
    assert set(place.hashes) == {"MLmodel", "data/weights.bin"}
    assert place.folder.read_bytes("data/weights.bin") == b"weights" * 1000


def test_a_search_finds_models_by_all_that_is_known_of_them(workdir):
    client = nbtrack.Client()
    for index, name in enumerate(["a", "b", "c"]):
        with nbtrack.start_run():
            nbtrack.log_param("lr", index / 10)
            model = log_model(name, tags={"team": "red" if index else "blue"})
            nbtrack.log_metric("acc", index / 2, model_id=model.model_id)
        time.sleep(0.002)

    def names(text: str, **options: object) -> list[str]:
        return [m.name for m in client.search_logged_models(["0"], text, **options)]

    assert names("") == ["c", "b", "a"]
    assert names("metrics.acc >= 0.5 AND tags.team = 'red' AND params.lr != '0.2'") == ["b"]
    assert names("name IN ('a', 'c') OR attributes.name LIKE 'b%'") == ["c", "b", "a"]
    assert len(names("creation_timestamp > 0 AND status = 'READY' AND source_run_id != 'x'")) == 3
    by_metric = [{"field_name": "metrics.acc", "ascending": True}]
    assert names("", order_by=by_metric, max_results=2) == ["a", "b"]
    assert names("", order_by=[{"field_name": "name", "ascending": False}]) == ["c", "b", "a"]
    page = client.search_logged_models(["0"], max_results=2, order_by=by_metric)
    rest = client.search_logged_models(
        ["0"], max_results=2, order_by=by_metric, page_token=page.token
    )
    assert ([m.name for m in rest], rest.token) == (["c"], None)
    with pytest.raises(InvalidParameterError, match=r"page token.*filter_string"):
        client.search_logged_models(["0"], "name = 'a'", page_token=page.token, order_by=by_metric)
    with pytest.raises(InvalidParameterError, match="Only metrics are supported"):
        names("", order_by=[{"field_name": "params.lr"}])


def test_a_search_may_look_at_the_metrics_of_one_dataset(workdir):
    client = nbtrack.Client()
    models = [log_model("a"), log_model("b")]
    with nbtrack.start_run() as run:
        for model, values in zip(models, [(0.9, 0.2), (0.4, 0.8)], strict=True):
            for dataset, value in zip(["train", "test"], values, strict=True):
                client.log_metric(
                    run.info.run_id, "acc", value, dataset_name=dataset, dataset_digest="1",
                    model_id=model.model_id,
                )  # fmt: skip
    text, test = "metrics.acc > 0.5", [{"dataset_name": "test"}]
    assert len(client.search_logged_models(["0"], text)) == 2
    assert [m.name for m in client.search_logged_models(["0"], text, test)] == ["b"]
    assert client.search_logged_models(["0"], None, [{"dataset_name": "val"}]) == []
    order = [{"field_name": "metrics.acc", "ascending": False, "dataset_name": "train"}]
    assert [m.name for m in client.search_logged_models(["0"], order_by=order)] == ["a", "b"]
    with pytest.raises(InvalidParameterError, match="`dataset_name` in the `datasets` clause"):
        client.search_logged_models(["0"], text, [{"dataset_digest": "1"}])


def test_a_frame_of_models_has_a_column_for_each_attribute(workdir):
    assert nbtrack.search_logged_models().empty
    with nbtrack.start_run():
        log_model()
        nbtrack.log_metric("acc", 0.5)
    frame = nbtrack.search_logged_models()
    assert frame.columns.tolist() == [
        "artifact_location", "creation_timestamp", "experiment_id", "last_updated_timestamp",
        "metrics", "model_id", "model_type", "name", "params", "source_run_id", "status",
        "status_message", "tags",
    ]  # fmt: skip
    assert (frame.status[0], frame.metrics[0][0].value) == ("READY", 0.5)
    with pytest.raises(InvalidParameterError, match="Supported string values"):
        nbtrack.search_logged_models(output_format="polars")
