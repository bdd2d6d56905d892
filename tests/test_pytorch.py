"""Models of a notebook are saved, and loaded where the notebook is not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import nbtrack  # noqa: E402
from nbtrack.errors import InvalidParameterError, NbtrackError, UntrustedError  # noqa: E402
from notebook_models import CLASSES, LOAD, LOG, MODELS, SETUP  # noqa: E402
from programs import run  # noqa: E402

CELLS = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.loads(sys.argv[1]):
    shell.run_cell(cell).raise_error()
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a notebook that has logged its models and was closed."""
    folder = tmp_path_factory.mktemp("notebook")
    cells = json.dumps([SETUP, CLASSES, MODELS, LOG])
    store = str(folder / "nbtrack.duckdb")
    run(CELLS, cells, cwd=folder, NBTRACK_URI=store, PYTHONWARNINGS="ignore")
    return folder


@pytest.fixture(scope="module")
def loaded(notebook: Path) -> dict[str, dict[str, Any]]:
    """What another process says of the models that it has loaded."""
    store = str(notebook / "nbtrack.duckdb")
    said = run(LOAD, cwd=notebook, NBTRACK_URI=store, PYTHONWARNINGS="ignore")
    found: dict[str, dict[str, Any]] = json.loads(said.splitlines()[-1])
    return found


@pytest.fixture
def own(notebook: Path, workdir: Path) -> Iterator[dict[str, str]]:
    """The URIs of the notebook's models, in a process that tracks to its store."""
    torch.set_num_threads(1)
    nbtrack.set_tracking_uri(notebook / "nbtrack.duckdb")
    logged = json.loads((notebook / "logged.json").read_text())
    yield logged["uris"]
    nbtrack.set_tracking_uri(None)


class Small(torch.nn.Linear):
    """A class of a file."""

    def __init__(self) -> None:
        super().__init__(2, 1)


def folder_of(uri: str) -> Path:
    from nbtrack.models.loading import open_model

    return open_model(uri).path


def net() -> Any:
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))


def test_every_model_computes_the_same_in_a_process_without_the_notebook(loaded: Any) -> None:
    assert len(loaded) > 15
    assert [name for name, found in loaded.items() if not found["equal"]] == []


def test_every_model_can_be_trained_on(loaded: Any) -> None:
    assert [name for name, found in loaded.items() if not found["trained"]] == []


def test_classes_of_cells_come_back_by_their_name(loaded: Any) -> None:
    assert loaded["net"]["class"] == "Net"
    assert loaded["branching"]["class"] == "Branching"
    assert loaded["net"]["module"] != "__main__"


def test_wrappers_are_taken_off(loaded: Any) -> None:
    assert loaded["compiled"]["class"] == "Net"
    assert loaded["parallel"]["class"] == "Net"


def test_modes_and_frozen_weights_stay(loaded: Any) -> None:
    assert loaded["frozen"]["grads"]["blocks.0.linear.weight"] is False
    assert loaded["frozen"]["grads"]["blocks.1.linear.weight"] is True
    assert set(loaded["frozen"]["modes"]) == {True, False}
    assert loaded["tied"]["tied"]


def test_weights_are_safetensors_that_anyone_reads(own: dict[str, str]) -> None:
    from safetensors.torch import load_file

    weights = load_file(folder_of(own["sequential"]) / "data" / "model.safetensors")
    model = net()
    model.load_state_dict(weights)
    model.eval()
    x = torch.linspace(-1, 1, 12).reshape(3, 4)
    assert torch.equal(model(x), nbtrack.pytorch.load_model(own["sequential"]).eval()(x))


def test_the_notebooks_store_holds_no_pickle_that_was_not_asked_for(own: dict[str, str]) -> None:
    pickles = {
        name
        for name, uri in own.items()
        for file in folder_of(uri).rglob("*")
        if file.suffix in (".pth", ".pkl")
    }
    assert pickles == {"pickled", "scripted"}


def test_a_program_takes_batches_of_any_size(own: dict[str, str]) -> None:
    program = torch.export.load(folder_of(own["net"]) / "data" / "model.pt2").module()
    assert [program(torch.ones(size, 4)).shape[0] for size in (1, 2, 7)] == [1, 2, 7]
    assert not (folder_of(own["branching"]) / "data" / "model.pt2").exists()


def test_a_class_whose_source_cannot_run_is_replaced_by_its_program(
    own: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder_of(own["net"]), copy, copy_function=shutil.copyfile)
    source = next((copy / "data" / "source").rglob("*.py"))
    source.write_text("import a_module_that_is_not_here\n" + source.read_text())
    (copy / "nbtrack-files.json").unlink()
    model = nbtrack.pytorch.load_model(copy, trust=True)
    expected = nbtrack.pytorch.load_model(own["net"]).eval()
    x = torch.ones(5, 4)
    assert torch.allclose(model(x), expected(x))
    assert "a_module_that_is_not_here" in capsys.readouterr().out
    with pytest.raises(NbtrackError, match="exported program"):
        model.train()


