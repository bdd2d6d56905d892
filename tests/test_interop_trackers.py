"""Runs of other trackers come in; their own packages have written what lies in ``recorded``."""

from __future__ import annotations

import math
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from nbtrack.interop import ImportReport, import_from

RECORDED = Path(__file__).with_name("recorded")


def brought(source: Path) -> tuple[nbtrack.Client, dict[str, Any], ImportReport]:
    """Import twice, and return what is there then; the second time must change nothing."""
    report = import_from(source, "ours.duckdb", progress=False)
    again = import_from(source, "ours.duckdb", progress=False)
    assert all(row.came == 0 for row in again.rows), str(again)
    client = nbtrack.Client("ours.duckdb")
    ids = [e.experiment_id for e in client.search_experiments()]
    return client, {run.info.run_name: run for run in client.search_runs(ids)}, report


def points(client: nbtrack.Client, run: Any, key: str) -> list[tuple[int, int, float]]:
    history = client.get_metric_history(run.info.run_id, key)
    return [(m.step, m.timestamp, m.value) for m in history]


def test_scalars_of_tensorboard_keep_step_time_and_value(workdir: Path) -> None:
    client, runs, report = brought(RECORDED / "tensorboard")
    assert report.ok, str(report)
    assert set(runs) == {"a", "a/hp", "tensors"}
    loss = points(client, runs["a"], "loss")
    assert [p[:2] for p in loss] == [(s, 1_760_000_000_000 + 1000 * s) for s in range(5)]
    assert [p[2] for p in loss] == pytest.approx([1 / (s + 1) for s in range(5)])
    assert math.isnan(runs["a"].data.metrics["odd"])
    assert [p[2] for p in points(client, runs["tensors"], "acc")] == [0.0, 0.5, 1.0]


def test_texts_pictures_and_hyperparameters_of_tensorboard_come(workdir: Path) -> None:
    client, runs, report = brought(RECORDED / "tensorboard")
    assert runs["a/hp"].data.params == {"lr": "0.1", "opt": "adam", "flag": "True"}
    run_id = runs["a"].info.run_id
    text = client.download_artifacts(run_id, "text/note/text_summary.txt")
    assert "hello" in Path(text).read_text()
    picture = Path(client.download_artifacts(run_id, "images/pic/x/1.png"))
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert any("histograms" in note for note in report.notes)


def test_an_event_file_that_is_cut_off_gives_what_is_whole(workdir: Path) -> None:
    shutil.copytree(RECORDED / "tensorboard", "logs")
    file = next(Path("logs/a").glob("*tfevents*"))
    file.write_bytes(file.read_bytes()[:230])
    client, runs, report = brought(Path("logs"))
    assert report.ok
    known = points(client, runs["a"], "loss")
    assert 0 < len(known) < 5
    shutil.copy(RECORDED / "tensorboard" / "a" / file.name, file)  # the training went on
    client, runs, _ = brought(Path("logs"))
    assert len(points(client, runs["a"], "loss")) == 5


def test_an_offline_run_of_wandb_comes(workdir: Path) -> None:
    client, runs, report = brought(RECORDED)
    run = runs["first"]
    assert run.data.params == {"lr": "0.1", "model.depth": "3"}
    assert run.data.tags["mlflow.note.content"] == "a note"
    assert run.data.tags["wandb.summary.best"] == "0.2"
    assert run.info.status == "FINISHED"
    assert [(s, v) for s, _, v in points(client, run, "nested.a")] == [(s, s) for s in range(5)]
    assert [v for _, _, v in points(client, run, "loss")] == [1 / (s + 1) for s in range(5)]
    assert set(run.data.metrics) == {"loss", "nested.a", "odd"}
    assert any("pictures" in note for note in report.notes)


def test_a_run_of_wandb_that_was_cut_off_is_interrupted(workdir: Path) -> None:
    whole = (RECORDED / "run-first123.wandb").read_bytes()
    Path("run-first123.wandb").write_bytes(whole[: len(whole) // 2])
    client, runs, _ = brought(Path("run-first123.wandb"))
    assert runs["first"].info.status == "INTERRUPTED"
    assert 0 < len(points(client, runs["first"], "loss")) <= 5


def test_a_project_of_trackio_comes(workdir: Path) -> None:
    with sqlite3.connect("digits.db") as database:
        database.executescript((RECORDED / "trackio.sql").read_text())
    database.close()
    client, runs, report = brought(Path("digits.db"))
    assert report.ok, str(report)
    assert {e.name for e in client.search_experiments()} == {"digits", "Default"}
    assert runs["one"].data.params == {"lr": "0.1", "model.depth": "2"}
    assert [(s, v) for s, _, v in points(client, runs["one"], "loss")] == [
        (s, 1 / (s + 1)) for s in range(4)
    ]
    assert runs["one"].data.metrics["odd"] == math.inf
    assert any("no numbers" in note for note in report.notes)


def test_csv_of_other_programs_comes(workdir: Path) -> None:
    Path("log.csv").write_text("epoch,train_loss,val_acc\n0,0.9,0.1\n1,0.5,\n2,0.25,0.8\n")
    client, runs, _ = brought(Path("log.csv"))
    (run,) = runs.values()
    assert [(s, v) for s, _, v in points(client, run, "train_loss")] == [
        (0, 0.9),
        (1, 0.5),
        (2, 0.25),
    ]
    assert [(s, v) for s, _, v in points(client, run, "val_acc")] == [(0, 0.1), (2, 0.8)]
