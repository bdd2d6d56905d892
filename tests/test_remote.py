"""Tracking to a server: nbtrack's own, and a real one of MLflow."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbtrack
import programs
import protocol_cases
from damaged_journals import Damage
from nbtrack import Client
from nbtrack.entities.found import FOUND_TAG, Found, found_tag
from nbtrack.errors import (
    AlreadyExistsError,
    InvalidParameterError,
    NbtrackWarning,
    NotFoundError,
    ServerDeniedError,
    ServerUnreachableError,
)
from nbtrack.protocol import endpoints
from nbtrack.protocol.client import RestClient
from nbtrack.store.store import Store
from nbtrack.tracking import context
from programs import SRC
from tracking_servers import MlflowServer, TrackingServer

pytestmark = pytest.mark.timeout(400)  # a server of MLflow takes its time to start


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    server = TrackingServer(tmp_path_factory.mktemp("nbtrack-server")).start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    pytest.importorskip("mlflow")
    server = MlflowServer(tmp_path_factory.mktemp("mlflow-server")).start()
    yield server
    server.stop()


@pytest.fixture(params=["ours", pytest.param("theirs", marks=pytest.mark.slow)])
def server(request: pytest.FixtureRequest) -> TrackingServer:
    found: TrackingServer = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def alone(track: Path) -> Iterator[TrackingServer]:
    """A server of the test's own, which is not started yet."""
    server = TrackingServer(track)
    yield server
    context.store().close()
    if server.process is not None:
        server.kill()


