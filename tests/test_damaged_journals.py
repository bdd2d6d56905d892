"""A damaged journal costs itself alone: everything else is read, and goes on."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

import nbtrack
from damaged_journals import Damage
from nbtrack.health import examine
from nbtrack.store import journal_reader, open_store
from nbtrack.store.journal import Journal
from nbtrack.store.series_declarations import MARK

pytestmark = pytest.mark.filterwarnings("ignore::nbtrack.errors.NbtrackWarning")

RUN = "d" * 32
NAMED = ("undeclared", "renamed", "of_another_run", "garbage_events", "zeros", "something_else")


def journals(workdir: Path) -> Path:
    return workdir / "nbtrack.duckdb.d" / "journal"


def healthy_run() -> str:
    with nbtrack.start_run(run_name="healthy") as run:
        for step in range(50):
            nbtrack.log_metric("loss", step, step=step)
        nbtrack.set_tag("state", "fine")
    return run.info.run_id


def check_whole(run_id: str) -> None:
    run = nbtrack.get_run(run_id)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "healthy")
    assert run.data.metrics == {"loss": 49.0}
    assert run.data.tags["state"] == "fine"
    history = nbtrack.MlflowClient().get_metric_history(run_id, "loss")
    assert [m.step for m in history] == list(range(50))


def said_by_doctor() -> str:
    return " ".join(f"{each.text} {each.fix}" for each in examine() if each.subject == "journals")


@pytest.mark.parametrize("first", range(0, 500, 100))
def test_damaged_journals_beside_a_healthy_one(workdir, first):
    run_id = healthy_run()
    made = [Damage(journals(workdir), run_id, seed) for seed in range(first + 1, first + 101)]
    check_whole(run_id)
    nbtrack.search_runs()
    nbtrack.sql("SELECT * FROM metrics")
    with nbtrack.start_run(run_name="next"):
        nbtrack.log_metric("x", 1)
    found = nbtrack.search_runs(filter_string="attributes.run_name = 'next'", output_format="list")
    assert [(run.info.status, run.data.metrics) for run in found] == [("FINISHED", {"x": 1.0})]
    said = said_by_doctor()
    for each in made:
        if each.kind.__name__ in NAMED:
            assert each.name in said, each.kind.__name__
    check_whole(run_id)


def test_what_is_readable_is_in_and_the_rest_is_set_aside_and_named(workdir):
    healthy_run()
    journal = Journal(journals(workdir), RUN)
    journal.event(
        "run", experiment_id="0", run_name="hurt", user_id="", status="FINISHED", start_time=5,
        artifact_uri=None,
    )  # fmt: skip
    journal.points({"loss": 1.0}, 0, 5)
    with (journals(workdir) / f"{journal.name}.events").open("ab") as file:
        file.write(b'{"event":"tag","t":5,"run_id":"' + RUN.encode() + b'","key":7}\nnonsense\n')
    journal.points({"loss": 2.0}, 1, 5)
    journal.event("tag", key="k", value="v")
    journal.close()
    run = nbtrack.get_run(RUN)
    assert run.data.metrics == {"loss": 2.0}
    assert run.data.tags["k"] == "v"
    assert run.data.tags["nbtrack.damaged"].startswith("2 lines that make no sense")
    aside = sorted(file.name for file in (journals(workdir) / "damaged").iterdir())
    assert aside == [f"{journal.name}.events", f"{journal.name}.points"]
    assert journal.name in said_by_doctor()


@pytest.mark.parametrize("lost", [".events", ".points"])
def test_points_and_what_they_are_of_do_not_part(workdir, lost):
    healthy_run()
    journal = Journal(journals(workdir), RUN)
    journal.event(
        "run", experiment_id="0", run_name="cut", user_id="", status="FINISHED", start_time=5,
        artifact_uri=None,
    )  # fmt: skip
    long = "a metric/with a name of more than one record: " + "é" * 100
    for step in range(5):
        journal.points({"loss": float(step), long: -float(step)}, step, 5)
    journal.close()
    file = journals(workdir) / f"{journal.name}{lost}"
    if lost == ".events":
        kept = [line for line in file.read_bytes().splitlines(True) if b'"series"' not in line]
        file.write_bytes(b"".join(kept))
    else:
        table = journal_reader.np.fromfile(file, journal_reader.RECORD)
        table[(table["number"] == 0) & (table["_"] == MARK)] = 0
        table.tofile(file)
    assert nbtrack.get_run(RUN).data.metrics == {"loss": 4.0, long: -4.0}


def test_a_run_whose_first_line_is_lost_can_be_seen(workdir):
    healthy_run()
    journal = Journal(journals(workdir), RUN)
    journal.event("run", experiment_id="0", run_name="x", status="FINISHED")
    journal.points({"loss": 1.0}, 0, 5)
    journal.close()
    run = nbtrack.get_run(RUN)
    assert (run.info.status, run.data.metrics) == ("INTERRUPTED", {"loss": 1.0})
    assert RUN in nbtrack.search_runs().run_id.tolist()


def test_lines_of_a_newer_version_are_kept(workdir):
    healthy_run()
    journal = Journal(journals(workdir), RUN)
    journal.event("hologram", depth=3)
    journal.close()
    open_store(None).fold()
    (kept,) = (journals(workdir) / "damaged").glob("*.events")
    assert b"hologram" in kept.read_bytes()
    assert (
        "only a newer nbtrack knows"
        in " ".join(nbtrack.sql("SELECT damage FROM journals WHERE damage IS NOT NULL").damage)
        or journal.name in said_by_doctor()
    )


def test_a_journal_that_became_shorter_is_read_anew(workdir):
    with nbtrack.start_run():
        nbtrack.log_metric("x", 1.0)
        nbtrack.set_tag("a", "1")
        run = nbtrack.active_run()
        open_store(None).fold()
        (file,) = journals(workdir).glob("*.events")
        kept = b"".join(file.read_bytes().splitlines(keepends=True)[:2])
        line = {"event": "tag", "t": 5, "run_id": run.info.run_id, "key": "b", "value": "2"}
        file.write_bytes(kept + json.dumps(line).encode() + b"\n")
        open_store(None).fold()
    found = nbtrack.get_run(run.info.run_id)
    assert found.data.tags["b"] == "2"
    assert "shorter" in found.data.tags["nbtrack.damaged"]


def test_what_the_database_refuses_costs_itself_alone(workdir, monkeypatch):
    monkeypatch.setitem(journal_reader.is_sound.__globals__["SHAPES"], "tag", {})
    healthy_run()
    journal = Journal(journals(workdir), RUN)
    journal.event(
        "run", experiment_id="0", run_name="hurt", user_id="", status="FINISHED", start_time=5,
        artifact_uri=None,
    )  # fmt: skip
    for value in ("first", {"a": [1]}, "last"):
        journal.event("tag", key=str(value)[:5], value=value)
    journal.event("tag", key=None, value=None)
    journal.points({"loss": 1.0}, 0, 5)
    journal.close()
    run = nbtrack.get_run(RUN)
    assert run.data.metrics == {"loss": 1.0}
    assert {"first", "last"} <= set(run.data.tags)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_a_journal_that_may_not_be_read_stops_nothing(workdir):
    run_id = healthy_run()
    journal = Journal(journals(workdir), RUN)
    journal.event("tag", key="k", value="v")
    journal.close()
    (journals(workdir) / f"{journal.name}.events").chmod(0)
    check_whole(run_id)
    assert journal.name in said_by_doctor()


def test_the_thread_that_folds_survives_everything(workdir, monkeypatch):
    store = open_store(None)
    said: list[str] = []
    monkeypatch.setattr("nbtrack.store.background.warn", said.append)
    failures = iter([KeyError(3), OSError(5, "odd"), MemoryError(), KeyError(4)])
    done = threading.Event()
    fold = store.fold_quietly

    def fail() -> None:
        error = next(failures, None)
        if error is not None:
            store._wake.set()
            raise error
        fold()
        done.set()

    monkeypatch.setattr(store, "fold_quietly", fail)
    with nbtrack.start_run():
        nbtrack.log_metric("x", 1)
        assert done.wait(20)
        assert store._folder_thread.is_alive()
    assert sorted(text.split(": ")[1][:8] for text in said) == ["KeyError", "MemoryEr", "OSError("]
