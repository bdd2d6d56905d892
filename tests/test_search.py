from __future__ import annotations

import base64
import math
from collections.abc import Iterator

import pytest
from tests.readers import START, add_dataset, add_experiment, add_run, new_reader

from nbtrack.entities import InputTag, Run, ViewType
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.store.reader import Reader
from nbtrack.store.run_entities import get_run, get_runs
from nbtrack.store.search.experiments import search_experiments
from nbtrack.store.search.free_text import is_filter_expression, is_unfinished
from nbtrack.store.search.grammar import parse_filter
from nbtrack.store.search.runs import search_runs, select_run_ids
from nbtrack.store.search.vocabulary import RUNS

pytestmark = pytest.mark.older_duckdb

NAN = math.nan


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = new_reader()
    yield made
    made.connection.close()


def found(
    reader: Reader,
    filter_string: str = "",
    order_by: list[str] | None = None,
    experiment_ids: list[str] | None = None,
    view: int = ViewType.ACTIVE_ONLY,
) -> str:
    runs = search_runs(reader, experiment_ids, filter_string, view, order_by=order_by)
    return "".join(run.info.run_id for run in runs)


# -- filters -----------------------------------------------------------------------------------


def test_a_run_that_lacks_the_key_never_matches_but_its_negation_does(reader: Reader) -> None:
    add_run(reader, "a", params={"lr": "1"}, tags={"kind": "x"}, metrics={"acc": 1.0})
    add_run(reader, "b")
    for text in ("params.lr != '2'", "tags.kind LIKE '%'", "metrics.acc != 7"):
        assert found(reader, text) == "a"
        assert found(reader, f"NOT {text}") == "b"
    assert found(reader, "params.lr IS NULL") == found(reader, "metrics.acc IS NULL") == "b"
    assert found(reader, "tags.kind IS NOT NULL") == "a"


def test_nan_only_differs(reader: Reader) -> None:
    add_run(reader, "a", metrics={"loss": NAN})
    assert found(reader, "metrics.loss != 1") == "a"
    for operator in ("=", ">", ">=", "<", "<="):
        assert found(reader, f"metrics.loss {operator} 1") == ""


def test_aggregates_and_a_metric_that_is_called_like_one(reader: Reader) -> None:
    add_run(reader, "a", metrics={"loss": [(0, START, 0.2), (1, START, 0.9)]})
    add_run(reader, "b", metrics={"loss": 0.5, "loss.min": 0.1})
    assert found(reader, "metrics.loss.min < 0.3") == "a"
    assert found(reader, "metrics.loss.best < 0.3") == "a"
    assert found(reader, "metrics.loss.max > 0.8 AND metrics.loss.count = 2") == "a"
    assert found(reader, "metrics.loss.last < 0.6") == "b"
    assert found(reader, "metrics.`loss.min` < 0.3") == "b"


def test_statuses_need_no_quotes(reader: Reader) -> None:
    for run_id, status in (("a", "FINISHED"), ("b", "INTERRUPTED"), ("c", "RUNNING")):
        add_run(reader, run_id, status=status)
    assert found(reader, "status = interrupted") == "b"
    assert found(reader, "attributes.status IN ('RUNNING', 'FINISHED')") == "ac"
    assert found(reader, "status != 'RUNNING' and status ilike 'inter%'") == "b"


def test_like_minds_the_case_and_ilike_does_not(reader: Reader) -> None:
    add_run(reader, "a", name="Quick-Fox")
    assert found(reader, "run_name LIKE 'quick%'") == ""
    assert found(reader, "run_name ILIKE 'quick_fox'") == "a"


def test_datasets_are_found_by_name_digest_and_context(reader: Reader) -> None:
    add_run(reader, "a")
    add_run(reader, "b")
    add_dataset(reader, "a", "mnist", "d1", {"mlflow.data.context": "train"})
    assert found(reader, "datasets.name = 'mnist' AND dataset.digest IN ('d1', 'd2')") == "a"
    assert found(reader, "datasets.context = 'train'") == "a"
    assert found(reader, "NOT datasets.context ILIKE 'TR%'") == "b"


