"""A served model over real HTTP: what it answers, to whom, and how many calls that takes."""

from __future__ import annotations

import base64
import datetime as dt
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from http.client import HTTPConnection
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrack.errors import InvalidParameterError, InvalidStateError, NbtrackError
from nbtrack.models.served import ServedModel
from nbtrack.models.serving import serve
from nbtrack.models.signature import infer_signature
from programs import SRC, needs

JSON = "application/json"
FRAME = pd.DataFrame({"x": [1.0, 2.0], "n": np.array([3, 4])})


class Sum:
    """Adds up each row; counts how often it is asked."""

    def __init__(self, signature: Any = None, pause_s: float = 0.0) -> None:
        self.metadata = SimpleNamespace(signature=signature)
        self.calls = 0
        self.pause_s = pause_s

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        self.calls += 1
        time.sleep(self.pause_s)
        if isinstance(data, pd.DataFrame):
            return data.sum(axis=1, numeric_only=True).to_numpy() * (params or {}).get("times", 1)
        return np.asarray(data).sum(axis=-1)


class Returning:
    """Answers every request with what it was given."""

    metadata = SimpleNamespace(signature=None)

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def ask(
    served: ServedModel | str,
    body: Any = None,
    content_type: str = JSON,
    path: str = "/invocations",
    method: str = "POST",
    **headers: str,
) -> tuple[int, Any, Message]:
    """Send one request; return status, JSON and headers."""
    address = urlsplit(served if isinstance(served, str) else served.url)
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection = HTTPConnection(address.hostname or "", address.port, timeout=60)
    try:
        connection.request(method, path, content, {"Content-Type": content_type, **named})
        answer = connection.getresponse()
        text = answer.read()
        found = json.loads(text, parse_constant=pytest.fail) if text.strip() else text
        return answer.status, found, answer.headers
    finally:
        connection.close()


@pytest.fixture(scope="module")
def typed() -> Iterator[ServedModel]:
    with serve(Sum(infer_signature(FRAME))) as served:
        yield served


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["x", "n"], "data": [[1, 3], [2, 4]]}},
        {"dataframe_records": [{"x": 1, "n": 3}, {"n": 4, "x": 2}]},
        {"instances": [[1, 3], [2, 4]]},
        {"inputs": [[1, 3], [2, 4]]},
    ],
)
def test_the_shapes_of_a_request(body: Any) -> None:
    with serve(Sum()) as served:
        assert ask(served, body)[:2] == (200, {"predictions": [4, 6]})


def test_tables_are_read_as_csv_and_parquet(typed: ServedModel) -> None:
    parquet = BytesIO()
    FRAME.to_parquet(parquet)
    kind = "application/vnd.apache.parquet"
    assert ask(typed, parquet.getvalue(), kind)[:2] == (200, {"predictions": [4.0, 6.0]})
    assert ask(typed, b"n,x\n3,1\n4,2\n", "text/csv; charset=utf-8")[1] == {"predictions": [4, 6]}


def test_params_reach_the_model(typed: ServedModel) -> None:
    body = {"dataframe_records": [{"x": 1, "n": 3}], "params": {"times": 10}}
    assert ask(typed, body)[1] == {"predictions": [40.0]}


def test_a_chat_request_goes_in_and_out_as_it_is() -> None:
    class Chat(Returning):
        def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
            return {"echo": data}

    with serve(Chat(None)) as served:
        body = {"messages": [{"role": "user", "content": "hi"}], "temperature": 0.5}
        assert ask(served, body)[:2] == (200, {"echo": body})


