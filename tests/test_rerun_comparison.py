"""What counts as the same in a rerun: curves, single numbers, files by their content."""

from __future__ import annotations

import io
import json
import math
import pickle
import tarfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import nbtrack
from nbtrack.models.frozen_files import taken_apart, write_frozen
from nbtrack.reruns.arrays import compare_arrays
from nbtrack.reruns.comparison import compare_facts, facts_of
from nbtrack.reruns.curves import Curve, compare_curves, is_of_clock
from nbtrack.reruns.file_content import OPAQUE, compare_content, compare_file, without_chance
from nbtrack.reruns.folder_copy import FolderCopy
from nbtrack.store import get_run
from nbtrack.tracking import context
from nbtrack.views.display import VIEW_MIME


def curve(*values: float) -> Curve:
    return Curve(range(len(values)), values)


@pytest.mark.parametrize(
    ("then", "now", "result"),
    [
        ((1.0, 0.5, math.nan), (1.0, 0.5, math.nan), "exact"),
        ((1.0, 0.5, 0.1), (1.0, 0.508, 0.1), "close"),
        ((1.0, 0.5, 0.1), (1.0, 0.5, 0.11), "different"),
        ((1.0, 0.5, 0.1), (1.0, 0.5, math.nan), "different"),
        ((1.0, math.inf, 0.1), (1.0, 0.5, 0.1), "different"),
        ((1.0, 0.5, 0.1), (1.0, 0.5), "different"),
        ((0.3, 0.3), (0.3001, 0.3), "close"),
        ((1.0, 200.0), (1.0, 201.0), "different"),
        ((0.5,), (0.5004,), "close"),
        ((0.5,), (0.51,), "different"),
        ((100.0,), (101.0,), "different"),
    ],
)
def test_a_curve_is_close_within_its_own_range(
    then: tuple[float, ...], now: tuple[float, ...], result: str
) -> None:
    assert compare_curves("loss", curve(*then), curve(*now))[0] == result


def test_an_accuracy_may_differ_in_one_item() -> None:
    assert compare_curves("val_acc", curve(111 / 120), curve(112 / 120))[0] == "close"
    assert compare_curves("val_acc", curve(111 / 120), curve(114 / 120))[0] == "different"
    assert compare_curves("loss", curve(111 / 120), curve(112 / 120))[0] == "different"
    assert compare_curves("val_acc", curve(0.5), curve(0.75))[0] == "different"


@pytest.mark.parametrize("key", ["epoch_time", "trainRuntime", "samples_per_second", "fit.seconds"])
def test_times_are_no_results(key: str) -> None:
    assert is_of_clock(key)


@pytest.mark.parametrize("key", ["loss", "timesteps", "time_steps", "accuracy", "sentiment"])
def test_other_names_are_results(key: str) -> None:
    assert not is_of_clock(key)


def saved(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def drawn(pixel: int, **options: str) -> bytes:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    for name, text in options.items():
        notes.add_text(name, text)
    image = Image.new("L", (20, 20))
    image.putpixel((3, 3), pixel)
    file = io.BytesIO()
    image.save(file, "png", pnginfo=notes)
    return file.getvalue()


def packed(stamp: int, **members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (stamp, 1, 1, 0, 0, 0)), data)
    return file.getvalue()


def executed(run: str, printed: str, process: int) -> bytes:
    """Return an executed notebook, with the card of a run and a warning."""
    outputs = [
        {"output_type": "display_data", "data": {VIEW_MIME: {"run": run}, "text/plain": run}},
        {"output_type": "stream", "text": [f"/tmp/ipykernel_{process}/{process}.py:3: ", printed]},
    ]
    return json.dumps({"cells": [{"source": "train()", "outputs": outputs}]}).encode()


def learned(value: str) -> bytes:
    """Return a page of scikit-learn with an attribute that a model has learned."""
    return f'<td>C=1</td><td class="fitted-att-type">Tree</td>\n  <td>{value}</td>'.encode()


ARRAY = np.linspace(0, 1, 50)