def test_times_are_milliseconds(reader: Reader) -> None:
    add_run(reader, "a", start=START, end=START + 5)
    add_run(reader, "b", start=START + 1)
    assert found(reader, f"start_time > {START}") == "b"
    assert found(reader, f"end_time = {START + 5}") == "a"
    assert found(reader, "attributes.end_time IS NULL") == "b"


def test_artifact_uris_are_compared_as_they_are_shown(reader: Reader) -> None:
    add_run(reader, "a", uri="artifacts/1/a")
    add_run(reader, "b", uri="s3://bucket/b")
    uri = get_run(reader, "a").info.artifact_uri
    assert found(reader, f"artifact_uri = '{uri}'") == "a"
    assert found(reader, "artifact_uri LIKE 's3://%'") == "b"


def test_values_are_bound_whatever_they_say(reader: Reader) -> None:
    nasty = "'); DROP TABLE runs; -- $v0 {joins} \x00"
    add_run(reader, "a", params={nasty.replace("`", ""): nasty}, name=nasty)
    quoted = nasty.replace("'", "''")
    assert found(reader, f"params.`{nasty}` = '{quoted}' AND run_name = '{quoted}'") == "a"
    assert found(reader, "", [f"params.`{nasty}` DESC"]) == "a"


def test_experiments_and_stages_narrow_the_search(reader: Reader) -> None:
    add_run(reader, "a", experiment_id="1")
    add_run(reader, "b", experiment_id="2")
    add_run(reader, "c", experiment_id="1", stage="deleted")
    assert found(reader, experiment_ids=["1"]) == "a"
    assert found(reader, experiment_ids=[]) == ""
    assert found(reader, view=ViewType.DELETED_ONLY) == "c"
    assert found(reader, view=ViewType.ALL) == "abc"
    with pytest.raises(InvalidParameterError, match="Invalid view type 9"):
        found(reader, view=9)


# -- order -------------------------------------------------------------------------------------


def test_numbers_then_nan_then_missing_in_both_directions(reader: Reader) -> None:
    for run_id, value in (("a", 2.0), ("b", NAN), ("c", -math.inf), ("d", math.inf)):
        add_run(reader, run_id, metrics={"acc": value})
    add_run(reader, "e")
    assert found(reader, order_by=["metrics.acc"]) == "cadbe"
    assert found(reader, order_by=["metrics.acc DESC"]) == "dacbe"


def test_text_is_sorted_as_text_and_missing_comes_last(reader: Reader) -> None:
    for run_id, value in (("a", "9"), ("b", "10"), ("c", "")):
        add_run(reader, run_id, params={"n": value})
    add_run(reader, "d")
    assert found(reader, order_by=["params.n ASC"]) == "cbad"
    assert found(reader, order_by=["params.n DESC"]) == "abcd"


def test_ties_are_broken_by_start_then_id(reader: Reader) -> None:
    add_run(reader, "b", start=START, tags={"k": "x"})
    add_run(reader, "a", start=START, tags={"k": "x"})
    add_run(reader, "c", start=START + 1, tags={"k": "x"})
    assert found(reader) == found(reader, order_by=["tags.k DESC"]) == "cab"
    assert found(reader, order_by=["start_time", "run_id DESC"]) == "bac"


def test_order_by_an_aggregate_and_by_several_keys(reader: Reader) -> None:
    add_run(reader, "a", metrics={"loss": [(0, START, 0.1), (1, START, 0.9)], "n": 1})
    add_run(reader, "b", metrics={"loss": 0.2, "n": 1})
    add_run(reader, "c", metrics={"loss": 0.0, "n": 2})
    assert found(reader, order_by=["metrics.n DESC", "metrics.loss.best"]) == "cab"
    assert found(reader, order_by=["metrics.loss.max DESC", "metrics.loss.min"]) == "abc"


