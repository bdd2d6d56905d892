"""Objects of packages that seldom matter: those that keep values are seen all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from nbtrack.notebook.names import names_of
from nbtrack.notebook.observed.kinds import package_of
from test_observed_objects import Observe, observe

# what is there, what a cell does, and the variables that it changes by that
KEEPS = [
    ("import asyncio\nq = asyncio.Queue()", "q.put_nowait(3)", "q"),
    ("class Own(asyncio.Queue): pass\nown = Own()", "own.put_nowait(3)", "own"),
    ("a_event = asyncio.Event()", "a_event.set()", "a_event"),
    ("import threading\nevent = threading.Event()", "event.set()", "event"),
    ("free = threading.Semaphore(3)", "free.acquire()", "free"),
    ("local = threading.local()", "local.x = [4]", "local"),
    ("pass", "local.x.append(5)", "local"),
    ("import contextvars\nvar = contextvars.ContextVar('var', default=1)", "var.set(3)", "var"),
    ("context = contextvars.copy_context()", "context.run(var.set, 4)", "context"),
    ("import weakref\nclass Node: x = 1\nnode = Node()\nby = weakref.WeakValueDictionary()",
     "by['n'] = node", "by"),
    ("sizes = weakref.WeakKeyDictionary()", "sizes[node] = 3", "sizes"),
    ("import logging\nlog = logging.getLogger('observed')\nlog.propagate = False",
     "log.setLevel(12)", "log"),
    ("import io\ntext = io.StringIO()\nlog.addHandler(logging.StreamHandler(text))",
     "log.error('x')", "log text"),
    ("kept = []\nclass Keep(logging.Handler):\n    def emit(self, r): kept.append(r.msg)",
     "log.addHandler(Keep())", "log"),
    ("pass", "log.error('y')", "kept log text"),
    ("from tqdm import tqdm\nsteps = iter([1, 2, 3])\nbar = tqdm(steps, disable=True)",
     "for _ in bar: break", "bar steps"),
    ("import ast\ntree = ast.parse('a = 1')", "tree.body[0].targets[0].id = 'b'", "tree"),
    ("from IPython.display import HTML\nhtml = HTML('a')", "html.data = 'b'", "html"),
    ("import enum\nclass Color(enum.Enum):\n    RED = [1]\nred = Color.RED",
     "red.value.append(2)", "Color red"),
    ("from pathlib import Path\nclass Own(type(Path())): pass\nfile = Own('a')",
     "file.note = 3", "file"),
    ("raw = bytearray(b'ab')\nview = memoryview(raw)", "view[0] = 3", "raw view"),
    ("import pandas as pd\nindex = pd.Index([1, 2])\nframe = pd.DataFrame({'a': [1]})",
     "index.name = 'q'", "index"),
    ("rows = pd.MultiIndex.from_product([[1], [2, 3]])", "rows.names = ['q', 'r']", "rows"),
    ("pass", "frame.flags.allows_duplicate_labels = False", "frame"),
    ("import numpy as np\nrows = np.zeros(3, dtype=[('a', 'f8')])\nrow = rows[0]",
     "row['a'] = 5", "row rows"),
    ("kind = np.dtype([('a', 'f8')])", "kind.names = ('b',)", "kind"),
    ("rng = np.random.default_rng(3)", "rng.spawn(2)", "rng"),
]  # fmt: skip
# what has ended with the cell, and let go of what it has changed
LETS_GO = [
    ("import threading\nout = []\nwork = threading.Thread(target=lambda: out.append(1))",
     "work.start()\nwork.join()", "out"),
    ("out = []\nwork = threading.Thread(target=out.append, args=(1,))",
     "work.start()\nwork.join()", "out"),
    ("out = []\nwork = threading.Timer(0, out.append, (1,))", "work.start()\nwork.join()",
     "out work"),
    ("class Own(threading.Thread):\n    total = 0\n    def run(self): self.total = 5\nwork = Own()",
     "work.start()\nwork.join()", "work"),
    ("import sched\nout = []\nlater = sched.scheduler()\nlater.enter(0, 1, out.append, (1,))",
     "later.run()", "later out"),
    ("import contextlib\nout = []\nstack = contextlib.ExitStack()\nstack.callback(out.append, 1)",
     "stack.close()", "out stack"),
]  # fmt: skip


def test_what_packages_keep_whose_objects_seldom_matter_is_seen(observe: Observe) -> None:
    for before, cell, changed in KEEPS:
        seen = observe(before, cell)
        assert seen.changed == set(changed.split()), cell
        assert seen.complete


def test_what_handlers_get_from_the_loggers_below_them_is_seen(observe: Observe) -> None:
    observe(
        "import logging\nkept, log = [], logging.getLogger('below')\n"
        "class Keep(logging.Handler):\n    def emit(self, record): kept.append(record.msg)\n"
        "keep = Keep()\nlogging.root.addHandler(keep)"
    )
    assert "kept" in observe("log.error('x')").changed
    assert "kept" in observe("logging.error('y')").changed
    observe("logging.root.removeHandler(keep)")


def test_what_ends_with_its_cell_and_lets_go_of_something_empty_is_seen(
    observe: Observe,
) -> None:
    for before, cell, changed in LETS_GO:
        assert observe(before, cell).changed == set(changed.split()), cell


def test_what_only_waits_is_nobodys_result(observe: Observe) -> None:
    observe(
        "import threading, logging\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "pool, lock = ThreadPoolExecutor(2), threading.Lock()\nlog = logging.getLogger('quiet')"
    )
    assert observe("list(pool.map(abs, [1, 2]))").unproven == {"pool"}
    seen = observe("with lock: log.info('x')")
    assert (seen.changed, seen.unproven) == (set(), set())
    observe("pool.shutdown()")


def test_calls_for_the_sake_of_a_library_may_set_it_up(observe: Observe, workdir: Path) -> None:
    observe("import numpy as np, duckdb\nfrom tqdm import tqdm\ndef quiet():\n    tqdm.pandas()")
    assert observe("np.core_options = 1\nnp.array([1])").sets_up == set()
    assert observe("tqdm.pandas()").sets_up == {"tqdm"}
    assert observe("1 + 1").sets_up == set()
    assert observe("quiet()").sets_up == {"tqdm"}
    assert observe("duckdb.sql('select 1')").unproven == {"duckdb"}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("jax.config.update('jax_enable_x64', True)", "jax"),
        ("alt.themes.enable('dark')", "alt"),
        ("pl.Config.set_tbl_rows(3)", "pl"),
        ("torch.backends.cuda.matmul.allow_tf32 = True", "torch"),
        ("nltk.data.path.append('here')", "nltk"),
        ("if fast:\n    set_config(x=1)", "set_config"),
        ("x = lib.set_up()\nframe.plot()\nlib.setup()\nmodel.a = 1\nsettle()", ""),
        ("def f():\n    jax.config.update('a', 1)", ""),
    ],
)
def test_what_sets_up_a_library_shows_in_the_syntax(source: str, names: str) -> None:
    assert names_of(source).sets_up == set(names.split())


def test_the_package_of_a_library_is_that_of_its_modules_classes_and_functions() -> None:
    import json.decoder

    import numpy as np

    found = map(package_of, (json.decoder, json.JSONDecoder, np.array, np.ndarray(1), observe, 3))
    assert list(found) == ["json", "json", "numpy", "", "", ""]
