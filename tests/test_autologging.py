"""Switching autologging on and off, and where a training is logged: for a library of ten lines."""

from __future__ import annotations

import importlib
import pickle
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import nbtrack
from nbtrack.autologging import switches
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.switches import INTEGRATIONS, Integration, for_a_while, switch
from nbtrack.autologging.training import training
from nbtrack.errors import NbtrackWarning

LIBRARY = '''
class Model:
    """A model."""

    def fit(self, rate, loss=1.0):
        """Train it."""
        if loss is None:
            raise ValueError("no loss")
        self.rate = rate
        return self

def train(rate, loss=1.0):
    return Model().fit(rate, loss)
'''


class Toy(ModuleType):
    """What ``nbtrack.autologging`` would have for the library."""

    def install(self, patches: Patches) -> None:
        toylib = sys.modules["toylib"]

        def fit(original: Any, model: Any, rate: float, loss: float | None = 1.0) -> Any:
            with training("toy", "Model") as session:
                if session is not None:
                    session.log_params({"rate": rate, "kind": "toy"})
                model = original(model, rate, loss)
                if session is not None:
                    session.attempt("The loss", lambda: session.log_metrics({"loss": loss}))
                return model

        def train(original: Any, *args: Any, **kwargs: Any) -> Any:
            with training("toy"):
                return original(*args, **kwargs)

        patches.around(toylib.Model, "fit", fit)
        patches.around(toylib, "train", train)