@pytest.mark.parametrize(
    ("name", "then", "now", "result"),
    [
        ("a.npy", saved(ARRAY), saved(ARRAY + 1e-5), "close"),
        ("a.npy", saved(ARRAY), saved(ARRAY[::-1]), "different"),
        ("a.npz", packed(1990, a=saved(ARRAY)), packed(2020, a=saved(ARRAY)), "exact"),
        ("a.npz", packed(1990, a=saved(ARRAY)), packed(1990, b=saved(ARRAY)), "different"),
        ("a.png", drawn(9, date="2026"), drawn(9, date="2027"), "exact"),
        ("a.png", drawn(9), drawn(200), "close"),
        ("a.csv", b"x,fit_time\n0.5,3.2\n1.5,1", b"x,fit_time\n0.50,9\n1.5,1", "exact"),
        ("a.csv", b"x\n0.5\n1.5", b"x\n0.5\n2.5", "different"),
        ("a.json", b'{"a": [1.0, 2]}', b'{"a": [1.0000001, 2]}', "close"),
        ("a.json", b'{"a": 1}', b'{"b": 1}', "different"),
        ("a.json", b'[{"dur": 0.1, "loss": 2}]', b'[{"dur": 0.2, "loss": 2}]', "exact"),
        ("a.txt", b"at 2026-05-03 14:02 loss 0.5", b"at 2027-01-03 15:02 loss 0.5", "exact"),
        ("a.txt", b"loss 0.5", b"gain 0.5", "different"),
        ("a.html", b"<i id='sk-container-id-1'>C=1", b"<i id='sk-container-id-23'>C=1", "exact"),
        ("a.html", b"<i>C=1", b"<i>C=2", "different"),
        ("a.html", b"<i>&lt;f...x7f6336fb84a0&gt;", b"<i>&lt;f...x7f99e5db84a0&gt;", "exact"),
        ("a.html", learned("Tree at 0x7fcf8"), learned("Tree at 0x7fcbb"), "exact"),
        ("a.ipynb", executed("1", "loss 0.5", 7), executed("2", "loss 0.5", 8), "exact"),
        ("a.ipynb", executed("1", "loss 0.5", 7), executed("1", "loss 0.6", 7), "different"),
    ],
)
def test_files_are_compared_by_content(name: str, then: bytes, now: bytes, result: str) -> None:
    assert compare_content(name, then, now)[0] == result


def test_bytes_without_values_say_so() -> None:
    assert compare_content("model.pkl", b"one", b"two") == ("different", OPAQUE)
    assert compare_content("a.npy", b"one", b"two") == ("different", OPAQUE)
    assert compare_content("a.json", b'{"value": "gASV"}', b'{"value": "gASW"}')[1] == OPAQUE


def test_the_copy_of_a_folder_has_what_cells_name(tmp_path: Path) -> None:
    folder = tmp_path / "project" / "notebooks"
    folder.mkdir(parents=True)
    for name in ("helpers.py", "../data/x.csv", "nbtrack.duckdb", ".env", ".venv/pyvenv.cfg"):
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name, "utf-8")
    copy = FolderCopy(folder, ["open('../data/x.csv')", "!cat ../data/x.csv"])
    try:
        there = sorted(p.name for p in copy.folder.rglob("*"))
        assert there == ["helpers.py"]
        assert (copy.folder / "../data/x.csv").read_text("utf-8") == "../data/x.csv"
        assert copy.as_original(f"{copy.folder}/a") == f"{folder}/a"
    finally:
        copy.remove()
    assert not copy.root.exists()


def test_modules_of_a_folder_above_are_copied_and_not_all_that_lies_there(tmp_path: Path) -> None:
    folder = tmp_path / "project" / "chapter"
    folder.mkdir(parents=True)
    for name in ("check.py", "tools/__init__.py", "tools/one.py", "data/x.csv", "other/y.py"):
        file = folder.parent / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(name, "utf-8")
    copy = FolderCopy(folder, ["import sys\nsys.path.insert(0, '..')"])
    try:
        above = copy.folder.parent
        there = {p.relative_to(above).as_posix() for p in above.rglob("*") if p.is_file()}
        assert there == {"check.py", "tools/__init__.py", "tools/one.py"}
    finally:
        copy.remove()


def test_files_above_that_were_read_are_copied_though_no_cell_names_them(tmp_path: Path) -> None:
    folder = tmp_path / "project" / "notebooks" / "one"
    (tmp_path / "project" / "data").mkdir(parents=True)
    folder.mkdir(parents=True)
    (tmp_path / "project/data/x.csv").write_text("1", "utf-8")
    (tmp_path / "project/data/y.csv").write_text("1", "utf-8")
    read = [{"path": path, "mode": "read"} for path in ("../../data/x.csv", "../" * 9 + "etc/z")]
    copy = FolderCopy(folder, [], read)
    try:
        assert [p.name for p in (copy.folder / "../../data").iterdir()] == ["x.csv"]
        assert copy.folder.parents[1].is_relative_to(copy.root)
    finally:
        copy.remove()


