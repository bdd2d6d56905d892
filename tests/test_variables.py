"""Every environment variable that is read stands in one table, and every one named is in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from nbtrack import variables
from nbtrack.cli.program import program
from nbtrack.errors import InvalidParameterError
from nbtrack.health import examine
from source_tree import modules

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"_?\b(?:NBTRACK|MLFLOW)_[A-Z][A-Z0-9_]*\b")
KNOWN = {name for each in variables.ALL for name in each.names}
# Settings of MLflow's clients alone, and a constant of its Python API.
THEIRS = {
    "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD",
    "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE",
    "MLFLOW_PARENT_RUN_ID",
}
# What begins so is left out, passed on or looked at, whatever it is.
PREFIXES = {"NBTRACK_", "MLFLOW_", "MLFLOW_S3_", "MLFLOW_BOTO_"}


def texts() -> Iterator[tuple[str, str]]:
    """Give the texts in code that names a variable, with the modules that they stand in."""
    for module, path in modules().items():
        code = path.read_text("utf-8")
        if module != "nbtrack.variables" and ("NBTRACK_" in code or "MLFLOW_" in code):
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield module, node.value


def test_no_module_beside_the_table_has_the_name_of_a_variable_as_a_value() -> None:
    found = {each for each in texts() if re.fullmatch(r"_?(NBTRACK|MLFLOW)_[A-Z0-9_]*", each[1])}
    assert {text for _, text in found} <= PREFIXES, found


def test_variables_that_texts_name_are_read() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    places = [*texts(), *((page.name, page.read_text("utf-8")) for page in pages)]
    told = {(place, name) for place, text in places for name in NAME.findall(text)}
    assert {name for _, name in told} <= KNOWN | THEIRS | PREFIXES, told


def test_each_name_stands_once_and_says_what_it_is_for() -> None:
    names = [name for each in variables.ALL for name in each.names]
    assert len(names) == len(set(names))
    for each in variables.ALL:
        assert each.says.endswith("."), each.name
        assert each.unit or "number" not in each.kind or each is variables.PORT, each.name
        assert each.get() == each.default or each.found(), each.name


def test_options_of_commands_read_the_variables_of_the_table() -> None:
    def options(command: click.Command) -> Iterator[click.Parameter]:
        yield from command.params
        for below in command.commands.values() if isinstance(command, click.Group) else ():
            yield from options(below)

    read = [each for option in options(program) if (each := option.envvar)]
    assert len(read) > 10
    flat = {name for each in read for name in ([each] if isinstance(each, str) else each)}
    assert flat <= KNOWN


def test_the_first_name_that_is_set_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in variables.HTTP_REQUEST_TIMEOUT.names:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7.5")
    assert variables.HTTP_REQUEST_TIMEOUT.get() == 7.5
    monkeypatch.setenv("NBTRACK_HTTP_REQUEST_TIMEOUT", "3")
    assert variables.HTTP_REQUEST_TIMEOUT.get() == 3.0
    monkeypatch.setenv("NBTRACK_HTTP_REQUEST_TIMEOUT", "")
    assert variables.HTTP_REQUEST_TIMEOUT.found() == "MLFLOW_HTTP_REQUEST_TIMEOUT"
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon")
    with pytest.raises(InvalidParameterError, match=r"MLFLOW_HTTP_REQUEST_TIMEOUT is 'soon'; give"):
        variables.HTTP_REQUEST_TIMEOUT.get()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("NBTRACK_HTTP_REQUEST_MAX_RETRIES", "many", "give a whole number of attempts"),
        ("NBTRACK_TRACKING_URL", "x.duckdb", "not read. Did you mean NBTRACK_TRACKING_URI?"),
    ],
)
def test_doctor_tells_of_variables_that_do_nothing(
    name: str, value: str, said: str, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    (told,) = [each for each in examine() if said in each.text]
    assert name in told.text
