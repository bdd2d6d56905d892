"""The command line: what it prints, and what its exit status means."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import nbtrack
from nbtrack.cli.output import sparkline
from nbtrack.cli.program import program
from programs import python_path

HEAVY = {"duckdb", "numpy", "pandas", "rich", "tornado", "torch", "IPython"}


def call(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(program, list(words), input=stdin)


def read(*words: str) -> Any:
    done = call(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def two_runs(workdir: Path) -> list[str]:
    nbtrack.set_experiment("digits")
    ids = []
    for name, lr in (("slow", 0.1), ("quick", 0.5)):
        with nbtrack.start_run(run_name=name) as run:
            nbtrack.log_params({"lr": lr, "batch": 64})
            for step in range(10):
                nbtrack.log_metrics({"loss": 1 / (1 + lr * step), "acc": step / 10}, step=step)
            nbtrack.log_text("a note", "notes/first.txt")
        ids.append(run.info.run_id)
    return ids


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from nbtrack.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print('modules', *{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": python_path()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Commands:" in done.stdout
    assert not HEAVY & set(done.stdout.rpartition("modules")[2].split())


def test_experiments_are_made_found_renamed_deleted_and_restored(workdir: Path) -> None:
    made = read("experiments", "create", "-n", "digits", "-t", "team=a")
    assert (made["name"], made["tags"]["team"]) == ("digits", "a")
    name = made["experiment_id"]
    assert call("experiments", "rename", "-x", name, "--new-name", "letters").exit_code == 0
    assert read("experiments", "get", "-n", "letters")["experiment_id"] == name
    assert call("experiments", "delete", "-x", name).exit_code == 0
    assert [e["name"] for e in read("experiments", "search")] == ["Default"]
    deleted = read("experiments", "search", "-v", "deleted_only")
    assert [e["name"] for e in deleted] == ["letters"]
    assert call("experiments", "restore", "-x", name).exit_code == 0
    assert [e["name"] for e in read("experiments", "list")] == ["Default", "letters"]


def test_experiments_csv_has_a_row_for_each_run(two_runs: list[str]) -> None:
    done = call("experiments", "csv", "-n", "digits")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert {row["run_id"] for row in rows} == set(two_runs)
    assert {row["params.lr"] for row in rows} == {"0.1", "0.5"}


def test_runs_search_takes_filter_order_and_columns(two_runs: list[str]) -> None:
    found = read("runs", "search", "-f", "metrics.loss < 0.9", "--order-by", "metrics.loss ASC")
    assert [run["run_name"] for run in found] == ["quick", "slow"]
    assert found[0]["params"] == {"lr": "0.5", "batch": "64"}
    table = call("runs", "search", "-n", "digits", "-c", "params.batch").stdout
    assert "params.batch" in table.splitlines()[0]
    assert "64" in table.splitlines()[1]


def test_runs_are_described_deleted_and_restored(two_runs: list[str]) -> None:
    described = json.loads(call("runs", "describe", "--run-id", two_runs[0]).stdout)
    assert described["data"]["params"]["lr"] == "0.1"
    assert call("runs", "delete", "--run-id", two_runs[0][:10]).exit_code == 0
    assert [run["run_name"] for run in read("runs", "list", "-n", "digits")] == ["quick"]
    assert call("runs", "restore", "--run-id", two_runs[0]).exit_code == 0
    assert len(read("runs", "list")) == 2


def test_runs_are_deleted_by_id_alone(two_runs: list[str]) -> None:
    done = call("runs", "delete", "--run-id", "slow")
    assert done.exit_code == 3
    assert len(read("runs", "list")) == 2


def test_runs_create_makes_one_that_has_ended(workdir: Path) -> None:
    words = ("--experiment-name", "new", "--run-name", "made", "--status", "failed", "-t", "a=b")
    made = read("runs", "create", *words)
    assert (made["run_name"], made["status"], made["tags"]["a"]) == ("made", "FAILED", "b")
    assert made["end_time"] >= made["start_time"]


def test_show_has_params_courses_and_artifacts(two_runs: list[str]) -> None:
    text = call("show", "quick").stdout
    assert "Finished" in text
    assert "lr     0.5" in text
    assert "█" in next(line for line in text.splitlines() if line.startswith("loss"))
    assert "notes/" in text
    shown = read("show", two_runs[1][:12])
    series = {row["key"]: row for row in shown["series"]}
    assert (series["acc"]["max"], series["acc"]["last_step"]) == (0.9, 9)


def test_compare_shows_what_differs_first(two_runs: list[str]) -> None:
    found = read("compare", "slow", "quick")
    assert found["different"]["params"] == {"lr": ["0.1", "0.5"]}
    assert found["same"]["params"] == {"batch": ["64", "64"]}
    text = call("compare", "slow", "quick").stdout
    loss = next(line for line in text.splitlines() if line.startswith("metrics.loss"))
    assert loss.endswith("*")
    assert "batch" not in text
    assert "batch" in call("compare", "slow", "quick", "--all").stdout


def test_artifacts_go_in_and_come_out(two_runs: list[str], workdir: Path) -> None:
    (workdir / "plot.svg").write_text("<svg/>")
    done = call("artifacts", "log-artifact", "-l", "plot.svg", "-r", two_runs[0], "-a", "plots")
    assert done.exit_code == 0
    files = read("artifacts", "list", "-r", two_runs[0], "--recursive")
    assert {"path": "plots/plot.svg", "is_dir": False, "file_size": 6} in files
    got = call("artifacts", "download", "-r", two_runs[0], "-a", "plots/plot.svg", "-d", "out")
    assert Path(got.stdout.strip()).read_text() == "<svg/>"


def test_sql_prints_tables_csv_and_json(two_runs: list[str]) -> None:
    query = "SELECT run_name, count(*) AS n FROM runs GROUP BY ALL ORDER BY 1"
    assert call("sql", query).stdout.split() == ["run_name", "n", "quick", "1", "slow", "1"]
    assert (
        call("sql", "-", "--format", "csv", stdin=query).stdout == "run_name,n\nquick,1\nslow,1\n"
    )
    assert read("sql", query) == [{"run_name": "quick", "n": 1}, {"run_name": "slow", "n": 1}]


def test_numbers_that_json_lacks_are_texts(workdir: Path) -> None:
    with nbtrack.start_run(run_name="odd"):
        nbtrack.log_metrics({"a": float("nan"), "b": float("inf")})
    assert read("show", "odd")["metrics"] == {"a": "NaN", "b": "Infinity"}


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("show", "nothing"), 3),
        (("experiments", "get", "-x", "77"), 3),
        (("experiments", "create", "-n", "Default"), 4),
        (("runs", "search", "-f", "metrics.loss <"), 2),
        (("runs", "list", "--view", "some"), 2),
        (("experiments", "get"), 2),
        (("sql", "SELECT nothing"), 2),
        (("nothing",), 2),
    ],
)
def test_exit_status_says_what_went_wrong(
    two_runs: list[str], words: tuple[str, ...], status: int
) -> None:
    done = call(*words)
    assert done.exit_code == status
    assert "Error: " in done.output
    assert "Traceback" not in done.output


def test_uri_names_the_store_before_and_after_the_command(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("experiments", "create", "-n", "there", "--uri", "other.duckdb")
    assert (workdir / "other.duckdb").exists()
    found = read("--uri", "other.duckdb", "experiments", "list")
    assert [each["name"] for each in found] == ["Default", "there"]
    nbtrack.set_tracking_uri(None)
    assert [each["name"] for each in read("experiments", "list")] == ["Default"]


def test_a_shell_completes_names_of_runs(two_runs: list[str], workdir: Path) -> None:
    env = {
        **os.environ,
        "PYTHONPATH": python_path(),
        "_NBTRACK_COMPLETE": "bash_complete",
        "COMP_WORDS": "nbtrack show q",
        "COMP_CWORD": "2",
    }
    done = subprocess.run(
        [sys.executable, "-c", "from nbtrack.cli import main; main()"],
        env=env, cwd=workdir, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["plain,quick"]


def test_a_pipe_that_closes_early_is_no_error(two_runs: list[str], workdir: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m nbtrack sql 'SELECT * FROM range(200000)' | head -1",
        shell=True,
        env={**os.environ, "PYTHONPATH": python_path()},
        cwd=workdir,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == "range"
    assert "Traceback" not in done.stderr


def test_a_sparkline_has_a_gap_where_there_is_no_number() -> None:
    assert sparkline([0, 1, None, float("nan"), 2]) == "▁▅  █"
    assert sparkline([None]) == ""
    assert sparkline([3, 3]) == "▁▁"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_what_a_shell_reads(shell: str) -> None:
    done = call("completion", shell)
    assert done.exit_code == 0
    assert "_NBTRACK_COMPLETE" in done.stdout


def on_terminal(columns: int, *words: str) -> list[str]:
    """Return the lines that a command draws on a terminal of so many columns."""
    import fcntl
    import pty
    import re
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    command = subprocess.Popen(
        [sys.executable, "-m", "nbtrack", *words],
        env={**env, "PYTHONPATH": python_path(), "TERM": "xterm"},
        stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(theirs)
    drawn = b""
    while True:
        try:
            part = os.read(ours, 65_536)
        except OSError:  # the other end is closed
            break
        drawn += part
        if not part:
            break
    os.close(ours)
    assert command.wait(60) == 0
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", drawn.decode()).splitlines()


def test_a_table_of_runs_fits_the_terminal(two_runs: list[str]) -> None:
    with nbtrack.start_run(run_name="a-name-that-is-longer-than-most-names-of-runs"):
        nbtrack.log_params({f"a rather long name {i}": i for i in range(9)} | {"lr": 0.3})
    narrow, wide = on_terminal(80, "runs", "list"), on_terminal(160, "runs", "list")
    assert max(map(len, narrow)) <= 80
    assert len([line for line in narrow if "FINISHED" in line]) == 3
    assert "a-name-that-is-longer-t…" in "".join(narrow)
    assert "lr" in "".join(narrow)
    assert len("".join(wide)) > len("".join(narrow))