@pytest.fixture
def track(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, and a place of its own for mirrors."""
    monkeypatch.setenv("NBTRACK_REMOTE_DIR", str(workdir / "mirrors"))
    return workdir


def flush() -> Store:
    """Send what there is, as a process does at its end."""
    store = context.store()
    assert store.remote is not None
    store.remote.succeeded()  # no pause after a failure
    store.remote.sender.finish(30)
    return store


def names() -> str:
    return f"experiment {time.time_ns()}"


def history(rest: RestClient, run_id: str, key: str) -> list[tuple[int, float]]:
    asked = {"run_id": run_id, "metric_key": key}
    found = rest.pages(endpoints.GET_HISTORY, asked, "metrics")
    return [(point["step"], point["value"]) for point in found]


def test_what_a_run_logs_is_on_the_server(server: TrackingServer, track: Path) -> None:
    nbtrack.set_tracking_uri(server.url)
    nbtrack.set_experiment(names())
    with nbtrack.start_run(run_name="first", tags={"team": "a"}) as run:
        nbtrack.log_params({"lr": 0.1})
        for step in range(1500):
            nbtrack.log_metric("loss", 1 / (step + 1), step=step)
        nbtrack.log_metric("odd", float("nan"))
        nbtrack.log_text("hello", "notes/a.txt")
    flush()
    rest = RestClient(server.url)
    found = rest.call(endpoints.GET_RUN, {"run_id": run.info.run_id})["run"]
    assert (found["info"]["run_name"], found["info"]["status"]) == ("first", "FINISHED")
    assert {"key": "lr", "value": "0.1"} in found["data"]["params"]
    assert {"key": "team", "value": "a"} in found["data"]["tags"]
    assert history(rest, run.info.run_id, "loss") == [(s, 1 / (s + 1)) for s in range(1500)]
    assert history(rest, run.info.run_id, "odd") == [(0, "NaN")]
    assert nbtrack.artifacts.load_text(f"runs:/{run.info.run_id}/notes/a.txt") == "hello"


def test_what_others_logged_is_read(server: TrackingServer, track: Path) -> None:
    nbtrack.set_tracking_uri(server.url)
    experiment_id = nbtrack.set_experiment(names()).experiment_id
    rest = RestClient(server.url)
    body = {"experiment_id": experiment_id, "start_time": 1_700_000_000}
    made = rest.call(endpoints.CREATE_RUN, body)
    run_id = made["run"]["info"]["run_id"]
    points = [{"key": "m", "value": i / 2, "timestamp": 1000 + i, "step": i} for i in range(300)]
    tags = [{"key": "colour", "value": "red"}]
    rest.call(endpoints.LOG_BATCH, {"run_id": run_id, "metrics": points, "tags": tags})
    assert [r.info.run_id for r in nbtrack.search_runs(
        filter_string="metrics.m > 100 AND tags.colour = 'red'", output_format="list"
    )] == [run_id]  # fmt: skip
    assert nbtrack.get_run(run_id).data.metrics == {"m": 149.5}
    found = Client().get_metric_history(run_id, "m")
    assert [(point.step, point.value) for point in found] == [(i, i / 2) for i in range(300)]
    assert nbtrack.sql(f"SELECT count(*) AS n FROM metrics WHERE run_id = '{run_id}'").n[0] == 300


def test_a_run_is_continued_from_elsewhere(server: TrackingServer, track: Path) -> None:
    nbtrack.set_tracking_uri(server.url)
    experiment_id = nbtrack.set_experiment(names()).experiment_id
    rest = RestClient(server.url)
    made = rest.call(endpoints.CREATE_RUN, {"experiment_id": experiment_id})
    run_id = made["run"]["info"]["run_id"]
    rest.call(endpoints.LOG_PARAM, {"run_id": run_id, "key": "a", "value": "1"})
    with nbtrack.start_run(run_id=run_id):
        nbtrack.log_param("b", 2)
        with pytest.raises(nbtrack.MlflowException, match="not allowed"):
            nbtrack.log_param("a", 5)
    flush()
    found = rest.call(endpoints.GET_RUN, {"run_id": run_id})["run"]
    assert {p["key"]: p["value"] for p in found["data"]["params"]} == {"a": "1", "b": "2"}
    assert found["info"]["status"] == "FINISHED"


def test_the_server_says_whether_a_name_is_free(server: TrackingServer, track: Path) -> None:
    nbtrack.set_tracking_uri(server.url)
    name = names()
    experiment_id = nbtrack.create_experiment(name)
    with pytest.raises(AlreadyExistsError, match="already exists"):
        nbtrack.create_experiment(name)
    client = Client()
    client.rename_experiment(experiment_id, f"{name} b")
    client.set_experiment_tag(experiment_id, "team", "a")
    assert client.get_experiment(experiment_id).tags["team"] == "a"
    assert client.get_experiment_by_name(f"{name} b").experiment_id == experiment_id
    client.delete_experiment(experiment_id)
    assert client.get_experiment(experiment_id).lifecycle_stage == "deleted"
    with pytest.raises(NotFoundError):
        client.get_run("f" * 32)


def test_runs_are_deleted_and_restored_there(server: TrackingServer, track: Path) -> None:
    nbtrack.set_tracking_uri(server.url)
    nbtrack.set_experiment(names())
    with nbtrack.start_run() as run:
        pass
    nbtrack.delete_run(run.info.run_id)
    rest = RestClient(server.url)
    asked = {"run_id": run.info.run_id}
    assert rest.call(endpoints.GET_RUN, asked)["run"]["info"]["lifecycle_stage"] == "deleted"
    assert nbtrack.search_runs(output_format="list") == []
    nbtrack.restore_run(run.info.run_id)
    assert rest.call(endpoints.GET_RUN, asked)["run"]["info"]["lifecycle_stage"] == "active"
    assert len(nbtrack.search_runs(output_format="list")) == 1


def test_a_server_keeps_what_was_found(ours: TrackingServer, track: Path) -> None:
    nbtrack.set_tracking_uri(ours.url)
    with nbtrack.start_run() as run:
        nbtrack.log_param("lr", 0.1)
        nbtrack.set_tag(FOUND_TAG, found_tag([Found("param", "lr", "cell 3")]))
    store = flush()
    with pytest.raises(InvalidParameterError, match="%%track -x lr leaves it out of the next run"):
        store.runs.leave_out(run.info.run_id, "param", "lr")
    assert nbtrack.get_run(run.info.run_id).data.params == {"lr": "0.1"}


def test_artifacts_go_up_and_come_down(server: TrackingServer, track: Path) -> None:
    nbtrack.set_tracking_uri(server.url)
    big = bytes(range(256)) * 20_000
    Path("folder/sub").mkdir(parents=True)
    Path("folder/sub/big.bin").write_bytes(big)
    with nbtrack.start_run() as run:
        nbtrack.log_artifacts("folder", "data")
        nbtrack.log_dict({"a": 1}, "data/d.json")
        assert nbtrack.artifacts.load_dict(f"runs:/{run.info.run_id}/data/d.json") == {"a": 1}
    store = flush()
    listed = Client().list_artifacts(run.info.run_id, "data")
    assert [(f.path, f.is_dir) for f in listed] == [("data/d.json", False), ("data/sub", True)]
    place = nbtrack.artifacts.download_artifacts(run_id=run.info.run_id, dst_path="down")
    assert Path(place, "data/sub/big.bin").read_bytes() == big
    assert not list(store.folder.rglob("big.bin")), "what is sent does not lie here any more"


def double(model_input: list[float]) -> list[float]:
    return [2 * value for value in model_input]


def test_models_are_logged_registered_and_loaded(server: TrackingServer, track: Path) -> None:
    nbtrack.set_tracking_uri(server.url)
    nbtrack.set_experiment(names())
    name = f"model{time.time_ns()}"
    with nbtrack.start_run() as run:
        nbtrack.log_param("lr", 0.1)
        nbtrack.log_metric("acc", 0.5)
        info = nbtrack.pyfunc.log_model(
            name="twice", python_model=double, registered_model_name=name
        )
    client = Client()
    client.set_registered_model_alias(name, "champion", 1)
    client.transition_model_version_stage(name, 1, "Production")
    for uri in (f"models:/{name}@champion", f"runs:/{run.info.run_id}/twice", info.model_uri):
        assert nbtrack.pyfunc.load_model(uri).predict([3.0]) == [6.0]
    logged = nbtrack.get_logged_model(info.model_id)
    assert (logged.params, logged.status.value) == ({"lr": "0.1"}, "READY")
    assert [(m.key, m.value) for m in logged.metrics] == [("acc", 0.5)]
    version = client.get_model_version_by_alias(name, "champion")
    assert (version.current_stage, version.run_id) == ("Production", run.info.run_id)
    client.delete_registered_model(name)
    assert nbtrack.search_registered_models(filter_string=f"name = '{name}'") == []


@pytest.mark.parametrize("name", protocol_cases.EVERYWHERE)
def test_what_the_real_client_does_is_done_here_too(
    name: str, server: TrackingServer, track: Path
) -> None:
    nbtrack.set_tracking_uri(server.url)
    try:
        protocol_cases.CASES[name](nbtrack)
    except protocol_cases.SkippedError as reason:
        pytest.skip(str(reason))


def test_a_model_of_another_store_is_not_registered_at_a_server(
    ours: TrackingServer, track: Path
) -> None:
    info = nbtrack.pyfunc.log_model(name="twice", python_model=double)
    name = f"model{time.time_ns()}"
    client = Client(registry_uri=ours.url)
    client.create_registered_model(name)
    with pytest.raises(NotFoundError, match=r"Log it there: set_tracking_uri"):
        client.create_model_version(name, info.model_uri)


# -- a server that is away -----------------------------------------------------------------

TRAINING = """
import os, sys
import nbtrack
nbtrack.set_tracking_uri(sys.argv[1])
nbtrack.set_experiment("training")
with nbtrack.start_run(run_name=sys.argv[2]):
    for step in range(1500):
        nbtrack.log_metrics({"a": step, "b": -step}, step=step)
        if step == 500:
            nbtrack.log_text("half", "half.txt")
            print("half", flush=True)
            sys.stdin.readline()
    if hasattr(os, "fork") and os.fork() == 0:
        nbtrack.log_metric("child", 1.0)
        os._exit(0)
    os.wait()
"""


TOGETHER = """
import sys
import nbtrack
nbtrack.set_tracking_uri(sys.argv[1])
nbtrack.set_experiment("together")
with nbtrack.start_run():
    nbtrack.log_metric("a", 1.0)
"""


def test_processes_that_begin_together_find_one_experiment(
    alone: TrackingServer, track: Path
) -> None:
    server = alone.start()
    place = {"NBTRACK_REMOTE_DIR": str(track / "mirrors")}
    began = [programs.start(TOGETHER, server.url, cwd=track, **place) for _ in range(6)]
    for each in began:
        programs.finish(each)
    nbtrack.set_tracking_uri(server.url)
    runs = nbtrack.search_runs(experiment_names=["together"], output_format="list")
    assert [run.data.metrics for run in runs] == [{"a": 1.0}] * 6


def test_nothing_is_lost_or_doubled_when_the_server_is_killed(
    alone: TrackingServer, track: Path
) -> None:
    server = alone.start()
    place = {"NBTRACK_REMOTE_DIR": str(track / "mirrors"), "PYTHONWARNINGS": "ignore"}
    trainings = [
        programs.start(TRAINING, server.url, f"run {number}", cwd=track, **place)
        for number in range(4)
    ]
    for training in trainings:
        assert training.stdout is not None
        assert training.stdout.readline() == "half\n"
    server.kill()
    for training in trainings:
        assert training.stdin is not None
        training.stdin.write("go on\n")
        training.stdin.flush()
    time.sleep(1.5)
    server.start()
    for training in trainings:
        programs.finish(training)
    nbtrack.set_tracking_uri(server.url)
    flush()
    rest = RestClient(server.url)
    runs = rest.call(endpoints.SEARCH_RUNS, {"experiment_ids": ["1"]})["runs"]
    assert sorted(run["info"]["run_name"] for run in runs) == [f"run {n}" for n in range(4)]
    for run in runs:
        run_id = run["info"]["run_id"]
        assert run["info"]["status"] == "FINISHED"
        assert history(rest, run_id, "a") == [(s, s) for s in range(1500)]
        assert history(rest, run_id, "b") == [(s, -s) for s in range(1500)]
        assert history(rest, run_id, "child") == [(0, 1.0)]
        assert nbtrack.artifacts.load_text(f"runs:/{run_id}/half.txt") == "half"


def test_damaged_journals_do_not_keep_others_from_the_server(
    ours: TrackingServer, track: Path
) -> None:
    nbtrack.set_tracking_uri(ours.url)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NbtrackWarning)
        run = nbtrack.start_run()
        for seed in range(1, 31):
            Damage(context.store().journals, run.info.run_id, seed)
        for step in range(5):
            nbtrack.log_metric("x", step, step=step)
        nbtrack.end_run()
        flush().fold()
    rest = RestClient(ours.url)
    assert history(rest, run.info.run_id, "x") == [(s, s) for s in range(5)]
    found = rest.call(endpoints.GET_RUN, {"run_id": run.info.run_id})["run"]["info"]
    assert found["status"] == "FINISHED"


def test_a_training_without_a_server_is_sent_later(alone: TrackingServer, track: Path) -> None:
    server = alone
    nbtrack.set_tracking_uri(server.url)
    with pytest.warns(NbtrackWarning, match="sent later"):
        nbtrack.set_experiment("offline")
    with nbtrack.start_run(run_name="alone") as parent:
        nbtrack.log_param("lr", 0.1)
        nbtrack.log_metrics({"loss": 0.5}, step=3)
        nbtrack.log_text("hello", "a.txt")
        with nbtrack.start_run(nested=True):
            pass
    assert nbtrack.get_run(parent.info.run_id).data.params == {"lr": "0.1"}
    server.start()
    store = flush()
    rest = RestClient(server.url)
    runs = rest.call(endpoints.SEARCH_RUNS, {"experiment_ids": ["1"]})["runs"]
    by_name = {run["info"]["run_name"]: run for run in runs}
    run = by_name.pop("alone")
    [child] = by_name.values()
    assert {"key": "loss", "value": 0.5, "step": 3}.items() <= run["data"]["metrics"][0].items()
    tags = {tag["key"]: tag["value"] for tag in child["data"]["tags"]}
    assert tags["mlflow.parentRunId"] == run["info"]["run_id"] != parent.info.run_id
    store.fold()
    for run_id in (run["info"]["run_id"], parent.info.run_id):  # both ids find it
        assert nbtrack.get_run(run_id).info.run_name == "alone"
        assert nbtrack.artifacts.load_text(f"runs:/{run_id}/a.txt") == "hello"
    assert nbtrack.get_experiment_by_name("offline").experiment_id == "1"
    assert len(nbtrack.search_runs(experiment_names=["offline"], output_format="list")) == 2
    assert not list(store.journals.glob("*.events"))
    flush()
    assert len(rest.call(endpoints.SEARCH_RUNS, {"experiment_ids": ["1"]})["runs"]) == 2


def test_an_experiment_of_the_same_name_takes_what_was_logged_offline(
    alone: TrackingServer, track: Path
) -> None:
    alone.start()
    answer = RestClient(alone.url).call(endpoints.CREATE_EXPERIMENT, {"name": "shared"})
    made = answer["experiment_id"]
    alone.kill()
    nbtrack.set_tracking_uri(alone.url)
    with pytest.warns(NbtrackWarning, match="sent later"):
        nbtrack.set_experiment("shared")
    with nbtrack.start_run(run_name="first"):
        pass
    alone.start()
    flush().fold()
    with nbtrack.start_run(run_name="second") as run:
        pass
    assert run.info.experiment_id == made
    found = nbtrack.search_runs(experiment_names=["shared"], output_format="list")
    assert [(r.info.run_name, r.info.experiment_id) for r in found] == [
        ("second", made),
        ("first", made),
    ]


def test_a_model_without_a_server_is_sent_later(alone: TrackingServer, track: Path) -> None:
    server = alone
    nbtrack.set_tracking_uri(server.url)
    with pytest.warns(NbtrackWarning, match="sent later"):
        run = nbtrack.start_run()
    nbtrack.log_metric("acc", 0.5)
    info = nbtrack.pyfunc.log_model(name="twice", python_model=lambda model_input: model_input)
    run.end()
    assert nbtrack.get_logged_model(info.model_id).status.value == "READY"
    server.start()
    flush().fold()
    rest = RestClient(server.url)
    [made] = rest.call(endpoints.SEARCH_LOGGED_MODELS, {"experiment_ids": ["0"]})["models"]
    assert made["info"]["status"] == "LOGGED_MODEL_READY"
    assert [(m["key"], m["value"]) for m in made["data"]["metrics"]] == [("acc", 0.5)]
    [sent] = rest.call(endpoints.SEARCH_RUNS, {"experiment_ids": ["0"]})["runs"]
    assert made["info"]["source_run_id"] == sent["info"]["run_id"] != run.info.run_id
    for model_id in (made["info"]["model_id"], info.model_id):
        names = {file.path for file in Client().list_logged_model_artifacts(model_id)}
        assert {"MLmodel", "requirements.txt"} <= names
    version = nbtrack.register_model(info.model_uri, "Twice")
    assert rest.call(endpoints.GET_MODEL_VERSION, {"name": "Twice", "version": version.version})


KILLED = """
import os, signal, sys, time
import nbtrack
nbtrack.set_tracking_uri(sys.argv[1])
nbtrack.start_run(run_name="cut off")
nbtrack.log_metric("loss", 0.5)
if sys.argv[2] == "sent":
    from nbtrack.tracking import context
    while context.store().remote.sender.is_behind():
        time.sleep(0.01)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("when", ["sent", "unsent"])
def test_a_run_whose_process_is_gone_does_not_stay_running(
    when: str, ours: TrackingServer, track: Path
) -> None:
    subprocess.run(
        [sys.executable, "-c", KILLED, ours.url, when],
        env={"PYTHONPATH": str(SRC), "NBTRACK_REMOTE_DIR": str(track / "mirrors"), "HOME": "/"},
        check=False,
    )
    nbtrack.set_tracking_uri(ours.url)
    found = nbtrack.search_runs(filter_string="run_name = 'cut off'", output_format="list")[0]
    assert (found.info.status, found.data.metrics) == ("INTERRUPTED", {"loss": 0.5})
    store = flush()
    asked = {"run_id": found.info.run_id}
    assert RestClient(ours.url).call(endpoints.GET_RUN, asked)["run"]["info"]["status"] == "KILLED"
    store.fold()
    assert nbtrack.get_run(found.info.run_id).info.status == "INTERRUPTED"
    assert not list(store.journals.glob("*"))


def test_the_mirror_answers_while_the_server_is_away(alone: TrackingServer, track: Path) -> None:
    server = alone.start()
    nbtrack.set_tracking_uri(server.url)
    with nbtrack.start_run() as run:
        nbtrack.log_metric("loss", 0.5)
    flush()
    server.kill()
    with pytest.warns(NbtrackWarning, match="cannot be reached"):
        assert nbtrack.get_run(run.info.run_id).data.metrics == {"loss": 0.5}
    with pytest.raises(ServerUnreachableError):
        nbtrack.delete_run(run.info.run_id)


def test_a_server_that_never_answers_costs_a_training_no_calls(track: Path) -> None:
    import socket

    with socket.socket() as silent:  # takes connections, says nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        nbtrack.set_tracking_uri(f"http://127.0.0.1:{silent.getsockname()[1]}")
        remote = context.store().remote
        assert remote is not None
        remote.rest.timeout_s = remote.sending.timeout_s = remote.read_s = 0.2
        asked: list[str] = []
        call = remote.rest.call
        remote.rest.call = lambda *a, **o: asked.append(a[0]) or call(*a, **o)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NbtrackWarning)
            with nbtrack.start_run() as run:
                for step in range(1000):
                    nbtrack.log_metric("loss", 0.1, step=step)
            assert asked == []
            assert len(Client().get_metric_history(run.info.run_id, "loss")) == 1000


