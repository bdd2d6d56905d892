"""The tree of runs, the details of a run, previews of its artifacts, and how honest it was."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbtrack
from kernels import Kernel, kernel
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.rpc import Response, respond
from nbtrack.tracking import context
from nbtrack.tracking.environment_record import ENVIRONMENT_FILE
from nbtrack.views import previews
from nbtrack.views.details.query import previous_run
from nbtrack.views.details.tree_query import as_filter
from nbtrack.views.formats import natural_order
from nbtrack.views.metric_names import primary_metric
from programs import start


def ask_whole(kind: str, **question: Any) -> Response[Any]:
    found = respond(context.store(), {"type": kind, **question})
    json.dumps(found.body, allow_nan=False)
    return found


def ask(kind: str, **question: Any) -> dict[str, Any]:
    return ask_whole(kind, **question).body


def tree(**question: Any) -> list[str]:
    return [run["name"] for run in ask("store.tree", experiment_id="0", **question)["runs"]]


def log(name: str, **options: Any) -> str:
    with nbtrack.start_run(run_name=name, **options) as run:
        nbtrack.log_metric("loss", 1.0)
    return run.info.run_id


# -- the tree ----------------------------------------------------------------------------


def test_an_empty_store_has_an_empty_tree(workdir: Path) -> None:
    body = ask("store.tree", experiment_id="0")
    assert body == {"total": 0, "runs": []}
    (only,) = ask("store.experiments")["experiments"]
    assert (only["name"], only["runs"], only["last_ms"]) == ("Default", 0, None)


def test_experiments_come_with_counts_and_notes(workdir: Path) -> None:
    nbtrack.set_experiment("mnist")
    nbtrack.set_experiment_tag("mlflow.note.content", "digits")
    log("done")
    nbtrack.start_run(run_name="going on")
    first, second = ask("store.experiments")["experiments"]
    assert [first[k] for k in ("name", "runs", "running", "note")] == ["mnist", 2, 1, "digits"]
    assert second["name"] == "Default"


def test_nested_runs_follow_the_one_they_belong_under(workdir: Path) -> None:
    log("before")
    with nbtrack.start_run(run_name="sweep") as sweep:
        log("child 1", nested=True)
        log("child 2", nested=True)
    log("after")
    body = ask("store.tree", experiment_id="0")
    assert [run["name"] for run in body["runs"]] == [
        "after",
        "sweep",
        "child 2",
        "child 1",
        "before",
    ]
    assert body["total"] == 3
    assert [run["children"] for run in body["runs"]] == [0, 2, 0, 0, 0]
    assert body["runs"][2]["parent_id"] == sweep.info.run_id
    assert tree(start=1, stop=2) == ["sweep", "child 2", "child 1"]


def test_a_run_that_is_nested_in_itself_is_still_shown(workdir: Path) -> None:
    one, two = log("one"), log("two")
    client = nbtrack.Client()
    client.set_tag(one, "mlflow.parentRunId", two)
    client.set_tag(two, "mlflow.parentRunId", one)
    assert sorted(tree()) == ["one", "two"]


def test_the_tree_is_filtered_by_grammar_words_and_state(workdir: Path) -> None:
    log("baseline small", description="with a warm start")
    log("baseline large")
    nbtrack.start_run(run_name="other")
    assert tree(filter="metrics.loss = 1 and attributes.run_name = 'baseline large'") == [
        "baseline large"
    ]
    assert tree(filter="BASE small") == ["baseline small"]
    assert tree(filter="warm") == ["baseline small"]
    assert tree(state="RUNNING") == ["other"]
    assert tree(filter="small", state="RUNNING") == []
    assert as_filter("it's").count('"%it\'s%"') == 2
    with pytest.raises(InvalidParameterError, match="cannot be looked for"):
        tree(filter="""'"both""")


def test_archived_and_deleted_runs_have_their_own_lists(workdir: Path) -> None:
    log("kept")
    archived, deleted = log("archived"), log("deleted")
    nbtrack.Client().set_tag(archived, "nbtrack.archived", "true")
    nbtrack.delete_run(deleted)
    assert tree() == ["kept"]
    assert tree(stage="archived") == ["archived"]
    assert tree(stage="deleted") == ["deleted"]