def test_a_field_is_named_once(reader: Reader) -> None:
    for twice in (["metrics.a", "metric.`a` DESC"], ["metrics.a.last", "metrics.a"]):
        with pytest.raises(InvalidParameterError, match=r"duplicate fields: \['metric\.a'\]"):
            found(reader, order_by=twice)
    with pytest.raises(InvalidParameterError, match="write order_by="):
        search_runs(reader, None, order_by="metrics.a")


# -- pages -------------------------------------------------------------------------------------


def test_pages_follow_one_another(reader: Reader) -> None:
    for run_id in "abcde":
        add_run(reader, run_id)
    pages, token = [], None
    while True:
        page = search_runs(reader, None, max_results=2, page_token=token)
        pages.append("".join(run.info.run_id for run in page))
        token = page.token
        if token is None:
            break
    assert pages == ["ab", "cd", "e"]


def test_the_last_full_page_has_no_token(reader: Reader) -> None:
    add_run(reader, "a")
    assert search_runs(reader, None, max_results=1).token is None


def test_a_window_of_ids_knows_the_total(reader: Reader) -> None:
    for run_id in "abcde":
        add_run(reader, run_id, params={"p": "1"})
    window = select_run_ids(reader, None, "params.p = '1'", start=1, stop=3)
    assert (window.run_ids, window.total) == (["b", "c"], 5)
    past = select_run_ids(reader, ["1"], "params.p = '1'", order_by=["params.p"], start=9)
    assert (past.run_ids, past.total) == ([], 5)


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("!", "could not base64-decode"),
        (base64.b64encode(b"no json").decode(), "decoded value=no json"),
        (base64.b64encode(b"[1]").decode(), r"parsed value=\[1\]"),
        (base64.b64encode(b'{"offset": "x"}').decode(), "not stringable x"),
        (base64.b64encode(b'{"offset": -1}').decode(), "not stringable -1"),
        ("é", "could not base64-decode"),
    ],
)
def test_a_made_up_token_is_refused(reader: Reader, token: str, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=f"Invalid page token, {message}"):
        search_runs(reader, None, page_token=token)


@pytest.mark.parametrize("max_results", [0, -1, 50_001, None, "5", True])
def test_max_results_has_limits(reader: Reader, max_results: object) -> None:
    with pytest.raises(InvalidParameterError, match="max_results"):
        search_runs(reader, None, max_results=max_results)


# -- runs --------------------------------------------------------------------------------------


def test_a_run_comes_with_all_that_was_logged(reader: Reader) -> None:
    points = [(5, START, 1.0), (1, START + 9, 2.0)]
    add_run(reader, "a", end=START + 5, params={"p": "1"}, tags={"t": "x"}, metrics={"m": points})
    add_dataset(reader, "a", "mnist", "d1", {"mlflow.data.context": "train"})
    run = get_run(reader, "a")
    assert run.data.to_dictionary() == {
        "metrics": {"m": 1.0}, "params": {"p": "1"}, "tags": {"t": "x"},
    }  # fmt: skip
    assert (run.info.start_time, run.info.end_time) == (START, START + 5)
    assert run.info.artifact_uri.endswith("nbtrack.duckdb.d/artifacts/1/a")
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.tags) == ("mnist", [InputTag("mlflow.data.context", "train")])


def test_runs_come_in_the_order_of_their_ids(reader: Reader) -> None:
    for run_id in "abc":
        add_run(reader, run_id, params={"id": run_id})
    runs: list[Run] = get_runs(reader, ["c", "a"])
    assert [run.data.params["id"] for run in runs] == ["c", "a"]
    assert get_runs(reader, []) == []


def test_an_unknown_run_is_named(reader: Reader) -> None:
    with pytest.raises(NotFoundError, match="Run with id=nope not found"):
        get_run(reader, "nope")


# -- experiments -------------------------------------------------------------------------------


