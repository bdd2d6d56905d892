"""Models that MLflow has written or reads, whose module has moved, or that torchvision has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import nbtrack  # noqa: E402
from nbtrack.errors import UntrustedError  # noqa: E402
from programs import run  # noqa: E402

pytestmark = pytest.mark.slow

MLFLOW = """
import json, sys, warnings
warnings.simplefilter("ignore")
import numpy as np, torch, mlflow
mlflow.set_tracking_uri("sqlite:///mlflow.db")
x = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)
found = {
    "native": mlflow.pytorch.load_model("ours")(torch.from_numpy(x)).tolist(),
    "pyfunc": mlflow.pyfunc.load_model("ours").predict(x).tolist(),
    "scripted": mlflow.pytorch.load_model("scripted")(torch.from_numpy(x)).tolist(),
    "pickled": mlflow.pytorch.load_model("pickled")(torch.from_numpy(x)).tolist(),
}
torch.manual_seed(0)
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 2)
    def forward(self, x):
        return self.linear(x)
model = Net()
# without MLflow's own search for requirements, which takes seconds for each model
quick = {"pip_requirements": []}
mlflow.pytorch.save_model(model, "theirs_pt2", input_example=x, **quick)
mlflow.pytorch.save_model(model, "theirs_pickle", serialization_format="pickle", **quick)
mlflow.pytorch.save_state_dict(model.state_dict(), "theirs_state")
found["theirs"] = model(torch.from_numpy(x)).tolist()
print(json.dumps(found))
"""
MODULE = """
import torch
from moving_helpers import double

class Moving(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 2)
    def forward(self, x):
        return double(self.linear(x))
"""
FROM_MODULE = """
import torch, nbtrack
from moving_model import Moving
torch.manual_seed(0)
model = Moving()
with nbtrack.start_run():
    print(nbtrack.pytorch.log_model(model, name="moving").model_uri)
torch.save(model(torch.ones(2, 4)), "expected.pt")
"""
WITHOUT_MODULE = """
import sys, torch, nbtrack
model = nbtrack.pytorch.load_model(sys.argv[1])
print(type(model).__name__, torch.equal(model(torch.ones(2, 4)), torch.load("expected.pt")))
"""


def inputs() -> Any:
    import numpy as np

    return np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)


@pytest.fixture(scope="module")
def exchange(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any], Any]:
    """A folder of models of both, what MLflow said of ours, and what ours compute."""
    pytest.importorskip("mlflow")
    folder = tmp_path_factory.mktemp("exchange")
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(), torch.nn.Linear(8, 2))
    model.eval()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nbtrack.models.flavors.torch.saving.warn", lambda text: None)
        nbtrack.pytorch.save_model(model, folder / "ours", input_example=inputs()[:1])
        nbtrack.pytorch.save_model(model, folder / "pickled", serialization_format="pickle")
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scripted = torch.jit.script(model)
        nbtrack.pytorch.save_model(scripted, folder / "scripted")
    said = run(MLFLOW, cwd=folder, PYTHONWARNINGS="ignore")
    expected = model(torch.from_numpy(inputs())).detach()
    return folder, json.loads(said.splitlines()[-1]), expected


@pytest.mark.parametrize("how", ["native", "pyfunc", "scripted", "pickled"])
def test_mlflow_reads_our_folders(exchange: Any, how: str) -> None:
    _, said, expected = exchange
    assert torch.allclose(torch.tensor(said[how]), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["theirs_pt2", "theirs_pickle"])
def test_folders_of_mlflow_are_read_with_consent(exchange: Any, name: str) -> None:
    folder, said, _ = exchange
    with pytest.raises(UntrustedError, match="trust=True"):
        nbtrack.pytorch.load_model(folder / name)
    model = nbtrack.pytorch.load_model(folder / name, trust=True)
    computed = model.eval()(torch.from_numpy(inputs()))
    assert torch.allclose(computed, torch.tensor(said["theirs"]), atol=1e-6)


def test_state_dicts_of_mlflow_are_read(exchange: Any) -> None:
    folder, _, _ = exchange
    assert list(nbtrack.pytorch.load_state_dict(folder / "theirs_state")) == [
        "linear.weight",
        "linear.bias",
    ]


def test_a_class_whose_module_is_gone_comes_back(tmp_path: Path) -> None:
    here, store = tmp_path / "here", {"NBTRACK_URI": str(tmp_path / "nbtrack.duckdb")}
    here.mkdir()
    (here / "moving_model.py").write_text(MODULE)
    (here / "moving_helpers.py").write_text("def double(x):\n    return 2 * x\n")
    uri = run(FROM_MODULE, cwd=here, **store).split()[-1]
    (here / "moving_model.py").unlink()
    (here / "moving_helpers.py").unlink()
    assert run(WITHOUT_MODULE, uri, cwd=here, **store).split() == ["Moving", "True"]


@pytest.mark.parametrize(("name", "size"), [("resnet18", 33), ("efficientnet_b0", 33)])
def test_models_of_torchvision_come_back(workdir: Path, name: str, size: int) -> None:
    models = pytest.importorskip("torchvision.models")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = getattr(models, name)(weights=None, num_classes=3).eval()
    nbtrack.pytorch.save_model(model, workdir / name)
    loaded = nbtrack.pytorch.load_model(workdir / name)
    x = torch.randn(2, 3, size, size)
    assert type(loaded) is type(model)
    assert torch.equal(loaded(x), model(x))


def test_vgg_of_torchvision_comes_back_in_half_precision(workdir: Path) -> None:
    models = pytest.importorskip("torchvision.models")
    model = models.vgg11_bn(weights=None, num_classes=2, init_weights=False).half()
    model.classifier = torch.nn.Linear(25088, 2).half()
    nbtrack.pytorch.save_model(model, workdir / "vgg")
    loaded = nbtrack.pytorch.load_model(workdir / "vgg")
    for (name, one), (other, two) in zip(
        model.state_dict().items(), loaded.state_dict().items(), strict=True
    ):
        assert name == other
        assert torch.equal(one, two)
