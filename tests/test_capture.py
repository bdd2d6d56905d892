"""What a tracked cell gives: params, results, output, figures."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest

from kernels import Kernel, kernel
from nbtrack.entities import Experiment
from nbtrack.models.info import ModelInfo
from nbtrack.notebook.literals import literal_params, object_params
from nbtrack.notebook.printed import PrintedTail
from nbtrack.notebook.result_metrics import printed_result, result_metrics


@pytest.mark.parametrize(
    ("source", "params"),
    [
        ("lr = 1e-3", {"lr": 0.001}),
        ("batch_size, epochs = 64, 5", {"batch_size": 64, "epochs": 5}),
        ("a = b = -2", {"a": -2, "b": -2}),
        ("name: str = 'x'; on = True; nothing = None", {"name": "x", "on": True, "nothing": None}),
        ("cfg = dict(lr=0.1, net=dict(width=32))", {"cfg.lr": 0.1, "cfg.net.width": 32}),
        ("cfg = {'lr': 0.1, 'opt': make()}", {"cfg.lr": 0.1}),
        ("hidden = 4 * 64; sizes = [64, 32]", {"hidden": 256, "sizes": "[64, 32]"}),
        ("_private = 1; api_key = 'abc'; hf_token = 'x'", {}),
        ("for i in range(3): lr = 1", {}),
        ("best = 0\nfor x in xs:\n    best = max(best, x)", {}),
        ("step = 0\nstep += 1", {}),
        ("losses = []; text = 'a\\nb'; f = g(1); x = y", {}),
        ("lr = 1\nlr = 2", {"lr": 2}),
        ("def f():\n    lr = 1", {}),
        ("class CFG:\n    lr = 1\n    net = dict(width=2)", {"CFG.lr": 1, "CFG.net.width": 2}),
        ("class Net:\n    lr = 1\n    def forward(self): pass", {}),
        ("x = 9 ** 9 ** 9; y = 1 / 0", {}),
        ("not python at all", {}),
    ],
)
def test_literals_at_the_top_level_are_params(source: str, params: dict[str, object]) -> None:
    assert literal_params(source) == params


@dataclass
class Optimiser:
    name: str = "adam"
    betas: tuple[float, float] = (0.9, 0.999)


@dataclass
class Config:
    lr: float = 0.1
    opt: Optimiser = field(default_factory=Optimiser)
    model: object = None


def test_data_classes_and_namespaces_are_flattened() -> None:
    values = {"cfg": Config(), "args": Namespace(seed=1), "ns": SimpleNamespace(a=-1), "x": 3}
    assert object_params(list(values), values) == {
        "cfg.lr": 0.1,
        "cfg.opt.name": "adam",
        "cfg.opt.betas": "(0.9, 0.999)",
        "cfg.model": None,
        "args.seed": 1,
        "ns.a": -1,
    }


def test_objects_of_nbtrack_are_no_params() -> None:
    values = {"info": object.__new__(ModelInfo), "experiment": Experiment("1", "digits")}
    assert object_params(list(values), values) == {}


@pytest.mark.parametrize(
    ("result", "source", "metrics"),
    [
        (0.5, "acc", {"acc": 0.5}),
        (3, "run.score", {"score": 3.0}),
        (3, "f(x)", {"result": 3.0}),
        (3, "round(acc, 2)", {"acc": 3.0}),
        (3, "np.mean(scores)", {"scores": 3.0}),
        (3, "accuracy_score(y, p)", {"accuracy_score": 3.0}),
        (3, "%%time\nx = 1\nhistory['loss'][-1]", {"loss": 3.0}),
        ((1, 0.5), "loss, acc", {"loss": 1.0, "acc": 0.5}),
        ((1, 0.5), "f()", {}),
        ({"a": 1, "b": "x", "c": True}, "d", {"a": 1.0}),
        (True, "ok", {}),
        (None, "f()", {}),
        ("text", "t", {}),
    ],
)
def test_numbers_of_the_last_expression_are_metrics(
    result: object, source: str, metrics: dict[str, float]
) -> None:
    assert result_metrics(result, source) == metrics


def test_bare_numbers_printed_last_have_the_names_of_the_code() -> None:
    assert printed_result("print(clf.score(X, y))", "a\n0.5\n") == {"score": 0.5}
    assert printed_result("print(f'{acc:.2f}', f1)", "0.50 0.25\n") == {"acc": 0.5, "f1": 0.25}
    for source, printed in (("print(x)", "3"), ("print(acc)", "0.5 %"), ("acc", "0.5"), ("", "")):
        assert printed_result(source, printed) == {}


def test_numpy_scalars_are_numbers_and_arrays_are_not() -> None:
    np = pytest.importorskip("numpy")
    assert result_metrics(np.float32(0.5), "x") == {"x": 0.5}
    assert result_metrics(np.arange(3), "x") == {}


def test_printed_text_is_shown_and_its_tail_is_kept(capsys: pytest.CaptureFixture[str]) -> None:
    tail = PrintedTail(limit=100)
    tail.start()
    print("hello")
    print("10 %\r50 %\r100 %")
    tail.stop()
    print("after")
    assert tail.text() == "hello\n100 %\n"
    assert capsys.readouterr().out.startswith("hello\n10 %")


def test_of_much_output_the_end_is_kept() -> None:
    tail = PrintedTail(limit=100)
    for i in range(1000):
        tail._add(f"line {i}\n")
    text = tail.text()
    assert text.startswith("[the beginning is left out]\n")
    assert text.endswith("line 999\n")
    assert len(text) < 150


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("capture"), NBTRACK_DISPLAY="off") as running:
        running.run(
            "def files(): return sorted(f.path for f in "
            "nbtrack.Client().list_artifacts(nbtrack.last_active_run().info.run_id))\n"
            "def read(path): return nbtrack.artifacts.load_text("
            "nbtrack.last_active_run().info.artifact_uri + '/' + path)"
        )
        yield running


def test_source_output_and_place_of_the_cell_are_kept(cell: Kernel) -> None:
    cell.run("%%track\nlr = 1\nprint('out')\nimport sys; print('err', file=sys.stderr)")
    assert cell.value("read('.nbtrack/cell.py')").startswith("lr = 1\nprint('out')")
    assert sorted(cell.value("read('.nbtrack/output.txt')").split()) == ["err", "out"]
    tags = cell.value("nbtrack.last_active_run().data.tags")
    assert int(tags["nbtrack.cell.number"]) > 1
    assert cell.value("nbtrack.last_active_run().data.metrics").keys() == {
        "system/process_peak_memory_megabytes"
    }


def test_explicit_params_win_over_what_is_found(cell: Kernel) -> None:
    out = cell.run("%%track -p a=1\na, b, c = 2, 2, 2\nnbtrack.log_params({'b': 3})")
    assert out.status == "ok", out.errors
    assert cell.value("nbtrack.last_active_run().data.params") == {"a": "1", "b": "3", "c": "2"}


def test_objects_of_the_cell_are_params_and_older_ones_are_not(cell: Kernel) -> None:
    cell.run("from types import SimpleNamespace\nold = SimpleNamespace(x=1)")
    cell.run("%%track\nns = SimpleNamespace(y=2)\n1 / 0\nold = SimpleNamespace(x=2)")
    assert cell.value("nbtrack.last_active_run().data.params") == {"ns.y": "2"}


def test_a_literal_that_another_cell_has_replaced_is_no_param(cell: Kernel) -> None:
    cell.run("grid, rate = {'depth': [1, 2]}, 0.5\nseen = [len(grid)]")
    cell.run("grid, width = [dict(grid, wide=1)], 3")
    cell.run("%%track\nloss = len(grid) * rate * width * seen[0]\nloss")
    params = cell.value("nbtrack.last_active_run().data.params")
    assert params == {"rate": "0.5", "width": "3"}


def test_a_metric_that_was_logged_is_not_logged_again(cell: Kernel) -> None:
    cell.run("%%track\nfor i in range(3): nbtrack.log_metric('loss', i, step=i)\nloss = 9.0\nloss")
    assert cell.value("nbtrack.last_active_run().data.metrics['loss']") == 2.0


def test_figures_are_kept_as_they_were_shown(cell: Kernel) -> None:
    pytest.importorskip("matplotlib")
    out = cell.run(
        "%%track\nimport matplotlib.pyplot as plt\nplt.plot([1, 2]); plt.show()\nplt.plot([2, 1])"
    )
    assert sum("image/png" in data for data in out.displays) == 2
    assert cell.value("files()").count("figures") == 1
    names = cell.value(
        "[f.path for f in nbtrack.Client().list_artifacts("
        "nbtrack.last_active_run().info.run_id, 'figures')]"
    )
    assert names == ["figures/figure_1.png", "figures/figure_2.png"]


def test_a_plotly_figure_is_shown_once_and_kept(cell: Kernel) -> None:
    pytest.importorskip("plotly")
    out = cell.run("%%track\nimport plotly.graph_objects as go\ngo.Figure(go.Scatter(y=[1, 2]))")
    assert len([d for d in out.displays if "application/vnd.plotly.v1+json" in d]) == 1
    assert "Plotly.newPlot" in cell.value("read('figures/figure_1.html')")


def test_other_cells_are_not_touched(cell: Kernel) -> None:
    cell.run("%%track only\nx = 1")
    before = cell.value("len(nbtrack.search_runs(search_all_experiments=True))")
    cell.run("lr = 5\nprint('not mine')\nlr")
    assert cell.value("len(nbtrack.search_runs(search_all_experiments=True))") == before
    assert "PrintedTail" not in cell.value("__import__('sys').stdout.write.__qualname__")
