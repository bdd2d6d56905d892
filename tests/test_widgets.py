"""Widgets without a browser: what they hold, what they send, what they leave behind."""

from __future__ import annotations

import base64
import inspect
import json
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from anywidget import AnyWidget

from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.views.chart.content import RunRef
from nbtrack.views.chart.curves import Curve, CurveBuffer, thin
from nbtrack.views.display import VIEW_MIME, display_mode
from nbtrack.views.metric_names import parse_metric
from nbtrack.views.table.page import Column, TablePage
from nbtrack.views.table.run_query import TableQuery
from nbtrack.views.widgets.comparison import Comparison
from nbtrack.views.widgets.metric_chart import MetricChart
from nbtrack.views.widgets.model_card import ModelCard
from nbtrack.views.widgets.run_card import RunCard
from nbtrack.views.widgets.run_table import RunTable
from nbtrack.views.widgets.view import View

JS = Path(__file__).parents[1] / "js/shared"
WIDGETS = {
    "View": View,
    "MetricChart": MetricChart,
    "RunCard": RunCard,
    "RunTable": RunTable,
    "ModelCard": ModelCard,
    "Comparison": Comparison,
}


def every_view(base: type[View] = View) -> list[type[View]]:
    """Return the views, and what they have in common."""
    return [base, *(view for each in base.__subclasses__() for view in every_view(each))]


def curve(n: int, run: str = "a", key: str = "loss", start: int = 0) -> Curve:
    steps = np.arange(start, start + n)
    return Curve(run, key, steps, 1.7e12 + steps * 250.0, np.exp(-steps / 100.0))


class Source:
    def __init__(self, runs: int = 200) -> None:
        self.loss = np.linspace(1, 2, runs)
        self.asked: list[tuple[int, int]] = []

    def columns(self) -> list[Column]:
        return [Column("run_name", "text"), Column("metrics.loss", "number", True, "min")]

    def page(self, query: TableQuery) -> TablePage:
        if "?" in query.filter:
            raise InvalidParameterError(f"Cannot read the filter {query.filter!r}.")
        self.asked.append((query.start, query.stop))
        rows = np.arange(len(self.loss))
        if query.sort and not query.sort[0][1]:
            rows = rows[::-1]
        rows = rows[query.start : query.stop]
        values = {"run_name": [f"<i>{i}</i>" for i in rows], "metrics.loss": self.loss[rows]}
        shown = {name: values[name] for name in query.columns}
        return TablePage(
            len(self.loss), [f"id{i}" for i in rows], shown, best={"metrics.loss": 1.0}
        )

    def ids(self, query: TableQuery, groups: Sequence[str] | None = None) -> list[str]:
        return [f"id{i}" for i in range(len(self.loss))]


def protocol() -> dict[str, dict[str, list[str]]]:
    text = (JS / "src/protocol.ts").read_text(encoding="utf-8")
    found = re.search(r"export const WIDGETS = (\{.*?\}) as const;", text, re.DOTALL)
    assert found
    names: dict[str, dict[str, list[str]]] = json.loads(found[1])
    return names