@pytest.mark.parametrize(
    ("body", "content_type", "status", "says"),
    [
        (b'{"inputs": [1', JSON, 400, "no JSON"),
        (b"\xff\xfe", JSON, 400, "no UTF-8"),
        (b"[" * 100_000, JSON, 400, "no JSON"),
        ([1, 2], JSON, 400, "exactly one of the input fields"),
        ({"inputs": [1], "instances": [1]}, JSON, 400, "exactly one of the input fields"),
        ({"rows": [1]}, JSON, 400, "exactly one of the input fields"),
        ({"inputs": [1], "params": 3}, JSON, 400, "'params' must be a dictionary"),
        ({"dataframe_records": [{"x": "far", "n": 1}]}, JSON, 400, "Column 'x'"),
        ({"dataframe_records": [{"x": 1, "n": 1.5}]}, JSON, 400, "cut off"),
        ({"dataframe_records": [1]}, JSON, 400, "dictionaries only"),
        ({"dataframe_split": {"columns": ["x"], "data": [[1, 2]]}}, JSON, 400, "no data frame"),
        ({"dataframe_split": {"rows": []}}, JSON, 400, "must have 'data'"),
        (b"x,n\nfar,1\n", "text/csv", 400, "as CSV"),
        (b"", "text/csv", 400, "as CSV"),
        (b"PAR1", "application/vnd.apache.parquet", 400, "as Parquet"),
        (b"{}", "text/plain", 415, "text/plain"),
        (b"{}", "", 415, "content type"),
        (b"{}", "application/json; charset=latin-1", 415, "UTF-8 only"),
        (b"{}", "application/json; boundary=x", 415, "boundary"),
    ],
)
def test_a_bad_request_says_what_is_wrong_with_it(
    typed: ServedModel, body: Any, content_type: str, status: int, says: str
) -> None:
    found, answer, _ = ask(typed, body, content_type)
    assert found == status
    assert set(answer) == {"error_code", "message", "stack_trace"}
    assert says in answer["message"]
    assert answer["stack_trace"] == ""


def test_missing_values_may_be_nan_or_null_in_a_request(typed: ServedModel) -> None:
    split = b'{"dataframe_split": {"columns": ["x", "n"], "data": [[%s, 1], [null, 2]]}}'
    assert ask(typed, split % b"NaN")[:2] == (200, {"predictions": [1.0, 2.0]})


def test_the_other_paths_and_methods(typed: ServedModel) -> None:
    for path in ("/ping", "/health"):
        assert ask(typed, path=path, method="GET")[:2] == (200, b"\n")
    assert ask(typed, path="/version", method="HEAD")[:2] == (200, b"")
    status, answer, _ = ask(typed, path="/nowhere", method="GET")
    assert (status, answer["error_code"]) == (404, "ENDPOINT_NOT_FOUND")
    status, answer, headers = ask(typed, path="/invocations", method="GET")
    assert (status, headers["Allow"]) == (405, "POST")
    assert ask(typed, b"{}", path="/ping")[0] == 405
    assert ask(typed, path="/invocations", method="OPTIONS")[0] == 405


def test_version_is_nbtracks(typed: ServedModel) -> None:
    import nbtrack

    connection = HTTPConnection(urlsplit(typed.url).netloc, timeout=60)
    connection.request("GET", "/version")
    assert connection.getresponse().read().decode() == nbtrack.__version__
    connection.close()


def test_pages_of_other_sites_are_refused(typed: ServedModel) -> None:
    body = {"inputs": [[1.0]]}
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Host": "evil.example"},
    ):
        status, answer, found = ask(typed, body, **headers)
        assert (status, answer["error_code"]) == (403, "PERMISSION_DENIED")
        assert not [name for name in found if name.lower().startswith("access-control")]
    local = typed.url.replace("127.0.0.1", "localhost")
    assert ask(local, {"dataframe_records": [{"x": 1, "n": 1}]}, Origin=local)[0] == 200


def test_a_token_is_asked_for_except_by_health_checks() -> None:
    with serve(Sum(), token="secret-of-this-test") as served:
        body = {"inputs": [[1, 2]]}
        status, answer, headers = ask(served, body)
        assert (status, answer["error_code"]) == (401, "UNAUTHENTICATED")
        assert headers["WWW-Authenticate"] == "Bearer"
        assert ask(served, body, Authorization="Bearer wrong")[0] == 401
        assert ask(served, body, Authorization="Bearer secret-of-this-test")[0] == 200
        assert ask(served, path="/ping", method="GET")[0] == 200
        assert served.predict([[1, 2]]) == [3]
        known = "Bearer secret-of-this-test"
        assert ask(served, body, Authorization=known, Host="model.example")[0] == 200


def test_other_machines_are_answered_only_with_a_token_or_by_wish() -> None:
    with pytest.raises(InvalidParameterError, match="no_auth"):
        serve(Sum(), host="0.0.0.0")
    with serve(Sum(), host="0.0.0.0", token="t") as served:
        assert served.predict([[1, 2]]) == [3]


