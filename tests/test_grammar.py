from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers import FOLDER, START, add_run, clear, new_reader

from nbtrack.errors import InvalidParameterError
from nbtrack.store.reader import Reader
from nbtrack.store.search.grammar import parse_filter, parse_order
from nbtrack.store.search.metric_direction import direction_of
from nbtrack.store.search.runs import select_run_ids
from nbtrack.store.search.tree import And, Comparison, Identifier, Node, Not, Or, Order, to_text
from nbtrack.store.search.vocabulary import EXPERIMENTS, RUNS


def metric(key: str, aggregate: str = "last") -> Identifier:
    return Identifier("metric", key, aggregate)


@pytest.mark.parametrize("text", [None, "", "  \n "])
def test_an_empty_filter_has_no_tree(text: str | None) -> None:
    assert parse_filter(text, RUNS) is None


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("metrics.acc > 1", metric("acc")),
        ("metric.`val acc` > 1", metric("val acc")),
        ('metrics."val/acc" > 1', metric("val/acc")),
        ("metrics.val/acc-top:1 > 1", metric("val/acc-top:1")),
        ("metrics.a.b > 1", metric("a.b")),
        ("metrics.min > 1", metric("min")),
        ("metrics.val_loss.min > 1", metric("val_loss", "min")),
        ("metrics.`val_loss.min` > 1", metric("val_loss.min")),
        ("metrics.`val_loss.min`.max > 1", metric("val_loss.min", "max")),
        ("metrics.val_loss.best > 1", metric("val_loss", "min")),
        ("metrics.val.acc.best > 1", metric("val.acc", "max")),
        ("metrics.loss.last > 1", metric("loss")),
        ("metrics.loss.count > 1", metric("loss", "count")),
        ("parameters.lr = '1'", Identifier("param", "lr")),
        ("params.a.min = '1'", Identifier("param", "a.min")),
        ("tag.mlflow.source.type = 'x'", Identifier("tag", "mlflow.source.type")),
        ("tags.mlflow.runName = 'x'", Identifier("attribute", "run_name")),
        ("`Run Name` = 'x'", Identifier("attribute", "run_name")),
        ("attr.created > 1", Identifier("attribute", "start_time")),
        ("dataset.context = 'train'", Identifier("dataset", "context")),
    ],
)
def test_identifiers_are_read(text: str, identifier: Identifier) -> None:
    node = parse_filter(text, RUNS)
    assert isinstance(node, Comparison)
    assert node.identifier == identifier


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("metrics.a=-1e-3", -1e-3),
        ("metrics.a <= +.5", 0.5),
        ("metrics.a < 1e999", math.inf),
        ("params.a = 'it''s'", "it's"),
        ('params.a = "it\'s"', "it's"),
        ("params.a LIKE '%x_'", "%x_"),
        ("run_id in ('a', \"b\")", ("a", "b")),
        ("status not IN (running, 'finished')", ("RUNNING", "FINISHED")),
        ("status = INTERRUPTED", "INTERRUPTED"),
        ("tags.a is Null", None),
    ],
)
def test_values_are_read(text: str, value: Any) -> None:
    node = parse_filter(text, RUNS)
    assert isinstance(node, Comparison)
    assert node.value == value


