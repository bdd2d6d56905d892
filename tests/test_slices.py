"""Which earlier cells a cell needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kernels import Kernel, kernel
from nbtrack.notebook.cell_dependencies import Needed, Slice, backward_slice
from nbtrack.notebook.executed import Executed
from nbtrack.notebook.hash_order import takes_set_order
from nbtrack.notebook.names import names_of
from nbtrack.notebook.observation import Observation
from nbtrack.notebook.source_record import as_record


def watched(number: int, source: str, **seen: set[str]) -> Executed:
    """Return a cell that was watched, and did what its syntax says besides what was seen."""
    cell = Executed(number, f"cell-{number}", source, lambda s: s)
    names = cell.names
    what: dict[str, Any] = {"reads": set(names.used), "bound": set(names.binds), **seen}
    cell.seen = Observation(complete=True, **what)
    return cell


def cells(*sources: str | tuple[str, dict[str, set[str]]]) -> list[Executed]:
    pairs = [(each, {}) if isinstance(each, str) else each for each in sources]
    return [watched(number, source, **seen) for number, (source, seen) in enumerate(pairs, 1)]


def unwatched(*sources: str) -> list[Executed]:
    return [Executed(i, f"cell-{i}", source, lambda s: s) for i, source in enumerate(sources, 1)]


def sliced(*sources: Any, namespace: tuple[str, ...] = ()) -> Slice:
    *earlier, source = cells(*sources)
    return backward_slice(earlier, source, namespace)


def changes(source: str, *names: str) -> tuple[str, dict[str, set[str]]]:
    return source, {"changed": set(names)}


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
    branch = "if big:\n    lr = 2"
    assert numbers(sliced("lr = 1", (branch, {"bound": {"lr"}}), "x = lr")) == [2]
    assert numbers(sliced("lr = 1", (branch, {"bound": set()}), "x = lr")) == [1]
    *earlier, source = unwatched("lr = 1", branch, "x = lr")
    assert numbers(backward_slice(earlier, source)) == [1, 2]


def test_a_value_that_the_cell_gives_itself_needs_no_earlier_cell() -> None:
    assert numbers(sliced("x = 1", "x = 2\nprint(x)")) == []
    assert numbers(sliced("x = 1", "print(x)\nx = 2")) == [1]
    assert numbers(sliced("i = 1", "for i in range(3):\n    print(i)")) == []


def test_what_is_changed_in_place_is_needed_with_its_changes() -> None:
    found = sliced(
        "xs = []", changes("xs.append(1)", "xs"), "len(xs)", changes("xs[0] = 2", "xs"), "y = xs"
    )
    assert numbers(found) == [1, 2, 4]
    assert found.cells[1].why == "changes xs"
    fit = changes("history = model.fit(X)", "model")
    assert numbers(sliced("X = 1", "model = Net()", fit, "print(model)", "s = model(X)")) == [
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(
    "call",
    [
        "history = model.fit(X)",
        "trainer.fit(model)",
        "losses = [step(model) for _ in range(3)]",
        "if ready:\n    model.fit(X)",
        "for layer in model:\n    layer.rate = 1",
        "optimizer.step()",
        "with training(model):\n    pass",
        "def go():\n    return model.fit()\nresult = go()",
        "%time model.fit(X)",
    ],
)
def test_a_call_may_change_what_it_reaches_where_that_is_unproven(call: str) -> None:
    """Until it is proven that a booster, say, is what it was."""
    python = "get_ipython().run_line_magic('time', 'model.fit(X)')" if call[0] == "%" else call
    make = "model = Net()\noptimizer = Adam(model.parameters())\ntrainer = Trainer()"
    unsure = {"model", "optimizer", "trainer", "layer"}
    found = sliced(make, (python, {"unproven": unsure}), "print(1)", "score(model)")
    assert numbers(found) == [1, 2]
    assert found.cells[1].for_safety
    assert not found.cells[0].for_safety
    proven = sliced(make, python.replace("layer.rate = 1", "layer.show()"), "score(model)")
    assert numbers(proven) == [1]


def test_what_is_proven_leads_no_further() -> None:
    fit = ("other.fit(X)", {"unproven": {"other"}})
    assert numbers(sliced("X = load()", "model = Net(X)", "other = Net(X)", fit, "model(X)")) == [
        1,
        2,
    ]


def test_a_cell_that_was_not_watched_is_kept_unless_it_only_binds_names() -> None:
    *earlier, source = unwatched("a = 1", "def f():\n    return a", "load_everything()", "y = 2")
    found = backward_slice(earlier, source)
    assert numbers(found) == [3]
    assert (found.cells[0].why, found.cells[0].for_safety) == ("was not watched", True)
    one, two, source = cells("a = 1", "b = a.go()", "y = 2")
    two.seen.complete = False  # the time for looking was over
    assert numbers(backward_slice([one, two], source)) == [1, 2]


@pytest.mark.parametrize("quiet", ["table.total", "2 * _3", "view[0] = 1", "x = counts[key]"])
def test_a_look_at_an_object_may_run_code_and_what_is_shown_is_the_last_result(quiet: str) -> None:
    *earlier, source = unwatched("a = 1", quiet, "y = _")
    assert numbers(backward_slice(earlier, source, {"_", "_3", "a"})) == [2]
    assert backward_slice(earlier, source, {"_", "_3", "a"}).missing == []


def test_a_name_that_functions_may_read_is_not_bound_in_vain_where_nothing_was_watched() -> None:
    *earlier, source = unwatched("n = 1", "fs = [lambda v: v * n]", "n = 2", "m = 3", "fs[0](1)")
    assert numbers(backward_slice(earlier, source)) == [1, 2, 3]


def test_what_a_cell_does_to_the_process_or_to_files_is_needed() -> None:
    style = ("plt.style.use('dark')", {"world": {"settings of matplotlib"}})
    written = ("df.to_csv('data/a.csv')", {"files_written": {"data/a.csv"}})
    read = "x = read('data/a.csv')"
    found = sliced("import plt", style, written, ("w()", {"files_written": {"b.bin"}}), read)
    assert [needed.why for needed in found.cells] == [
        "defines plt",
        "changes settings of matplotlib",
        "writes data/a.csv",
    ]
    *earlier, source = cells("p = 1", written, "load(p)")
    source.seen.files_read = {"data/a.csv"}
    assert numbers(backward_slice(earlier, source)) == [1, 2]


def test_a_cell_that_seeds_is_needed_and_one_that_drew_by_itself_is_not() -> None:
    seeds = ("seed(0)", {"seeded": {"numpy"}})
    assert numbers(sliced(seeds, "x = 1", "y = x")) == [1, 2]
    both = watched(1, "seed(0)\nz = draw()", seeded={"numpy"})
    both.seen.random_state = object()
    assert numbers(backward_slice([both], watched(2, "y = 1"))) == []


def test_the_result_that_was_shown_last_is_needed() -> None:
    *earlier, source = cells(
        ("train()", {"bound": {"_", "_1"}}), ("1 + 1", {"bound": {"_", "_2"}}), "x = 3", "y = _ + 1"
    )
    assert numbers(backward_slice(earlier, source)) == [2]
    assert numbers(backward_slice(earlier, watched(4, "y = Out[1]"))) == [1, 2]
    assert numbers(backward_slice(earlier, watched(4, "y = _1"))) == [1]


def test_names_of_pythons_own_that_were_bound_anew_are_needed() -> None:
    assert numbers(sliced("max = 10", "input = 3", "y = max")) == [1]
    assert sliced("y = len(x)", namespace=("len", "x")).missing == ["x"]


def test_a_name_in_the_text_of_a_query_is_read() -> None:
    assert numbers(sliced("limit = 3", "df = make()", "y = df.query('age > @limit')")) == [1, 2]


def test_cells_that_continue_a_run_need_theirs_too() -> None:
    a, b, start, go, end = cells("a = 1", "b = 2", "run = start_run()", "c = a", "log(b + c)")
    found = backward_slice([a, b], start, (), [go, end])
    assert numbers(found) == [1, 2]
    assert found.continued == [go, end]


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


@pytest.mark.parametrize(
    "cell",
    [
        "%load_ext nbtrack\nimport nbtrack\nnbtrack.start_run()",
        "%pip install pandas\nimport pandas\ny = pandas.Series([1])",
        "from mail import send\nsend('somebody@given')",
    ],
)
def test_a_word_of_a_text_is_no_name_that_is_missing(cell: str) -> None:
    assert sliced(cell, namespace=("nbtrack", "pandas", "given", "send")).missing == []


def test_names_that_no_cell_defines_are_missing_unless_a_cell_may_define_anything() -> None:
    assert sliced("y = given + nowhere", namespace=("given",)).missing == ["given"]
    *earlier, source = unwatched("from lib import *", "z = 1", "y = given")
    found = backward_slice(earlier, source, ("given",))
    assert (numbers(found), found.missing) == ([1], [])


def test_a_cell_that_was_edited_and_run_again_says_so() -> None:
    first, second, source = cells("x = 1", "other = 1", "y = x")
    second.cell_id = first.cell_id
    (needed,) = backward_slice([first, second], source).cells
    assert needed.edited
    same = watched(4, first.source)
    same.cell_id = first.cell_id
    (needed,) = backward_slice([first, same], source).cells
    assert needed.cell is same
    assert not needed.edited


def test_an_earlier_run_of_the_same_cell_is_needed_where_this_one_goes_on_with_it() -> None:
    fit = changes("model.fit(data)", "model")
    model, once, again = cells("model = make()", fit, fit)
    once.cell_id = again.cell_id
    found = backward_slice([model, once], again)
    assert numbers(found) == [1, 2]
    assert found.again == ["model"]


def test_a_failed_cell_may_not_have_reached_its_assignment() -> None:
    first, failed, source = cells("x = 1", ("x = load()", {"bound": set()}), "y = x")
    failed.failed = True
    assert numbers(backward_slice([first, failed], source)) == [1]
    failed.seen.bound = {"x"}
    assert numbers(backward_slice([first, failed], source)) == [2]
    failed.seen = None
    assert numbers(backward_slice([first, failed], source)) == [1, 2]


def test_code_that_is_no_python_is_left_alone() -> None:
    assert numbers(sliced("not python (", "x = 1", "y = x")) == [2]


def test_the_record_keeps_magics_but_that_of_the_run() -> None:
    shown, source = cells("%%track -e x\n%%capture printed\nprint(1)", "y = printed")
    record = as_record(Slice([Needed(shown, "", edited=False)], [], []), source)
    assert record["needed"][0]["source"] == "%%capture printed\nprint(1)"


def test_the_record_keeps_the_latest_cells_up_to_its_size() -> None:
    big = "#" * 60_000
    *earlier, source = cells(f"a = 1 {big}", f"b = a {big}", "c = b", "d = c")
    record = as_record(backward_slice(earlier, source), source)
    assert [kept["number"] for kept in record["needed"]] == [2, 3]
    assert record["left_out"] == 1


def test_a_cell_that_made_the_folder_of_a_file_is_needed() -> None:
    made = ("os.makedirs(where)", {"files_written": {"out"}})
    saved = ("save(model)", {"files_written": {"out/model.pt"}})
    assert numbers(sliced(made, "x = 1", saved)) == [1]
    assert numbers(sliced(made, "x = 1", ("save(model)", {"files_written": {"outer"}}))) == []


@pytest.mark.parametrize(
    ("first", "sign"),
    [
        ("n = int(input('how many?'))", "asks for input"),
        ("from getpass import getpass as ask\nn = 1\ndef input(): return 2\ninput()", ""),
        ("from getpass import getpass\nn = getpass()", "asks for input"),
        ("n = datetime.now().year % 7", "depends on the clock"),
        ("n = [f.result() for f in as_completed(futures)]", "order of completion"),
        ("n = list({'a', 'b'})", "depends on hash order"),
        ("n = sorted({'a', 'b'})", ""),
    ],
)
def test_what_the_code_says_of_repeating_it_is_a_sign(
    first: str, sign: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONHASHSEED", raising=False)
    *earlier, source = cells(first, "n")
    record = as_record(backward_slice(earlier, source), source)
    warned = [each["kind"] for each in record["findings"] if each["level"] == "warning"]
    assert warned == ([sign] if sign else [])


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
        captures = "%%capture printed\nhalf = scale / 2\nprint(half)"
        notebook.run(captures)
        notebook.run("%%track of_captured\nfloat(printed.stdout) + half")
        captured = kept(notebook)
        retina = "%config InlineBackend.figure_format = 'retina'"
        notebook.run(retina)
        notebook.run("%%track ended\nended = nbtrack.active_run().info.run_id")
        notebook.run("late = half + 1")
        notebook.run("unused = 2")
        notebook.run("nbtrack.log_metric('late', late, run_id=ended)")
        ended = kept(notebook)
    first = "import nbtrack, time\n%load_ext nbtrack"  # the cell in which nbtrack was loaded
    assert sources(tracked) == [first, "scale = 3\nunused = 1", double]
    assert tracked["missing"] == []
    assert sources(fluent)[:3] == sources(tracked)
    assert source.endswith("with nbtrack.start_run():\n    double(4)")
    # a magic that runs a cell within its own has bound a name when that one was over
    assert sources(captured) == [first, "scale = 3\nunused = 1", captures]
    assert captured["missing"] == []
    # a later cell has logged to a run that had ended
    later = [cell["source"] for cell in ended["continued"]]
    assert later == ["late = half + 1", "nbtrack.log_metric('late', late, run_id=ended)"]
    assert sources(ended) == [*sources(captured), retina]


@pytest.mark.parametrize(
    ("source", "taken"),
    [
        ("vocabulary = list(set(words))", True),
        ("for word in {w.lower() for w in words}:\n    use(word)", True),
        ("known = set(words) | {'a'}\nindex = {w: i for i, w in enumerate(known)}", True),
        ("first = known.copy()\nknown = set()\nfirst = known.pop()", True),
        ("vocabulary = sorted(set(words))", False),
        ("total = len(set(words))\nok = 'a' in set(words)", False),
        ("order = sorted(w for w in set(words))", False),
        ("chars = sorted(list(set(text)))\nfor c in sorted([w for w in {'a'}]): use(c)", False),
        ("def f(text):\n    chars = list(set(text))\n    chars.sort()\n    return chars", False),
        ("chars = list(set(text))\nothers.sort()", True),
        ("groups = sorted([list(set(each)) for each in words])", True),
        ("rows = list(set(range(3)))\nlists = list(words)", False),
    ],
)
def test_the_order_of_a_set_is_noticed(source: str, taken: bool) -> None:
    assert takes_set_order([source]) == taken
