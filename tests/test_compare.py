"""Runs side by side: what is asked, what is brushed, what is left in the notebook."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.testing.globalipapp import start_ipython

import nbtrack
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.rpc import respond
from nbtrack.tracking import context
from nbtrack.views.comparison.output import comparison_bundle
from nbtrack.views.comparison.saved import SavedView
from nbtrack.views.display import VIEW_MIME
from nbtrack.views.watch import StoreWatch
from sweeps import log_runs

JS = Path(__file__).parents[1] / "js/shared"


def ask(kind: str, **question: Any) -> tuple[dict[str, Any], list[np.ndarray[Any, Any]]]:
    found = respond(context.store(), {"type": f"compare.{kind}", **question})
    json.dumps(found.body, allow_nan=False)
    return found.body, [np.frombuffer(buffer) for buffer in found.buffers]


def three() -> list[str]:
    params = [
        {"lr": 0.1, "optimizer": "sgd", "depth": "10", "same": 1},
        {"lr": 0.01, "optimizer": "adam", "depth": "9", "same": 1},
        {"lr": 0.001, "optimizer": "adam", "extra": "x", "same": 1},
    ]
    losses = [0.3, math.nan, 0.1]
    return log_runs(3, lambda i: (params[i], {"val_loss": losses[i], "system/cpu": i}))


def test_values_come_as_numbers_with_categories_and_gaps(workdir: Path) -> None:
    ids = three()
    body, numbers = ask("data", experiment_ids=None, filter="")
    assert body["run_ids"] == ids[::-1]
    columns = {column["name"]: column for column in body["columns"]}
    assert columns["params.optimizer"]["categories"] == ["adam", "sgd"]
    assert numbers[columns["params.optimizer"]["buffer"]].tolist() == [0, 0, 1]
    assert columns["params.depth"]["missing"] == [0]
    assert numbers[columns["params.lr"]["buffer"]].tolist() == [0.001, 0.01, 0.1]
    assert columns["metrics.val_loss"]["direction"] == "min"
    assert math.isnan(numbers[columns["metrics.val_loss"]["buffer"]][1])
    assert not {"params.same", "metrics.system/cpu"} & set(columns)


def test_params_with_most_values_come_first_and_seeds_last(workdir: Path) -> None:
    for number in range(6):
        with nbtrack.start_run():
            params = {"a": number % 2, "lr": number % 3, "seed": number, "z": number}
            nbtrack.log_params(params)
            nbtrack.log_metrics({"loss": number, "acc": number})
    body, _ = ask("data", experiment_ids=["0"])
    names = [column["name"] for column in body["columns"]]
    assert names[:4] == ["params.z", "params.lr", "params.a", "params.seed"]
    assert all(name.startswith("metrics.") for name in names[4:])


def test_columns_and_runs_can_be_named(workdir: Path) -> None:
    ids = three()
    body, numbers = ask("data", run_ids=[ids[2], ids[0]], columns=["duration", "params.lr"])
    assert body["names"] == ["run-2", "run-0"]
    assert [column["name"] for column in body["columns"]] == ["duration", "params.lr"]
    assert numbers[1].tolist() == [0.001, 0.1]
    with pytest.raises(InvalidParameterError, match=r"params\.lr"):
        ask("data", run_ids=ids, columns=["status"])


def test_a_filter_chooses_the_runs_and_a_bad_one_is_told(workdir: Path) -> None:
    ids = three()
    body, _ = ask("data", experiment_ids=["0"], filter="params.optimizer = 'adam'")
    assert (body["run_ids"], body["total"]) == ([ids[2], ids[1]], 2)
    with pytest.raises(InvalidParameterError):
        ask("data", experiment_ids=None, filter="params.lr >> 3")
    with pytest.raises(NotFoundError, match="0123"):
        ask("data", run_ids=["0123"])


def test_two_runs_are_told_in_full(workdir: Path) -> None:
    with nbtrack.start_run(run_name="first", tags={"team": "vision"}) as run:
        nbtrack.log_param("lr", 0.1)
        nbtrack.log_metrics({"val_loss": math.inf}, step=3)
        nbtrack.log_input(nbtrack.data.from_numpy(np.ones((5, 2)), name="ones"), context="train")
        nbtrack.log_text("lr = 0.1\n", "source/cell.py")
        nbtrack.set_tag("mlflow.note.content", "a try")
    body, _ = ask("diff", a=run.info.run_id, b=run.info.run_id)
    facts = body["a"]
    assert facts["params"] == [["lr", "0.1"]]
    assert facts["metrics"][0]["last"] == "∞"
    assert facts["datasets"][0] | {"digest": ""} == {
        "name": "ones", "digest": "", "context": "train", "rows": 5
    }  # fmt: skip
    assert (facts["source"], facts["note"]) == ("lr = 0.1\n", "a try")
    assert facts["tags"] == [["team", "vision"]]
    assert "numpy" in facts["environment"]["packages"]


def test_brushes_select_runs_without_any_page(workdir: Path) -> None:
    ids = three()
    comparison = nbtrack.compare()
    comparison.brush({"column": "params.lr", "low": 0.005, "high": 1})
    assert set(comparison.selected_ids) == {ids[0], ids[1]}
    comparison.brushes = [
        {"column": "params.lr", "low": 0.005, "high": 1},
        {"column": "params.optimizer", "values": ["adam"]},
    ]
    assert comparison.selected["run_id"].tolist() == [ids[1]]
    comparison.brush()
    assert comparison.selected.empty


@pytest.mark.parametrize(
    "brush", [{}, {"column": "params.lr"}, {"column": "params.lr", "low": "a"}]
)
def test_what_is_no_brush_is_refused_with_an_example(workdir: Path, brush: dict[str, Any]) -> None:
    three()
    with pytest.raises(InvalidParameterError, match="optimizer"):
        nbtrack.compare().brush(brush)


def test_the_selection_is_a_frame_both_ways(workdir: Path) -> None:
    ids = three()
    comparison = nbtrack.compare()
    comparison.selected = nbtrack.search_runs(filter_string="params.optimizer = 'adam'")
    assert set(comparison.selected_ids) == {ids[1], ids[2]}
    comparison.selected = ["run-0"]
    assert comparison.selected["params.optimizer"].tolist() == ["sgd"]


def test_runs_are_named_or_filtered(workdir: Path) -> None:
    ids = three()
    assert nbtrack.compare("run-0 run-2").selected_ids == [ids[0], ids[2]]
    assert nbtrack.compare(["run-0", "run-1", "run-2"]).run_ids == ids
    assert nbtrack.compare("metrics.val_loss < 0.2").filter == "metrics.val_loss < 0.2"
    with pytest.raises(InvalidParameterError, match="val_loss"):
        nbtrack.compare(metric="val_los")


def test_runs_that_are_named_may_be_of_other_experiments(workdir: Path) -> None:
    ids = three()
    nbtrack.set_experiment("elsewhere")
    with nbtrack.start_run(run_name="other"):
        nbtrack.log_metric("val_loss", 0.2)
    comparison = nbtrack.compare(["run-0", "other"], columns=["metrics.val_loss"])
    asked = {"experiment_ids": comparison.experiment_ids, "run_ids": comparison.run_ids}
    rows = respond(context.store(), {"type": "table.rows", **asked}).body
    assert rows["run_ids"] == comparison.run_ids == [ids[0], comparison.selected_ids[1]]
    comparison.selected = ["other"]  # a name is looked for where it was looked for at first
    assert comparison.selected_ids == [comparison.run_ids[1]]


def test_what_stays_in_the_notebook_is_small_and_whole(workdir: Path) -> None:
    def of(i: int) -> tuple[dict[str, Any], dict[str, float]]:
        params = {f"param_{k}": f"value {i} {k} " + "x" * 30 for k in range(20)}
        return params | {"lr": i}, {"val_loss": 1 / (i + 1)}

    log_runs(60, of)
    bundle, metadata = nbtrack.compare().finished_bundle()
    assert len(json.dumps([bundle, metadata])) <= 50_000
    assert {"text/plain", "text/html", "image/png", VIEW_MIME} == set(bundle)
    saved = bundle[VIEW_MIME]
    assert saved["kind"] == "comparison"
    assert saved["table"]["total"] == 60
    assert saved["curves"]["series"]


def test_a_saved_comparison_has_short_headings_and_plain_notes(workdir: Path) -> None:
    long = "a_name_of_many_letters_" * 8
    with nbtrack.start_run(description="# Title\nwith **bold**"):
        nbtrack.log_metric(long, 0.5)
    saved = [nbtrack.compare().finished_bundle(), nbtrack.runs().finished_bundle()]
    tables = [bundle["text/html"].partition("<table>")[2] for bundle, _ in saved]
    assert all(f"<th>{long[:39]}…</th>" in table for table in tables)
    assert not any(long in table or "**" in table for table in tables)
    assert "<td>Title with bold</td>" in tables[0]


@pytest.mark.parametrize("runs", [8, 24])
def test_of_long_runs_picture_rows_and_curves_stay(workdir: Path, runs: int) -> None:
    noise = np.random.default_rng(0)
    for i in range(runs):
        with nbtrack.start_run(run_name=f"run-{i}"):
            nbtrack.log_params({"lr": 0.1 / (i + 1), "optimizer": ("adam", "sgd")[i % 2]})
            for step in range(240):
                loss = math.exp(-step / (20 + i)) + noise.random() * 0.1
                values = {"train_loss": loss, "val_loss": loss * 1.2, "val_acc": 1 - loss / 2}
                nbtrack.log_metrics(values, step=step)
    bundle, metadata = nbtrack.compare().finished_bundle()
    assert len(json.dumps([bundle, metadata])) <= 50_000
    assert len(bundle["image/png"]) <= 25_000
    assert bundle["text/html"].count("<tr>") == 1 + min(runs, 20)
    assert bundle["text/html"].count("data:image/svg") == 1
    saved = bundle[VIEW_MIME]
    assert len(saved["table"]["run_ids"]) == runs
    assert len(saved["curves"]["series"]) >= 15
    assert min(series["n"] for series in saved["curves"]["series"]) >= 20


def test_a_live_comparison_does_not_wait_for_the_forest(workdir: Path) -> None:
    log_runs(30, lambda i: ({"lr": i, "hidden": i % 3}, {"val_loss": 1 / (i + 1)}))
    comparison = nbtrack.compare()
    bundle, _ = comparison_bundle(context.store(), comparison.scope, SavedView(), forest=False)
    (importance,) = bundle[VIEW_MIME]["importance"]
    assert len(importance["methods"]) == 1
    assert importance["params"][0]["correlation"] is not None
    assert "scikit-learn" not in importance["message"]


@pytest.mark.parametrize("runs", ["run-0 rum-1", "rum-1", ["rum-1"], "params.lr = '1000'"])
def test_what_fits_no_run_is_an_error(workdir: Path, runs: Any) -> None:
    three()
    hint = "nbtrack.runs" if "params" in runs else "Did you mean 'run-1'"
    with pytest.raises(NotFoundError, match=hint):
        nbtrack.compare(runs)


def test_an_open_comparison_follows_the_store(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbtrack.views.watch.LOOK_EVERY_S", 0.01)
    changed = threading.Event()
    ids = three()
    watch = StoreWatch(context.store(), changed.set, pytest.fail)
    watch.start()
    with nbtrack.start_run(run_id=ids[0]):
        nbtrack.log_metric("val_loss", 0.05, step=9)
    assert changed.wait(30)
    watch.stop()
    comparison = nbtrack.compare()
    before = comparison.revision
    comparison.refresh()
    assert comparison.revision == before + 1
    comparison.close()


def test_an_empty_store_is_compared_too(workdir: Path) -> None:
    comparison = nbtrack.compare()
    bundle, _ = comparison.finished_bundle()
    assert "0 runs" in bundle["text/plain"]
    assert comparison.metric == ""


def test_the_magic_takes_a_filter_or_names(workdir: Path) -> None:
    from IPython.core.error import UsageError

    ids = three()
    shell = start_ipython() or __import__("IPython").get_ipython()
    shell.run_line_magic("load_ext", "nbtrack")
    assert shell.run_line_magic("compare", "run-0 run-1").run_ids == [ids[0], ids[1]]
    assert shell.run_line_magic("compare", "metrics.val_loss < 0.2").filter
    with pytest.raises(UsageError):
        shell.run_line_magic("compare", "params.lr >> 1")
    with pytest.raises(UsageError, match="Did you mean 'run-1'"):
        shell.run_line_magic("compare", "run-0 rum-1")