def test_and_binds_closer_than_or_and_not_closest() -> None:
    a, b, c = (Comparison(metric(key), ">", 1.0) for key in "abc")
    text = "NOT metrics.a > 1 AND metrics.b > 1 or metrics.c > 1"
    assert parse_filter(text, RUNS) == Or((And((Not(a), b)), c))
    text = "NOT (metrics.a > 1 and (metrics.b > 1 OR metrics.c > 1))"
    assert parse_filter(text, RUNS) == Not(And((a, Or((b, c)))))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("metricz.a > 1", "Invalid entity type 'metricz'. Valid values are"),
        ("lr > 1", "Invalid attribute key 'lr' specified. Valid keys are"),
        ("experiment_id = '1'", "Invalid attribute key 'experiment_id' specified"),
        ("datasets.size = '1'", "Invalid dataset key 'size' specified"),
        ("metrics.a = '1'", "Expected numeric value type for metric. Found '1'"),
        ("start_time > 'x'", "Expected numeric value type for numeric attribute: start_time"),
        ("metrics.a LIKE 'x'", "Invalid comparator 'LIKE' not one of"),
        ("params.a > '1'", "Invalid comparator '>' not one of"),
        ("metrics.a == 1", "Invalid comparator '==' not one of"),
        ("tags.a = 1", "Parameter value is either not quoted or unidentified quote types"),
        ("params.a = `x`", "Parameter value is either not quoted or unidentified quote types"),
        ("metrics.a > 1 metrics.b > 2", r"Invalid clause\(s\) in filter string: 'metrics.b > 2'"),
        ("metrics.a > 1 AND", "ends where a name such as metrics.acc"),
        ("metrics.a >", "ends where a value is expected"),
        ("metrics.a", "ends where a comparator"),
        ("(metrics.a > 1", "ends where AND, OR or a closing parenthesis"),
        ("run_id IN ()", "not quoted"),
        ("run_id IN 'a'", "a list such as"),
        ("params.a = 'x", "is a quote not closed"),
        ("metrics.a > 1; DROP TABLE runs", "Nothing can begin with ';' here"),
        ("metrics.width.best > 1", "does not tell whether .* metrics.`width`.min"),
        ("metrics.`a`.median > 1", "Invalid aggregate 'median'"),
        ("params.`a`.min = '1'", "only metrics have aggregates"),
        ("(" * 80 + "metrics.a > 1" + ")" * 80, "nested more than 50 deep"),
        (" OR ".join(["metrics.a > 1"] * 300), "more than 200 comparisons"),
        ("params.a = '\ud800'", "not valid Unicode"),
    ],
)
def test_errors_say_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        parse_filter(text, RUNS)


def test_experiments_have_their_own_names() -> None:
    assert parse_filter("name = 'x'", EXPERIMENTS) == Comparison(
        Identifier("attribute", "name"), "=", "x"
    )
    with pytest.raises(InvalidParameterError, match="Invalid entity type 'metrics'"):
        parse_filter("metrics.a > 1", EXPERIMENTS)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("metrics.acc desc", Order(metric("acc"), ascending=False)),
        ("metrics.`val acc`.max ASC", Order(metric("val acc", "max"))),
        ("start_time", Order(Identifier("attribute", "start_time"))),
        ("`Run Name` DESC", Order(Identifier("attribute", "run_name"), ascending=False)),
    ],
)
def test_order_is_read(text: str, order: Order) -> None:
    assert parse_order(text, RUNS) == order


@pytest.mark.parametrize("text", ["", "metrics.a sideways", "metrics.a ASC DESC", "> 1", "DESC"])
def test_an_order_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InvalidParameterError, match="Invalid order_by clause"):
        parse_order(text, RUNS)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        *((n, "min") for n in ("loss", "val_loss", "train/Loss", "eval.mae", "error_rate", "ppl")),
        *((n, "max") for n in ("acc", "valAcc", "f1_score", "roc_auc", "r2", "mAP50", "top5_acc")),
        ("neg_mean_squared_error", "max"),
        ("neg_log_likelihood", "min"),
        ("testloss", "min"),
        ("width", None),
        ("lr", None),
    ],
)
def test_direction_is_guessed_from_the_name(name: str, way: str | None) -> None:
    assert direction_of(name) == way


# -- property tests --------------------------------------------------------------------------

KEYS = ("a", "x`y.min")
NUMBERS = st.sampled_from([-math.inf, -1.0, 0.0, 0.5, 1.0, 2.0, math.inf])
TEXTS = st.text("aA%_'", max_size=2)


def comparisons() -> st.SearchStrategy[Comparison]:
    def of(left: Any, operators: tuple[str, ...], values: Any) -> Any:
        return st.builds(Comparison, left, st.sampled_from(operators), values)

    keys = st.sampled_from(KEYS)
    metrics = st.builds(metric, keys, st.sampled_from(["last", "min", "max", "count"]))
    texts = st.one_of(
        st.builds(Identifier, st.sampled_from(["param", "tag"]), keys),
        st.builds(Identifier, st.just("attribute"), st.sampled_from(["run_name", "artifact_uri"])),
    )
    kept = st.builds(Identifier, st.sampled_from(["param", "tag"]), keys)
    times = st.builds(Identifier, st.just("attribute"), st.sampled_from(["start_time", "end_time"]))
    some = st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
    null = ("IS NULL", "IS NOT NULL")
    order = ("=", "!=", ">", ">=", "<", "<=")
    return st.one_of(
        of(metrics, order, NUMBERS),
        of(times, order, st.sampled_from([float(START), START + 1.0])),
        of(texts, ("=", "!=", "LIKE", "ILIKE"), TEXTS),
        of(texts, ("IN", "NOT IN"), some),
        of(metrics | kept | times, null, st.none()),
    )