def test_a_body_that_is_too_large_is_refused_and_the_connection_goes_on() -> None:
    with serve(Sum(), max_body=1000) as served:
        connection = HTTPConnection(urlsplit(served.url).netloc, timeout=60)
        for chunked in (False, True):
            body = b"x" * 3_000_000
            content = iter([body]) if chunked else body
            connection.request("POST", "/invocations", content, encode_chunked=chunked)
            answer = connection.getresponse()
            assert answer.status == 413
            assert json.loads(answer.read())["error_code"] == "BODY_TOO_LARGE"
        connection.close()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (np.array([1.5, np.nan, np.inf]), [1.5, None, None]),
        (pd.DataFrame({"a": [1, 2], "b": [np.nan, 5]}), [{"a": 1, "b": None}, {"a": 2, "b": 5}]),
        (pd.Series([1, 2], name="y"), [{"y": 1}, {"y": 2}]),
        (pd.DataFrame({"t": [pd.Timestamp("2024-01-02"), pd.NaT]}),
         [{"t": "2024-01-02T00:00:00"}, {"t": None}]),
        (np.array(["2024-01-02", "NaT"], "datetime64[s]"), ["2024-01-02T00:00:00", None]),
        ({"a": np.float32(0.5), "b": [b"\x00\xff"]}, {"a": 0.5, "b": ["AP8="]}),
        ({3: pd.NA, None: {"x"}}, {"3": None, "null": ["x"]}),
        ([dt.date(2024, 1, 2), (1, 2), {"x": -np.inf}], ["2024-01-02", [1, 2], {"x": None}]),
        (np.int64(3), 3),
        (None, None),
        ("text", "text"),
    ],
)  # fmt: skip
def test_whatever_a_model_returns_is_strict_json(answer: Any, expected: Any) -> None:
    with serve(Returning(answer)) as served:
        assert ask(served, {"inputs": [1]})[:2] == (200, {"predictions": expected})


def test_bytes_travel_both_ways_as_base64() -> None:
    class Reversed(Returning):
        def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
            return [value[::-1] for value in data["blob"]]

    model = Reversed(None)
    model.metadata = SimpleNamespace(signature=infer_signature(pd.DataFrame({"blob": [b"ab"]})))
    with serve(model) as served:
        sent = base64.b64encode(b"\x00\x01\xff").decode()
        for body in ({"dataframe_records": [{"blob": sent}]}, {"inputs": {"blob": [sent]}}):
            answer = ask(served, body)[1]["predictions"][0]
            assert base64.b64decode(answer) == b"\xff\x01\x00"
        assert ask(served, {"dataframe_records": [{"blob": "%%"}]})[0] == 400


def test_what_has_no_json_is_the_servers_fault() -> None:
    with serve(Returning(object())) as served:
        status, answer, _ = ask(served, {"inputs": [1]})
        assert (status, answer["error_code"]) == (500, "INTERNAL_ERROR")
        assert "no form in JSON" in answer["message"]


def test_an_error_of_the_model_is_shown_without_homes_and_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SERVICE_TOKEN", "very-private-words")
    error = ValueError("no file /home/ada/data.csv for very-private-words")
    with serve(Returning(error)) as served:
        status, answer, _ = ask(served, {"inputs": [1]})
    assert (status, answer["error_code"]) == (400, "BAD_REQUEST")
    assert "ValueError" in answer["message"]
    assert "in predict" in answer["stack_trace"]
    for secret in ("ada", "very-private-words", str(Path(__file__).parent)):
        assert secret not in json.dumps(answer)
    with serve(Returning(error), stack_traces=False) as served:
        assert ask(served, {"inputs": [1]})[1]["stack_trace"] == ""


def test_a_model_that_ends_the_process_does_not_end_the_server() -> None:
    with serve(Returning(SystemExit(3))) as served:
        assert ask(served, {"inputs": [1]})[0] == 400
        assert ask(served, {"inputs": [1]})[0] == 400


def together(served: ServedModel, bodies: list[Any]) -> list[tuple[int, Any]]:
    with ThreadPoolExecutor(len(bodies)) as pool:
        return [found[:2] for found in pool.map(lambda body: ask(served, body), bodies)]


def rows(*values: float) -> dict[str, Any]:
    return {"dataframe_split": {"columns": ["x", "n"], "data": [[v, 1] for v in values]}}


def test_requests_that_come_together_are_scored_together() -> None:
    model = Sum(infer_signature(FRAME), pause_s=0.05)
    with serve(model) as served:
        together(served, [rows(i) for i in range(8)])  # the first ones are scored both ways
        before = model.calls
        answers = together(served, [rows(i, i + 100) for i in range(16)])
        assert answers == [(200, {"predictions": [i + 1.0, i + 101.0]}) for i in range(16)]
        assert model.calls - before <= 6
        assert "requests in" in repr(served)