def test_foreign_source_does_not_run_without_consent(own: dict[str, str], tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder_of(own["net"]), copy, copy_function=shutil.copyfile)
    source = next((copy / "data" / "source").rglob("*.py"))
    source.write_text(f"open({str(tmp_path / 'planted')!r}, 'w').close()\n" + source.read_text())
    (copy / "nbtrack-files.json").unlink()
    with pytest.raises(UntrustedError, match="trust=True"):
        nbtrack.pytorch.load_model(copy)
    assert not (tmp_path / "planted").exists()
    assert set(nbtrack.pytorch.load_state_dict(copy)) >= {"heads.a.weight", "gains.0"}
    nbtrack.pytorch.load_model(copy, trust=True)
    assert (tmp_path / "planted").exists()


@pytest.mark.parametrize("kind", ["pickled", "scripted"])
def test_foreign_pickles_ask_for_consent(own: dict[str, str], tmp_path: Path, kind: str) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder_of(own[kind]), copy, copy_function=shutil.copyfile)
    (copy / "MLmodel").write_text((copy / "MLmodel").read_text() + "\n")
    (copy / "nbtrack-files.json").unlink()
    with pytest.raises(UntrustedError, match="trust=True"):
        nbtrack.pytorch.load_model(copy)
    assert nbtrack.pytorch.load_model(copy, trust=True)(torch.ones(1, 4)).shape == (1, 2)


@pytest.mark.parametrize("name", ["model.safetensors", "object.json"])
def test_a_tampered_file_is_noticed(own: dict[str, str], tmp_path: Path, name: str) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(folder_of(own["sequential"]), copy, copy_function=shutil.copyfile)
    file = copy / "data" / name
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(NbtrackError, match="changed"):
        nbtrack.pytorch.load_model(copy, trust=True)


def test_a_lazy_module_is_refused_until_it_has_run(workdir: Path) -> None:
    model = torch.nn.LazyLinear(3)
    with pytest.raises(InvalidParameterError, match="Run the model once"):
        nbtrack.pytorch.save_model(model, workdir / "lazy")
    assert not (workdir / "lazy").exists()
    model(torch.ones(1, 2))
    nbtrack.pytorch.save_model(model, workdir / "lazy")
    assert nbtrack.pytorch.load_model(workdir / "lazy").weight.shape == (3, 2)