def test_what_the_server_refuses_is_kept_aside_and_the_rest_goes_on(
    ours: TrackingServer, track: Path
) -> None:
    nbtrack.set_tracking_uri(ours.url)
    with nbtrack.start_run() as run:
        nbtrack.log_params({"a": 1})
        flush()
        writer = run.writer
        writer.append(
            [("param", {"key": "a", "value": "2"}), ("param", {"key": "b", "value": "3"})]
        )
        with pytest.warns(NbtrackWarning, match="refuses 1"):
            store = flush()
    found = RestClient(ours.url).call(endpoints.GET_RUN, {"run_id": run.info.run_id})["run"]
    assert {p["key"]: p["value"] for p in found["data"]["params"]} == {"a": "1", "b": "3"}
    kept = (store.folder / "remote" / "refused.jsonl").read_text()
    assert json.loads(kept)["params"] == [{"key": "a", "value": "2"}]


def test_of_a_call_only_the_keys_are_left_out_that_the_server_refuses(
    theirs: TrackingServer, track: Path
) -> None:
    nbtrack.set_tracking_uri(theirs.url)
    with nbtrack.start_run() as run:
        nbtrack.log_metrics({"loss": 1, "precision@5": 2, "accuracy": 3})
        nbtrack.log_params({"lr": 0.1, "top-k (5)": 5})
        with pytest.warns(NbtrackWarning, match="Names may only contain"):
            store = flush()
    found = RestClient(theirs.url).call(endpoints.GET_RUN, {"run_id": run.info.run_id})["run"]
    assert {each["key"] for each in found["data"]["metrics"]} == {"loss", "accuracy"}
    assert [each["key"] for each in found["data"]["params"]] == ["lr"]
    kept = (store.folder / "remote" / "refused.jsonl").read_text()
    assert "precision@5" in kept
    assert "top-k (5)" in kept
    assert nbtrack.get_run(run.info.run_id).data.metrics["loss"] == 1


