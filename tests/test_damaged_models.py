"""Models whose files are damaged, or made to break what reads them: a load or an error of ours."""

from __future__ import annotations

import json
import random
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbtrack
import small_models
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.folder import ChangedModelError
from nbtrack.models.loading import UnreadableModelError
from nbtrack.projects.sources import _unpacked
from nbtrack.untrusted_files import check_archive, read_yaml
from programs import needs

pytestmark = pytest.mark.usefixtures("workdir")
RECORD = "nbtrack-files.json"
UNREAD = {
    "conda.yaml",
    "python_env.yaml",
    "requirements.txt",
    "serving_input_example.json",
}  # where a model is loaded


class Scaled(nbtrack.pyfunc.PythonModel):
    def __init__(self) -> None:
        self.weights = np.arange(3.0)

    def predict(self, model_input: Any) -> Any:
        return model_input * self.weights


def pytorch() -> Callable[..., Any]:
    torch = pytest.importorskip("torch")
    nbtrack.pytorch.save_model(torch.nn.Sequential(torch.nn.Linear(4, 2)), "m")
    return nbtrack.pytorch.load_model


def sklearn() -> Callable[..., Any]:
    nbtrack.sklearn.save_model(small_models.classifier(), "m", input_example=small_models.FRAME)
    return nbtrack.sklearn.load_model


def pickled() -> Callable[..., Any]:
    model = small_models.classifier()
    nbtrack.sklearn.save_model(model, "m", serialization_format="cloudpickle")
    return nbtrack.sklearn.load_model


def pyfunc() -> Callable[..., Any]:
    Path("lib.py").write_text("X = 1\n")
    example = np.ones(3)
    nbtrack.pyfunc.save_model(
        "m", python_model=Scaled(), code_paths=["lib.py"], input_example=example
    )
    return nbtrack.pyfunc.load_model


def xgboost() -> Callable[..., Any]:
    nbtrack.xgboost.save_model(small_models.trees(), "m")
    return nbtrack.xgboost.load_model