@pytest.fixture
def experiments(reader: Reader) -> Reader:
    reader.connection.execute("DELETE FROM experiments")
    add_experiment(reader, "9", "nine", tags={"team": "red"})
    add_experiment(reader, "10", "Ten", created=START + 1, tags={"team": "blue"})
    add_experiment(reader, "11", "gone", stage="deleted")
    return reader


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", ["10", "9"]),
        ("name ILIKE 't%'", ["10"]),
        ("experiment_id IN ('9', '11')", ["9"]),
        ("tags.team = 'red' OR attributes.name = 'Ten'", ["10", "9"]),
        ("tag.team != 'red'", ["10"]),
        ("tags.nope IS NULL", ["10", "9"]),
        (f"creation_time > {START}", ["10"]),
    ],
)
def test_experiments_are_filtered(experiments: Reader, text: str, ids: list[str]) -> None:
    found = search_experiments(experiments, filter_string=text)
    assert [each.experiment_id for each in found] == ids


def test_experiments_are_ordered_and_paged(experiments: Reader) -> None:
    page = search_experiments(experiments, ViewType.ALL, 2, order_by=["experiment_id DESC"])
    assert [each.name for each in page] == ["gone", "Ten"]
    rest = search_experiments(
        experiments, ViewType.ALL, 2, order_by=["experiment_id DESC"], page_token=page.token
    )
    assert [(each.name, each.tags) for each in rest] == [("nine", {"team": "red"})]
    assert rest.token is None
    assert rest[0].artifact_location == "/store/nbtrack.duckdb.d/artifacts/9"


def test_experiments_can_be_ordered_by_several_tags(experiments: Reader) -> None:
    found = search_experiments(experiments, order_by=["tags.none", "tags.team DESC", "name"])
    assert [each.name for each in found] == ["nine", "Ten"]


def test_params_that_are_numbers_are_compared_by_size(reader: Reader) -> None:
    for run_id, value in {"a": "9", "b": "10", "c": "1e2", "d": "many", "e": "nan"}.items():
        add_run(reader, run_id, params={"n": value})
    add_run(reader, "f")
    assert sorted(found(reader, "params.n > 9")) == ["b", "c"]
    assert sorted(found(reader, "params.n <= 10.0")) == ["a", "b"]
    assert sorted(found(reader, "NOT params.n < 1e2")) == ["c", "d", "e", "f"]


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("warm and cold", False),
        ("not in use", False),
        ("this is it", False),
        ("run.py fails", False),
        ("metrics.loss", True),
        ("lr=1", True),
        ("status in ('FAILED')", True),
        ("run_name LIKE 'a%'", True),
        ("end_time is null", True),
    ],
)
def test_words_are_told_from_expressions(text: str, expression: bool) -> None:
    assert is_filter_expression(text) is expression


WHOLE = (
    "(metrics.val_loss.min >= -1.5e-3 or not params.lr != 'it''s') and status in ('FAILED', 'x')"
    " and params.depth not in (1, 2) and tags.`my key` is not null and datasets.name ilike '%a'"
    ' and end_time is null and params."my key" = 1'
)


def test_what_a_filter_begins_with_is_unfinished_or_can_be_read() -> None:
    begun = [WHOLE[:end] for end in range(len(WHOLE) + 1) if is_filter_expression(WHOLE[:end])]
    assert len(begun) > 200
    for text in begun:
        try:
            parse_filter(text, RUNS)
        except InvalidParameterError:
            assert is_unfinished(text), text
        else:
            assert not is_unfinished(text), text


@pytest.mark.parametrize(
    ("text", "unfinished"),
    [
        ("params.", True),
        ("(metrics.`", True),
        ("metrics.loss > 0.3 and para", True),
        ("params.lr <", True),
        ("tags.stage <", False),
        ("val_loss <", False),
        ("metrcs.loss <", False),
        ("metrics.loss < x", False),
        ("metrics.loss > 0.3)", False),
        ("metrics.loss > 0.3 and para ", False),
        ("warm and cold", False),
        ("", False),
        ("metrics.loss < " + 1000 * "(", False),
    ],
)
def test_a_filter_that_nothing_mends_is_told_from_one_that_goes_on(
    text: str, unfinished: bool
) -> None:
    assert is_unfinished(text) is unfinished