# -- who one is ------------------------------------------------------------------------------


def test_a_wrong_password_is_said_and_a_right_one_sends_it_all(
    alone: TrackingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone.options["token"] = "sesame-8731"
    server = alone.start()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "wrong-5512")
    nbtrack.set_tracking_uri(server.url)
    with pytest.raises(ServerDeniedError, match="MLFLOW_TRACKING_TOKEN"):
        nbtrack.set_experiment("secret")
    with pytest.warns(NbtrackWarning, match="does not let this user in"):
        run = nbtrack.start_run()
    nbtrack.log_metric("loss", 1.0)
    run.end()
    flush()
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "sesame-8731")
    store = flush()
    [run] = RestClient(server.url).call(endpoints.SEARCH_RUNS, {"experiment_ids": ["0"]})["runs"]
    assert run["data"]["metrics"][0]["value"] == 1.0
    files = [file for file in store.folder.parent.rglob("*") if file.is_file()]
    assert files
    assert not any(
        secret in file.read_bytes() for file in files for secret in (b"sesame", b"wrong-5512")
    )


def test_a_password_in_the_address_is_used_and_shown_nowhere(
    ours: TrackingServer, track: Path
) -> None:
    nbtrack.set_tracking_uri(ours.url.replace("http://", "http://ann:hush-4410@"))
    with nbtrack.start_run():
        nbtrack.log_text("x", "x.txt")
    store = flush()
    assert store.remote is not None
    assert store.remote.rest.credentials.header() == "Basic YW5uOmh1c2gtNDQxMA=="
    shown = [nbtrack.get_tracking_uri(), repr(store), repr(store.remote), repr(store.remote.rest)]
    assert not any("hush" in text for text in [*shown, repr(store.remote.rest.credentials)])
    files = [file for file in store.folder.parent.rglob("*") if file.is_file()]
    assert not any(b"hush-4410" in file.read_bytes() for file in files)