@pytest.fixture
def toy(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    package = workdir / "toylib"
    package.mkdir()
    (package / "__init__.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(workdir)
    monkeypatch.setitem(INTEGRATIONS, "toy", Integration({"toylib": "toy"}, "toylib", "1"))
    monkeypatch.setitem(switches._switches, "toy", switches._Switch())
    monkeypatch.setitem(sys.modules, "nbtrack.autologging.toy", Toy("toy"))
    yield
    switch("toy", {"disable": True})
    sys.modules.pop("toylib", None)


def runs() -> list[Any]:
    return nbtrack.search_runs(output_format="list", order_by=["attributes.start_time ASC"])


def toylib() -> Any:
    return importlib.import_module("toylib")


@pytest.mark.parametrize("first", ["autolog", "import"])
def test_it_works_whatever_comes_first(toy: None, first: str) -> None:
    if first == "import":
        toylib()
    nbtrack.autolog()
    assert first == "import" or "toylib" not in sys.modules
    toylib().Model().fit(0.1, loss=2.0)
    (run,) = runs()
    assert run.data.params["rate"] == "0.1"
    assert run.data.metrics == {"loss": 2.0}
    assert run.data.tags["mlflow.autologging"] == "toy"
    assert (run.info.status, run.info.run_name) == ("FINISHED", "Model")


def test_an_import_that_is_watched_is_as_any_other(toy: None) -> None:
    nbtrack.autolog()
    found = toylib()
    assert type(found.__loader__).__name__ == type(found.__spec__.loader).__name__
    assert type(found.__loader__).__name__ == "SourceFileLoader"
    assert found.Model.fit.__doc__ == "Train it."
    assert isinstance(pickle.loads(pickle.dumps(found.Model())), found.Model)
    assert pickle.loads(pickle.dumps(found.train)) is found.train


def test_a_package_that_fails_to_be_imported_is_waited_for(toy: None, workdir: Path) -> None:
    file = workdir / "toylib" / "__init__.py"
    file.write_text("raise ImportError('half installed')")
    nbtrack.autolog()
    with pytest.raises(ImportError, match="half installed"):
        toylib()
    file.write_text(LIBRARY + "\n# mended\n")
    importlib.invalidate_caches()
    toylib().Model().fit(0.1)
    assert len(runs()) == 1


def test_a_function_that_was_imported_by_name_before_is_logged(
    toy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = sys.modules["__main__"]
    original = toylib().train
    monkeypatch.setattr(script, "own_name", original, raising=False)
    nbtrack.autolog()
    script.own_name(0.1)
    assert len(runs()) == 1
    nbtrack.autolog(disable=True)
    assert script.own_name is original


def test_the_last_call_wins(toy: None) -> None:
    """MLflow goes on logging a library whose own ``autolog`` was called once."""
    before = toylib().Model.fit
    switch("toy", {})
    nbtrack.autolog(disable=True)
    toylib().Model().fit(0.1)
    assert runs() == []
    assert toylib().Model.fit is before
    nbtrack.autolog(exclude_flavors=["toy"])
    toylib().Model().fit(0.1)
    assert runs() == []


def test_it_can_be_on_for_a_while(toy: None) -> None:
    with for_a_while():
        toylib().Model().fit(0.1)
    toylib().Model().fit(0.1)
    assert len(runs()) == 1
    switch("toy", {})
    with for_a_while():
        pass
    toylib().Model().fit(0.1)
    assert len(runs()) == 2


def test_a_training_is_logged_to_the_open_run_which_stays_open(toy: None) -> None:
    nbtrack.autolog()
    with nbtrack.start_run() as run:
        toylib().train(0.1)
        toylib().train(0.1)
        assert not run.ended
        nbtrack.log_metric("own", 1)
    first, second = runs()
    assert first.info.run_id == run.info.run_id
    assert first.data.metrics == {"own": 1.0}
    assert "mlflow.autologging" not in first.data.tags
    assert second.data.tags["mlflow.parentRunId"] == run.info.run_id


def test_a_second_training_with_other_params_loses_nothing(toy: None) -> None:
    """MLflow loses all params of a second training if one has another value."""
    nbtrack.autolog()
    with nbtrack.start_run():
        for rate in (0.1, 0.2, 0.3):
            toylib().Model().fit(rate)
    assert [run.data.params["rate"] for run in runs()] == ["0.1", "0.2", "0.3"]
    assert [run.info.run_name for run in runs()][1:] == ["Model", "Model"]


def test_a_param_of_the_users_stays_and_costs_no_other(toy: None) -> None:
    nbtrack.autolog()
    with nbtrack.start_run():
        nbtrack.log_param("rate", "mine")
        with pytest.warns(NbtrackWarning, match="rate is mine in the run .* not logged as 0.1"):
            toylib().Model().fit(0.1)
    assert runs()[0].data.params == {"rate": "mine", "kind": "toy"}


def test_trainings_in_threads_have_a_run_each(toy: None) -> None:
    """MLflow takes those at the same time for one inside of another: two of three are lost."""
    nbtrack.autolog()
    library = toylib()
    for _ in range(2):
        threads = [threading.Thread(target=library.Model().fit, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(run.data.params["rate"] for run in runs()) == ["0", "0", "1", "1", "2", "2"]


def test_a_training_that_fails_ends_its_own_run_as_failed(toy: None) -> None:
    nbtrack.autolog()
    with pytest.raises(ValueError, match="no loss"):
        toylib().Model().fit(0.1, loss=None)
    (run,) = runs()
    assert run.info.status == "FAILED"
    assert run.data.params["rate"] == "0.1"
    assert nbtrack.active_run() is None


def test_exclusive_leaves_runs_of_the_users_alone(toy: None) -> None:
    nbtrack.autolog(exclusive=True)
    with nbtrack.start_run():
        toylib().Model().fit(0.1)
    assert runs()[0].data.params == {}


def test_an_error_of_ours_is_said_once_and_breaks_nothing(
    toy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbtrack.autolog()
    monkeypatch.setattr("nbtrack.tracking.start._created", lambda *_: 1 / 0)
    with pytest.warns(NbtrackWarning, match="division by zero.* not affected"):
        toylib().Model().fit(0.1)
    assert toylib().Model().fit(0.2).rate == 0.2  # a second warning would be an error here


def test_a_library_that_cannot_be_wrapped_works(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    nbtrack.autolog()
    monkeypatch.setattr(Toy, "install", lambda *_: 1 / 0)
    with pytest.warns(NbtrackWarning, match="toy: Autologging could not be switched on"):
        toylib()
    assert toylib().Model().fit(0.1).rate == 0.1


def test_only_the_first_process_of_a_distributed_training_logs(
    toy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbtrack.autolog()
    monkeypatch.setenv("RANK", "1")
    toylib().Model().fit(0.1)
    assert runs() == []


def test_a_misspelt_library_is_said(toy: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(INTEGRATIONS, "toyish", INTEGRATIONS["toy"])
    monkeypatch.setitem(switches._switches, "toyish", switches._Switch())
    with pytest.warns(NbtrackWarning, match="Did you mean 'toyish'"):
        nbtrack.autolog(exclude_flavors=["toysh"])
    nbtrack.autolog(exclude_flavors=["langchain"])  # MLflow has it


def test_a_later_call_of_the_same_object_goes_on_in_its_run(toy: None) -> None:
    switch("toy", {})
    with training("toy") as session:
        assert session is not None
        first = session.run
    with training("toy", again=first) as session:
        assert session is not None
        session.log_metrics({"test": 1.0})
    (run,) = runs()
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"test": 1.0})
    with nbtrack.start_run() as mine, training("toy", again=first) as session:
        assert session is not None
        assert session.run is mine  # who opens a run wants it there


def test_a_later_call_makes_no_success_of_a_failure(toy: None) -> None:
    switch("toy", {})
    with pytest.raises(KeyboardInterrupt), training("toy") as session:
        raise KeyboardInterrupt
    assert session is not None
    with training("toy", again=session.run):
        pass
    assert [run.info.status for run in runs()] == ["KILLED"]


def test_a_program_that_ends_on_ctrl_c_has_killed_its_run(workdir: Path) -> None:
    """Lightning turns Ctrl-C into ``sys.exit(1)``."""
    stopped = SystemExit(1)
    stopped.__context__ = KeyboardInterrupt()
    with pytest.raises(SystemExit), nbtrack.start_run():
        raise stopped
    assert [run.info.status for run in runs()] == ["KILLED"]
