"""Ask MLflow's scoring server and nbtrack's the same; prints the answers as JSON."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import mlflow
import numpy as np
import pandas as pd
from mlflow.models import ModelSignature, infer_signature
from mlflow.pyfunc import scoring_server
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from sklearn.linear_model import LinearRegression

from nbtrack.models.serving import serve

JSON = "application/json"
ROWS = pd.DataFrame({"a": np.arange(8.0), "b": np.arange(8) % 3, "c": [0.5] * 8})
TYPED = {
    "i": 1, "l": 2, "f": 0.5, "d": 1, "s": "x", "bo": True, "t": "2024-01-02T03:04:05",
    "by": "aGVsbG8=",
}  # fmt: skip


class Echo(mlflow.pyfunc.PythonModel):
    """Says what arrives."""

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        if isinstance(model_input, pd.DataFrame):
            kinds = ",".join(map(str, model_input.dtypes))
            return model_input.assign(kinds=kinds, params=str(params or {}))
        if isinstance(model_input, dict):
            kinds = [f"{type(v).__name__} {getattr(v, 'dtype', '')}" for v in model_input.values()]
            return {**model_input, "kinds": kinds}
        return {"kind": type(model_input).__name__, "text": str(model_input)}


def models(folder: Path) -> dict[str, Any]:
    mlflow.sklearn.save_model(
        LinearRegression().fit(ROWS, ROWS.a * 2 + ROWS.b),
        folder / "linear",
        signature=infer_signature(ROWS, ROWS.a),
        pip_requirements=[],
    )
    found = {"linear": mlflow.pyfunc.load_model(str(folder / "linear"))}
    typed = pd.DataFrame({
        "i": np.array([1], "int32"), "l": np.array([1], "int64"), "f": np.array([1], "float32"),
        "d": [0.5], "s": ["x"], "bo": [True], "t": [pd.Timestamp("2024-01-02")], "by": [b"ab"],
    })  # fmt: skip
    tensor = TensorSpec(np.dtype("float32"), (-1, 2))
    named = [
        TensorSpec(np.dtype("float32"), (-1, 2), "x"),
        TensorSpec(np.dtype("int64"), (-1,), "n"),
    ]
    params = ParamSchema([ParamSpec("k", "long", 3)])
    for name, signature in {
        "untyped": None,
        "typed": infer_signature(typed),
        "tensor": ModelSignature(Schema([tensor])),
        "tensors": ModelSignature(Schema(named)),
        "params": ModelSignature(Schema([ColSpec("string", "q")]), params=params),
        "positions": ModelSignature(Schema([ColSpec("double"), ColSpec("long")])),
    }.items():
        path = folder / name
        mlflow.pyfunc.save_model(
            path, python_model=Echo(), signature=signature, pip_requirements=[]
        )
        found[name] = mlflow.pyfunc.load_model(str(path))
    return found


def cases() -> list[tuple[str, str, bytes]]:
    rows = [[1, 2, 3], [4, 5, 6]]
    columns = {"a": [1, 2], "b": [2, 3], "c": [1, 1]}
    plain: dict[str, list[Any]] = {
        "linear": [
            {"dataframe_split": {"columns": ["a", "b", "c"], "data": rows}},
            {"dataframe_split": {"index": [5, 7], "columns": ["c", "b", "a"], "data": rows}},
            {"dataframe_records": [{"a": 1, "b": 2, "c": 3, "more": 9}]},
            {"instances": [{"a": 1, "b": 2, "c": 3}, {"c": 1, "b": 2, "a": 3}]},
            {"inputs": columns},
            {"inputs": [{"a": 1, "b": 2, "c": 3}]},
            {"inputs": columns, "instances": [1]},
            {"dataframe_split": {"columns": ["a", "b"], "data": [[1, 2]]}},
            {"dataframe_split": {"columns": ["a", "b", "c"], "data": [["x", 2, 3]]}},
            {"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1, 2]]}},
            {"dataframe_split": [1]},
            {"dataframe_records": {"a": 1}},
            {"dataframe_records": [{"a": float("nan"), "b": 2, "c": 3}]},
            [1, 2],
            {},
        ],
        "typed": [
            {"dataframe_records": [TYPED]},
            {"dataframe_split": {"columns": list(TYPED), "data": [list(TYPED.values())]}},
        ],
        "untyped": [
            {"inputs": [1, 2, 3]},
            {"inputs": {"a": [1, 2], "b": ["x", "y"]}},
            {"inputs": [{"a": 1}]},
            {"inputs": 5},
            {"inputs": []},
            {"inputs": "text"},
            {"inputs": [[1], [2, 3]]},
            {"instances": [[1, 2], [3, 4]]},
            {"instances": [{"a": 1}, {"a": 2}]},
            {"dataframe_records": [{"a": 1}, {"b": 2}]},
            {"dataframe_split": {"data": [[1, 2]]}},
            {"messages": [{"role": "user", "content": "hi"}]},
            {"prompt": "x", "temperature": 1},
        ],
        "tensor": [
            {"inputs": [[1, 2], [3, 4]]},
            {"instances": [[1, 2]]},
            {"inputs": [[1, 2, 3]]},
            {"inputs": [["a", "b"]]},
            {"inputs": {"x": [1]}},
            {"dataframe_split": {"data": [[1, 2]]}},
        ],
        "tensors": [
            {"inputs": {"x": [[1, 2], [3, 4]], "n": [1, 2]}},
            {"instances": [{"x": [1, 2], "n": 1}, {"x": [3, 4], "n": 2}]},
            {"inputs": {"x": [[1, 2]]}},
            {"inputs": {"x": [[1, 2]], "n": ["z"]}},
        ],
        "params": [
            {"inputs": ["a", "b"], "params": {"k": 5}},
            {"inputs": ["a"]},
            {"inputs": ["a"], "params": {"k": "x"}},
            {"inputs": ["a"], "params": {"unknown": 1}},
            {"prompt": "x", "k": 4},
        ],
        "positions": [{"dataframe_split": {"columns": ["u", "v"], "data": [[1, 2]]}}],
    }
    found = [(name, JSON, json.dumps(b).encode()) for name, bodies in plain.items() for b in bodies]
    good = json.dumps({"inputs": columns}).encode()
    return [
        *found,
        ("linear", "text/csv", b"a,b,c\n1,2,3\n4,5,6\n"),
        ("linear", "text/csv; charset=utf-8", b"b,a,c\n1,2,3\n"),
        ("linear", "application/vnd.apache.parquet", ROWS.to_parquet()),
        ("linear", "application/json; charset=UTF-8", good),
        ("linear", "application/json; charset=latin-1", good),
        ("linear", "application/json; boundary=x", good),
        ("linear", "text/plain", good),
        ("linear", JSON, b'{"dataframe_split":'),
        ("linear", JSON, b"\xff\xfe"),
        ("linear", "text/csv", b"a,b\n1,2\n"),
        ("linear", "text/csv", b""),
        ("linear", "text/csv", b"a,b,c\nx,y,z\n"),
        ("linear", "application/vnd.apache.parquet", b"PAR1"),
    ]


def of_mlflow(model: Any, content_type: str, body: bytes) -> tuple[int, Any]:
    try:
        schema = model.metadata.get_input_schema()
        answer = scoring_server.invocations(body, content_type, model, schema)
    except mlflow.MlflowException as error:
        return error.get_http_status_code(), str(error)
    return answer.status, json.loads(answer.response) if answer.status == 200 else answer.response


def of_nbtrack(url: str, content_type: str, body: bytes) -> tuple[int, Any]:
    address = urlsplit(url)
    connection = HTTPConnection(address.hostname or "", address.port)
    connection.request("POST", "/invocations", body, {"Content-Type": content_type})
    answer = connection.getresponse()
    found = answer.status, json.loads(answer.read())
    connection.close()
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    loaded = models(Path(sys.argv[1]))
    served = {name: serve(model) for name, model in loaded.items()}
    answers = []
    for name, content_type, body in cases():
        theirs = of_mlflow(loaded[name], content_type, body)
        ours = of_nbtrack(served[name].url, content_type, body)
        asked = f"{name} {content_type} {body[:120]!r}"
        answers.append({"asked": asked, "mlflow": theirs, "nbtrack": ours})
    print(json.dumps(answers, default=str))


if __name__ == "__main__":
    main()
