"""Which earlier cells a cell needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kernels import Kernel, kernel
from nbtrack.notebook.cell_dependencies import Executed, Slice, as_record, backward_slice
from nbtrack.notebook.names import names_of


def cells(*sources: str) -> list[Executed]:
    return [Executed(i, f"cell-{i}", source, lambda s: s) for i, source in enumerate(sources, 1)]


def sliced(*sources: str, namespace: tuple[str, ...] = ()) -> Slice:
    *earlier, source = cells(*sources)
    return backward_slice(earlier, source, namespace)


def numbers(found: Slice) -> list[int]:
    return [needed.cell.number for needed in found.cells]


def test_only_the_cells_that_are_needed_are_kept_in_the_order_they_ran() -> None:
    found = sliced("import math", "a = 1", "unrelated = 2", "b = a + math.pi", "print(b)", "b * 2")
    assert numbers(found) == [1, 2, 4]
    assert [needed.why for needed in found.cells] == [
        "defines math",
        "defines a",
        "defines b",
    ]


def test_the_last_value_counts_and_not_an_earlier_one() -> None:
    assert numbers(sliced("lr = 1", "lr = 2", "lr = 3", "use(lr)")) == [3]
    assert numbers(sliced("lr = 1", "if big:\n    lr = 2", "x = lr")) == [1, 2]


def test_a_value_that_the_cell_gives_itself_needs_no_earlier_cell() -> None:
    assert numbers(sliced("x = 1", "x = 2\nprint(x)")) == []
    assert numbers(sliced("x = 1", "print(x)\nx = 2")) == [1]
    assert numbers(sliced("i = 1", "for i in range(3):\n    print(i)")) == []


def test_what_is_changed_in_place_is_needed_with_its_changes() -> None:
    found = sliced("xs = []", "xs.append(1)", "len(xs)", "xs[0] = 2", "y = xs")
    assert numbers(found) == [1, 2, 4]
    assert found.cells[1].why == "changes xs"
    assert numbers(sliced("model = Net()", "train(model)", "print(model)", "s = model(1)")) == [
        1,
        2,
    ]


def test_calls_of_modules_count_only_when_they_set_something() -> None:
    plots = ("import plt", "import np", "plt.plot(1)", "np.random.seed(0)", "plt.plot(np.ones(2))")
    assert numbers(sliced(*plots)) == [1, 2, 4]


def test_what_a_function_uses_counts_where_it_is_called() -> None:
    define = "def f():\n    return scale * helper()"
    found = sliced(define, "scale = 1", "def helper():\n    return base", "base = 3", "y = f()")
    assert numbers(found) == [1, 2, 3, 4]
    assert numbers(sliced("scale = 1", define, "y = f")) == [1, 2]
    assert numbers(sliced("w = 1", "class A:\n    def run(self):\n        return w", "A()")) == [
        1,
        2,
    ]


def test_comprehensions_and_lambdas_have_names_of_their_own() -> None:
    assert names_of("[x for x in xs if x > low]").reads == {"xs", "low"}
    assert names_of("f = lambda a, b=c: a + b + d").reads == {"c", "d"}
    assert names_of("with open(path) as file:\n    text = file.read()").reads == {"path"}
    assert names_of("try:\n    import a\nexcept ImportError as e:\n    a = e").reads == set()


def test_names_that_no_cell_defines_are_missing_unless_a_cell_may_define_anything() -> None:
    assert sliced("y = given + nowhere", namespace=("given",)).missing == ["given"]
    found = sliced("from lib import *", "z = 1", "y = given", namespace=("given",))
    assert (numbers(found), found.missing) == ([1], [])
    assert found.cells[0].why == "may define given"


def test_a_cell_that_was_edited_and_run_again_says_so() -> None:
    first, second, source = cells("x = 1", "other = 1", "y = x")
    second.cell_id = first.cell_id
    (needed,) = backward_slice([first, second], source).cells
    assert needed.edited
    same = Executed(4, first.cell_id, first.source, lambda s: s)
    (needed,) = backward_slice([first, same], source).cells
    assert needed.cell is same
    assert not needed.edited


def test_an_earlier_run_of_the_same_cell_is_no_earlier_cell() -> None:
    model, once, again = cells("model = make()", "model.fit(data)", "model.fit(data)")
    once.cell_id = again.cell_id
    found = backward_slice([model, once], again)
    assert numbers(found) == [1]
    assert found.again == ["model"]


def test_a_failed_cell_may_not_have_reached_its_assignment() -> None:
    first, failed, source = cells("x = 1", "x = load()", "y = x")
    failed.failed = True
    assert numbers(backward_slice([first, failed], source)) == [1, 2]


def test_code_that_is_no_python_is_left_alone() -> None:
    assert numbers(sliced("not python (", "x = 1", "y = x")) == [2]


def test_the_record_keeps_the_latest_cells_up_to_its_size() -> None:
    big = "#" * 60_000
    *earlier, source = cells(f"a = 1 {big}", f"b = a {big}", "c = b", "d = c")
    record = as_record(backward_slice(earlier, source), source)
    assert [kept["number"] for kept in record["needed"]] == [2, 3]
    assert record["left_out"] == 1


def kept(notebook: Kernel) -> dict[str, Any]:
    folder = "nbtrack.artifacts.download_artifacts(run_id=nbtrack.last_active_run().info.run_id)"
    found = notebook.value(f"open({folder} + '/.nbtrack/cells.json').read()")
    return dict(json.loads(found))


def sources(record: dict[str, Any]) -> list[str]:
    return [cell["source"] for cell in record["needed"]]


def test_a_run_keeps_the_cells_it_needed(tmp_path: Path) -> None:
    double = "def double(x):\n    return 2 * x * scale"
    with kernel(tmp_path) as notebook:
        notebook.run("scale = 3\nunused = 1")
        notebook.run(double)
        notebook.run("%matplotlib inline\nprint('looked')")
        out = notebook.run("%%track slicing\nresult = double(2)\ntime.time()")
        assert out.error is None, out.traceback
        tracked = kept(notebook)
        notebook.run("with nbtrack.start_run():\n    double(4)")
        fluent = kept(notebook)
        source = notebook.value("nbtrack.source(nbtrack.last_active_run().info.run_id)")
    first = "import nbtrack, time\n%load_ext nbtrack"  # the cell in which nbtrack was loaded
    assert sources(tracked) == [first, "scale = 3\nunused = 1", double]
    assert tracked["missing"] == []
    assert sources(fluent) == sources(tracked)
    assert source.endswith("with nbtrack.start_run():\n    double(4)")
