"""Tables of runs in groups, with seeds folded, searched by words, edited, and remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.rpc import respond
from nbtrack.store import open_store
from nbtrack.views.table.page import TablePage
from nbtrack.views.table.run_query import TableQuery
from nbtrack.views.widgets.store_run_table import StoreTable

LOSSES = {0.1: (1.0, 2.0, 3.0), 0.01: (0.2, 0.4, 0.6)}


@pytest.fixture
def ids(workdir: Path) -> list[str]:
    """Three seeds each of two learning rates, and one run alone."""
    made = []
    for lr, losses in LOSSES.items():
        for seed, loss in enumerate(losses):
            with nbtrack.start_run(run_name=f"lr-{lr}-seed{seed}") as run:
                nbtrack.log_params({"lr": lr, "model.random_state": seed})
                nbtrack.log_metric("loss", loss)
                nbtrack.set_tag("team", "red" if seed else "blue")
                made.append(run.info.run_id)
    with nbtrack.start_run(run_name="alone") as run:
        nbtrack.log_param("lr", 5)
        made.append(run.info.run_id)
    return made


def page(**query: Any) -> TablePage:
    columns = ["run_name", "params.lr", "metrics.loss", "tags.team"]
    return StoreTable(open_store()).page(TableQuery(columns=columns, **query))


def labels(found: TablePage) -> list[str]:
    names = found.columns["run_name"]
    return [
        group.label if group else name
        for group, name in zip(found.groups or [], names, strict=True)
    ]


def ask(kind: str, **fields: Any) -> dict[str, Any]:
    return respond(open_store(), {"type": kind, "experiment_ids": ["0"], **fields}).body


def test_seeds_are_folded_to_mean_and_spread(ids: list[str]) -> None:
    found = page(group=["seeds"], sort=[("metrics.loss", True)])
    assert labels(found) == ["lr-0.01…", "lr-0.1…", "alone"]
    assert (found.total, found.runs) == (3, 7)
    assert found.columns["metrics.loss"][:2] == pytest.approx([0.4, 2.0])
    assert found.spreads["metrics.loss"][:2] == pytest.approx([0.2, 1.0])
    assert list(found.columns["params.lr"]) == ["0.01", "0.1", "5"]
    assert list(found.columns["tags.team"]) == [None, None, None]
    assert found.best == {"metrics.loss": pytest.approx(0.4)}


def test_groups_go_by_size_of_their_value_and_open(ids: list[str]) -> None:
    found = page(group=["params.lr"])
    assert labels(found) == ["lr = 0.01", "lr = 0.1", "lr = 5"]
    key = (found.groups or [])[1].key  # type: ignore[union-attr]
    opened = page(group=["params.lr"], expanded=[key], sort=[("metrics.loss", False)], stop=3)
    assert labels(opened) == ["lr = 0.1", "lr-0.1-seed2", "lr-0.1-seed1"]
    assert opened.children == [1, 2]
    assert opened.total == 6
    rest = page(group=["params.lr"], expanded=[key], sort=[("metrics.loss", False)], start=3)
    assert labels(rest) == ["lr-0.1-seed0", "lr = 0.01", "lr = 5"]


def test_groups_of_several_columns_have_all_values_in_their_label(ids: list[str]) -> None:
    found = page(group=["params.lr", "tags.team"])
    assert labels(found)[:2] == ["lr = 0.01, team = blue", "lr = 0.01, team = red"]
    assert labels(found)[-1] == "lr = 5, team is not set"
    source = StoreTable(open_store())
    keys = [group.key for group in found.groups or [] if group]
    query = TableQuery(group=["params.lr", "tags.team"])
    assert len(source.ids(query, keys[:2])) == 3
    with pytest.raises(InvalidParameterError, match="no column 'nope'"):
        page(group=["nope"])


def test_words_are_looked_for_in_names_params_tags_and_notes(ids: list[str]) -> None:
    ask("table.edit", run_id=ids[0], column="note", value="Went off the Rails, 100% sure")
    for words, count in {
        "seed1": 2,
        "rails": 1,
        '"off the"': 1,
        "100%": 1,
        "blue lr-0.1": 1,
        "0.01": 3,
        ids[3][:12]: 1,
        "it's": 0,
        "(": 0,
    }.items():
        assert page(filter=words).total == count, words


@pytest.mark.parametrize("wrong", ["metrics.loss", "lr = 1", "metrics.loss <", "params.lr > '1'"])
def test_what_looks_like_the_grammar_has_to_be_right(ids: list[str], wrong: str) -> None:
    with pytest.raises(InvalidParameterError):
        page(filter=wrong)


def test_name_note_and_tags_are_edited(ids: list[str]) -> None:
    run_id = ids[-1]
    ask("table.edit", run_id=run_id, column="run_name", value=" better ")
    ask("table.edit", run_id=run_id, column="note", value="good")
    ask("table.edit", run_id=run_id, column="tags.team", value="green")
    tags = nbtrack.get_run(run_id).data.tags
    assert nbtrack.get_run(run_id).info.run_name == tags["mlflow.runName"] == "better"
    assert (tags["mlflow.note.content"], tags["team"]) == ("good", "green")
    ask("table.edit", run_id=run_id, column="tags.team", value="")
    assert "team" not in nbtrack.get_run(run_id).data.tags


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("run_name", "  ", "needs a name"),
        ("run_name", "x" * 300, "at most 250"),
        ("params.lr", "3", "cannot be edited"),
        ("tags.mlflow.user", "eve", "kept by nbtrack"),
        ("tags.a//b", "c", "resolve to other names"),
    ],
)
def test_edits_that_cannot_be_are_refused(
    ids: list[str], column: str, value: str, message: str
) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        ask("table.edit", run_id=ids[0], column=column, value=value)
    with pytest.raises(NotFoundError):
        ask("table.edit", run_id="nobody", column="note", value="x")


def test_runs_go_to_the_archive_and_the_bin_and_come_back(ids: list[str]) -> None:
    def counts() -> list[int]:
        return [page(stage=stage).total for stage in ("active", "archived", "deleted")]

    ask("table.act", action="archive", run_ids=ids[:2])
    ask("table.act", action="delete", run_ids=ids[2:5])
    assert counts() == [2, 2, 3]
    ask("table.act", action="unarchive", run_ids=ids[:1])
    ask("table.act", action="restore", run_ids=ids[2:5])
    assert counts() == [6, 1, 0]
    with pytest.raises(InvalidParameterError, match="nothing to keep"):
        ask("table.act", action="keep", run_ids=ids)


def test_column_sets_are_remembered_by_the_experiment(ids: list[str]) -> None:
    view = {"columns": ["run_name", "metrics.loss"], "sort": [["metrics.loss", True]]}
    ask("table.remember", name="short", set=view)
    last = {"added": ["user_id", "metrics.gone"], "hidden": ["status"], "sort": view["sort"]}
    ask("table.remember", name=None, set=last)
    sets = ask("table.columns")["sets"]
    assert sets["named"] == {"short": view}
    table = nbtrack.runs()
    assert table.columns[-1] == "user_id"
    assert "status" not in table.columns
    assert table.sort == [["metrics.loss", True]]
    assert ask("table.remember", name="short", set=None)["sets"]["named"] == {}
    table.close()


def test_small_curves_have_so_many_points_whatever_was_logged(workdir: Path) -> None:
    with nbtrack.start_run() as run:
        for step in range(500):
            nbtrack.log_metrics({"loss": 500.0 - step, "flat": float("nan")}, step=step)
        nbtrack.log_metric("once", 3)
    question = {"type": "table.curves", "run_ids": [run.info.run_id, "gone"], "points": 10}
    found = respond(open_store(), {**question, "keys": ["loss", "flat", "once"]})
    curves = np.frombuffer(found.buffers[0]).reshape(2, 3, 10)
    assert np.all(np.diff(curves[0, 0]) < 0)
    assert curves[0, 2, 0] == 3
    assert np.isnan(curves[1]).all()
    assert np.isnan(curves[0, 1]).all()


def test_the_best_way_is_guessed_and_can_be_changed(ids: list[str]) -> None:
    assert page().best == {"metrics.loss": 0.2}
    assert page(directions={"metrics.loss": "max", "params.lr": "min"}).best == {
        "metrics.loss": 3.0,
        "params.lr": 0.01,
    }
    assert page(directions={"metrics.loss": "none"}).best == {}


def test_words_of_the_grammar_are_looked_for_as_words(ids: list[str]) -> None:
    assert page(filter="alone and lr").total == 0
    nbtrack.Client().set_tag(ids[0], "use", "not in use and cold")
    assert page(filter="not in use and cold").run_ids == [ids[0]]