def test_a_spark_is_the_most_telling_metric_in_few_values(workdir: Path) -> None:
    with nbtrack.start_run(run_name="curve"):
        for step in range(500):
            value = math.nan if step < 100 else float(step)
            nbtrack.log_metrics({"val_loss": value, "acc": 1.0, "system/cpu": 2.0}, step=step)
    (run,) = ask("store.tree", experiment_id="0")["runs"]
    assert run["spark"]["key"] == "val_loss"
    values = run["spark"]["values"]
    assert len(values) == 20
    assert values[0] is None
    assert 480 < values[-1] < 500
    assert run["last_step"] == 499


def test_a_single_point_is_no_curve(workdir: Path) -> None:
    log("short")
    assert ask("store.tree", experiment_id="0")["runs"][0]["spark"] is None


def test_telling_metrics_are_losses_of_held_out_data() -> None:
    assert primary_metric(["acc", "train_loss", "val_loss", "val_acc"]) == "val_loss"
    assert primary_metric(["speed", "acc"]) == "acc"
    assert primary_metric(["system/cpu", "x"]) == "x"
    assert primary_metric(["system/cpu"]) is None
    assert primary_metric([]) is None


def test_a_run_whose_process_died_says_where_it_stopped(workdir: Path) -> None:
    code = """
    import os, nbtrack
    nbtrack.start_run(run_name="killed")
    for step in range(1831):
        nbtrack.log_metric("loss", 1.0, step=step)
    os._exit(9)
    """
    start(code, cwd=workdir).communicate(timeout=60)
    (run,) = ask("store.tree", experiment_id="0")["runs"]
    assert (run["state"], run["last_step"]) == ("INTERRUPTED", 1830)
    assert run["ending"] == "stopped at step 1,830, process died"
    details = ask("run.details", run_id=run["run_id"])
    assert details["run"]["ending"] == run["ending"]


# -- details -----------------------------------------------------------------------------


def test_details_have_all_that_was_logged(workdir: Path) -> None:
    nbtrack.set_experiment("mnist")
    with nbtrack.start_run(run_name="parent"), nbtrack.start_run(nested=True) as run:
        nbtrack.log_params({"lr": 0.1, "batch": 64})
        nbtrack.log_metrics({"loss": math.inf, "acc": 0.5}, step=1)
        nbtrack.log_metrics({"loss": 0.25, "acc": 0.75}, step=2)
        nbtrack.set_tags({"team": "vision", "mlflow.note.content": "good"})
    found = ask("run.details", run_id=run.info.run_id)
    assert found["params"] == [["batch", "64"], ["lr", "0.1"]]
    assert found["tags"] == [["team", "vision"]]
    assert found["run"]["experiment"] == "mnist"
    assert found["run"]["note"] == "good"
    assert found["run"]["parent"]["name"] == "parent"
    acc, loss = found["metrics"]
    assert [acc[k] for k in ("last", "min", "max", "step", "count")] == [0.75, 0.5, 0.75, 2, 2]
    assert (loss["max"], loss["last"], loss["spark"]) == ("∞", 0.25, [None, 0.25])
    assert found["environment"]["python"].startswith("3.")
    assert "numpy" in dict(found["environment"]["packages"])
    assert (found["source"], found["models"]) == (None, [])
    parent = ask("run.details", run_id=found["run"]["parent"]["run_id"])
    assert [child["run_id"] for child in parent["run"]["children"]] == [run.info.run_id]


def test_a_last_value_that_is_no_number_is_said(workdir: Path) -> None:
    values = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": 1e-300}
    with nbtrack.start_run() as run:
        nbtrack.log_metrics(values)
    metrics = ask("run.details", run_id=run.info.run_id)["metrics"]
    assert [metric["last"] for metric in metrics] == ["NaN", "∞", "−∞", 1e-300]


