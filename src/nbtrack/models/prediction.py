"""Predictions for files, from Python and from a shell."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.input_example import SERVING, Example
from nbtrack.models.progress import has_display
from nbtrack.models.scoring.expected import Expected, Scored, bad_input
from nbtrack.models.scoring.payloads import Payload, from_csv, from_json
from nbtrack.models.scoring.rows import count_rows, kind_of, split
from nbtrack.models.scoring.shapes import FIELDS
from nbtrack.models.scoring.sinks import JsonSink, Sink, open_sink
from nbtrack.models.scoring.sources import Source, kind_of_file, open_source, read_document
from nbtrack.models.serving import check_environment, load

CHUNK_SIZE = 10_000
DELAY_S = 1.0  # until a progress bar appears
EVERY_S = 0.1


def predict(
    model_uri: Any,
    input_data: Any = None,
    input_path: str | os.PathLike[str] | None = None,
    content_type: str = "json",
    output_path: str | os.PathLike[str] | None = None,
    env_manager: str = "local",
    install_mlflow: bool = False,
    pip_requirements_override: Sequence[str] | None = None,
    extra_envs: dict[str, str] | None = None,
    *,
    params: dict[str, Any] | None = None,
    chunk_size: int | None = CHUNK_SIZE,
    device: str | None = None,
    trust: bool | None = None,
) -> None:
    """Write a model's predictions for data or for a file.

    Parameters
    ----------
    model_uri : str, path, ModelInfo or PyFuncModel
        Such as ``"models:/digits/1"``.
    input_data : object, optional
        What the model's ``predict`` takes.
    input_path : str or path, optional
        A file: ``.csv``, ``.json`` (any form of a scoring request, or a list of records),
        ``.jsonl`` (a record, a request or a value a line), ``.parquet``. Without either, standard
        input is read.
    content_type : {"json", "csv", "jsonl", "parquet"}
        For files whose name does not say it, and for standard input.
    output_path : str or path, optional
        ``.json``, ``.jsonl``, ``.csv`` or ``.parquet``; it appears when all is written. Without
        one, JSON goes to standard output.
    env_manager : str
        Only ``"local"``: nbtrack scores in the environment that it runs in.
    install_mlflow, pip_requirements_override, extra_envs
        Are of environments that are built, and refused.
    params : dict, optional
        Of the model.
    chunk_size : int or None
        Rows of a file that are read and scored at once, 10,000 by default: memory does not grow
        with the file. None where rows depend on each other.
    device : str, optional
        Where a PyTorch model is loaded, such as ``"cuda"``.
    trust : bool, optional
        True lets code of a model run that you have not saved yourself.

    Raises
    ------
    InvalidParameterError
        If what was asked does not go together.
    NbtrackError
        ``BAD_REQUEST`` if the data cannot be read, or the model fails.

    Examples
    --------
    >>> from pathlib import Path
    >>> from sklearn.dummy import DummyRegressor
    >>> model = DummyRegressor(strategy="constant", constant=2.0).fit([[0.0]], [0.0])
    >>> info = nbtrack.sklearn.log_model(model, name="always two")
    >>> nbtrack.models.predict(info, [[3.0]], output_path="predictions.csv")
    >>> Path("predictions.csv").read_text().split()
    ['prediction', '2.0']
    """
    check_environment(env_manager)
    if install_mlflow or pip_requirements_override or extra_envs:
        raise InvalidParameterError(
            "install_mlflow, pip_requirements_override and extra_envs are for environments that "
            "are built for a model; nbtrack scores in this one. Leave them out."
        )
    if input_data is not None and input_path is not None:
        raise InvalidParameterError(
            "Both input_data and input_path are given; only one of them can be scored."
        )
    if chunk_size is not None and chunk_size < 1:
        raise InvalidParameterError(f"chunk_size is {chunk_size}; give a number of rows, or None.")
    model, _ = load(model_uri, device=device, trust=trust)
    target = None if output_path is None else Path(output_path)
    with _opened(model, input_data, input_path, content_type, chunk_size) as source:
        with open_sink(target) if target else nullcontext(JsonSink(sys.stdout)) as sink:
            _score(model, source, sink, params, whole=chunk_size is None)
        if target is None:
            sink.end()
            sys.stdout.write("\n")
            sys.stdout.flush()


@contextmanager
def _opened(
    model: Scored,
    data: Any,
    path: str | os.PathLike[str] | None,
    content_type: str,
    chunk_size: int | None,
) -> Iterator[Source]:
    expected = Expected.of(model)
    if path is not None:
        file = Path(path)
        kind = kind_of_file(file, content_type)
        with open_source(file, kind, expected, chunk_size) as source:
            yield source
        return
    if data is None:
        text = sys.stdin.read()
        payload = from_csv(text, expected) if content_type == "csv" else None
        read = read_document(text, expected) if payload is None else Payload(payload)
    else:
        read = _payload(data, content_type, expected)
    yield Source(iter([read]), 0, "B", lambda: 0)


def _payload(data: Any, content_type: str, expected: Expected) -> Payload:
    """Return what is given from Python: text in a format, a request, or data as it is."""
    if isinstance(data, str) and content_type == "csv":
        return Payload(from_csv(data, expected))
    if isinstance(data, dict) and any(name in data for name in FIELDS):
        return from_json(data, expected)
    return Payload(data)


def _score(
    model: Scored, source: Source, sink: Sink, params: dict[str, Any] | None, *, whole: bool
) -> None:
    with _bar(source) as show:
        for number, payload in enumerate(source.pieces):
            chosen = params if params is not None else payload.params
            try:
                predictions = model.predict(payload.data, params=chosen)
            except NbtrackError:
                raise
            except Exception as error:
                raise NbtrackError(
                    f"The model failed: {type(error).__name__}: {error}. Look whether the data is "
                    "what it takes.",
                    "BAD_REQUEST",
                ) from error
            if number > 0 and not whole:
                _check_rows(payload, predictions)
            sink.add(payload, predictions)
            show(source.position())


def _check_rows(payload: Payload, predictions: Any) -> None:
    if kind_of(payload.data) is None:
        return
    rows = count_rows(payload.data)
    if split(predictions, [rows]) is None:
        raise bad_input(
            f"The model does not return one prediction for each of {rows} rows, so a file cannot "
            "be scored in pieces. Use chunk_size=None."
        )


@contextmanager
def _bar(source: Source) -> Iterator[Any]:
    """Show a progress bar once the work has taken a second."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield lambda position: None
        return
    with tqdm(
        total=source.total or None,
        unit=source.unit if source.unit == "B" else " rows",
        unit_scale=True,
        desc="predict",
        delay=DELAY_S,
        mininterval=EVERY_S,
        leave=False,
        disable=not (source.total and has_display()),
    ) as bar:
        yield lambda position: bar.update(position - bar.n)


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict for a file; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m nbtrack.models.predict", description="Write predictions for a file."
    )
    add = parser.add_argument
    add("-m", "--model-uri", required=True, help="such as models:/digits/1, or a path")
    add("-i", "--input-path", help=".csv, .json, .jsonl or .parquet (default: standard input)")
    add("-o", "--output-path", help="the same (default: JSON to standard output)")
    add("-t", "--content-type", default="json", help="where the name does not say it")
    add("--env-manager", default="local", help="only 'local'")
    add("--chunk-size", type=int, default=CHUNK_SIZE, help="rows at once; 0: all")
    add("--device", help="where a PyTorch model is loaded, such as cuda")
    add("--trust", action="store_true", help="let code of a model run that is not from your store")
    options = parser.parse_args(arguments)
    try:
        predict(
            options.model_uri,
            input_path=options.input_path,
            content_type=options.content_type,
            output_path=options.output_path,
            env_manager=options.env_manager,
            chunk_size=options.chunk_size or None,
            device=options.device,
            trust=True if options.trust else None,
        )
    except NbtrackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def convert_input_example_to_serving_input(input_example: Any) -> str | None:
    """Return an input example as the JSON text of a request; None for none.

    Parameters
    ----------
    input_example : object
        As ``log_model`` takes it.

    Examples
    --------
    >>> print(nbtrack.models.convert_input_example_to_serving_input([[1.0, 2.0]]))
    {"inputs": [[1.0, 2.0]]}
    """
    if input_example is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        Example.of(input_example).save(Path(folder))
        return Path(folder, SERVING).read_text("utf-8")


def validate_serving_input(
    model_uri: str | os.PathLike[str], serving_input: str | dict[str, Any]
) -> Any:
    """Return what a model would answer to a request, without a server.

    Parameters
    ----------
    model_uri : str or path
        The model.
    serving_input : str or dict
        The body of a request.

    Raises
    ------
    NbtrackError
        If the model cannot take it.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    >>> info = nbtrack.sklearn.log_model(model, name="doubling")
    >>> nbtrack.models.validate_serving_input(info.model_uri, '{"inputs": [[3.0]]}')
    array([6.])
    """
    from nbtrack.models.flavors.pyfunc import load_model

    model = load_model(model_uri)
    body = json.loads(serving_input) if isinstance(serving_input, str) else serving_input
    payload = from_json(body, Expected.of(model))
    return model.predict(payload.data, payload.params)
