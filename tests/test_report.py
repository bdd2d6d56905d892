"""One HTML file of runs: it opens without a server, and gives no secret away."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lab as jupyter
import nbtrack
from nbtrack.errors import InvalidParameterError
from nbtrack.redaction.names import is_private
from nbtrack.redaction.secrets import HIDDEN
from nbtrack.views.redaction import Redaction
from nbtrack.views.report.report import render_report
from sweeps import log_runs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

browser = jupyter.browser
pytestmark = pytest.mark.timeout(180)

SECRETS = {
    "aws id": "AKIAIOSFODNN7EXAMPLE",
    "aws key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "hugging face": "hf_AbCdEfGhIjKlMnOpQrStUvWxYz012345",
    "github": "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "fine-grained": "github_pat_11ABCDEFG0abcdefghijkl_0123456789",
    "openai": "sk-proj-abcDEF123456ghiJKL789",
    "slack": "xoxb-123456789012-abcdefGHIJKL",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N",
    "google": "AIzaSyD-9tSrke72PouQMnMX-a7eZSW0jkFMBWY",
}
IN_TEXT = {
    "bearer": ("Authorization: Bearer abcdef1234567890.xyz", "abcdef1234567890"),
    "url": ("postgres://ada:s3cr3tpw@db.example.org/x", "s3cr3tpw"),
    "query": ("https://s3.example.org/d?X-Amz-Signature=deadbeef99&x=1", "deadbeef99"),
    "home": ("/home/lovelace/data/train.csv", "lovelace"),
    "mac": ("/Users/lovelace/data", "lovelace"),
    "windows": (r"C:\Users\lovelace\data.csv", "lovelace"),
    "assigned": ("db_password = 'hunter2xyz'", "hunter2xyz"),
    "unquoted": ("WANDB_API_KEY=0123456789abcdef0123", "0123456789abcdef0123"),
    "item": ('os.environ["HF_TOKEN"] = "letmein-now"', "letmein-now"),
    "pem": ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "MIIEow"),
}
HARMLESS = [
    "the learning rate was 0.001 and val_loss 0.25",
    "3f786850e387550fdab836ed7e6dc881de23001b",
    "resnet50_batchnorm_relu_dropout_0_25_run",
    "tokens_per_second = 1500",
    "max_tokens: 2048",
    "for key, value in params.items():",
    "https://example.org/data/train.csv?rows=10",
    "ImageClassificationTransformerV2Large",
    "/data/shared/imagenet/train",
]


@pytest.mark.parametrize("name", SECRETS)
def test_tokens_are_known_by_their_form(name: str) -> None:
    shown = Redaction(environment={}).text(f"see {SECRETS[name]}, please")
    assert SECRETS[name] not in shown
    assert shown.startswith("see ")


@pytest.mark.parametrize("name", IN_TEXT)
def test_secrets_are_known_by_what_stands_around_them(name: str) -> None:
    text, secret = IN_TEXT[name]
    assert secret not in Redaction(environment={}).text(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Redaction(environment={}).text(text) == text


def test_values_of_secret_variables_and_names_of_people_and_hosts_go() -> None:
    redaction = Redaction(["lovelace", "gpu-7.lab.example.org"], {"MY_TOKEN": "plain-words-only"})
    text = redaction.text("plain-words-only by lovelace on gpu-7: test_lovelacex")
    assert text == f"{HIDDEN} by {HIDDEN} on {HIDDEN}: test_lovelacex"


@pytest.mark.parametrize(("name", "private"), [
    ("password", True), ("db_passwd", True), ("api_key", True), ("hf_token", True),
    ("aws_secret", True), ("token", True), ("max_tokens", False), ("tokenizer", False),
    ("key_size", False), ("monkey", False), ("key", False),
])  # fmt: skip
def test_names_tell_what_is_private(name: str, private: bool) -> None:
    assert is_private(name) is private


def planted(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Log two runs with secrets wherever somebody could write one; return the secrets."""
    monkeypatch.setenv("NBTRACK_REDACT", "false")  # as a record of before holds them
    monkeypatch.setenv("SERVICE_TOKEN", "only-in-the-environment")
    host = "gpu-box-17.lab.example.org"
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    secrets = [*SECRETS.values(), *(secret for _, secret in IN_TEXT.values())]
    everything = "\n".join([*SECRETS.values(), *(text for text, _ in IN_TEXT.values())])
    for i in range(2):
        try:
            with nbtrack.start_run(run_name=f"run {SECRETS['github']}") as run:
                for name, value in {**SECRETS, **{k: v[0] for k, v in IN_TEXT.items()}}.items():
                    nbtrack.log_param(f"p {name}", f"{value} {i}")
                    nbtrack.set_tag(f"t {name}", value)
                nbtrack.log_param("api_key", f"plain-secret-{i}")
                nbtrack.log_param("numeric_password", 918273645 + i)
                nbtrack.log_param("env", "only-in-the-environment")
                nbtrack.set_tag("mlflow.note.content", f"{everything} on {host}")
                nbtrack.log_text(f"# {everything}\n", "source/cell.py")
                nbtrack.log_text("x", f"out/{SECRETS['hugging face']}.txt")
                nbtrack.log_metric("val_loss", 0.5 + i)
                nbtrack.set_tag("mlflow.user", "lovelace")
                raise RuntimeError(everything)
        except RuntimeError:
            assert run.info.run_id
    return [*secrets, "plain-secret", "918273645", "only-in-the-environment", host, "gpu-box-17"]