def test_names_with_numbers_stand_in_their_order(workdir: Path) -> None:
    names = [f"layer_{number}" for number in (1, 2, 10)]
    ids = []
    for name in reversed(names):
        with nbtrack.start_run(run_name=name) as run:
            nbtrack.log_params({"named": name, **dict.fromkeys(names, name)})
            nbtrack.log_metrics(dict.fromkeys(names, 1.0))
            nbtrack.set_tags(dict.fromkeys(names, name))
            for key in names:
                nbtrack.log_image(np.zeros((4, 4), np.uint8), key=key, step=0)
        ids.append(run.info.run_id)
    run_id = {"run_id": ids[0]}
    details = ask("run.details", **run_id)
    assert [metric["key"] for metric in details["metrics"]] == names
    assert [key for key, _ in details["tags"]] == names
    assert [key for key, _ in details["params"]] == [*names, "named"]
    assert [series["key"] for series in ask("run.images", **run_id)["series"]] == names
    assert [curve["key"] for curve in ask("chart.runs", run_ids=ids[:1])["series"]] == names
    shown = [column["name"] for column in ask("table.columns")["columns"]]
    for family in ("params", "metrics", "tags"):
        assert [name for name in shown if name in {f"{family}.{n}" for n in names}] == [
            f"{family}.{name}" for name in names
        ]
    groups = ask("table.rows", group=["params.named"], start=0, stop=9)["groups"]
    assert [group["label"] for group in groups] == [f"named = {name}" for name in names]
    compared = [key["name"] for key in ask("compare.data", run_ids=ids)["available"]]
    expected = [f"params.{n}" for n in (*names, "named")] + [f"metrics.{n}" for n in names]
    assert [name for name in compared if "." in name] == expected


def test_values_with_thousands_of_digits_are_put_in_order(workdir: Path) -> None:
    values = ["a2", f"a{'1' * 5000}", f"a{'1' * 5001}"]
    ids = []
    for value in values:
        with nbtrack.start_run() as run:
            nbtrack.log_param("named", value)
        ids.append(run.info.run_id)
    columns = ask("compare.data", run_ids=ids, columns=["params.named"])["columns"]
    assert columns[0]["categories"] == values
    groups = ask("table.rows", group=["params.named"], start=0, stop=9)["groups"]
    assert [len(group["label"]) for group in groups] == [len(f"named = {v}") for v in values]
    assert sorted(["a01", "a10", "a1", "b"], key=natural_order)[2:] == ["a10", "b"]


def test_a_run_is_compared_with_its_like(workdir: Path) -> None:
    def ended(**tags: str) -> Any:
        with nbtrack.start_run(tags={key.replace("_", "."): value for key, value in tags.items()}):
            pass
        return nbtrack.last_active_run().info

    def before(info: Any) -> str | None:
        with context.store().read() as reader:
            return previous_run(reader, info)

    own = ended()
    fit = ended(mlflow_autologging="sklearn")
    trees = ended(mlflow_autologging="xgboost")
    cell = ended(nbtrack_cell_id="a")
    other = ended(nbtrack_cell_id="b")
    assert before(trees) is None
    assert before(fit) is None
    assert before(ended(mlflow_autologging="sklearn")) == fit.run_id
    assert before(cell) == own.run_id
    assert before(ended(nbtrack_cell_id="a")) == cell.run_id
    assert before(other) == cell.run_id


def test_details_of_a_failed_run_say_why(workdir: Path) -> None:
    with pytest.raises(ZeroDivisionError), nbtrack.start_run() as run:
        _ = 1 / 0
    found = ask("run.details", run_id=run.info.run_id)
    assert found["run"]["state"] == "FAILED"
    assert found["failure"]["error"] == "ZeroDivisionError: division by zero"
    assert found["failure"]["line"] is None  # it was no cell
    assert "_ = 1 / 0" in found["failure"]["traceback"]
    with nbtrack.start_run() as run:
        pass
    assert ask("run.details", run_id=run.info.run_id)["failure"] is None


