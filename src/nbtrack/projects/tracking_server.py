"""A server for scripts that log with MLflow: started when the first of them asks.

A script that imports the real mlflow cannot write to a store by itself. It gets the address of a
socket on this machine and a token for it. Nothing runs behind the socket until somebody connects:
most scripts never do. The server then is a process of its own, which ends with this one.
"""

from __future__ import annotations

import argparse
import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence

from nbtrack import variables

MODULE = "nbtrack.projects.tracking_server"
BACKLOG = 128
PATIENCE_S = 30.0


class TrackingServer:
    """What MLflow's clients find a store at.

    Parameters
    ----------
    store_uri, registry_uri : str
    """

    def __init__(self, store_uri: str, registry_uri: str) -> None:
        self._words = ["--store", store_uri, "--registry", registry_uri]
        self._token = secrets.token_urlsafe(24)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._closing, self._close = socket.socketpair()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._wait, name="nbtrack-project-server")
        self._thread.start()

    def variables(self) -> dict[str, str]:
        """Return the environment variables by which a script finds it."""
        found = {
            variables.URI.mlflow: self._url,
            variables.TRACKING_TOKEN.mlflow: self._token,
            # its links would lead to a server that is gone when they are read
            variables.SUPPRESS_PRINTING_URL.name: "true",
        }
        # what is on this machine needs no way out of it
        for name in ("no_proxy", "NO_PROXY"):
            found[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1")))
        return found

    def close(self) -> None:
        """End the server; what came in is in the store then."""
        self._close.close()
        self._thread.join()
        self._closing.close()
        if self._process is not None:
            self._end(self._process)

    def _wait(self) -> None:
        """Start the server once somebody connects, unless it is over before."""
        with self._socket:  # the server alone has it then, so that nobody waits for a dead one
            if self._is_asked():
                number = self._socket.fileno()
                self._process = subprocess.Popen(
                    [sys.executable, "-m", MODULE, *self._words, "--socket", str(number)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    pass_fds=[number],
                    env={**os.environ, variables.SERVER_TOKEN.name: self._token},
                    start_new_session=True,  # Ctrl-C is for the script, whose last words are heard
                )

    def _is_asked(self) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self._closing, selectors.EVENT_READ)
            selector.register(self._socket, selectors.EVENT_READ)
            return all(key.fileobj is not self._closing for key, _ in selector.select())

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None  # noqa: S101  it is a pipe
        process.stdin.close()  # the end of it is the end of the server
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.returncode:
            sys.stderr.write(
                "nbtrack: the server for scripts that log with mlflow has ended with exit status "
                f"{process.returncode}; what they logged last may be missing.\n"
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a store on a socket that was passed on, until standard input is closed."""
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}")
    parser.add_argument("--store", required=True)
    parser.add_argument("--registry", required=True)
    parser.add_argument("--socket", required=True, type=int)
    options = parser.parse_args(arguments)
    from nbtrack.server.standalone import ServerOptions, serve  # the layer above, at its use

    listening = socket.socket(fileno=options.socket)
    listening.setblocking(False)
    asked = ServerOptions(
        store_uri=options.store,
        registry_uri=None if options.registry == options.store else options.registry,
        token=os.environ.pop(variables.SERVER_TOKEN.name, None),
    )

    def ready(url: str, token: str | None) -> None:
        threading.Thread(target=_end_with_parent, daemon=True).start()

    return serve(asked, ready=ready, sockets=[listening])


def _end_with_parent() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
