"""``nbtrack server`` on a team's store: MLflow's clients, several servers, no password shown."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

import psutil
import pytest

from nbtrack.errors import NotFoundError, ServerDeniedError
from nbtrack.postgres_address import without_password
from nbtrack.store import count_runs, open_file, open_store
from programs import python_path
from team_services import PASSWORD, Catalog
from tracking_servers import TrackingServer

QUOTED = quote(PASSWORD, "")


class Server(TrackingServer):
    """The command as it is given in a shell."""

    def __init__(self, folder: Path, *words: str) -> None:
        folder.mkdir()
        super().__init__(folder)
        self.words = words

    def start(self) -> Server:
        command = [sys.executable, "-m", "nbtrack", "server", "-p", str(self.port), *self.words]
        spool = str(self.folder / "spool")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=environment(NBTRACK_REMOTE_DIR=spool),
                stdout=log, stderr=log,
            )  # fmt: skip
        self._await_health(60)
        return self


def environment(**variables: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": python_path(), **variables}


@contextmanager
def servers(folder: Path, *commands: tuple[str, ...]) -> Iterator[list[Server]]:
    with ExitStack() as running:
        found = [Server(folder / f"server{n}", *words) for n, words in enumerate(commands)]
        for each in found:
            running.callback(each.stop)
            each.start()
        yield found


@pytest.mark.team
def test_the_command_line_of_mlflow_makes_a_store_that_two_servers_share(
    catalog: Catalog, tmp_path: Path
) -> None:
    mlflow = pytest.importorskip("mlflow", reason="needs the real client")
    root = str(tmp_path / "data")
    words = ("--backend-store-uri", catalog.uri, "--default-artifact-root", root)
    with servers(tmp_path, words, words[:2]) as (first, second):
        here, there = mlflow.MlflowClient(first.url), mlflow.MlflowClient(second.url)
        run_id = here.create_run(here.create_experiment("both")).info.run_id
        here.log_param(run_id, "lr", 0.1)
        here.log_metric(run_id, "loss", 0.5, step=3)
        here.log_text(run_id, "hello", "notes/a.txt")
        here.create_registered_model("net")
        version = here.create_model_version("net", f"runs:/{run_id}/notes", run_id).version
        here.set_registered_model_alias("net", "best", version)
        found = there.get_run(run_id)
        assert (found.data.params, found.data.metrics) == ({"lr": "0.1"}, {"loss": 0.5})
        assert [point.step for point in there.get_metric_history(run_id, "loss")] == [3]
        assert there.get_model_version_by_alias("net", "best").run_id == run_id
        there.log_metric(run_id, "loss", 0.25, step=4)
        there.set_terminated(run_id)
        assert len(here.get_metric_history(run_id, "loss")) == 2
        # without a root of its own a server passes on what is beside the data
        copy = Path(there.download_artifacts(run_id, "notes/a.txt", str(tmp_path)))
        assert copy.read_text() == "hello"
        told = [urlopen(f"{each.url}/nbtrack/stores").read().decode() for each in (first, second)]
        assert first.process is not None
        listed = " ".join(psutil.Process(first.process.pid).cmdline())
    assert list(Path(root, "artifacts").rglob("a.txt"))
    shown = f"postgresql://team@127.0.0.1:{catalog.server.port}/{catalog.name}"
    logs = first.log.read_text() + second.log.read_text()
    assert f"nbtrack tracks {shown} at {first.url}" in logs
    assert f'"name": "{catalog.name}", "path": "{shown}"' in told[0]
    for text in (listed, logs, *told):
        assert PASSWORD not in text
        assert QUOTED not in text


@pytest.mark.team
def test_a_store_without_a_place_for_its_data_says_what_is_missing(
    catalog: Catalog, workdir: Path
) -> None:
    store = open_store(catalog.uri)
    with pytest.raises(
        NotFoundError, match=r"NBTRACK_DATA_PATH;? .* --default-artifact-root"
    ) as told:
        store.artifact_root  # noqa: B018
    assert PASSWORD not in str(told.value)
    assert QUOTED not in str(told.value)


ADDRESS = "postgresql://u@host/db?sslmode=require"


@pytest.mark.parametrize(
    ("word", "shown", "password"),
    [
        ("postgresql://u:p%40w@host/db?sslmode=require", ADDRESS, "p@w"),
        ("--uri=postgresql+psycopg2://u:p@h/db", "--uri=postgresql+psycopg2://u@h/db", "p"),
        (ADDRESS, ADDRESS, None),
        ("http://u:p@host", "http://u:p@host", None),
    ],
)
def test_the_password_of_an_address_leaves_the_command_line(
    word: str, shown: str, password: str | None
) -> None:
    assert without_password(word) == (shown, password)


@pytest.mark.team
def test_threads_read_a_team_store_at_once_and_each_sees_one_state(
    catalog: Catalog, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBTRACK_DATA_PATH", str(workdir / "data"))
    store = open_store(catalog.uri)
    both = threading.Barrier(2, timeout=60)

    def look() -> list[object]:
        with store.read() as reader:
            both.wait()  # never over where the second one waits for the first
            with store.read() as inner:
                assert inner is reader
            return list(count_runs(reader))

    with ThreadPoolExecutor(2) as pool:
        assert [each.result() for each in (pool.submit(look), pool.submit(look))] == [[], []]
    store.close()


@pytest.mark.team
def test_a_password_that_is_given_once_is_known_for_the_address_and_another_replaces_it(
    catalog: Catalog, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBTRACK_DATA_PATH", str(workdir / "data"))
    bare = catalog.uri.replace(f":{QUOTED}@", "@")
    wrong = open_store(catalog.uri.replace("made-up", "other"))
    with pytest.raises(ServerDeniedError, match="password authentication failed"):
        wrong.artifact_root  # noqa: B018
    right = open_store(catalog.uri)
    assert right is wrong
    assert right.artifact_root == f"{workdir}/data/artifacts"
    assert open_store(bare) is right
    assert open_file(right.path).artifact_root == right.artifact_root  # as a server shows it
