"""``%%track`` in a real kernel: the cell is the run, and runs as it would without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.error import UsageError

from kernels import Kernel, kernel
from nbtrack.notebook.magics import track_transform
from nbtrack.notebook.options import parse_options


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("magics"), NBTRACK_DISPLAY="off") as running:
        yield running


def last(cell: Kernel, what: str) -> object:
    return cell.value(f"nbtrack.last_active_run().{what}")


def test_options_are_read() -> None:
    options = parse_options('first -e mnist -p note="a b" -p lr=0.1 -t team=x --nested --auto -q;')
    assert (options.name, options.experiment) == ("first", "mnist")
    assert options.params == {"note": "a b", "lr": "0.1"}
    assert options.tags == {"team": "x"}
    assert parse_options("-x lr -x 'clf.*,loss'").without == ["lr", "clf.*", "loss"]
    assert options.nested
    assert options.auto
    assert options.quiet


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--neted", "Did you mean --nested?"),
        ("--auo", "Did you mean --auto?"),
        ("-p lr", "takes key=value"),
        ("-e", "needs a value"),
        ("two names", "takes one name"),
        ('-p note="open', "quote is not closed"),
    ],
)
def test_a_wrong_option_is_explained(line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_options(line)


def test_the_line_of_the_magic_becomes_a_statement_and_the_rest_stays() -> None:
    begin, *body = track_transform(["%%track a\n", "x = 1\n", "x\n"])
    assert begin == "get_ipython().run_line_magic('track_cell', 'a')\n"
    assert body == ["x = 1\n", "x\n"]
    assert track_transform(["%%tracker\n"]) == ["%%tracker\n"]


def test_future_imports_stay_in_front() -> None:
    lines = track_transform(["%%track\n", "from __future__ import annotations\n", "x = 1\n"])
    assert lines[0].startswith("from __future__ import annotations; get_ipython()")
    compile("".join(lines), "cell", "exec")


def test_a_cell_is_a_run(cell: Kernel) -> None:
    out = cell.run(
        "%%track first -e mnist -p lr=0.5\nlr = 1e-3\nepochs = 3\nnbtrack.log_metric('a', 1)"
    )
    assert out.status == "ok", out
    assert last(cell, "info.status") == "FINISHED"
    assert last(cell, "info.run_name") == "first"
    assert last(cell, "data.params") == {"epochs": "3", "lr": "0.5"}
    assert cell.value("nbtrack.active_run()") is None


def test_namespace_and_last_value_are_as_without_the_magic(cell: Kernel) -> None:
    out = cell.run("%%track\nscore = 41\nscore + 1")
    assert out.result == "42"
    assert cell.run("_ + score").result == "83"
    assert last(cell, "data.metrics['result']") == 42.0


def test_await_and_magics_work_inside(cell: Kernel) -> None:
    out = cell.run("%%track\nimport asyncio\nawait asyncio.sleep(0)\nhere = %pwd\nhere")
    assert out.status == "ok"
    assert Path(cell.value("here")) == cell.folder.resolve()
    assert cell.run("%%time\n%%track timed\n7").result == "7"
    assert cell.run("%%track timing\n%%time\n8").result == "8"
    assert last(cell, "info.run_name") == "timing"


def test_an_error_shows_its_traceback_and_the_run_has_failed(cell: Kernel) -> None:
    out = cell.run("%%track broken\nx = 1\n1 / 0")
    assert out.status == "error"
    assert out.error == ("ZeroDivisionError", "division by zero")
    assert "line 3" in out.traceback
    assert last(cell, "info.status") == "FAILED"
    assert last(cell, "data.tags['nbtrack.error']") == "ZeroDivisionError: division by zero"


def test_interrupting_a_cell_kills_the_run(cell: Kernel) -> None:
    out = cell.run(
        "%%track stopped\nfor i in range(1000): time.sleep(0.01)",
        interrupt_after=1.0,
        manager=cell.manager,  # type: ignore[attr-defined]
    )
    assert out.error is not None
    assert out.error[0] == "KeyboardInterrupt"
    assert last(cell, "info.status") == "KILLED"


def test_a_cell_that_is_no_python_makes_no_run(cell: Kernel) -> None:
    before = cell.value("len(nbtrack.search_runs(search_all_experiments=True))")
    assert cell.run("%%track\nx = (").error is not None
    assert cell.value("len(nbtrack.search_runs(search_all_experiments=True))") == before


def test_mistakes_are_errors_that_stop_run_all(cell: Kernel) -> None:
    out = cell.run("%%track --rsume x\nnever = 1")
    assert out.status == "error"
    assert "Did you mean --resume?" in out.errors
    assert "nothing to track" in cell.run("%%track\n\n").errors
    assert "no run with the name" in cell.run("%%track --resume nobody\nx = 1").errors
    assert cell.value("'never' in globals()") is False


def test_resume_goes_on_with_a_run(cell: Kernel) -> None:
    cell.run("%%track long\nnbtrack.log_metric('m', 1, step=0)")
    first = last(cell, "info.run_id")
    cell.run("%%track --resume long\nnbtrack.log_metric('m', 2, step=1)")
    assert last(cell, "info.run_id") == first
    assert last(cell, "data.metrics['m']") == 2.0


def test_nested_cells_belong_to_the_open_run(cell: Kernel) -> None:
    outer = cell.value("nbtrack.start_run(run_name='outer').info.run_id")
    cell.run("%%track inner --nested\nx = 1")
    inner = "nbtrack.search_runs(filter_string=\"run_name = 'inner'\", output_format='list')[0]"
    assert cell.value(f"nbtrack.get_parent_run({inner}.info.run_id).info.run_id") == outer
    assert cell.value("nbtrack.active_run().info.run_id") == outer
    cell.run("nbtrack.end_run()")


def test_a_run_left_open_is_closed_as_its_cell_ended(cell: Kernel) -> None:
    cell.run("left = nbtrack.start_run()\n1 / 0")
    cell.run("another = nbtrack.start_run()")
    assert cell.value("nbtrack.get_run(left.info.run_id).info.status") == "FAILED"
    cell.run("nbtrack.end_run()")
    assert cell.value("another.info.status") == "FINISHED"


def test_status_and_switch(cell: Kernel) -> None:
    out = cell.run("%track status")
    assert "Tracking is on" in out.text
    assert "nbtrack.duckdb" in out.text
    cell.run("%track off")
    out = cell.run("%%track no\ncounted = 5")
    assert "Not tracked" in out.text
    assert cell.value("counted") == 5
    assert cell.value("nbtrack.last_active_run().info.run_name") != "no"
    cell.run("%track on")


def test_names_are_completed(cell: Kernel) -> None:
    def matches(code: str) -> list[str]:
        cell.client.complete(code, len(code))
        found: list[str] = cell.client.get_shell_msg(timeout=10)["content"]["matches"]
        return found

    cell.run("nbtrack.set_experiment('speech-a');")
    cell.run("nbtrack.set_experiment('Default');")
    cell.run("%%track vowels\nx = 1")
    assert "--resume" in matches("%%track x --re")
    assert "speech-a" in matches("%%track -e spee")
    assert "vowels" in matches("%%track --resume vow")
    assert "speech-a" not in matches("%%track x\nspee")


def test_runs_shows_the_table_or_what_is_wrong(cell: Kernel) -> None:
    cell.run("%%track shown -e listed -p lr=0.5\nx = 1")
    assert "shown" in cell.run("nbtrack.set_experiment('listed')\n%runs params.lr = '0.5'").result
    out = cell.run("%runs metrics.loss <")
    assert out.status == "error"
    assert "UsageError" in out.errors


def test_sql_shows_runs_in_its_order_with_its_columns(cell: Kernel) -> None:
    cell.run("nbtrack.set_experiment('sql')")
    for name, seed in (("one", 1), ("two", 2)):
        cell.run(f"with nbtrack.start_run(run_name='{name}'): nbtrack.log_param('seed', {seed})")
    cell.run("import pandas as pd; notes = pd.DataFrame({'seed': ['1', '2'], 'grade': [5, 7]})")
    query = "SELECT run_id, grade FROM params JOIN notes ON value = seed WHERE key = 'seed' "
    out = cell.run(f"%%runs -o found\n{query} ORDER BY grade DESC")
    assert out.result.index("two") < out.result.index("one")
    assert "sql.grade" in out.result
    assert cell.value("found.grade.tolist()") == [7, 5]
    assert "seed" in cell.run("%%runs\nSELECT seed, grade FROM notes").result


def test_mistakes_in_sql_are_one_line(cell: Kernel) -> None:
    for line, query, message in (
        ("", "SELECT nothing FROM runs", "Binder Error"),
        ("", "SELEC 1", "Parser Error"),
        ("metrics.loss < 1", "SELECT 1", "A filter goes into %runs"),
        ("", " ", "no SQL"),
    ):
        out = cell.run(f"%%runs {line}\n{query}")
        assert out.status == "error"
        assert "UsageError" in out.errors
        assert message in out.errors
