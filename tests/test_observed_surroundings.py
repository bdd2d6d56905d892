"""What a cell does outside of its variables is seen: files, settings, work that goes on."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbtrack import recorded_paths
from nbtrack.notebook import cells as notebook_cells
from nbtrack.notebook.observation import Observation
from nbtrack.notebook.observed import files, observers, world
from nbtrack.notebook.observed.events import Events
from nbtrack.notebook.observed.watcher import ObjectWatcher

Observe = Any


@pytest.fixture
def observe(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Observe]:
    """Run a cell in a shell; get what was seen of it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(files, "MAX_SECONDS", 5.0)
    monkeypatch.setattr(files, "MAX_WAIT", 50.0)  # a machine may be busy
    hook, path = sys.displayhook, list(sys.path)
    monkeypatch.setattr(notebook_cells, "watchers_of", observers)
    shell = InteractiveShell()
    cells = notebook_cells.Cells(shell)

    def run(source: str) -> Observation:
        assert shell.run_cell(source, store_history=True).success
        seen = cells.executed()[0].seen
        assert seen is not None
        return seen

    yield run
    cells.close()
    shell.history_manager.end_session()
    sys.displayhook, sys.path[:] = hook, path


def test_files_below_the_folder_that_a_cell_reads_and_writes(
    observe: Observe, workdir: Path
) -> None:
    seen = observe(
        "import os\nfrom pathlib import Path\nos.mkdir('sub')\nPath('sub/a.txt').write_text('x')"
    )
    assert (seen.files_read, seen.files_written) == (set(), {"sub", "sub/a.txt"})
    seen = observe("text = Path('sub/a.txt').read_text()")
    assert (seen.files_read, seen.files_written) == ({"sub/a.txt"}, set())
    (workdir / "nbtrack.duckdb").write_text("")
    seen = observe("open('nbtrack.duckdb').close(); open(os.__file__).close()")
    assert (seen.files_read, seen.files_written) == (set(), set())


def test_files_that_are_not_opened_by_python(observe: Observe) -> None:
    observe("import pandas as pd\ndf = pd.DataFrame({'a': [1]})")
    assert observe("!echo 1 > out.csv").files_written == {"out.csv"}
    assert observe("seen = !cat out.csv").files_read == {"out.csv"}
    pytest.importorskip("pyarrow")
    assert observe("df.to_parquet('x.parquet')").files_written == {"x.parquet"}
    assert observe("pd.read_parquet('x.parquet')").files_read == {"x.parquet"}


def test_a_large_folder_is_looked_at_in_part_and_nothing_of_the_rest_is_claimed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c", "d"):
        (tmp_path / name).write_text("")
    monkeypatch.setattr(files, "MAX_ENTRIES", 2)
    before = files.times_below(str(tmp_path))
    assert len(before.files) == 2
    assert not before.folders
    monkeypatch.setattr(files, "MAX_ENTRIES", 9)
    now = files.times_below(str(tmp_path))
    assert files.files_of(str(tmp_path), [], before, now, []) == (set(), set())


def test_files_that_a_cell_names_are_looked_at_in_large_folders_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b", "c", "out/old.pt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1")
    monkeypatch.setattr(files, "MAX_ENTRIES", 2)
    texts = ["out/old.pt", "cp a new.pt", "out"]
    before = files.times_below(str(tmp_path), texts)
    (tmp_path / "new.pt").write_text("")
    (tmp_path / "out/old.pt").write_text("longer")
    now = files.times_below(str(tmp_path), texts)
    _, written = files.files_of(str(tmp_path), [], before, now, texts)
    assert written == {"new.pt", "out/old.pt"}


def test_folders_that_are_made_and_files_that_are_removed_count_as_written(
    observe: Observe, workdir: Path
) -> None:
    (workdir / "old").mkdir()
    for name in ("a", "old/b", "old/c"):
        (workdir / name).write_text("")
    observe("import os, shutil")
    assert observe("os.makedirs('out/deep')").files_written == {"out", "out/deep"}
    assert observe("os.rename('a', 'new')").files_written == {"a", "new"}
    assert observe("os.remove('old/b')").files_written == {"old/b"}
    assert observe("shutil.rmtree('old')").files_written == {"old/c"}