def damages(content: bytes, chance: random.Random) -> Iterator[bytes | None]:
    """Yield what may become of a file; None where it is gone."""
    yield from (None, b"", content[: len(content) // 2], chance.randbytes(200), b"[]")
    at = chance.randrange(len(content) or 1)
    flipped = bytes([content[at] ^ (1 << chance.randrange(8))]) if content else b"x"
    yield content[:at] + flipped + content[at + 1 :]


def reads(load: Callable[..., Any], folder: str) -> list[Callable[[], Any]]:
    return [
        lambda: load(folder, trust=True),
        lambda: nbtrack.models.Model.load(folder).load_input_example(folder),
    ]


@pytest.mark.parametrize("save", [pytorch, sklearn, pyfunc])
@pytest.mark.filterwarnings("ignore")  # of frameworks, about what they read
def test_damage_that_nobody_recorded_raises_nothing_but_our_errors(save: Any) -> None:
    load = save()
    (Path("m") / RECORD).unlink()
    chance = random.Random(3)
    outcomes = {"loads": 0, "errors": 0}
    for file in sorted(path for path in Path("m").rglob("*") if path.name not in UNREAD):
        if not file.is_file():
            continue
        content = file.read_bytes()
        for damage in damages(content, chance):
            file.unlink()
            if damage is not None:
                file.write_bytes(damage)
            for read in reads(load, "m"):
                try:
                    read()
                    outcomes["loads"] += 1
                except NbtrackError:
                    outcomes["errors"] += 1
            file.write_bytes(content)
    assert outcomes["loads"] > 5
    assert outcomes["errors"] > 10


def test_a_pickle_that_is_cut_off_is_an_error_of_ours() -> None:
    """A pickle with other bytes is another program, so that only consent helps against it."""
    load = pickled()
    (Path("m") / RECORD).unlink()
    content = Path("m/model.pkl").read_bytes()
    for damage in (b"", content[: len(content) // 2], b"no pickle"):
        Path("m/model.pkl").write_bytes(damage)
        with pytest.raises(UnreadableModelError):
            load("m", trust=True)


@needs("xgboost")
@pytest.mark.filterwarnings("ignore")
def test_a_file_that_makes_xgboost_crash_does_not_take_the_process_along() -> None:
    load = xgboost()
    (Path("m") / RECORD).unlink()
    load("m")
    file = Path("m/model.ubj")
    content = file.read_bytes()
    for damage in (content[: len(content) // 2], b"{" * 100, content + b"Z", b"[$S#L" + bytes(8)):
        file.write_bytes(damage)
        with pytest.raises(UnreadableModelError):
            load("m")


@pytest.mark.parametrize("save", [pytorch, sklearn, pyfunc])
def test_damage_to_a_recorded_file_is_named(save: Any) -> None:
    load = save()
    for file in sorted(path.relative_to("m") for path in Path("m").rglob("*") if path.is_file()):
        if file.name == RECORD or (save is pytorch and file.parent == Path()):
            continue  # those of a PyTorch model that are not read are not compared either
        shutil.rmtree("c", ignore_errors=True)
        shutil.copytree("m", "c")
        content = (Path("c") / file).read_bytes()
        (Path("c") / file).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        if save is sklearn and file.name not in ("model.skops", "MLmodel"):
            continue
        with pytest.raises(NbtrackError, match="changed"):
            load("c")


def test_weights_are_compared_with_what_the_store_recorded() -> None:
    torch = pytest.importorskip("torch")
    info = nbtrack.pytorch.log_model(torch.nn.Linear(4, 2), name="net")
    folder = Path(nbtrack.get_logged_model(info.model_id).artifact_location)
    (folder / RECORD).unlink()
    weights = folder / "data" / "model.safetensors"
    weights.chmod(0o644)
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    copy = shutil.copytree(folder, "copy")  # the weights bring a digest of their own along
    for uri in (info.model_uri, folder, copy):
        with pytest.raises(NbtrackError, match="changed after it was saved"):
            nbtrack.pytorch.load_model(uri, trust=True)
    nbtrack.set_tracking_uri("other.duckdb")  # the store around the folder is asked all the same
    (folder / "data" / "digests.json").unlink()
    with pytest.raises(ChangedModelError, match=r"digests\.json"):
        nbtrack.pytorch.load_model(folder, trust=True)


def test_it_is_said_once_where_nothing_is_recorded(capsys: pytest.CaptureFixture[str]) -> None:
    load = sklearn()
    load("m")
    assert "Nothing records" not in capsys.readouterr().err
    (Path("m") / RECORD).unlink()
    load("m")
    assert capsys.readouterr().err.count("Nothing records") == 1


# -- made to break ----------------------------------------------------------------------

BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n"
    for before, name in zip("abcdefghi", "bcdefghij", strict=True)
)
MERGED = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 12)}]}}\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        MERGED,
        "a: &a [*a]",
        "[" * 1000,
        "a: 2001-99-99",
        "? [1, 2]\n: 3",
        "a: " + "9" * 5000,
        "a: !!python/object/apply:os.system [true]",
        "--- 1\n--- 2",
        "\0",
    ],
)  # fmt: skip
def test_yaml_unfolds_into_no_more_than_a_memory_holds(text: str) -> None:
    with pytest.raises(InvalidParameterError, match=r"MLmodel is no YAML"):
        read_yaml(text, "MLmodel")


def test_yaml_may_name_a_part_again() -> None:
    assert read_yaml("a: &a [1, 2]\nb: *a\n", "MLmodel") == {"a": [1, 2], "b": [1, 2]}
    assert read_yaml("", "MLmodel") is None


@pytest.mark.parametrize(
    "text",
    [
        "5",
        "[]",
        "flavors: [sklearn]",
        "flavors: {sklearn: 5}",
        "1: 2",
        "signature: {inputs: 5}",
        "signature: 7\nflavors: {}",
        "flavors: {python_function: {}}",
        "flavors: {python_function: {loader_module: [1], code: {a: b}}}",
        "flavors: {python_function: {loader_module: mlflow.sklearn}, sklearn: {pickled_model: 7}}",
        "flavors: {python_function: {loader_module: mlflow.pytorch}, pytorch: {model_data: 7}}",
        "flavors: {python_function: {loader_module: os}}",
        "saved_input_example_info: 5\nflavors: {}",
        BOMB,
    ],
)
def test_an_mlmodel_file_of_wrong_types_is_an_error_of_ours(text: str) -> None:
    Path("m").mkdir()
    Path("m/MLmodel").write_text(text)
    with pytest.raises(NbtrackError):
        nbtrack.pyfunc.load_model("m", trust=True)


