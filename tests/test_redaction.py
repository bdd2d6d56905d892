"""Secrets stay out of the record, whichever way they come in, and what was left out is said."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.testing.globalipapp import start_ipython

import nbtrack
from nbtrack.entities import Run
from nbtrack.redaction.names import is_secret
from nbtrack.redaction.secrets import HIDDEN, Secrets
from nbtrack.redaction.source import clean_notebook, clean_source, is_same_source
from nbtrack.store.maintenance import sync

SRC = Path(__file__).parents[1] / "src"
FORMS = {
    "aws": "AKIAIOSFODNN7EXAMPLE",
    "hugging face": "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    "github": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "gitlab": "glpat-abcdefghij1234567890",
    "openai": "sk-proj-abcDEF123456ghiJKL789",
    "openai, old": "sk-abcDEF123456ghiJKL789mnoPQR",
    "anthropic": "sk-ant-api03-abcdefghijklmnop",
    "stripe": "sk_live_abcdefghijklmnop",
    "slack": "xoxb-123456789012-abcdefGHIJKL",
    "google": "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
    "pypi": "pypi-AgEIcHlwaS5vcmcCJDEyMzQ1Njc4",
    "npm": "npm_abcdefghijklmnopqrstuvwxyz0123456789",
    "databricks": "dapi0123456789abcdef0123456789abcdef",
    "sendgrid": "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf-09kqeF8tAmbihYzr",
    "telegram": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
    "groq": "gsk_abcdefghijklmnopqrstuvwx",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
}
HARMLESS = [
    "adam", "resnet50_batchnorm_relu_dropout_0_25_run", "sk-randomforest-depth-10", "hf_pretrained",
    "3f786850e387550fdab836ed7e6dc881de23001b", "https://example.org:8080/data?rows=10",
    "git@github.com:me/repo.git", "ssh://git@github.com/me/repo", "s3://bucket/key/of/data",
    "perplexity per token: 12.3", "max_token=512", "key: value", "password = getpass()",
    "2026-11-29T12:00:00", "learning the basic of it",
]  # fmt: skip


@pytest.mark.parametrize("secret", FORMS.values(), ids=FORMS)
def test_tokens_are_known_by_their_form_wherever_they_stand(secret: str) -> None:
    for text in (secret, f"see {secret}, please", f"'{secret}'", f"x={secret}\n"):
        assert secret not in Secrets({}).value(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Secrets({}).text(text) == text


@pytest.mark.parametrize(("name", "value", "secret"), [
    ("password2", "x", True), ("db_password", 12345, True), ("api_key", "abc", True),
    ("HF_TOKEN", "x", True), ("AWS_SECRET_ACCESS_KEY", "x", True), ("token", "abc-def-123", True),
    ("pad_token", "<pad>", False), ("token", "else", False), ("last_token", 3, False),
    ("password", None, False), ("use_auth", True, False), ("sort_key", "name", False),
    ("tokenizer", "bert", False), ("max_tokens", 5, False), ("secret", "", False),
])  # fmt: skip
def test_a_name_tells_that_its_value_is_a_secret(name: str, value: object, secret: bool) -> None:
    assert is_secret(name, value) is secret


CODE = [
    'password2 = "correct horse"',
    'url = "postgresql://me:correct-horse@db/x"',
    'a, api_key = 3, "correct horse"',
    'cfg = dict(lr=0.1, access_token="correct horse")',
    'cfg = {"password": "correct horse"}',
    'os.environ["HF_TOKEN"] = "correct horse"',
    'os.environ.setdefault("API_KEY", "correct horse")',
    'self.secret: str = "correct horse"',
    'def connect(host, password="correct horse", *, port=1): pass',
    'ok = password == "correct horse"',
    'login(api_key=b"correct horse")',
    'api_token = os.environ.get("X") or "correct horse"',
    'x = """\nghp_16C7e42F292c6912E7710c838347Ae178B4a\n"""; y = 1',
    'x = f"https://me:ghp_16C7e42F292c6912E7710c838347Ae178B4a@{host}/x"',
    "# the key is ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    '"""Docs of ghp_16C7e42F292c6912E7710c838347Ae178B4a"""',
    "!deploy --password 'correct horse'\nlr = 1",
    "%%bash\nexport API_KEY='correct horse'",
    "x = (  # no Python\nAPI_KEY='correct horse'",
]


@pytest.mark.parametrize("source", CODE)
def test_code_is_kept_without_its_secrets_and_asks_for_them(source: str) -> None:
    clean = clean_source(source, Secrets({}))
    assert "horse" not in clean.text
    assert "16C7e42F" not in clean.text
    assert clean.left_out
    assert is_same_source(source, clean.text)
    assert not is_same_source(source + "\nlr = 2", clean.text)
    assert clean.text.count("\n") == source.count("\n")  # tracebacks name the same lines
    if not source.startswith(("!", "%", "x = (")):
        ast.parse(clean.text)
        assert ("getpass" in clean.text) == (not source.startswith(("#", '"""')))


