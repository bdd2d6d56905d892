"""The commands that bring runs in from other trackers, and give them out."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import nbtrack
from nbtrack.cli.program import program
from tracking_servers import TrackingServer

SRC = Path(__file__).parents[1] / "src"


def call(*words: str) -> Result:
    return CliRunner().invoke(program, list(words))


@pytest.fixture
def run_id(workdir: Path) -> str:
    nbtrack.set_experiment("digits")
    with nbtrack.start_run(run_name="quick") as run:
        nbtrack.log_param("lr", 0.5)
        nbtrack.log_metrics({"loss": 0.25, "acc": 0.75}, step=3)
        nbtrack.log_text("a note", "notes/first.txt")
    return run.info.run_id


def test_a_store_goes_into_another_and_what_came_is_listed(run_id: str) -> None:
    done = call("--uri", "other.duckdb", "import", "nbtrack.duckdb")
    assert done.exit_code == 0, done.output
    assert [line.split()[:4] for line in done.stdout.splitlines() if line.startswith("points")] == [
        ["points", "2", "0", "0"]
    ]
    there = nbtrack.Client("other.duckdb").get_run(run_id)
    assert there.data.metrics == {"loss": 0.25, "acc": 0.75}
    again = json.loads(call("--uri", "other.duckdb", "import", "nbtrack.duckdb", "--json").stdout)
    assert {row["came"] for row in again["rows"]} == {0}


def test_what_could_not_come_is_named_and_the_status_says_so(workdir: Path) -> None:
    Path("tb").mkdir()
    Path("tb/events.out.tfevents.1.host").write_bytes(b"\xff" * 100)
    done = call("import", "tb")
    assert done.exit_code == 1
    assert "events.out.tfevents.1.host" in done.output


@pytest.mark.parametrize(
    ("words", "status"),
    [(("import", "nowhere.db"), 3), (("import", "."), 2), (("export", "what"), 2),
     (("import", "x.csv", "--artifact-root", "old="), 2), (("export", "out.csv", "-e", "no"), 3)],
)  # fmt: skip
def test_mistakes_have_a_status_and_a_way_out(run_id: str, words: list[str], status: int) -> None:
    done = call(*words)
    assert done.exit_code == status, done.output
    assert done.output.strip()


def test_a_server_is_no_store_to_import_into(run_id: str) -> None:
    for words in (("import", "nbtrack.duckdb"), ("export", "out.csv")):
        done = call("--uri", "http://ann:secret@127.0.0.1:9", *words)
        assert done.exit_code == 2, done.output
        assert "tracking server" in done.output
        assert "secret" not in done.output


def test_what_went_to_a_server_does_not_come_back_as_another(run_id: str, workdir: Path) -> None:
    client = nbtrack.Client()
    model = client.create_logged_model("0", "net", run_id)
    Path("net").mkdir()
    Path("net/MLmodel").write_text("flavors: {}\n")
    client.log_model_artifacts(model.model_id, "net")
    client.finalize_logged_model(model.model_id, "READY")
    client.create_registered_model("Net")
    client.create_model_version("Net", f"models:/{model.model_id}", run_id)
    server = TrackingServer(workdir).start()
    try:
        assert call("export", server.url).exit_code == 0
        done = call("import", server.url, "--json")
    finally:
        server.stop()
    assert done.exit_code == 0, done.output
    assert {
        row["what"]: row["came"] for row in json.loads(done.stdout)["rows"] if row["came"]
    } == {}


def test_tables_go_out_as_csv_and_parquet(run_id: str) -> None:
    assert call("export", "out-csv", "-e", "digits").exit_code == 0
    with Path("out-csv/metrics.csv").open(newline="") as file:
        rows = [(row["key"], float(row["value"])) for row in csv.DictReader(file)]
    assert sorted(rows) == [("acc", 0.75), ("loss", 0.25)]
    done = call("export", "tables", "--kind", "parquet", "--json")
    assert done.exit_code == 0, done.output
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    assert list(pandas.read_parquet("tables/params.parquet").value) == ["0.5"]


def test_csv_that_went_out_comes_in_again(run_id: str) -> None:
    assert call("export", "out-csv").exit_code == 0
    done = call("--uri", "other.duckdb", "import", "out-csv")
    assert done.exit_code == 0, done.output
    there = nbtrack.Client("other.duckdb").get_run(run_id)
    assert (there.info.run_name, there.data.params) == ("quick", {"lr": "0.5"})
    assert [m.step for m in nbtrack.Client("other.duckdb").get_metric_history(run_id, "acc")] == [3]


def test_the_installed_program_imports(run_id: str, workdir: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nbtrack", "--uri", "new.duckdb", "import", "nbtrack.duckdb"],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "nbtrack.duckdb -> " in done.stdout
    assert nbtrack.Client("new.duckdb").get_run(run_id).info.status == "FINISHED"
