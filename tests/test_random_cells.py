"""What cells draw at random is seen, kept, said, and set again."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

import nbtrack
from kernels import kernel
from nbtrack.notebook.executed import History
from nbtrack.notebook.observation import Observation
from nbtrack.notebook.random_watch import RandomWatch
from nbtrack.tracking.random_state import RandomState, capture
from nbtrack.views.code import with_random_state

Run = Callable[[str], Observation]
PYTHON, NUMPY, TORCH = (f"{name}'s generator" for name in ("Python", "NumPy", "PyTorch"))


@pytest.fixture
def run() -> Iterator[Run]:
    """Runs a cell that is watched; the generators of the tests are as before at the end."""
    kept = capture({})
    shell = InteractiveShell()
    watch = RandomWatch(shell)
    history = History(lambda source: str(shell.transform_cell(source)))
    shell.run_cell("import random, os, uuid, secrets\nimport numpy as np")

    def run(source: str) -> Observation:
        seen, cell = Observation(), history.add(1, source)
        watch.before(cell, seen)
        result = shell.run_cell(source)
        watch.after(cell, seen)
        assert result.success
        return seen

    yield run
    kept.restore({})


def drew(seen: Observation) -> list[str]:
    return [each.name for each in seen.random_state.generators] if seen.random_state else []


def said(seen: Observation) -> set[tuple[str, str]]:
    return {(each.kind, each.level) for each in seen.findings}


def test_cells_that_draw_seed_and_do_both(run: Run) -> None:
    assert drew(run("x = 3")) == []
    seeds = run("random.seed(11)\nnp.random.seed(11)")
    assert (drew(seeds), seeds.seeded) == ([], {PYTHON, NUMPY})
    draws = run("random.random()\nx = np.random.rand(3)")
    assert (drew(draws), draws.seeded, said(draws)) == ([PYTHON, NUMPY], set(), set())
    both = run("np.random.seed(12)\ny = np.random.rand(3)")
    assert (drew(both), both.seeded, said(both)) == ([NUMPY], {NUMPY}, set())


def test_seeds_that_a_function_of_the_notebook_sets_count(run: Run) -> None:
    pytest.importorskip("torch")
    kept = capture({})
    defined = run(
        "import torch\ndef everything(n):\n    random.seed(n)\n    np.random.seed(n)\n"
        "    torch.manual_seed(n)"
    )
    assert defined.seeded == set()
    seen = run("everything(13)\nw = torch.randn(2), random.random()")
    assert seen.seeded == {PYTHON, NUMPY, TORCH}
    assert drew(seen) == [PYTHON, TORCH]
    kept.restore({})


def test_the_state_before_a_cell_draws_its_values_again(run: Run) -> None:
    run("rng = np.random.default_rng(5)\nconfig = {'parts': [np.random.default_rng(6)]}")
    seen = run("x = rng.random(), config['parts'][0].random(), random.gauss(0, 1)")
    assert drew(seen) == [PYTHON, "rng", "config['parts'][0]"]
    namespace = {
        "rng": np.random.default_rng(1),
        "config": {"parts": [np.random.default_rng(1)]},
    }
    assert RandomState.from_bytes(seen.random_state.to_bytes()).restore(namespace) == []
    first, second = np.random.default_rng(5), np.random.default_rng(6)
    assert namespace["rng"].random() == first.random()
    assert namespace["config"]["parts"][0].random() == second.random()  # type: ignore[index]


def test_unseeded_generators_in_reach_are_said_and_kept(run: Run) -> None:
    made = run("rng = np.random.default_rng()")
    assert (drew(made), said(made)) == ([], set())
    seen = run("x = rng.random()")
    assert (drew(seen), said(seen)) == (["rng"], {("unseeded", "info")})


@pytest.mark.parametrize(
    "source",
    [
        "x = np.random.default_rng().random()",
        "rng = np.random.default_rng(); x = rng.random()",
        "x = random.Random().random()",
        "def f(seed=None):\n    return np.random.RandomState(seed).rand()\nx = f()",
        "x = uuid.uuid4()",
        "x = os.urandom(4)",
        "x = secrets.token_hex(4)",
        "from secrets import randbelow\nx = randbelow(4)",
        "np.random.seed(None)",
        "import time\nrandom.seed(time.time())",
    ],
)
def test_what_nobody_can_set_again_is_a_warning(run: Run, source: str) -> None:
    assert ("unseeded", "warning") in said(run(source))


@pytest.mark.parametrize(
    "source",
    [
        "rng = np.random.default_rng(3); x = rng.random()",
        "x = np.random.RandomState(3).rand()",
        "def f(seed):\n    return np.random.RandomState(\n        seed=seed).rand()\nx = f(3)",
        pytest.param(
            "import copy\nrng = copy.deepcopy(np.random.default_rng(3)); x = rng.random()",
            marks=pytest.mark.skipif(
                np.__version__ < "2", reason="a copy by NumPy 1 has another seed than its state"
            ),
        ),
        "import pickle\nx = pickle.loads(pickle.dumps(np.random.RandomState(3))).rand()",
        "x = random.Random(3).random()",
        "name = uuid.uuid5(uuid.NAMESPACE_DNS, 'a')",
        "seed = 3",
        "x = secrets.compare_digest('a', 'a')",
    ],
)
def test_what_the_code_alone_repeats_is_not_said(run: Run, source: str) -> None:
    assert said(run(source)) == set()


def test_a_seed_before_the_first_cell_that_is_watched_counts() -> None:
    shell = InteractiveShell()
    kept = capture({})
    shell.run_cell("import random\nrandom.seed(7)", store_history=True)
    watch, seen = RandomWatch(shell), Observation()
    cell = History(lambda source: source).add(2, "x = random.random()")
    watch.before(cell, seen)
    shell.run_cell(cell.source)
    watch.after(cell, seen)
    kept.restore({})
    assert (drew(seen), said(seen)) == ([PYTHON], set())


def test_a_forked_child_draws_from_what_it_inherits(run: Run) -> None:
    if not hasattr(os_module := __import__("os"), "fork"):
        pytest.skip("needs fork")
    seen = run("pid = os.fork()\nif not pid:\n    os._exit(0)\nos.waitpid(pid, 0)")
    assert {PYTHON, NUMPY} <= set(drew(seen))
    assert os_module.getpid() > 0


def test_numpy_is_as_it_was_after_a_cell(run: Run) -> None:
    from numpy.random import bit_generator

    asks: Any = bit_generator.randbits  # type: ignore[attr-defined]
    during = run("from numpy.random import bit_generator\nasks = bit_generator.randbits")
    assert bit_generator.randbits is asks  # type: ignore[attr-defined]
    assert not during.findings
    assert inspect.ismethod(asks)


def test_a_cell_sets_generators_below_its_magics() -> None:
    line = 'import nbtrack\nnbtrack.restore_random_state("r", cell=3)'
    assert with_random_state("x = 1", "r", 3) == f"{line}\nx = 1"
    assert with_random_state("%%time\nx = 1", "r", 3) == f"%%time\n{line}\nx = 1"
    future = "from __future__ import annotations\nx = 1"
    assert with_random_state(future, "r", 3) == future.replace("x", f"{line}\nx")
    assert with_random_state(f"{line}\nx = 1", "other", 3) == f"{line}\nx = 1"


def test_a_run_draws_again_in_a_fresh_kernel(tmp_path: Path) -> None:
    with kernel(tmp_path) as first:
        first.run("import numpy as np\nw = np.random.rand(3)")
        first.run("noise = np.random.rand(2)  # not needed")
        out = first.run("%%track drawn\nvalues = [*w, *np.random.rand(3)]")
        assert out.error is None, out.traceback
        values = first.value("[float(v) for v in values]")
        run_id = first.value("nbtrack.last_active_run().info.run_id")
        source = first.value("nbtrack.source('drawn')")
        unknown = first.run(f"nbtrack.restore_random_state('{run_id}', cell=99)")
    assert f'nbtrack.restore_random_state("{run_id}", cell=2)' in source
    assert f'nbtrack.restore_random_state("{run_id}", cell=4)' in source
    assert "has no cell 99" in str(unknown.error)
    with kernel(tmp_path) as second:
        again = second.run(source)
        assert again.error is None, again.traceback
        assert second.value("[float(v) for v in values]") == values


def test_restoring_is_public() -> None:
    assert "cell=4" in str(nbtrack.restore_random_state.__doc__)