TREES: st.SearchStrategy[Node] = st.recursive(
    comparisons(),
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=6,
)


@given(TREES)
def test_a_printed_tree_parses_to_itself(tree: Node) -> None:
    assert parse_filter(to_text(tree), RUNS) == tree


SAMPLE = """metrics. params. tags. attributes. a .min `b c` "x" 'y' ( ) , = != > LIKE IN NOT IS
NULL AND OR 1 -2.5 1e5 status run_id start_time ; -- \x00 \ud800 é"""
WORDS = st.sampled_from(SAMPLE.split())


@given(st.one_of(st.text(max_size=30), st.lists(WORDS, max_size=12).map(" ".join)))
@settings(max_examples=300)
def test_any_text_parses_or_is_refused(text: str) -> None:
    for read in (parse_filter, parse_order):
        with contextlib.suppress(InvalidParameterError):
            read(text, RUNS)


POINT = st.tuples(st.integers(-2, 3), st.integers(0, 3), st.one_of(NUMBERS, st.just(math.nan)))
PAIRS = st.dictionaries(st.sampled_from(KEYS), TEXTS, max_size=3)
RUN = st.fixed_dictionaries(
    {
        "name": TEXTS,
        "start": st.sampled_from([START, START + 1]),
        "end": st.sampled_from([None, START, START + 1]),
        "uri": st.sampled_from([None, "s3://b/a", "artifacts/a"]),
        "params": PAIRS,
        "tags": PAIRS,
        "metrics": st.dictionaries(
            st.sampled_from(KEYS), st.lists(POINT, min_size=1, max_size=3), max_size=2
        ),
    }
)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    made = new_reader()
    yield made
    made.connection.close()


@given(trees=st.lists(TREES, min_size=4, max_size=8), runs=st.lists(RUN, min_size=2, max_size=5))
@settings(max_examples=60)
def test_sql_finds_what_python_finds(
    reader: Reader, trees: list[Node], runs: list[dict[str, Any]]
) -> None:
    clear(reader)
    for number, run in enumerate(runs):
        add_run(reader, f"r{number}", **run)
    for tree in trees:
        expected = [f"r{n}" for n, run in enumerate(runs) if holds(tree, run, f"r{n}")]
        assert sorted(select_run_ids(reader, None, to_text(tree)).run_ids) == expected


def holds(node: Node, run: dict[str, Any], run_id: str) -> bool:
    if isinstance(node, Not):
        return not holds(node.operand, run, run_id)
    if isinstance(node, And):
        return all(holds(each, run, run_id) for each in node.operands)
    if isinstance(node, Or):
        return any(holds(each, run, run_id) for each in node.operands)
    found = value_of(node.identifier, run, run_id)
    if node.operator.endswith("NULL"):
        return (found is None) == (node.operator == "IS NULL")
    return found is not None and compare(node.operator, found, node.value)


def value_of(identifier: Identifier, run: dict[str, Any], run_id: str) -> Any:
    entity, key = identifier.entity, identifier.key
    if entity == "attribute":
        if key == "artifact_uri":
            uri = run["uri"] or f"artifacts/1/{run_id}"
            return uri if ":" in uri else str(FOLDER / uri)
        return run[{"run_name": "name", "start_time": "start", "end_time": "end"}[key]]
    if entity != "metric":
        return run[f"{entity}s"].get(key)
    points = run["metrics"].get(key)
    if points is None:
        return None
    if identifier.aggregate == "count":
        return len(points)
    if identifier.aggregate == "last":
        return max(points, key=lambda p: (*p[:2], -math.inf if math.isnan(p[2]) else p[2]))[2]
    real = [value for _, _, value in points if not math.isnan(value)]
    return (min if identifier.aggregate == "min" else max)(real, default=None)


def compare(operator: str, left: Any, right: Any) -> bool:
    if operator.endswith("LIKE"):
        pattern = re.escape(right).replace("%", ".*").replace("_", ".")
        flags = re.DOTALL | (re.IGNORECASE if operator == "ILIKE" else 0)
        return re.fullmatch(pattern, left, flags) is not None
    return {
        "=": lambda: left == right,
        "!=": lambda: left != right,
        ">": lambda: left > right,
        ">=": lambda: left >= right,
        "<": lambda: left < right,
        "<=": lambda: left <= right,
        "IN": lambda: left in right,
        "NOT IN": lambda: left not in right,
    }[operator]()
