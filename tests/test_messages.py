"""Messages name what was probably meant, and are short below a cell."""

from __future__ import annotations

import inspect
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from kernels import Kernel, kernel
from nbtrack.errors import InvalidParameterError, NbtrackError, NbtrackWarning
from nbtrack.store.search.grammar import parse_filter
from nbtrack.store.search.tree import to_text
from nbtrack.store.search.vocabulary import RUNS
from nbtrack.suggestions import closest, suggests_keywords
from nbtrack.views.table.page import encode_page


@pytest.fixture
def run_id(workdir: Path) -> str:
    with nbtrack.start_run(run_name="baseline") as run:
        nbtrack.log_metrics({"val_loss": 1.0, "loss": 2.0})
        nbtrack.log_params({"C": "1.0", "kernel": "rbf", "batch size": 32})
        nbtrack.set_tag("team", "vision")
        nbtrack.log_text("x", "notes/first.txt")
    nbtrack.MlflowClient().create_registered_model("digits-net")
    version = nbtrack.MlflowClient().create_model_version("digits-net", str(workdir))
    nbtrack.MlflowClient().set_registered_model_alias("digits-net", "champion", version.version)
    return run.info.run_id


WRONG: list[tuple[Callable[[str], Any], str]] = [
    (lambda _: nbtrack.search_runs(filter_string="val_los < 3"), "metrics.val_loss"),
    (lambda _: nbtrack.search_runs(filter_string="kernel = 'rbf'"), "params.kernel"),
    (lambda _: nbtrack.search_runs(filter_string="batch_size > 3"), "params.`batch size`"),
    (lambda _: nbtrack.search_runs(filter_string="run_nam = 'a'"), "run_name"),
    (lambda _: nbtrack.search_runs(filter_string="metrcs.loss < 3"), "metrics.loss"),
    (lambda _: nbtrack.search_runs(filter_string="metrics.`loss`.mn < 3"), "'min'"),
    (lambda _: nbtrack.search_runs(filter_string="datasets.nme = 'x'"), "'name'"),
    (lambda _: nbtrack.search_runs(order_by=["val_los"]), "metrics.val_loss"),
    (lambda _: nbtrack.runs(columns=["metrics.vall_loss"]), "'metrics.val_loss'"),
    (lambda _: nbtrack.runs(sort="metrics.vall_loss"), "'metrics.val_loss'"),
    (lambda _: nbtrack.plot("basline"), "'baseline'"),
    (lambda _: nbtrack.plot("baseline", "val_los"), "'val_loss'"),
    (lambda _: nbtrack.plot("baseline", x="stp"), "'step'"),
    (lambda _: nbtrack.chart("metrics.vall_loss < 3"), "metrics.val_loss"),
    (lambda _: nbtrack.chart("baseline", ["Val-Loss"]), "'val_loss'"),
    (lambda _: nbtrack.chart(smoothng=0.5), "'smoothing'"),
    (lambda _: nbtrack.compare("params.kernl = 'rbf'"), "params.kernel"),
    (lambda _: nbtrack.compare("baseline", metric="vall_loss"), "'val_loss'"),
    (lambda _: nbtrack.param_importance("vall_loss"), "'val_loss'"),
    (lambda _: nbtrack.runs(experiment_names=["Defualt"]), "'Default'"),
    (lambda _: nbtrack.log_metrik, "'log_metric'"),
    (lambda _: nbtrack.sklearn.log_modle, "'log_model'"),
    (lambda _: nbtrack.start_run(name="x"), "'run_name'"),
    (lambda _: nbtrack.set_experiment(name="x"), "'experiment_name'"),
    (lambda _: nbtrack.search_runs(filter="x"), "'filter_string'"),
    (lambda _: nbtrack.MlflowClient().get_registered_model("digit-net"), "'digits-net'"),
    (lambda _: nbtrack.MlflowClient().get_model_version("digits_net", "1"), "'digits-net'"),
    (
        lambda _: nbtrack.MlflowClient().get_model_version_by_alias("digits-net", "campion"),
        "'champion'",
    ),
    (lambda i: nbtrack.artifacts.load_text(f"runs:/{i}/notes/frst.txt"), "'notes/first.txt'"),
    (lambda i: nbtrack.MlflowClient().download_artifacts(i, "nots"), "'notes'"),
    (lambda i: nbtrack.MlflowClient().delete_tag(i, "taem"), "'team'"),
]


def test_what_was_probably_meant_is_named(run_id: str) -> None:
    for call, meant in WRONG:
        with pytest.raises((NbtrackError, AttributeError, TypeError)) as caught:
            call(run_id)
        assert f"Did you mean {meant}?" in str(caught.value)