def tensors(array: np.ndarray) -> bytes:
    from safetensors.numpy import save

    return save({"weight": array.astype("f4")}, metadata={"made": str(id(array))})


def state(array: np.ndarray) -> bytes:
    torch = pytest.importorskip("torch")
    file = io.BytesIO()
    torch.save({"model": {"weight": torch.from_numpy(array)}, "epoch": 3}, file)
    return file.getvalue()


def table(array: np.ndarray) -> bytes:
    import pandas as pd

    columns = {"x": array, "name": ["a", None] * 25, "fit_time": np.random.default_rng().random(50)}
    return pd.DataFrame(columns).to_parquet()


def datasets(array: np.ndarray) -> bytes:
    h5py = pytest.importorskip("h5py")
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        opened["layers/weight"] = array
    return file.getvalue()


def tarred(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        data = saved(array)
        member = tarfile.TarInfo("a.npy")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("a.safetensors", tensors),
        ("a.pt", state),
        ("a.parquet", table),
        ("a.h5", datasets),
        ("a.tar.gz", tarred),
    ],
)
def test_files_of_libraries_are_compared_by_value(
    name: str, made: Callable[[np.ndarray], bytes]
) -> None:
    then = made(ARRAY)
    assert compare_content(name, then, made(ARRAY))[0] == "exact"
    assert compare_content(name, then, made(ARRAY + 1e-5))[0] == "close"
    assert compare_content(name, then, made(ARRAY[::-1].copy()))[0] == "different"
    assert compare_content(name, then, b"what it is not") == ("different", OPAQUE)


def test_no_file_is_unpickled() -> None:
    torch = pytest.importorskip("torch")
    written: list[bytes] = []
    for model in (torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)):
        file = io.BytesIO()
        torch.save(model, file)
        written.append(file.getvalue())
    assert compare_content("model.pt", *written) == ("different", OPAQUE)
    objects = [pickle.dumps(_Loud(number)) for number in (1, 2)]
    for name in ("model.pkl", "model.joblib", "model.pt", "model.npy"):
        assert compare_content(name, *objects) == ("different", OPAQUE)


