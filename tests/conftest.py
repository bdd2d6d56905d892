from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest
from hypothesis import settings

from fresh_reads import CheckedReader
from nbtrack.store import opening as stores
from nbtrack.store.remote import store as remote_store
from nbtrack.tracking import context

pytest_plugins = ["team_services"]
# most of their lines name torch: they cannot be read without it
if find_spec("torch") is None:
    collect_ignore = ["test_autolog_hooks.py", "test_autolog_loops.py"]

settings.register_profile("nbtrack", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("nbtrack")
# below nohup and some runners signals are ignored: children would inherit it
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if os.name == "posix" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add what dev.py asks for."""
    text = "write there which files have tests with which markers, also of those that -m leaves out"
    parser.addoption("--note-markers", metavar="FILE", help=text)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note the files of each marker: a run of these tests alone need collect no others."""
    if place := config.getoption("--note-markers"):
        found = {(mark.name, item.nodeid) for item in items for mark in item.iter_markers()}
        marks = {(name, node.split("::")[0]) for name, node in found}
        Path(place).write_text(json.dumps(sorted(marks)), "utf-8")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """End what a failing test has started: it would disturb those that follow."""
    start = time.time()
    try:
        return (yield)
    except BaseException:
        # pages of a browser belong to fixtures, which close them
        if not item.get_closest_marker("browser"):
            for child in psutil.Process().children(recursive=True):
                if child.create_time() >= start:
                    child.kill()
        raise


@pytest.fixture(autouse=True, scope="session")
def _own_state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Notes about this user are kept apart, and what tests start writes as it does by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        # it is for pytest: newer versions of Python color help and tracebacks, which tests read
        patch.delenv("FORCE_COLOR", raising=False)
        yield


@pytest.fixture(autouse=True, scope="session")
def _fresh_reads() -> Iterator[None]:
    """A read of a mirror fails that does not say what must be fresh."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remote_store, "RemoteReader", CheckedReader)
        yield


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests start without what the environment or an earlier test has chosen."""
    for name in list(os.environ):
        if name.startswith(("NBTRACK_", "MLFLOW_")):
            monkeypatch.delenv(name)


@pytest.fixture
def workdir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working directory with a store of its own; all is closed at the end."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(context, "_process", context._Process())
    monkeypatch.setattr(stores, "_settled", {})  # the default is settled anew, here
    yield tmp_path
    if switches := sys.modules.get("nbtrack.autologging.switches"):
        switches.autolog(disable=True)
    for run in reversed(context.open_runs()):
        run.end("KILLED")
    for path, store in list(stores._stores.items()):
        store.close()
        if path.is_relative_to(tmp_path):
            del stores._stores[path]
    for name in ("NBTRACK_URI", "NBTRACK_RUN_ID", "NBTRACK_EXPERIMENT_ID"):
        os.environ.pop(name, None)