def test_a_search_for_what_nobody_logged_says_so(run_id: str) -> None:
    asked: list[tuple[dict[str, Any], str]] = [
        ({"filter_string": "metrics.vall_loss < 3"}, "metrics.val_loss"),
        ({"filter_string": "metrics.val_loss.mn < 3"}, "metrics.val_loss.min"),
        ({"filter_string": "tags.taem = 'x' OR NOT (tags.team != 'x')"}, "tags.team"),
        ({"order_by": ["metrics.vall_loss DESC"]}, "metrics.val_loss"),
    ]
    for query, meant in asked:
        for form in ("pandas", "list"):
            with pytest.warns(NbtrackWarning, match=re.escape(f"Did you mean {meant}?")) as said:
                nbtrack.search_runs(output_format=form, **query)
            assert said[0].filename == __file__


SEARCHES: list[tuple[Callable[[], Any], str]] = [
    (lambda: nbtrack.search_experiments(filter_string="tags.taem = 'x'"), "tags.team"),
    (lambda: nbtrack.search_registered_models(filter_string="tags.taem = 'x'"), "tags.team"),
    (lambda: nbtrack.search_model_versions(filter_string="tags.stge = 'x'"), "tags.stage"),
    (lambda: nbtrack.search_logged_models(filter_string="params.layer = '2'"), "params.layers"),
]


def test_searches_of_experiments_and_models_say_what_was_meant(run_id: str) -> None:
    nbtrack.set_experiment_tag("team", "vision")
    client = nbtrack.MlflowClient()
    client.set_registered_model_tag("digits-net", "team", "vision")
    client.set_model_version_tag("digits-net", "1", "stage", "draft")
    nbtrack.create_external_model("net", params={"layers": 2})
    for search, meant in SEARCHES:
        with pytest.warns(NbtrackWarning, match=re.escape(f"Did you mean {meant}?")) as said:
            assert len(search()) == 0
        assert said[0].filename == __file__


def test_a_keyword_of_the_client_and_a_column_of_a_comparison_are_suggested(run_id: str) -> None:
    client = nbtrack.MlflowClient()
    with pytest.raises(TypeError, match=r"create_run\(\) .* Did you mean 'run_name'\?"):
        client.create_run("0", name="second")
    with pytest.raises(TypeError, match="missing 1 required"):
        client.get_run()
    with pytest.raises(InvalidParameterError, match=r"Did you mean 'metrics\.val_loss'"):
        nbtrack.compare(columns=["metrics.vall_loss"])


@pytest.mark.parametrize(
    ("filter", "hint"),
    [
        ("metrics.vall_loss < 3", "Did you mean metrics.val_loss?"),
        ("basline", "Did you mean 'baseline'?"),
        ("run_name = 'basline'", "Did you mean 'baseline'?"),
        ("metrics.val_loss < 0", ""),
    ],
)
def test_a_table_without_rows_says_what_the_filter_may_have_meant(
    run_id: str, filter: str, hint: str
) -> None:
    table = nbtrack.runs(filter)
    page = table._source.page(table._query())
    table.close()
    assert page.total == 0
    assert page.hint.endswith(hint)
    assert ("hint" in encode_page(page, 0)[0]) == bool(hint)


def test_a_search_that_may_be_meant_says_nothing(run_id: str) -> None:
    nbtrack.search_runs(filter_string="metrics.loss < 0")  # warnings are errors
    nbtrack.search_runs(filter_string="params.lr IS NULL AND params.c IS NULL")
    nbtrack.search_runs(filter_string="metrics.bleu > 3")  # like nothing: it may come yet
    nbtrack.search_runs(order_by=["metrics.loss DESC", "metrics.bleu", "start_time"])


def test_one_missing_metric_of_several_is_said_and_the_others_are_drawn(run_id: str) -> None:
    with pytest.warns(NbtrackWarning, match="'val_los'. Did you mean 'val_loss'"):
        figure = nbtrack.plot("baseline", ["loss", "val_los"])
    assert len(figure.data) == 1


def test_the_name_of_a_run_in_the_place_of_its_id_is_understood(run_id: str) -> None:
    with pytest.raises(
        NbtrackError, match=f"'baseline' is the name of a run, whose id is '{run_id}'"
    ):
        nbtrack.get_run("baseline")