def test_what_a_process_may_have_written_in_a_large_folder_is_not_proven(
    observe: Observe, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workdir / "a").write_text("")
    (workdir / "b").write_text("")
    assert observe("!echo hello").complete
    monkeypatch.setattr(files, "MAX_ENTRIES", 1)
    assert observe("1 + 1").complete
    assert not observe("!echo hello").complete
    assert not observe("import subprocess\nsubprocess.run(['true'])").complete


def test_what_a_magic_of_ones_own_keeps_is_not_proven(observe: Observe) -> None:
    observe("%load_ext nbtrack")
    assert observe("%time 1 + 1").complete
    source = "from IPython.core.magic import register_cell_magic as magic\n@magic\n"
    observe(f"{source}def sql(line, cell): pass\ndel sql")
    assert not observe("%%sql\nCREATE TABLE t (a int)").complete


def test_settings_of_the_process_and_of_libraries(
    observe: Observe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OBSERVED", "secret")
    assert observe("import os, sys, json\nimport numpy as np, pandas as pd").world == set()
    assert observe("os.environ['OBSERVED'] = 'other'").world == {"environment: OBSERVED"}
    assert observe("%env OBSERVED=third").world == {"environment: OBSERVED"}
    assert observe("sys.path.append('/nowhere')").world == {"sys.path"}
    assert observe("os.mkdir('below'); os.chdir('below')").world == {"working directory"}
    with np.errstate():
        assert observe("np.seterr(all='ignore')").world == {"settings of NumPy"}
    with pd.option_context("display.max_rows", 7):
        assert observe("pd.set_option('display.max_rows', 8)").world == {"options of pandas"}
    assert observe("json.foo = 1").world == {"json.foo"}
    assert observe("del json.foo").world == {"json.foo"}
    assert observe("from IPython.core.magic import register_line_magic as r\n"
                   "@r\ndef mine(line): pass").world == {"magics: %mine"}  # fmt: skip
    assert observe("os.getcwd(), sys.path, os.environ.get('OBSERVED'), np.pi").world == set()
    assert not hasattr(sys.modules["json"], "foo")
    os.chdir(tmp_path)


def test_settings_of_a_library_that_the_same_cell_imports(
    observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(world._PARTS, "settings of late", lambda: sys.modules["late"].size)
    late = "import sys, types\nlate = sys.modules['late'] = types.SimpleNamespace(size=1, "
    late += "rc=lambda size: setattr(late, 'size', size))"
    try:
        assert observe(late).world == {"sys.modules"}
        del sys.modules["late"]
        assert observe(f"{late}\nlate.rc(14)").world == {"settings of late", "sys.modules"}
    finally:
        del sys.modules["late"]


def test_libraries_set_environment_variables_that_no_cell_has_named(observe: Observe) -> None:
    observe("import ctypes, os\nset_it = os.environ.__setitem__")
    code = "def library(): set_it('OBSERVED_2', '1')"
    observe(code)
    try:
        assert observe("library()").world == {"environment: OBSERVED_2"}
        os.environ.pop("OBSERVED_2")
        assert observe("import json; json.dumps(1)").world == set()
    finally:
        os.environ.pop("OBSERVED_2", None)


def test_a_thread_that_goes_on_is_said_and_a_pool_that_waits_is_not(observe: Observe) -> None:
    before = threading.active_count()
    waits = "import threading\ndone = threading.Event()\nt = threading.Thread(target=done.wait)\n"
    (found,) = observe(waits + "t.start()").findings
    assert (found.kind, found.level) == ("background work", "warning")
    assert not observe("done.set(); t.join()").findings
    pool = "from concurrent.futures import ThreadPoolExecutor as P\npool = P(1)\n"
    assert not observe(pool + "pool.submit(abs, 1).result()").findings
    observe("pool.shutdown()")
    assert threading.active_count() <= before


def test_work_that_ends_while_the_objects_are_looked_at_is_said(
    observe: Observe, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = ObjectWatcher.after

    def slow(self: ObjectWatcher, cell: Any, seen: Observation) -> None:
        look(self, cell, seen)
        work = self._namespace.get("work")
        if work is not None:
            self._namespace["go"].set()
            work.join()

    monkeypatch.setattr(ObjectWatcher, "after", slow)
    made = "import threading\ngo = threading.Event()\nout = []\n"
    code = "work = threading.Thread(target=lambda: go.wait() and out.append(1))\nwork.start()"
    (found,) = observe(made + code).findings
    assert found.kind == "background work"
    assert observe("print(out)").beside_work


def test_a_process_that_goes_on_is_said(observe: Observe) -> None:
    (found,) = observe("import subprocess\np = subprocess.Popen(['sleep', '30'])").findings
    assert (found.kind, found.level) == ("background work", "warning")
    assert not observe("p.kill(); p.wait()").findings
    assert not observe("subprocess.run(['true'])").findings


def test_what_comes_from_the_network_is_said(observe: Observe) -> None:
    local, remote, packets = Events(), Events(), Events()
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as packet:
        local.on_connect(stream, ("127.0.0.1", 80))
        remote.on_connect(stream, ("203.0.113.1", 443))
        packets.on_connect(packet, ("203.0.113.1", 80))
    assert (local.fetched, remote.fetched, packets.fetched) == (False, True, False)
    (found,) = observe("!true || wget http://203.0.113.1").findings
    assert (found.kind, found.level) == ("reads from the network", "info")


def test_what_threads_do_between_cells_is_not_taken_as_seen(observe: Observe) -> None:
    observe(
        "import threading\nlast = threading.Event()\nthread = threading.Thread(target=last.wait)"
    )
    assert not observe("thread.start()").complete
    assert not observe("x = 1").complete
    assert not observe("last.set(); thread.join()").complete
    assert observe("x = 2").complete


def test_a_cell_that_may_read_any_variable_reads_all(observe: Observe) -> None:
    observe("coef_1, coef_2 = [1], [2]")
    seen = observe("models = [v for k, v in list(globals().items()) if k.startswith('coef')]")
    assert {"coef_1", "coef_2"} <= seen.reads
    assert "coef_1" not in observe("models.clear()").reads


def test_gradients_reach_leaves_and_hooks_that_the_cell_does_not_name(observe: Observe) -> None:
    pytest.importorskip("torch")
    observe("import torch\nw, norms = torch.ones(3, requires_grad=True), []")
    observe("w.register_hook(lambda grad: norms.append(grad.sum().item()))")
    observe("loss = (w * 2).sum()")
    assert {"w", "norms"} <= observe("loss.backward()").changed


def test_what_a_library_is_told_to_register_is_a_change_of_the_process(observe: Observe) -> None:
    observe("import pandas as pd\nimport codecs")
    accessor = "@pd.api.extensions.register_series_accessor('mine')\nclass Mine:\n"
    seen = observe(accessor + "    def __init__(self, series): ...")
    assert seen.world == {"what libraries have registered"}
    assert observe("registered = pd.Series([1])").world == set()
    del pd.Series.mine


def test_what_was_not_looked_at_before_a_cell_is_not_new_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/old.csv").write_text("")
    monkeypatch.setattr(files, "MAX_ENTRIES", 1)
    before = files.times_below(str(tmp_path))
    monkeypatch.setattr(files, "MAX_ENTRIES", 100)
    (tmp_path / "new.csv").write_text("")
    (tmp_path / "made").mkdir()
    (tmp_path / "made/new.csv").write_text("")
    now = files.times_below(str(tmp_path))
    _, written = files.files_of(str(tmp_path), (), before, now, ())
    assert written == {"new.csv", "made", "made/new.csv"}


def test_files_above_the_folder_that_belong_to_the_project(
    observe: Observe, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("data/x.csv", "repo/.git/HEAD", "repo/data/x.csv", "repo/a/b/c/own.csv"):
        (workdir / name).parent.mkdir(parents=True, exist_ok=True)
        (workdir / name).write_text("1")
    monkeypatch.setattr(recorded_paths, "gettempdir", lambda: str(workdir))
    recorded_paths.project_of.cache_clear()
    monkeypatch.chdir(workdir / "repo/a/b/c")
    observe("from pathlib import Path\nimport json")
    source = "above = Path().absolute().parents[2]\ntext = (above / 'data' / 'x.csv').read_text()"
    assert observe(source).files_read == {"../../../data/x.csv"}
    assert observe("(above / '.git/HEAD').read_text()").files_read == set()
    assert observe("(above.parent / 'data/x.csv').read_text()").files_read == set()
    assert observe("open(json.__file__).close()").files_read == set()
    (workdir / "repo/.git/HEAD").unlink()
    (workdir / "repo/.git").rmdir()
    recorded_paths.project_of.cache_clear()
    assert recorded_paths.project_of(str(workdir / "repo/a/b/c")) == str(workdir / "repo/a")
    assert recorded_paths.project_of(str(workdir / "repo")) == ""
    recorded_paths.project_of.cache_clear()