def test_code_without_secrets_is_kept_word_for_word() -> None:
    source = 'lr = 1e-3\n%time x = f"{a}://{user}:{password}@{host}"\npassword = getpass()\n'
    assert clean_source(source, Secrets({})).text == source


def test_kept_code_takes_what_was_left_out_from_the_environment_or_asks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clean = clean_source('api_key = "abc"\nport_secret = 5', Secrets({}))
    monkeypatch.setenv("API_KEY", "from-here")
    monkeypatch.setattr("getpass.getpass", lambda prompt: "7")
    found: dict[str, Any] = {}
    exec(clean.text, found)
    assert (found["api_key"], found["port_secret"]) == ("from-here", 7)


@pytest.fixture
def shell(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    shell = start_ipython() or __import__("IPython").get_ipython()
    shell.run_line_magic("load_ext", "nbtrack")
    monkeypatch.setattr(shell.display_pub, "publish", lambda *a, **k: None)
    yield shell
    shell.reset(new_session=False)


def everything_of(run: Run, workdir: Path) -> str:
    """Return all that the store has, database and journals and artifacts, as one text."""
    sync()
    tables = nbtrack.sql(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'"
    )
    texts = [nbtrack.sql(f"SELECT * FROM {name}").to_string() for name in tables["table_name"]]
    files = [p for p in (workdir / "nbtrack.duckdb.d").rglob("*") if p.is_file()]
    return "\n".join([*texts, *(p.read_bytes().decode("utf-8", "replace") for p in files)])


PLANTED = [
    "correct horse", "hunter2secret", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "staple battery",
    "from-environment-9", "sk-proj-abcDEF123456ghiJKL789", "option-secret-1", "tag-secret-2",
    "only in a dict",
]  # fmt: skip
EARLIER = """
db_password = "staple battery"
creds = {"api_key": "only in a dict"}
client = ("client", db_password, creds)
"""
CELL = """%%track planted -p password=option-secret-1 -t api_key=tag-secret-2
import os
password2 = "correct horse"
url = "postgresql://me:hunter2secret@db/x"
lr = 0.1
# from ghp_16C7e42F292c6912E7710c838347Ae178B4a
print(client, password2, creds["api_key"], os.environ["MY_SERVICE_TOKEN"])
print("see ghp_16C7e42F292c6912E7710c838347Ae178B4a and sk-proj-abcDEF123456ghiJKL789")
raise RuntimeError(f"no login as {password2} {db_password} at {url}")
"""


def test_a_tracked_cell_leaves_no_secret_anywhere_and_says_what_was_left_out(
    shell: Any, workdir: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MY_SERVICE_TOKEN", "from-environment-9")
    cards: list[Any] = []
    monkeypatch.setattr(shell.display_pub, "publish", lambda *a, **k: cards.append([a, k]))
    shell.run_cell(EARLIER, store_history=True)
    done = shell.run_cell(CELL, store_history=True)
    (run,) = nbtrack.search_runs(output_format="list")
    assert run.data.params["url"] == f"postgresql://{HIDDEN}@db/x"
    assert run.data.params["lr"] == "0.1"
    assert "password2" not in run.data.params
    record = everything_of(run, workdir)
    assert [secret for secret in PLANTED if secret in record] == []
    left_out = run.data.tags["nbtrack.left_out"].split(", ")
    assert {"password2", "url", "db_password", "api_key", "output", "error"} <= set(left_out)
    assert [secret for secret in PLANTED if secret in repr(cards)] == []
    assert "secrets left out" in repr(cards)
    assert run.data.tags["nbtrack.cell.number"] == str(done.execution_count)
    source = nbtrack.source("planted")
    assert f"# cell {done.execution_count - 1}: defines" in source
    assert "getpass" in source
    assert "db_password" in source


def test_what_is_logged_by_hand_is_kept_without_secrets_and_said(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_params(
            {"password": "hunter2", "pad_token": "<pad>", "url": "s3://a:hunter2@b/c"}
        )
        nbtrack.set_tag("note", "run with --api-key hunter2")
        nbtrack.set_experiment_tag("api_key", "hunter2")
        nbtrack.log_input(
            nbtrack.data.from_numpy(__import__("numpy").zeros(2), source="https://a:hunter2@b/c")
        )
    kept = nbtrack.get_run(run.info.run_id)
    assert kept.data.params == {
        "password": HIDDEN,
        "pad_token": "<pad>",
        "url": f"s3://{HIDDEN}@b/c",
    }
    assert "hunter2" not in everything_of(kept, workdir)
    said = capsys.readouterr().err
    assert "Param 'password' looks like a secret" in said
    assert "hunter2" not in said


def test_who_wants_to_keep_such_values_can(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBTRACK_REDACT", "false")
    with nbtrack.start_run() as run:
        nbtrack.log_param("password", "hunter2")
    assert nbtrack.get_run(run.info.run_id).data.params == {"password": "hunter2"}


def test_params_of_projects_are_not_in_the_tag_of_the_command(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    (workdir / "MLproject").write_text(
        "entry_points:\n  main:\n    parameters: {password: string, lr: float}\n"
        "    command: \"python3 -c 'import sys; print(sys.argv)' {password} --lr {lr}\"\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "nbtrack", "run", ".", "-P", "password=abc", "-P", "lr=0.5"],
        cwd=workdir, capture_output=True, text=True, check=True,
    )  # fmt: skip
    (run,) = nbtrack.search_runs(output_format="list")
    assert run.data.params == {"password": HIDDEN, "lr": "0.5"}
    assert run.data.tags["nbtrack.project.command"].endswith(f"{HIDDEN} --lr 0.5") or (
        f"'{HIDDEN}' --lr 0.5" in run.data.tags["nbtrack.project.command"]
    )
    assert "abc" in done.stdout  # the command itself had it


def test_a_notebook_is_kept_without_secrets_in_code_and_outputs() -> None:
    made = nbformat.v4.new_notebook()
    made.cells = [
        nbformat.v4.new_code_cell('api_key = "letmein-now"'),
        nbformat.v4.new_code_cell("print(api_key)"),
        nbformat.v4.new_markdown_cell("with ghp_16C7e42F292c6912E7710c838347Ae178B4a"),
    ]
    made.cells[1].outputs = [
        nbformat.v4.new_output("stream", text=["letmein-now\n", "fine\n"]),
        nbformat.v4.new_output(
            "display_data", {"image/png": "letmein-now", "text/plain": "letmein-now"}
        ),
    ]
    notebook = json.loads(nbformat.writes(made))
    assert clean_notebook(notebook) == ["api_key", "output"]
    text = json.dumps(notebook)
    assert text.count("letmein-now") == 1  # a picture is no text
    assert "ghp_" not in text
    nbformat.validate(nbformat.from_dict(notebook))


MODEL = """
import json, os, sys
from nbtrack.models.objects import deserialize, serialize

SERVICE_API_KEY = "letmein-now-please"

class Client:
    def answer(self, x):
        return x + len(SERVICE_API_KEY)

serialized = serialize(Client())
text = json.dumps([serialized.tree, dict(serialized.sources), serialized.notes])
again = deserialize(json.loads(json.dumps(serialized.tree)), {}, serialized.sources, trusted=True)
assert type(again) is Client  # this process has the same source
del Client
os.environ["SERVICE_API_KEY"] = "seven"
other = deserialize(json.loads(json.dumps(serialized.tree)), {}, serialized.sources, trusted=True)
print(json.dumps({"kept": text, "answer": other.answer(1)}))
"""


def test_the_source_of_a_model_is_kept_without_secrets_and_reads_them_from_the_environment(
    workdir: Path,
) -> None:
    (workdir / "make.py").write_text(MODEL)
    done = subprocess.run(
        [sys.executable, "make.py"], cwd=workdir, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(SRC)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert "letmein-now" not in found["kept"]
    assert "SERVICE_API_KEY" in found["kept"]
    assert found["answer"] == 1 + len("seven")