def test_params_are_compared_with_numbers_by_number(run_id: str) -> None:
    conditions = {
        "params.C = 1": True,
        "params.C = '1'": False,  # a text is compared as a text, as in MLflow
        "params.C != 1": False,
        "params.C != 2": True,
        "params.C IN (2, 1)": True,
        "params.C NOT IN (2, 1)": False,
        "params.kernel = 1": False,
        "params.kernel != 1": True,
        "params.kernel NOT IN (1, 2)": True,
        "params.kernel IN ('rbf', 'poly')": True,
        "params.absent != 1": False,
        "NOT params.C = 1": False,
    }
    for condition, fits in conditions.items():
        assert (len(nbtrack.search_runs(filter_string=condition)) == 1) is fits, condition
        tree = parse_filter(condition, RUNS)
        assert tree is not None
        assert parse_filter(to_text(tree), RUNS) == tree


def test_capitals_marks_and_words_do_not_hide_a_name() -> None:
    assert closest("Val-Loss", ["loss", "val_loss"]) == "val_loss"
    assert closest("name", ["experiment_name", "experiment_id"]) == "experiment_name"
    assert closest("name", ["a_long_first_name", "a_long_second_name"]) is None
    assert closest("", ["a"]) is None


def test_a_missing_name_is_an_attribute_error_of_python(workdir: Path) -> None:
    assert not hasattr(nbtrack, "log_metrik")
    with pytest.raises(AttributeError) as caught:
        nbtrack.log_metrik  # noqa: B018
    assert (type(caught.value).__name__, caught.value.name) == ("AttributeError", "log_metrik")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_other_errors_of_a_call_are_left_alone(workdir: Path) -> None:
    @suggests_keywords
    def train(epochs: int) -> None:
        train(epoch=epochs)

    with pytest.raises(TypeError, match="Did you mean 'epochs'"):
        train(1)
    with pytest.raises(TypeError, match=r"train\(\) missing 1 required positional argument"):
        train()  # type: ignore[call-arg]
    assert inspect.signature(nbtrack.start_run).parameters["run_name"].default is None
    assert pickle.loads(pickle.dumps(nbtrack.start_run)) is nbtrack.start_run


# -- below a cell ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("messages"), NBTRACK_DISPLAY="off") as running:
        yield running


def trace(cell: Kernel, code: str) -> str:
    """Return what is shown below a cell that fails, without colours and empty lines."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", cell.run(code).traceback)
    return "\n".join(line for line in plain.splitlines() if line.strip())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("nbtrack.sql('SELCT * FROM runs')", 'syntax error at or near "SELCT"'),
        ("nbtrack.sql('SELECT nme FROM runs')", "Candidate bindings"),
        ("nbtrack.sql(\"SELECT 'a'::INT\")", "Could not convert"),
        ("nbtrack.log_metric('a', 'x')", "needs a single number"),
        ("nbtrack.get_run('0' * 32)", "not found"),
        ("nbtrack.log_metrik", "Did you mean 'log_metric'?"),
        ("nbtrack.start_run(name='x')", "Did you mean 'run_name'?"),
    ],
)
def test_an_error_below_a_cell_is_short(cell: Kernel, code: str, message: str) -> None:
    shown = trace(cell, f"a = 1\n{code}\nb = 2")
    assert message in shown
    assert f"----> 2 {code}" in shown
    assert "src/nbtrack" not in shown
    assert len(shown.splitlines()) <= 10


def test_the_lines_of_the_user_are_all_there(cell: Kernel) -> None:
    shown = trace(cell, "def train():\n    nbtrack.log_metric('a', 'x')\n\ntrain()")
    assert "----> 4 train()" in shown
    assert "----> 2     nbtrack.log_metric('a', 'x')" in shown
    assert "writer.py" not in shown


def test_an_error_of_the_user_stays_in_the_chain(cell: Kernel) -> None:
    shown = trace(cell, "try:\n    1 / 0\nexcept Exception:\n    nbtrack.get_run('0' * 32)")
    assert "ZeroDivisionError" in shown
    assert "During handling" in shown


def test_all_of_it_is_shown_on_request(cell: Kernel) -> None:
    assert "ParserException" not in trace(cell, "nbtrack.sql('SELCT')")
    assert "ParserException" in trace(cell, "%tb")
    cell.run("%xmode Verbose")
    assert "ParserException" in trace(cell, "nbtrack.sql('SELCT')")
    cell.run("%xmode Context")


def test_the_handler_of_another_library_stays(cell: Kernel) -> None:
    cell.run(
        "ip = get_ipython()\n"
        "ip.set_custom_exc((ValueError,), lambda self, e, v, t, tb_offset=None: print('theirs'))\n"
        "%reload_ext nbtrack"
    )
    assert "theirs" in cell.run("raise ValueError('x')").text
    assert "needs a single number" in trace(cell, "nbtrack.log_metric('a', 'x')")
    cell.run("ip.set_custom_exc((), None)")