def test_datasets_are_shown_with_their_source(workdir: Path) -> None:
    import pandas as pd

    with nbtrack.start_run() as run:
        frame = pd.DataFrame({"x": [1, 2], "y": [0.5, 1.5]})
        nbtrack.log_input(nbtrack.data.from_pandas(frame, name="tiny"), context="training")
    (dataset,) = ask("run.details", run_id=run.info.run_id)["datasets"]
    assert (dataset["name"], dataset["context"]) == ("tiny", "training")
    assert dataset["digest"]
    assert dataset["profile"]["num_rows"] == 2


def test_loading_code_runs(workdir: Path) -> None:
    run_id = log("to load")
    code = ask("run.loading", run_id=run_id)["code"]
    out, errors = start(code + "\nprint(run.data.metrics)", cwd=workdir).communicate(timeout=60)
    assert out.strip() == "{'loss': 1.0}", errors


# -- artifacts ---------------------------------------------------------------------------


@pytest.fixture
def run_id(workdir: Path) -> str:
    with nbtrack.start_run() as run:
        nbtrack.log_text("# Title", "notes/readme.md")
        nbtrack.log_text("<script>alert(1)</script>", "page.html")
        nbtrack.log_text('<svg xmlns="http://www.w3.org/2000/svg"/>', "plot.svg")
        nbtrack.log_text("a,b\n1,2\n" + "3,4\n" * 500, "table.csv")
        nbtrack.log_text("a\tb\n1\t2\n", "table.tsv")
        nbtrack.log_dict({"k": [1, 2]}, "config.json")
        nbtrack.log_table({"q": ["x", "y"], "v": [1.5, math.nan]}, "answers.json")
        nbtrack.log_text("\0\1\2", "weights.dat")
    return str(run.info.run_id)


def test_artifacts_are_listed_folder_by_folder(run_id: str) -> None:
    files = ask("run.artifacts", run_id=run_id)["files"]
    assert files[0] == {"path": "notes", "is_dir": True, "size": None}
    inner = ask("run.artifacts", run_id=run_id, path="notes")["files"]
    assert inner == [{"path": "notes/readme.md", "is_dir": False, "size": 7}]


@pytest.mark.parametrize(
    ("path", "kind", "mime"),
    [
        ("notes/readme.md", "text", "text/markdown"),
        ("page.html", "html", "text/html"),
        ("plot.svg", "image", "image/svg+xml"),
        ("table.csv", "table", "text/csv"),
        ("config.json", "json", "application/json"),
        ("answers.json", "table", "application/json"),
        ("weights.dat", "none", "application/octet-stream"),
    ],
)
def test_previews_by_kind(run_id: str, path: str, kind: str, mime: str) -> None:
    found = ask_whole("run.preview", run_id=run_id, path=path)
    assert (found.body["kind"], found.body["mime"]) == (kind, mime)
    assert len(found.buffers) == (kind == "image")


def test_tables_show_their_first_rows(run_id: str) -> None:
    found = ask("run.preview", run_id=run_id, path="table.csv")
    assert (found["columns"], found["rows"][0]) == (["a", "b"], ["1", "2"])
    assert (len(found["rows"]), found["truncated"]) == (200, True)
    assert ask("run.preview", run_id=run_id, path="table.tsv")["rows"] == [["1", "2"]]
    assert ask("run.preview", run_id=run_id, path="answers.json")["rows"][0] == ["x", 1.5]


def test_json_is_laid_out_and_broken_json_is_text(run_id: str) -> None:
    assert '\n  "k": [' in ask("run.preview", run_id=run_id, path="config.json")["text"]
    nbtrack.Client().log_text(run_id, "{broken", "broken.json")
    assert ask("run.preview", run_id=run_id, path="broken.json")["kind"] == "text"