# -- nbtrack sync ----------------------------------------------------------------------------


def run_sync(track: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nbtrack", "sync", *options],
        env={"PYTHONPATH": str(SRC), "NBTRACK_REMOTE_DIR": str(track / "mirrors"), "HOME": "/"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_sync_sends_what_is_left(alone: TrackingServer, track: Path) -> None:
    server = alone
    nbtrack.set_tracking_uri(server.url)
    with pytest.warns(NbtrackWarning, match="sent later"):
        run = nbtrack.start_run()
    nbtrack.log_metrics({"a": 1.0, "b": 2.0})
    run.end()
    context.store().remote.sender.stop()
    early = run_sync(track, "--uri", server.url)
    assert early.returncode == 5
    assert "cannot be reached" in early.stderr
    server.start()
    done = run_sync(track, "--all", "--json")
    assert done.returncode == 0, done.stderr
    [report] = json.loads(done.stdout)
    assert (report["uri"], report["sent_points"], report["left"]) == (server.url, 2, 0)
    assert run_sync(track, "--uri", server.url).returncode == 0
    [run] = RestClient(server.url).call(endpoints.SEARCH_RUNS, {"experiment_ids": ["0"]})["runs"]
    assert {m["key"]: m["value"] for m in run["data"]["metrics"]} == {"a": 1.0, "b": 2.0}
