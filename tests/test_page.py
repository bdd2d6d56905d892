"""What the server of ``nbtrack ui`` lets a browser do, asked without one."""

from __future__ import annotations

import http.client
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from lab import PACKAGE
from programs import run
from ui_page import Ui

TOKEN = "only-for-this-test"
LOG = """
import nbtrack
nbtrack.set_tracking_uri("shown.duckdb")
with nbtrack.start_run(run_name="first"):
    nbtrack.log_metric("loss", 0.5)
"""


@pytest.fixture(scope="module")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    folder = tmp_path_factory.mktemp("page")
    run(LOG, cwd=folder)
    (folder / "other.duckdb.d").mkdir()
    started = Ui(folder, "--token", TOKEN)
    yield started
    started.interrupt()


class Response:
    """An answer as it came over the wire: no redirect is followed, no cookie kept."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.text = answer.read().decode()

    def json(self) -> Any:
        return json.loads(self.text)


def ask(ui: Ui, path: str, method: str = "GET", body: str | None = None, **given: str) -> Response:
    connection = http.client.HTTPConnection(urlsplit(ui.url).netloc, timeout=60)
    headers = {name.replace("_", "-"): value for name, value in given.items()}
    connection.request(method, path, body, headers)
    with connection.getresponse() as answer:
        found = Response(answer)
    connection.close()
    return found


def sign_in(ui: Ui) -> str:
    return str(ask(ui, f"/?token={TOKEN}").headers["Set-Cookie"]).partition(";")[0]


def test_the_token_in_the_address_becomes_a_cookie_that_scripts_cannot_read(ui: Ui) -> None:
    answer = ask(ui, f"/?token={TOKEN}")
    assert (answer.status, answer.headers["Location"]) == (303, "./")
    cookie = answer.headers["Set-Cookie"]
    assert TOKEN not in cookie
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert ask(ui, "/", Cookie=cookie.partition(";")[0]).status in (200, 501)


def test_who_has_no_token_is_asked_for_it(ui: Ui) -> None:
    answer = ask(ui, "/")
    assert (answer.status, 'name="token"' in answer.text) == (401, True)
    wrong = ask(ui, "/?token=%3Cscript%3E")
    assert (wrong.status, "<script>" in wrong.text) == (401, False)
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert ask(ui, "/", "POST", "token=wrong", **form).status == 401
    assert ask(ui, "/", "POST", f"token={TOKEN}", **form).status == 303


@pytest.mark.parametrize("path", ["/nbtrack/stores", "/nbtrack/events", "/nbtrack/artifact"])
def test_nothing_is_told_without_the_cookie_or_the_token(ui: Ui, path: str) -> None:
    assert ask(ui, path).status == 401
    assert ask(ui, path, Cookie=f"nbtrack-{urlsplit(ui.url).port}={TOKEN}").status == 401


def test_a_page_is_not_asked_for_a_password_by_the_browser(ui: Ui) -> None:
    assert "WWW-Authenticate" in ask(ui, "/nbtrack/stores").headers
    assert "WWW-Authenticate" not in ask(ui, "/nbtrack/stores", Sec_Fetch_Mode="cors").headers


def test_other_sites_can_do_nothing_with_the_cookie(ui: Ui) -> None:
    cookie = sign_in(ui)
    assert ask(ui, "/nbtrack/stores", Cookie=cookie).status == 200
    for origin in ("http://evil.example", "http://localhost:1", "null"):
        assert ask(ui, "/nbtrack/stores", Cookie=cookie, Origin=origin).status == 403


def test_only_the_store_of_the_server_is_shown(ui: Ui) -> None:
    stores = ask(ui, "/nbtrack/stores", Cookie=sign_in(ui)).json()["stores"]
    assert [store["name"] for store in stores] == ["shown"]


@pytest.mark.parametrize("name", ["rerun.start", "rerun.stop"])
def test_a_page_that_is_no_notebook_runs_no_code(ui: Ui, name: str) -> None:
    cookie = sign_in(ui)
    store = ask(ui, "/nbtrack/stores", Cookie=cookie).json()["stores"][0]["id"]
    for body, status in (
        ({"type": "store.experiments"}, 200),
        ({"type": name, "run_id": "x"}, 403),
    ):
        path = f"/nbtrack/ask?store={store}"
        answer = ask(ui, path, "POST", json.dumps(body), Cookie=cookie, Origin=ui.url)
        assert answer.status == status
    assert "runs no code" in answer.text


def test_documents_and_answers_forbid_what_comes_from_elsewhere(ui: Ui) -> None:
    policy = ask(ui, "/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "http" not in policy
    assert ask(ui, "/nbtrack/stores").headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.skipif(not (PACKAGE / "static" / "page").is_dir(), reason="the page is not built")
@pytest.mark.parametrize("path", ["../views.js", "..%2fviews.js", "%2e%2e/views.js", "nothing.js"])
def test_assets_are_those_of_the_page(ui: Ui, path: str) -> None:
    assert ask(ui, f"/assets/{path}").status in (403, 404)
    assert ask(ui, "/assets/page.js").status == 200


def test_clients_of_mlflow_log_to_the_same_address(ui: Ui) -> None:
    asked = {"Authorization": f"Bearer {TOKEN}", "Content_Type": "application/json"}
    path = "/api/2.0/mlflow/runs/search"
    found = ask(ui, path, "POST", '{"experiment_ids": ["0"]}', **asked).json()
    assert [each["info"]["run_name"] for each in found["runs"]] == ["first"]


def test_without_a_token_a_name_of_the_host_is_checked(tmp_path: Path) -> None:
    ui = Ui(tmp_path, "--no-auth")
    try:
        assert "token" not in ui.address
        assert ask(ui, "/nbtrack/stores").status == 200
        assert ask(ui, "/", Host="evil.example").status == 403
        assert ask(ui, "/nbtrack/stores", Host="evil.example").status == 403
    finally:
        assert ui.interrupt() == 0


def test_it_ends_while_pages_are_open(tmp_path: Path) -> None:
    ui = Ui(tmp_path, "--no-auth")
    connection = http.client.HTTPConnection(urlsplit(ui.url).netloc, timeout=60)
    connection.request("GET", "/nbtrack/events")
    answer = connection.getresponse()
    assert answer.readline() == b": beat\n"
    ui.process.send_signal(signal.SIGTERM)
    assert ui.interrupt() == 0
    connection.close()