def test_parquet_is_a_table_and_a_broken_one_says_so(run_id: str) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pandas.DataFrame({"n": range(300), "t": pandas.Timestamp("2024-01-01")})
    frame.to_parquet("big.parquet")
    nbtrack.Client().log_artifact(run_id, "big.parquet")
    nbtrack.Client().log_text(run_id, "no parquet", "bad.parquet")
    found = ask("run.preview", run_id=run_id, path="big.parquet")
    assert (found["columns"], found["rows"][1]) == (["n", "t"], [1, "2024-01-01 00:00:00"])
    assert (len(found["rows"]), found["truncated"]) == (200, True)
    bad = ask("run.preview", run_id=run_id, path="bad.parquet")
    assert (bad["kind"], "cannot be read" in bad["text"]) == ("none", True)


def test_large_files_are_cut(run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "MAX_TEXT", 4)
    monkeypatch.setattr(previews, "MAX_IMAGE", 4)
    text = ask("run.preview", run_id=run_id, path="notes/readme.md")
    assert (text["text"], text["truncated"]) == ("# Ti", True)
    image = ask_whole("run.preview", run_id=run_id, path="plot.svg")
    assert (image.body["kind"], image.buffers) == ("none", [])


def test_what_is_not_there_or_outside_has_no_preview(run_id: str) -> None:
    with pytest.raises(NotFoundError):
        ask("run.preview", run_id=run_id, path="nothing.txt")
    for path in ("../x", "/etc/passwd", "notes", "a/../b", ""):
        with pytest.raises(InvalidParameterError):
            ask("run.preview", run_id=run_id, path=path)


# -- the source --------------------------------------------------------------------------


def notebook_file(path: Path, *cells: tuple[str, str]) -> None:
    """Write a notebook of cells (id, source), as it is saved after the run began."""
    content = {"cells": [{"cell_type": "code", "id": i, "source": s} for i, s in cells]}
    path.write_text(json.dumps(content), "utf-8")


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("honest")
    with kernel(folder, JPY_SESSION_NAME=str(folder / "work.ipynb")) as running:
        running.run("from nbtrack.rpc import respond")
        running.run("from nbtrack.tracking import context")
        yield running


def execute(notebook: Kernel, cell_id: str, source: str, *, kept: bool = True) -> None:
    """Run a cell as JupyterLab does: with its id; or code that is no cell."""
    client = notebook.client
    content = {
        "code": source,
        "silent": False,
        "store_history": kept,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": True,
    }
    message = client.session.msg("execute_request", content, metadata={"cellId": cell_id})
    client.shell_channel.send(message)
    reply = client.get_shell_msg(timeout=60)
    while reply["parent_header"].get("msg_id") != message["header"]["msg_id"]:
        reply = client.get_shell_msg(timeout=60)
    assert reply["content"]["status"] == "ok", reply["content"]


def asked(notebook: Kernel, kind: str) -> dict[str, Any]:
    run = "nbtrack.last_active_run().info.run_id"
    found: dict[str, Any] = notebook.value(
        f"respond(context.store(), {{'type': {kind!r}, 'run_id': {run}}}).body"
    )
    return found


def texts(details: dict[str, Any]) -> list[str]:
    return [badge["text"] for badge in details["badges"]]


def test_the_source_comes_with_the_cells_it_needed(notebook: Kernel) -> None:
    execute(notebook, "a", "scale = 3")
    execute(notebook, "b", "def double(x):\n    return 2 * x * scale")
    execute(notebook, "c", "%%track honest\nlr = 0.1\nresult = double(2)")
    found = asked(notebook, "run.source")
    assert "%load_ext nbtrack" in found["cells"][0]["source"]
    assert [cell["source"] for cell in found["cells"]][-3:] == [
        "scale = 3",
        "def double(x):\n    return 2 * x * scale",
        "%%track honest\nlr = 0.1\nresult = double(2)",
    ]
    run_id = notebook.value("nbtrack.last_active_run().info.run_id")
    assert found["resume"] == f"%%track --resume {run_id}\nlr = 0.1\nresult = double(2)"
    assert asked(notebook, "run.details")["source"]["text"] == "lr = 0.1\nresult = double(2)"
    text = notebook.value("nbtrack.source('honest')")
    assert text.index("scale = 3") < text.index("def double") < text.index("lr = 0.1")