def sent(widget: MetricChart | RunTable, monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    messages: list[tuple] = []
    monkeypatch.setattr(widget, "send", lambda *message: messages.append(message))
    return messages


@pytest.mark.parametrize("name", WIDGETS)
def test_python_and_typescript_know_the_same_messages(name: str) -> None:
    mro = [cls for cls in WIDGETS[name].__mro__ if cls.__module__.startswith("nbtrack.")]
    own = mro if name == "View" else [cls for cls in mro if cls is not View]
    text = "".join(map(inspect.getsource, own))
    assert set(re.findall(r'"type": "(\w+)"', text)) == set(protocol()[name]["from_python"])
    assert set(re.findall(r'\.get\("type"\) [!=]= "(\w+)"', text)) == set(
        protocol()[name]["from_browser"]
    )


@pytest.mark.parametrize(
    ("key", "group", "split"), json.loads((JS / "test/groups.json").read_text(encoding="utf-8"))
)
def test_metrics_of_one_kind_share_a_plot(key: str, group: str, split: str) -> None:
    assert parse_metric(key) == (group, split)


def test_thinning_keeps_spikes_ends_and_nan() -> None:
    values = np.zeros(10_000)
    values[[1234, 7000]] = 9.0, -9.0
    values[4321] = np.nan
    kept = thin(values, 100)
    assert {0, 1234, 4321, 7000, 9999} <= set(kept.tolist())
    assert len(kept) <= 500


def test_a_buffer_stays_small_and_as_dense_at_its_start_as_later() -> None:
    buffer = CurveBuffer("a", "loss")
    for start in range(0, 200_000, 500):
        buffer.append(curve(500, start=start))
    points = buffer.curve()
    assert len(points) <= 4000
    early, later = (points.steps < 50_000).sum(), (points.steps < 100_000).sum()
    assert later / early == pytest.approx(2, rel=0.1)


def test_new_points_are_sent_with_rising_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    chart = MetricChart([RunRef("a", "otter", "live", "RUNNING")])
    messages = sent(chart, monkeypatch)
    chart.append([curve(3), curve(2, key="acc")])
    chart.append([curve(1)])
    assert [content["seq"] for content, _ in messages] == [1, 2]
    content, (step, _, value) = messages[0]
    assert [series["n"] for series in content["series"]] == [3, 2]
    assert len(step) == len(value) == 5 * 8


def test_the_whole_content_is_there_for_a_page_that_asks() -> None:
    chart = MetricChart()
    chart.append([curve(30)])
    assert chart.content["seq"] == 0
    chart._on_message(chart, {"type": "resync", "id": 1}, [])
    assert chart.content["seq"] == 1
    assert len(chart.content["value"]) == 30 * 8


def test_an_unknown_keyword_is_refused_with_advice() -> None:
    with pytest.raises(
        InvalidParameterError, match=r"MetricChart does not know 'smooth'.*smoothing"
    ):
        MetricChart(smooth=0.5)
    with pytest.raises(InvalidParameterError, match="'elapsed_s'"):
        RunCard().update_head(elapsed=3)


def test_a_finished_card_fits_and_holds_its_curves() -> None:
    runs = [RunRef("a", "otter", "live"), RunRef("b", "heron", "last")]
    keys = ("train_loss", "val_loss", "acc", "lr")
    card = RunCard(runs, [curve(5000, run, key) for run in "ab" for key in keys])
    card.update_head(name="otter", state="FAILED", error="ValueError: /home/ada/x.csv is empty")
    bundle, metadata = card.finished_bundle()
    assert set(bundle) == {"text/plain", "image/png", VIEW_MIME}
    assert len(json.dumps([bundle, metadata])) <= 50_000
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["width"] == 760
    view = bundle[VIEW_MIME]
    points = sum(series["n"] for series in view["curves"]["series"])
    assert len(zlib.decompress(base64.b64decode(view["curves"]["data"]))) == points * 12
    assert "~/x.csv" in bundle["text/plain"]
    assert "ada" not in json.dumps(bundle["text/plain"]) + json.dumps(view["head"])


def test_secrets_are_not_shown() -> None:
    card = RunCard()
    card.set_since(
        [], {"params": [["api_key", "abc", "def"]], "code_diff": '+password = "hunter2"'}
    )
    text = json.dumps(card.detail)
    assert "abc" not in text
    assert "hunter2" not in text


@pytest.mark.parametrize("value", ["live", "static", "off"])
def test_the_environment_says_how_runs_are_shown(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBTRACK_DISPLAY", value)
    assert display_mode() == value


def test_a_plain_process_leaves_static_output(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NBTRACK_DISPLAY", raising=False)
    chart = MetricChart([RunRef("a", "otter")], [curve(20)])
    bundle, _ = chart._repr_mimebundle_()
    assert chart.comm is None
    assert "image/png" in bundle
    assert "application/vnd.jupyter.widget-view+json" not in bundle


def test_a_table_sends_only_the_rows_that_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source()
    table = RunTable(source)
    assert (len(table.first["run_ids"]), table.first["total"]) == (100, 200)
    assert table.first["best"] == {"metrics.loss": 1.0}
    messages = sent(table, monkeypatch)
    view = {"columns": table.columns, "filter": "", "sort": [["metrics.loss", False]]}
    question = {"type": "table.rows", "start": 100, "stop": 150, **view}
    table._on_question(table, {"type": "ask", "id": "7", "question": question}, [])
    answer, buffers = messages[0]
    assert (answer["type"], answer["id"]) == ("answer", "7")
    assert answer["body"]["run_ids"][0] == "id99"
    assert np.frombuffer(buffers[0])[0] == source.loss[99]


def test_a_bad_filter_is_said_in_the_table_and_the_rows_stay() -> None:
    table = RunTable(Source())
    table.filter = "what?"
    assert "what?" in table.error
    assert len(table.first["run_ids"]) == 100
    table.filter = ""
    assert table.error == ""


def test_what_is_assigned_is_understood_or_refused_with_advice() -> None:
    table = RunTable(Source())
    table.sort = "metrics.loss DESC"
    assert table.sort == [["metrics.loss", False]]
    assert table.first["run_ids"][0] == "id199"
    table.columns = "run_name"
    assert table.columns == ["run_name"]
    for name in ("columns", "sort", "group"):
        with pytest.raises(InvalidParameterError, match=r"Did you mean 'metrics\.loss'"):
            setattr(table, name, ["metric.loss"])
        with pytest.raises(InvalidParameterError, match=f"{name} is 3"):
            setattr(table, name, 3)


def test_selected_takes_names_ids_and_frames() -> None:
    table = RunTable(Source(5))
    table.selected = ["<i>3</i>", "id1"]
    assert table.selected_ids == ["id3", "id1"]
    assert table.selected["metrics.loss"].tolist() == [1.75, 1.25]
    table.selected = table.frame().iloc[:2]
    assert table.selected_ids == ["id0", "id1"]
    with pytest.raises(NotFoundError, match="no run with the name or id 'otter'"):
        table.selected = "otter"
    with pytest.raises(InvalidParameterError, match="not int"):
        table.selected = 3


def test_a_finished_table_is_escaped_and_short() -> None:
    bundle, _ = RunTable(Source()).finished_bundle()
    assert bundle["text/html"].count("<tr>") == 51
    assert "<i>" not in bundle["text/html"]
    assert len(json.dumps(bundle)) <= 50_000


@pytest.mark.parametrize("view", every_view(), ids=lambda view: view.__name__)
def test_views_replace_methods_of_widgets_by_such_that_take_the_same(view: type[View]) -> None:
    for name, method in vars(view).items():
        replaced = getattr(AnyWidget, name, None)
        if inspect.isfunction(method) and inspect.isfunction(replaced) and name != "__init__":
            taken, expected = (list(inspect.signature(f).parameters) for f in (method, replaced))
            # a method that takes anything may leave "self" to its *args
            assert taken in (expected, ["self", *expected]), name


def test_what_a_page_changes_arrives_in_python() -> None:
    chart = MetricChart([RunRef("a", "a")], [curve(5)])
    chart.set_state({"smoothing": 0.5, "log_y": True})
    assert (chart.smoothing, chart.log_y) == (0.5, True)


def test_a_page_that_missed_points_gets_them_when_no_more_are_logged() -> None:
    chart = MetricChart([RunRef("a", "a")], [curve(3)])
    chart.append([curve(5, start=3)])
    assert chart.content["seq"] == 0
    chart._made_at = chart._pushed_at = chart._pushed_at - 60  # a minute later
    chart.catch_up()
    assert (chart.content["seq"], len(chart.content["value"])) == (1, 8 * 8)
    chart._pushed_at -= 60
    before = chart.content
    chart.catch_up()
    assert chart.content is before
