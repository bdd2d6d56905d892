"""Tables as CSV, Markdown and LaTeX."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError
from nbtrack.rpc import respond
from nbtrack.store import open_store
from nbtrack.views.table.export import export_page, format_spread
from nbtrack.views.table.page import Column, TablePage
from nbtrack.views.widgets.store_run_table import StoreRunTable

COLUMNS = ["run_name", "params.lr", "metrics.val_loss", "metrics.a|b"]


@pytest.fixture
def table(workdir: Path) -> StoreRunTable:
    for seed, (name, loss) in enumerate([("50%_a", 0.25), ("b|*c*\\", 0.125)]):
        with nbtrack.start_run(run_name=name):
            nbtrack.log_params({"lr": 1e-3, "seed": seed})
            nbtrack.log_metric("val_loss", loss)
    made = nbtrack.runs(sort="run_name")
    made.columns = COLUMNS[:3]
    return made


def test_csv_has_what_is_shown_in_its_order_with_whole_numbers(table: StoreRunTable) -> None:
    rows = list(csv.reader(io.StringIO(table.to_csv())))
    assert rows == [COLUMNS[:3], ["50%_a", "0.001", "0.25"], ["b|*c*\\", "0.001", "0.125"]]
    table.filter = "metrics.val_loss < 0.2"
    assert len(table.to_csv().splitlines()) == 2


def test_csv_of_a_selection_is_written(table: StoreRunTable, tmp_path: Path) -> None:
    table.selected = "50%_a"
    text = table.to_csv(tmp_path / "runs.csv")
    assert (tmp_path / "runs.csv").read_text("utf-8") == text
    assert pd.read_csv(io.StringIO(text))["run_name"].tolist() == ["50%_a"]


def test_markdown_is_escaped_with_the_best_in_bold(table: StoreRunTable) -> None:
    assert table.to_markdown() == (
        "| run\\_name | lr | val\\_loss |\n"
        "| :--- | ---: | ---: |\n"
        "| 50%\\_a | 0.001 | 0.25 |\n"
        "| b\\|\\*c\\*\\\\ | 0.001 | **0.125** |\n"
    )


def test_latex_is_escaped_with_the_best_in_bold(table: StoreRunTable) -> None:
    lines = table.to_latex().splitlines()
    assert lines[1] == "\\begin{tabular}{lrr}"
    assert "50\\%\\_a & 0.001 & 0.25 \\\\" in lines
    assert "b|*c*\\textbackslash{} & 0.001 & \\textbf{0.125} \\\\" in lines


def test_groups_are_exported_with_mean_and_spread(table: StoreRunTable) -> None:
    table.group = "seeds"
    assert "0.188 ± 0.088" in table.to_markdown()
    assert "0.188 $\\pm$ 0.088" in table.to_latex()
    header, row = csv.reader(io.StringIO(table.to_csv()))
    assert header == ["run_name", "runs", "params.lr", "metrics.val_loss", "metrics.val_loss.sd"]
    assert (row[1], float(row[3])) == ("2", 0.1875)


def test_the_browser_gets_the_same_text(table: StoreRunTable) -> None:
    question = {
        "type": "table.export",
        "experiment_ids": ["0"],
        "columns": COLUMNS[:3],
        "sort": [["run_name", True]],
        "format": "csv",
    }
    found = respond(open_store(), question).body
    assert (found["text"], found["rows"]) == (table.to_csv(), 2)
    with pytest.raises(InvalidParameterError, match="format is 'xls'"):
        respond(open_store(), question | {"format": "xls"})


def test_gaps_nan_and_infinities_are_told_apart() -> None:
    page = TablePage(4, list("abcd"), {"x": [None, float("nan"), float("inf"), -0.5]})
    column = Column("x", "number")
    assert export_page(page, [column], "csv").split() == ["x", '""', "nan", "inf", "-0.5"]
    assert "| NaN |\n| ∞ |\n| −0.5 |" in export_page(page, [column], "markdown")


@pytest.mark.parametrize(
    ("mean", "spread", "text"),
    [(0.23123, 0.01234, "0.231 ± 0.012"), (-12.5, 3.21, "−12.5 ± 3.2"), (2.0, 0.0, "2 ± 0")],
)
def test_means_have_the_digits_that_their_spread_allows(
    mean: float, spread: float, text: str
) -> None:
    assert format_spread(mean, spread) == text