def test_a_bad_request_fails_alone_in_its_batch() -> None:
    class Strict(Sum):
        def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
            if (data["x"] < 0).any():
                raise ValueError("x is negative")
            return super().predict(data, params)

    model = Strict(infer_signature(FRAME), pause_s=0.02)
    with serve(model, batching=True) as served:
        answers = together(served, [rows(i if i != 5 else -1) for i in range(12)])
        assert [status for status, _ in answers] == [200] * 5 + [400] + [200] * 6
        assert [a["predictions"] for s, a in answers if s == 200] == [
            [i + 1.0] for i in range(12) if i != 5
        ]
        before = model.calls
        together(served, [rows(i) for i in range(12)])
        assert model.calls - before < 12  # one bad request does not end the batching


@pytest.mark.parametrize(
    "predict",
    [
        lambda data: data["x"] - data["x"].mean(),  # rows depend on each other
        lambda data: [float(data["x"].sum())],  # one answer for all rows
        lambda data: {"mean": float(data["x"].mean())},
    ],
)
def test_a_model_whose_rows_are_not_independent_is_asked_one_by_one(predict: Any) -> None:
    model = Sum(infer_signature(FRAME))
    calls = []

    def counted(data: pd.DataFrame, params: Any = None) -> Any:
        calls.append(len(data))
        time.sleep(0.02)
        return predict(data)

    model.predict = counted  # type: ignore[method-assign]
    bodies = [rows(i, i * 2 + 1) for i in range(12)]
    with serve(model) as served:
        together(served, bodies)
        calls.clear()
        answers = together(served, bodies)
    assert calls == [2] * 12
    for body, (status, answer) in zip(bodies, answers, strict=True):
        data = pd.DataFrame(**body["dataframe_split"])
        expected = predict(data)
        if isinstance(expected, pd.Series):
            expected = [{"x": value} for value in expected]
        assert (status, answer["predictions"]) == (200, expected)


def test_requests_of_other_types_and_params_stay_apart() -> None:
    seen = []
    model = Sum(pause_s=0.02)
    plain = model.predict

    def watched(data: Any, params: dict[str, Any] | None = None) -> Any:
        seen.append((tuple(map(str, data.dtypes)), params and params["times"]))
        return plain(data, params)

    model.predict = watched  # type: ignore[method-assign]
    bodies = [
        {"dataframe_records": [{"x": value}], "params": {"times": times}}
        for times in (1, 2)
        for value in (1, 1.5)
    ] * 4
    with serve(model, batching=True) as served:
        answers = together(served, bodies)
    assert [a["predictions"] for _, a in answers] == [[1], [1.5], [2], [3]] * 4
    assert set(seen) == {((kind,), times) for kind in ("int64", "float64") for times in (1, 2)}


class Slow(Sum):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.go = threading.Event()

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        self.entered.set()
        assert self.go.wait(30)
        return super().predict(data, params)


def test_health_is_answered_while_the_model_works() -> None:
    model = Slow()
    with serve(model) as served, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, served, {"inputs": [[1, 2]]})
        assert model.entered.wait(30)
        assert ask(served, path="/ping", method="GET")[0] == 200
        assert not waiting.done()
        model.go.set()
        assert waiting.result()[1] == {"predictions": [3]}


def test_more_than_may_wait_are_refused_for_now() -> None:
    model = Slow()
    with serve(model, max_queue=1, batching=False) as served, ThreadPoolExecutor(8) as pool:
        first = pool.submit(ask, served, {"inputs": [[1, 2]]})
        assert model.entered.wait(30)
        others = [pool.submit(ask, served, {"inputs": [[i, 2]]}) for i in range(7)]
        while sum(other.done() for other in others) < 6:
            time.sleep(0.01)
        model.go.set()
        found = [other.result() for other in others]
        assert sorted(status for status, _, _ in found) == [200] + [503] * 6
        refused = next(each for each in found if each[0] == 503)
        assert refused[1]["error_code"] == "TEMPORARILY_UNAVAILABLE"
        assert refused[2]["Retry-After"] == "1"
        assert first.result()[0] == 200