def test_badges_say_what_has_become_of_the_notebook(notebook: Kernel) -> None:
    file = notebook.folder / "work.ipynb"
    double = "def double(x):\n    return 2 * x * scale"
    run = "%%track honest\nlr = 0.1\nresult = double(2)"
    execute(notebook, "c", run)
    notebook_file(file, ("a", "scale = 3"), ("b", double), ("c", run))
    assert texts(asked(notebook, "run.details")) == []
    notebook_file(file, ("b", double + "  # faster"), ("c", run))
    assert texts(asked(notebook, "run.details")) == ["cell deleted since", "cell edited since"]
    notebook_file(file, ("c", run), ("a", "scale = 3"), ("b", double))
    assert texts(asked(notebook, "run.details")) == ["ran out of order"]
    os.utime(file, (1, 1))  # saved before the run: says nothing about it
    assert texts(asked(notebook, "run.details")) == []


def test_badges_say_what_the_kernel_had_left(notebook: Kernel) -> None:
    execute(notebook, "d", "secret_value = 1")
    execute(notebook, "d", "other = 2")
    execute(notebook, "e", "%%track hidden\nz = secret_value")
    found = asked(notebook, "run.details")["badges"]
    assert [badge["text"] for badge in found] == ["hidden state"]
    assert "ran again with other code" in found[0]["detail"]
    tags = "nbtrack.last_active_run().data.tags"
    assert notebook.value(f"{tags}['nbtrack.warnings']") == "hidden state"
    execute(notebook, "f", "injected = 5", kept=False)
    execute(notebook, "e", "%%track hidden\nz = injected")
    assert "No cell defines injected" in asked(notebook, "run.details")["badges"][0]["detail"]


def test_the_line_of_the_cell_that_failed_is_said(notebook: Kernel) -> None:
    execute(notebook, "a", "def divide(x):\n    return 1 / x")
    assert notebook.run("%%track\nx = 1\nfor x in (1, 0):\n    divide(x)").status == "error"
    failure = asked(notebook, "run.details")["failure"]
    assert failure["line"] == 4  # not that of the other cell
    assert "return 1 / x" in failure["traceback"]
    code = "try:\n    divide(0)\nexcept ZeroDivisionError:\n    def fail():\n        int('a')"
    assert notebook.run(f"%%track\n{code}\n    fail()").status == "error"
    assert asked(notebook, "run.details")["failure"]["line"] == 6


def test_what_changed_since_the_run_before_is_said(workdir: Path) -> None:
    for lr, loss, source in ((0.1, 0.5, "fit(lr)\n"), (0.3, 0.4, "fit(lr)\nplot()\n")):
        with nbtrack.start_run(run_name=f"lr-{lr}") as run:
            nbtrack.log_param("lr", lr)
            nbtrack.log_metric("loss", loss)
            nbtrack.log_text(source, "source/cell.py")
        found = ask("run.details", run_id=run.info.run_id)["since"]
        if lr == 0.1:
            assert found is None  # the first run has none before it
    assert found["name"] == "lr-0.1"
    said = {item["label"]: item["text"] for item in found["items"]}
    assert said["lr"] == "0.1 → 0.3"
    assert said["code"] == "1 line changed"
    assert said["loss"] == "0.4 (20 % better)"
    assert "+plot()" in found["detail"]["code_diff"]


def test_a_dirty_working_tree_is_a_badge_with_its_files(workdir: Path) -> None:
    with nbtrack.start_run(tags={"mlflow.source.git.dirty": "true"}) as run:
        environment = {"git": {"commit": "abc", "dirty": True, "changed": ["train.py"]}}
    nbtrack.Client().log_dict(run.info.run_id, environment, ENVIRONMENT_FILE)
    found = ask("run.details", run_id=run.info.run_id)
    assert texts(found) == ["uncommitted changes"]
    assert found["badges"][0]["detail"] == "train.py differed from the commit."
    assert found["environment"]["git"]["changed"] == ["train.py"]