def test_no_planted_secret_is_in_the_file(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = planted(workdir, monkeypatch)
    path = nbtrack.export_html("report.html", title=f"of {SECRETS['openai']}")
    text = path.read_text("utf-8")
    visible = re.sub(r'id="nbtrack-code">.*?</script>', "", text, flags=re.DOTALL)
    data = json.loads(re.search(r'id="nbtrack-data">(.*?)</script>', text, re.DOTALL)[1])
    for secret in secrets:
        for form in {secret, secret.replace("\\", "\\\\"), json.dumps(secret)[1:-1]}:
            assert form not in visible
            assert form not in json.dumps(data, ensure_ascii=False)
    assert str(workdir) not in visible
    assert data["facts"]["runs"]


def test_the_finished_output_holds_no_secret_either(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = planted(workdir, monkeypatch)
    bundle, metadata = nbtrack.compare().finished_bundle()
    text = json.dumps([bundle, metadata], ensure_ascii=False)
    assert [secret for secret in secrets if secret in text] == []


def test_data_cannot_end_its_element(workdir: Path) -> None:
    evil = "</script><script>document.title='x'</script><!-- <script"
    log_runs(2, lambda i: ({"a": f"{evil}{i}"}, {"loss": i}))
    text = nbtrack.export_html("report.html", title=evil).read_text("utf-8")
    assert text.count("<script") == 3
    assert text.count("</details>") == 2
    assert "<!--" not in text
    assert evil not in text


def test_marks_in_values_are_left_alone() -> None:
    table = {"columns": ["run_name"], "values": {"run_name": ["{{code}}"]}, "run_ids": ["a"]}
    text = render_report("{{data}}", {"table": table}, "export const views = 1;")
    assert "<h1>{{data}}</h1>" in text
    assert "<td>{{code}}</td>" in text


def test_the_file_says_where_each_number_comes_from(workdir: Path) -> None:
    source = "nbtrack.log_metric('loss', 0.25)"
    with nbtrack.start_run(run_name="a") as run:
        run.writer.artifacts.put_bytes(".nbtrack/cell.py", source.encode())
        nbtrack.log_metric("loss", 0.25)
        nbtrack.log_input(nbtrack.data.from_numpy(__import__("numpy").zeros(3), name="zeros"))
        nbtrack.set_tag("nbtrack.reproduced", "yes")
    text = nbtrack.export_html("report.html").read_text("utf-8")
    place = f"from-{run.info.run_id}"
    assert f'<a href="#{place}">0.25</a>' in text
    (origin,) = re.findall(f'<details id="{place}">(.*?)</details>', text, re.DOTALL)
    facts = dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", origin))
    assert facts["Source"] == f"sha256 {hashlib.sha256(source.encode()).hexdigest()}"
    assert (
        facts["Dataset zeros"]
        == nbtrack.get_run(run.info.run_id).inputs.dataset_inputs[0].dataset.digest
    )
    assert (facts["Run"], facts["Run again"]) == (run.info.run_id, "yes: same numbers")


def test_what_cannot_be_written_is_said(workdir: Path) -> None:
    with pytest.raises(InvalidParameterError, match="no runs"):
        nbtrack.export_html("report.html")
    log_runs(1, lambda i: ({}, {"loss": i}))
    with pytest.raises(InvalidParameterError, match="nowhere"):
        nbtrack.export_html("nowhere/report.html")


# -- in a browser that reaches nothing -------------------------------------------------------


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of real trainings, made by another process."""
    folder = tmp_path_factory.mktemp("report")
    code = (
        "import nbtrack, sweeps; sweeps.train_digits(24); "
        "print(nbtrack.compare(metric='val_acc').to_html('report.html', title='Digits'))"
    )
    root = Path(__file__).parents[1]
    env = {"PYTHONPATH": f"{root / 'src'}:{root / 'tests'}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return folder / "report.html"


@pytest.fixture
def page(browser: Browser, report: Path) -> Iterator[Page]:
    """The report in a browser; whatever asks for more than the file fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    opened = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    opened.goto(report.as_uri())
    opened.locator(".nbt-parallel[data-runs='24']").wait_for()
    yield opened
    context.close()
    assert [url for url in asked if not url.startswith(("blob:", "data:", report.as_uri()))] == []
    assert said == []


@pytest.mark.browser
def test_the_file_shows_table_curves_and_plots(page: Page, report: Path) -> None:
    assert report.stat().st_size < 3_000_000
    assert page.locator("h1").inner_text() == "Digits"
    page.locator(".nbt-plot[data-points]").first.wait_for()
    assert page.locator(".ag-row[row-id]").count() > 5
    assert page.locator(".nbt-importance tbody tr").count() == 4
    page.locator(".nbt-scatter[data-points='24']").wait_for()
    name = page.locator("[data-open]").first
    run_id = name.get_attribute("data-open")
    name.click()
    assert page.locator(f"#from-{run_id}").get_by_text("Run again").is_visible()
    number = page.locator("[col-id='metrics.val_acc'] [data-open]").nth(1)
    other = page.locator(f"#from-{number.get_attribute('data-open')}")
    assert not other.get_by_text("Run again").is_visible()
    number.click()
    assert other.get_by_text("Run again").is_visible()


@pytest.mark.browser
def test_two_runs_are_compared_in_the_file(page: Page) -> None:
    boxes = page.locator("[data-select]")
    boxes.nth(0).click()
    boxes.nth(1).click()
    parts = page.locator(".nbt-diffpart")
    page.locator("[data-part='params'] tbody tr").first.wait_for()
    assert parts.count() == 6
    code = page.locator("[data-part='code'] [data-kind='old']").all_inner_texts()
    assert [line for line in code if "lr = " in line]


@pytest.mark.browser
def test_a_narrow_page_scrolls_nowhere_sideways(page: Page) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    # the plots follow the width of the page
    page.wait_for_function("() => document.documentElement.scrollWidth <= 400")