@pytest.mark.parametrize(
    ("tensor", "advice"),
    [
        (lambda: torch.eye(3).to_sparse(), "to_dense"),
        (lambda: torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8), "dequantize"),
        (lambda: torch.ones(2, device="meta"), "no numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_tensors_that_cannot_be_kept_are_refused_with_advice(
    workdir: Path, tensor: Any, advice: str
) -> None:
    with pytest.raises(InvalidParameterError, match=advice):
        nbtrack.pytorch.save_state_dict({"odd": tensor()}, workdir / "state")


def test_tensors_of_every_type_and_layout_come_back(workdir: Path) -> None:
    state = {
        str(dtype): (torch.arange(6).reshape(2, 3) % 2).to(dtype)
        for dtype in (
            torch.bool, torch.int8, torch.int64, torch.uint16, torch.float16, torch.bfloat16,
            torch.float64, torch.float8_e4m3fn, torch.float8_e5m2fnuz, torch.complex64,
            torch.complex128,
        )
    }  # fmt: skip
    whole = torch.arange(24.0).reshape(2, 3, 4)
    state |= {"scalar": torch.tensor(2.5), "empty": torch.empty(0, 3), "whole": whole}
    state |= {"turned": whole.permute(2, 0, 1), "every_other": whole[..., ::2], "again": whole}
    state |= {"conjugate": torch.tensor([1 + 2j]).conj(), "grown": torch.ones(1, 2).expand(3, 2)}
    nbtrack.pytorch.save_state_dict(state, workdir / "state")
    loaded = nbtrack.pytorch.load_state_dict(workdir / "state")
    assert {name: tensor.dtype for name, tensor in loaded.items()} == {
        name: tensor.dtype for name, tensor in state.items()
    }
    for name, tensor in state.items():
        assert torch.equal(loaded[name].to(torch.complex128), tensor.to(torch.complex128)), name
    assert loaded["turned"].stride() == state["turned"].stride()
    assert loaded["again"] is loaded["whole"]


def test_nested_state_dicts_come_back_nested(workdir: Path) -> None:
    state = {"encoder": net().state_dict(), "decoder": {"w": torch.ones(2)}}
    with nbtrack.start_run() as active:
        nbtrack.pytorch.log_state_dict(state, "both")
    loaded = nbtrack.pytorch.load_state_dict(f"runs:/{active.info.run_id}/both")
    assert list(loaded) == ["encoder", "decoder"]
    net().load_state_dict(loaded["encoder"])
    with pytest.raises(InvalidParameterError, match=r"encoder\.epoch.*int"):
        nbtrack.pytorch.save_state_dict({"encoder": {"epoch": 3}}, workdir / "state")


def test_facts_of_a_model_are_recorded(workdir: Path) -> None:
    model = net().bfloat16()
    model[0].requires_grad_(False)
    info = nbtrack.pytorch.log_model(model, name="net")
    facts = info.flavors["pytorch"]
    assert (facts["device"], facts["precision"]) == ("cpu", "bfloat16")
    assert (facts["parameters"], facts["trainable"], facts["bytes"]) == (58, 18, 116)
    assert facts["torch"] == torch.__version__
    assert info.device == "cpu"


def test_a_device_that_is_not_here_is_replaced_and_said(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nbtrack.pytorch.save_model(net(), workdir / "net")
    file = workdir / "net" / "MLmodel"
    file.write_text(file.read_text().replace("device: cpu", "device: cuda:17"))
    (workdir / "net" / "nbtrack-files.json").unlink()
    model = nbtrack.pytorch.load_model(workdir / "net", trust=True)
    assert "cuda:17, which is not here" in capsys.readouterr().out
    assert model(torch.ones(1, 4).to(model[0].weight.device)).shape == (1, 2)
    with pytest.raises(InvalidParameterError, match="no device"):
        nbtrack.pytorch.load_model(workdir / "net", device="cuda:17", trust=True)


def test_a_failed_save_leaves_nothing(workdir: Path) -> None:
    class Holder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.sparse = torch.nn.Parameter(torch.eye(2).to_sparse(), requires_grad=False)

    with pytest.raises(InvalidParameterError, match="sparse"):
        nbtrack.pytorch.log_model(Holder(), name="holder")
    assert not list(Path(workdir).rglob("*.safetensors"))


def test_predictions_take_frames_arrays_tensors_and_dictionaries(workdir: Path) -> None:
    import numpy as np
    import pandas as pd

    from nbtrack.models.flavors.torch.predictor import Predictor

    model = net().train()
    predictor = Predictor(model)
    rows = np.linspace(-1, 1, 8).reshape(2, 4)
    expected = model.eval()(torch.tensor(rows, dtype=torch.float32)).detach().numpy()
    model.train()
    np.testing.assert_array_equal(predictor.predict(rows), expected)
    frame = pd.DataFrame(rows, index=["a", "b"])
    assert predictor.predict(frame).index.tolist() == ["a", "b"]
    np.testing.assert_array_equal(predictor.predict({"input": rows}), expected)
    np.testing.assert_array_equal(predictor.predict({"input_0": rows}), expected)
    np.testing.assert_array_equal(predictor.predict(rows.tolist()), expected)
    tensor = predictor.predict(torch.tensor(rows, dtype=torch.float32))
    assert isinstance(tensor, torch.Tensor)
    assert not tensor.requires_grad
    assert model.training


def test_a_model_is_written_in_the_background_as_it_was(workdir: Path) -> None:
    model = net()
    before = model[0].weight.detach().clone()
    with nbtrack.start_run():
        info = nbtrack.pytorch.log_model(
            model, name="net", input_example=torch.ones(1, 4), wait=False
        )
        with torch.no_grad():
            model[0].weight += 1
    loaded = nbtrack.pytorch.load_model(info.model_uri)
    assert torch.equal(loaded[0].weight, before)
    program = torch.export.load(Path(info.artifact_path) / "data" / "model.pt2")
    assert torch.equal(program.state_dict["0.weight"], before)
    assert info.wait().signature.inputs.to_dict()[0]["tensor-spec"]["shape"] == [-1, 4]


def test_a_registered_model_is_asked_through_pyfunc(own: dict[str, str], workdir: Path) -> None:
    import numpy as np

    nbtrack.set_tracking_uri(workdir / "nbtrack.duckdb")
    model = torch.nn.Sequential(net(), torch.nn.Dropout()).train()
    rows = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)
    info = nbtrack.pytorch.log_model(
        model, name="net", registered_model_name="registered", input_example=rows
    )
    assert info.registered_model_version == 1
    asked = nbtrack.pyfunc.load_model("models:/registered/1")
    expected = model.eval()(torch.from_numpy(rows)).detach().numpy()
    np.testing.assert_array_equal(asked.predict(rows), expected)
    assert not asked.get_raw_model().training


def test_a_model_is_saved_in_a_folder_and_is_the_users_own(tmp_path: Path) -> None:
    nbtrack.pytorch.save_model(Small(), tmp_path / "small")
    loaded = nbtrack.pytorch.load_model(tmp_path / "small")
    assert type(loaded).__name__ == "Small"


def test_what_is_not_known_is_refused(workdir: Path) -> None:
    with pytest.raises(TypeError, match=r"torch\.nn\.Module"):
        nbtrack.pytorch.save_model({"a": torch.ones(1)}, workdir / "a")
    with pytest.raises(TypeError, match="trust_me"):
        nbtrack.pytorch.save_model(net(), workdir / "a", trust_me=True)
    with pytest.raises(InvalidParameterError, match="'onnx' is not known"):
        nbtrack.pytorch.save_model(net(), workdir / "a", serialization="onnx")
    with pytest.raises(InvalidParameterError, match="needs an input example"):
        nbtrack.pytorch.save_model(net(), workdir / "a", serialization_format="pt2")
    assert not (workdir / "a").exists()
