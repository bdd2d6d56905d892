"""The program that serves a model: its options, and its end by a signal."""

from __future__ import annotations

import argparse
import contextlib
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Literal

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.serving import check_environment, load, request_timeout
from nbtrack.server.access import Access
from nbtrack.server.connections import OwnConnections, bind, url_of
from nbtrack.server.scoring.access import is_loopback
from nbtrack.server.scoring.listening import inherited, run_until_signal
from nbtrack.server.scoring.service import Limits, Service
from nbtrack.variables import SERVING_TOKEN

PORT = 5000
MODULE = "nbtrack.models.serve"

_JOINING: dict[str, Literal["auto"] | bool] = {"auto": "auto", "on": True, "off": False}
GRACE_S = 15.0
LOOK_EVERY_S = 0.2


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a model until SIGTERM or SIGINT; return the exit status."""
    try:
        return serve(list(sys.argv[1:] if arguments is None else arguments))
    except NbtrackError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def serve(arguments: list[str]) -> int:
    """Serve a model as the program does.

    Raises
    ------
    NbtrackError
        If it cannot be served.
    """
    return _serve(_parser().parse_args(arguments), arguments)


def _parser() -> argparse.ArgumentParser:
    # -h is the host, as in `mlflow models serve`
    parser = argparse.ArgumentParser(
        prog="python -m nbtrack.models.serve", description="Serve a model.", add_help=False
    )
    add = parser.add_argument
    add("-m", "--model-uri", required=True, help="such as models:/digits/1, or a path")
    add("-p", "--port", type=int, default=PORT, help="0: one that is free (default: %(default)s)")
    add("-h", "--host", default="127.0.0.1", help="(default: %(default)s)")
    add("-t", "--timeout", type=float, help="seconds for one request (default: 60)")
    add("-w", "--workers", type=int, default=1, help="processes, each with a model of its own")
    add("--env-manager", default="local", help="only 'local': this environment is the model's")
    add("--device", help="where a PyTorch model is loaded, such as cuda")
    add("--trust", action="store_true", help="let code run of a model that you have not saved")
    add("--max-batch", type=int, default=512, help="rows that are scored together at most")
    add("--max-wait-ms", type=float, default=2.0, help="how long a request waits for others")
    add("--max-queue", type=int, default=256, help="requests that may wait for the model")
    add("--max-body", type=int, default=100 * 1024 * 1024, help="bytes of a request")
    add("--batching", choices=("auto", "on", "off"), default="auto")
    add(
        "--token",
        default=SERVING_TOKEN.get(),
        help=f"or {SERVING_TOKEN.name}; beyond "
        "loopback one is made and printed where none is given",
    )
    add("--no-auth", action="store_true", help="answer everybody who reaches the host")
    add("--allowed-hosts", default="", help="names of this server, with commas")
    add("--stack-traces", action="store_true", help="show where a model failed to other machines")
    add("--inherit", type=int, help=argparse.SUPPRESS)
    add("--own", action="store_true", help=argparse.SUPPRESS)
    add("--help", action="help", help="show this text")
    return parser


def _serve(options: argparse.Namespace, arguments: list[str]) -> int:
    check_environment(options.env_manager)
    if options.inherit is None:
        token = options.token or None
        access = Access.of(options.host, token, options.no_auth and token is None)
        if access.is_shown:
            _say(f"Token: {access.token}  (requests bring it as 'Authorization: Bearer <token>')")
        if access.token is not None:
            SERVING_TOKEN.set(access.token)  # for the processes that are started
    else:
        access = Access(options.token, OwnConnections() if options.own else None)
    sockets = (
        bind(options.host, options.port) if options.inherit is None else inherited(options.inherit)
    )
    with contextlib.ExitStack() as held:
        for each in sockets:
            held.enter_context(each)
        return _answer(options, arguments, sockets, access)


def _answer(
    options: argparse.Namespace,
    arguments: list[str],
    sockets: Sequence[socket.socket],
    access: Access,
) -> int:
    url = url_of(sockets, options.host)

    def ready() -> None:
        _say(f"Serving {options.model_uri} on {url}/invocations")

    if options.workers > 1 and options.inherit is None:
        own = [] if access.own is None else ["--own"]
        command = [sys.executable, "-m", MODULE, *arguments, *own]
        return run_workers(sockets, command, options.workers, ready)
    limits = Limits(
        timeout_s=request_timeout(options.timeout),
        max_body=options.max_body,
        max_queue=options.max_queue,
        max_batch=options.max_batch,
        max_wait_ms=options.max_wait_ms,
        joining=_JOINING[options.batching],
    )
    loaded, _ = load(
        options.model_uri, device=options.device, trust=True if options.trust else None
    )
    service = Service(loaded, limits, is_loopback(options.host) or options.stack_traces)
    hosts = (options.host, *filter(None, options.allowed_hosts.split(",")))
    run_until_signal(service, access.guard(hosts), sockets, ready)
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run_workers(
    sockets: Sequence[socket.socket],
    command: Sequence[str],
    count: int,
    ready: Callable[[], None],
) -> int:
    """Run processes that accept from one socket, until a signal comes or one of them ends.

    Parameters
    ----------
    sockets : sequence of socket
        The first one is passed on.
    command : sequence of str
        Serves from the socket that ``--inherit`` names.
    count : int
    ready : callable
        Called when all of them serve.

    Returns
    -------
    int
        0 after a signal, 1 if a process ended by itself.
    """
    if sys.platform == "win32":
        raise InvalidParameterError("Several workers need a system that is not Windows: use 1.")
    stopping = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopping.set())
    number = sockets[0].fileno()
    started = [
        subprocess.Popen(
            [*command, "--inherit", str(number)],
            pass_fds=[number],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(count)
    ]
    try:
        if all(process.stdout and process.stdout.readline() for process in started):
            ready()
            while not stopping.wait(LOOK_EVERY_S):
                if any(process.poll() is not None for process in started):
                    break
        return 0 if stopping.is_set() else 1
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.communicate(timeout=GRACE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