class _Loud:
    """Fails where it is unpickled."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __setstate__(self, state: object) -> None:
        raise AssertionError("a pickle was opened")


def test_many_values_follow_the_rule_of_curves() -> None:
    many = np.linspace(0, 1, 20_000)
    assert compare_arrays(many, many + 0.009)[0] == "close"
    assert compare_arrays(many, many + 0.011)[0] == "different"
    assert compare_arrays(many, np.where(many > 0.5, np.nan, many))[0] == "different"
    assert compare_arrays(many * 0 + 0.5, many * 0 + 0.5001)[0] == "close"


def test_the_models_of_a_run_are_compared_by_their_weights(workdir: Path) -> None:
    from sklearn.linear_model import LinearRegression

    ids = []
    for slope in (1.0, 1.0, 2.0):
        with nbtrack.start_run() as run:
            model = LinearRegression().fit([[0.0], [1.0], [2.0]], [0.5, slope, 3.0])
            nbtrack.sklearn.log_model(model, name="line")
        ids.append(run.info.run_id)
    with context.store().read() as reader:
        facts = [facts_of(reader, get_run(reader, run_id)) for run_id in ids]
    same, other = (compare_facts(facts[0], each) for each in facts[1:])
    assert (same.result, same.differs) == ("exact", [])
    assert "model line/MLmodel" in [item.key for item in same.items]
    assert other.differs == ["model line/model.skops"]


def test_models_of_scikit_learn_are_compared_without_the_times_of_their_fits() -> None:
    skops = pytest.importorskip("skops.io")
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.model_selection import GridSearchCV

    behind = [skops.dumps(np.ma.masked_array([1.0, x], [False, True])) for x in (2.0, 9.0)]
    assert compare_content("a.skops", *behind) == ("exact", "")
    shown = skops.dumps(np.ma.masked_array([1.5, 2.0], [False, True]))
    assert compare_content("a.skops", behind[0], shown)[0] == "different"
    lists = [CountVectorizer(stop_words=[word, "the"]) for word in ("a", "a", "b")]
    texts = [skops.dumps(each.fit(["the dog"])) for each in lists]  # has the address of its list
    assert compare_content("a.skops", *texts[:2]) == ("exact", "")
    assert compare_content("a.skops", *texts[1:])[0] == "different"
    x, y = np.arange(12.0).reshape(6, 2), [0, 1, 0, 1, 0, 1]
    fits = [GaussianProcessRegressor(optimizer=None, alpha=a).fit(x, y) for a in (1, 1, 2)]
    for number, fit in enumerate(fits):  # it holds the generator of the process, unused
        fit._rng = np.random.RandomState(number)
    bare = [skops.dumps(fit) for fit in fits]
    assert compare_content("a.skops", *bare[:2]) == ("exact", "")
    assert compare_content("a.skops", *bare[1:])[0] == "different"

    def saved(seed: int) -> bytes:
        forest = RandomForestClassifier(2, random_state=np.random.RandomState(seed))
        grid = {"max_depth": [1, 2]}
        return bytes(skops.dumps(GridSearchCV(forest, grid, cv=2).fit(x, y).best_estimator_))

    def searched(cost: float) -> bytes:
        search = GridSearchCV(
            RandomForestClassifier(1, random_state=0), {"ccp_alpha": [cost]}, cv=2
        )
        return bytes(skops.dumps(search.fit(x, y)))

    assert compare_content("a.skops", searched(0.0), searched(0.0)) == ("exact", "")
    assert "ccp_alpha" in compare_content("a.skops", searched(0.0), searched(0.5))[1]
    result, detail = compare_content("a.skops", saved(0), saved(1))
    assert (result, "estimators_" in detail or "random_state" in detail) == ("different", True)


def test_data_of_one_name_with_and_without_labels_are_both_compared(workdir: Path) -> None:
    ids = []
    for order in (1, -1):
        with nbtrack.start_run() as run:
            for labels in [None, np.arange(3)][::order]:
                data = nbtrack.data.from_numpy(np.ones((3, 2)), targets=labels, name="X")
                nbtrack.log_input(data)
        ids.append(run.info.run_id)
    with context.store().read() as reader:
        one, other = (facts_of(reader, get_run(reader, run_id)) for run_id in ids)
    assert one.datasets == other.datasets
    assert ", " in one.datasets["X"]


def test_where_a_model_was_logged_is_no_part_of_it() -> None:
    model = "artifact_path: {}\nflavors:\n  n: {}\nmodel_size_bytes: {}\nrun_id: x\n"
    here, there = model.format("/a/b", 1, 70).encode(), model.format("/c", 1, 71).encode()
    assert compare_content("MLmodel", here, there) == ("exact", "")
    assert compare_content("MLmodel", here, model.format("/c", 2, 70).encode())[0] == "different"


def test_the_text_of_a_param_has_no_address_and_no_order_of_a_set() -> None:
    then = "[<function f at 0x7fd827581c60>, {'a', 'the', 'of'}, 0.5]"
    assert without_chance(then) == without_chance(
        "[<function f at 0x7fd8275ffc60>, {'the', 'a',\n 'of'}, 0.5]"
    )
    for other in ("<function g at 0x7fd827581c60>", "{'a', 'the'}", "0.6", "{'a': 'the'}"):
        assert without_chance(then) != without_chance(other)
    assert without_chance("color 0xffaa00") != without_chance("color 0xffaa01")
    assert without_chance("{'a': 1, 'b': 2}") != without_chance("{'b': 2, 'a': 1}")


class Search:
    """A model of one's own that keeps what searches of scikit-learn keep."""

    def __init__(self, weight: float) -> None:
        self.weights = np.full(3, weight)
        self.words = {f"word{number}" for number in range(20)}
        self.rng = np.random.RandomState()
        self.refit_time_ = time.perf_counter()
        self.cv_results_ = {
            "mean_fit_time": np.full(2, time.perf_counter()),
            "mean_test_score": np.array([weight, 1.0]),
        }
        self._stop_words_id = id(self.words)


@pytest.mark.parametrize(("weight", "result"), [(0.25, "exact"), (0.5, "different")])
def test_a_model_kept_as_data_is_compared_without_times_addresses_and_generators(
    tmp_path: Path, weight: float, result: str
) -> None:
    folders = {"a": Search(0.25), "b": Search(weight)}
    for name, model in folders.items():
        write_frozen(taken_apart(model, "pickled=True")[0], tmp_path / name)
    then, now = (lambda path, n=n: (tmp_path / n / path).read_bytes() for n in folders)
    names = ("object.json", "arrays.npz")
    found = {name: compare_file(name, then, now, names)[0] for name in names}
    assert found == {"object.json": "exact", "arrays.npz": result}
    assert then("object.json") != now("object.json")