def test_a_request_that_takes_too_long_is_answered_and_the_next_one_served() -> None:
    model = Slow()
    with serve(model, timeout=0.2) as served:
        status, answer, _ = ask(served, {"inputs": [[1, 2]]})
        assert (status, answer["error_code"]) == (504, "DEADLINE_EXCEEDED")
        model.go.set()
        assert ask(served, {"inputs": [[1, 2]]})[0] == 200


def test_what_was_asked_before_the_stop_is_still_answered() -> None:
    model = Slow()
    served = serve(model)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(ask, served, {"inputs": [[1, 2]]})
        assert model.entered.wait(30)
        stopped = pool.submit(served.stop)
        model.go.set()
        assert waiting.result()[1] == {"predictions": [3]}
        stopped.result()
    assert repr(served) == "ServedModel(Slow, stopped)"
    with pytest.raises(InvalidStateError, match="was stopped"):
        served.predict([[1]])
    with pytest.raises(OSError, match="refused"):
        ask(served, {"inputs": [[1]]})


def test_a_served_model_that_nobody_holds_stops() -> None:
    served = serve(Sum())
    url = served.url
    assert ask(url, path="/ping", method="GET")[0] == 200
    del served
    with pytest.raises(OSError, match="refused"):
        ask(url, path="/ping", method="GET")


def test_predict_sends_data_of_all_kinds(typed: ServedModel) -> None:
    assert typed.predict(FRAME) == [4.0, 6.0]
    assert typed.predict(FRAME, params={"times": 2}) == [8.0, 12.0]
    assert typed.predict({"dataframe_records": [{"x": 1, "n": 1}]}) == [2.0]
    with pytest.raises(NbtrackError, match="Column 'x'") as caught:
        typed.predict(pd.DataFrame({"x": ["far"], "n": [1]}))
    assert caught.value.error_code == "BAD_REQUEST"


def test_a_port_that_is_taken_is_said_before_the_model_is_loaded() -> None:
    with serve(Sum()) as served:
        port = urlsplit(served.url).port
        with pytest.raises(InvalidStateError, match=f"Port {port}"):
            serve("models:/not/there", port=port or 0)


def test_what_is_no_model_is_refused() -> None:
    with pytest.raises(InvalidParameterError, match="A dict cannot be served"):
        serve({"weights": 1})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip
FIELDS = st.sampled_from(["dataframe_split", "dataframe_records", "instances", "inputs", "params"])
BODIES = (
    st.dictionaries(FIELDS, VALUES, min_size=1, max_size=2)
    | st.fixed_dictionaries({
        "dataframe_split": st.fixed_dictionaries(
            {"data": st.lists(st.lists(VALUES, max_size=2), max_size=3)},
            optional={"columns": st.lists(st.sampled_from(["x", "n", 1, None]), max_size=2)},
        )
    })
    | st.fixed_dictionaries({
        "dataframe_records": st.lists(st.fixed_dictionaries({"x": VALUES, "n": VALUES}), max_size=2)
    })
    | VALUES
)  # fmt: skip


@pytest.fixture(scope="module")
def untyped() -> Iterator[ServedModel]:
    class Same(Returning):
        def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
            return data

    with serve(Same(None)) as served:
        yield served


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(body=BODIES.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=20))
def test_no_body_is_the_servers_fault(
    typed: ServedModel, untyped: ServedModel, body: bytes
) -> None:
    for served in (typed, untyped):
        for kind in (JSON, "text/csv", "application/vnd.apache.parquet"):
            status, answer, _ = ask(served, body, kind)
            assert status < 500, (kind, body, answer)


@pytest.fixture(scope="module")
def beside_mlflow(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Both servers' answers to the same requests for the same models, loaded by mlflow."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("mlflow_scoring.py"),
         tmp_path_factory.mktemp("mlflow")],
        env={"PYTHONPATH": str(SRC), "PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout.splitlines()[-1], parse_constant=lambda name: None))


@needs("mlflow")
def test_answers_are_those_of_mlflows_server(beside_mlflow: list[dict[str, Any]]) -> None:
    def comparable(answer: list[Any]) -> Any:
        # MLflow breaks base64 into lines
        return answer[1] if answer[0] == 200 else None, answer[0]

    different = [
        each
        for each in beside_mlflow
        if json.dumps(comparable(each["mlflow"])).replace('=\\n"', '="')
        != json.dumps(comparable(each["nbtrack"]))
    ]
    assert len(beside_mlflow) > 50
    assert {each["mlflow"][0] for each in beside_mlflow} == {200, 400, 415}
    assert different == []
