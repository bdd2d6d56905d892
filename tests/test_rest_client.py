"""The connections of a client of a tracking server."""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from nbtrack.protocol import endpoints
from nbtrack.protocol.client import RestClient


class Answers(BaseHTTPRequestHandler):
    """Answers every request, and keeps the connection open."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_said: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("generation", range(4))
def test_connections_are_closed_with_a_client_in_a_cycle(url: str, generation: int) -> None:
    """Objects of a cycle are finalized in no order that one could rely on."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", ResourceWarning)
        client = RestClient(url)
        client.call(endpoints.HEALTH)
        for older in range(generation):
            gc.collect(older)
        [kept] = client._idle
        kept.close()
        client.call(endpoints.GET_VERSION)
        owner = SimpleNamespace(client=client)
        client.owner = owner  # type: ignore[attr-defined]
        del client, owner, kept
        gc.collect()
    assert [str(each.message) for each in said] == []


def test_a_closed_client_opens_a_connection_when_it_is_asked_again(url: str) -> None:
    client = RestClient(url)
    client.call(endpoints.HEALTH)
    [first] = client._idle
    client.close()
    assert first.sock is None
    client.call(endpoints.GET_VERSION)
    [second] = client._idle
    assert second is not first
    client.close()
    assert second.sock is None


def test_a_field_that_the_table_does_not_have_is_not_sent(url: str) -> None:
    client = RestClient(url)
    with pytest.raises(TypeError, match="/mlflow/runs/get has no field 'run'"):
        client.call(endpoints.GET_RUN, {"run": "1"})
    assert client._idle == []