@pytest.mark.parametrize(
    "header",
    [
        {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 800]}},
        {"w": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}},
        {"w": {"dtype": "F32", "shape": [-1, -2], "data_offsets": [0, 8]}},
        {"w": {"dtype": "F32", "shape": [1 << 62, 0], "data_offsets": [0, 0]}},
        {"w": {"dtype": "F32", "shape": 2, "data_offsets": [0, 8]}},
        {"w": {"dtype": "F32", "shape": [2], "data_offsets": ["0", "8"]}},
        {"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8, 9]}},
        {"w": {"dtype": "F99", "shape": [2], "data_offsets": [0, 8]}},
        {"w": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]}},
        {"w": 5},
        {"__metadata__": 5},
        {"__metadata__": {"nbtrack": "[1]"}},
        {"__metadata__": {"nbtrack": '{"aliases": {"a": "nothing"}}'}},
        {"__metadata__": {"nbtrack": '{"aliases": 5}'}},
        {"__metadata__": {"nbtrack": '{"strides": {"w": [-1]}}'}},
        [],
    ],
)
def test_a_header_of_safetensors_cannot_lie(header: Any) -> None:
    pytest.importorskip("torch")
    text = json.dumps(header).encode()
    Path("w").mkdir()
    for length in (len(text), 1 << 40, 0):
        content = struct.pack("<Q", length) + text + bytes(8)
        Path("w/state_dict.safetensors").write_bytes(content)
        with pytest.raises(NbtrackError):
            nbtrack.pytorch.load_state_dict("w")


def archive(name: str, *files: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    path = Path(name)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for info, content in files:
            made.writestr(info, content)
    return path


def test_a_project_in_an_archive_stays_in_its_folder() -> None:
    link = zipfile.ZipInfo("passwd")
    link.external_attr = 0o120777 << 16
    with _unpacked(
        archive("link.zip", ("MLproject", b"name: x\n"), (link, b"/etc/passwd"))
    ) as place:
        assert not (place / "passwd").is_symlink()
        assert (place / "passwd").read_bytes() == b"/etc/passwd"
    for name in ("../outside.py", "/tmp/outside.py", "a/../../outside.py", "c:\\outside.py"):
        with pytest.raises(NbtrackError, match="lies outside of it"):
            nbtrack.projects.run(str(archive("evil.zip", (name, b"x"))))


def test_an_archive_that_fills_the_disk_is_not_unpacked() -> None:
    bomb = Path("bomb.zip")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made:
        for number in range(3):
            with made.open(f"{number}.bin", "w", force_zip64=True) as file:
                for _ in range(3):
                    file.write(bytes(1 << 20))
    content = bytearray(bomb.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    size = struct.pack("<L", (1 << 32) - 2)  # what the last one says of itself
    content[at + 24 : at + 28] = size
    bomb.write_bytes(content)
    with pytest.raises(NbtrackError, match="unfolds into"):
        nbtrack.projects.run(str(bomb))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"PK\x05\x06" + bytes(18), b"no zip"])
def test_what_is_no_archive_is_an_error_of_ours(content: bytes) -> None:
    Path("p.zip").write_bytes(content)
    with pytest.raises(NbtrackError):
        nbtrack.projects.run("p.zip")


def test_a_damaged_archive_is_an_error_of_ours() -> None:
    good = archive("p.zip", ("MLproject", b"name: x\n" * 100), ("train.py", b"print(1)\n" * 100))
    content = good.read_bytes()
    chance = random.Random(5)
    for _ in range(60):
        at = chance.randrange(len(content))
        Path("q.zip").write_bytes(content[:at] + chance.randbytes(1) + content[at + 1 :])
        try:
            with _unpacked(Path("q.zip")):
                pass
        except NbtrackError:
            pass
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = archive("r.zip", ("a", b"1"), ("a", b"2"))
    with pytest.raises(InvalidParameterError, match="twice"):
        check_archive(twice)
