"""Modules of PyTorch that no source makes again: graphs, programs, quantized weights."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError
from programs import run

torch = pytest.importorskip("torch")
nn = torch.nn

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("workdir"),
    pytest.mark.filterwarnings("ignore"),  # PyTorch's own, of quantization and TorchScript
]
ROWS = torch.linspace(-1, 1, 12).reshape(3, 4)
ANOTHER = """
import json, torch, nbtrack
torch.set_num_threads(1)
model, rows = nbtrack.pytorch.load_model("m"), torch.tensor(json.load(open("rows.json")))
behind = nbtrack.pyfunc.load_model("m").predict(rows.numpy())
print(json.dumps([model(rows).tolist(), behind.tolist()]))
"""


class Net(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.inner(x))


class Holder(nn.Module):  # type: ignore[misc, name-defined]
    def __init__(self, inside: object) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.inside(x)  # type: ignore[operator]


def traced() -> object:
    return torch.fx.symbolic_trace(nn.Sequential(nn.Linear(4, 2), nn.ReLU()))


def program() -> object:
    batch = torch.export.Dim("batch")
    return torch.export.export(Net(), (ROWS,), dynamic_shapes=({0: batch},))


def module_of_a_program() -> object:
    return torch.export.export(Net(), (ROWS,)).module()


def quantized() -> object:
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    return torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)


def statically_quantized() -> object:
    quantization = torch.ao.quantization
    net = nn.Sequential(quantization.QuantStub(), nn.Linear(4, 2), quantization.DeQuantStub())
    net.eval().qconfig = quantization.get_default_qconfig("x86")
    prepared = quantization.prepare(net)
    prepared(ROWS)
    return quantization.convert(prepared)


def script_inside() -> object:
    return Holder(torch.jit.script(nn.Linear(4, 2)))


MAKERS = [traced, program, module_of_a_program, quantized, statically_quantized, script_inside]


def same_in_another_process(model: object) -> bool:
    called = model.module() if isinstance(model, torch.export.ExportedProgram) else model
    Path("rows.json").write_text(json.dumps(ROWS.tolist()))
    found = json.loads(run(ANOTHER, cwd=Path.cwd()).splitlines()[-1])
    wanted = called(ROWS).detach().numpy()  # type: ignore[operator]
    return all(np.allclose(one, wanted, atol=1e-6) for one in found)


@pytest.mark.parametrize("make", MAKERS)
def test_a_module_without_source_is_saved_with_an_example(make: object) -> None:
    model = make()  # type: ignore[operator]
    nbtrack.pytorch.save_model(model, "m", input_example=ROWS)
    assert same_in_another_process(model)


@pytest.mark.parametrize("make", [traced, program, quantized, script_inside])
def test_a_module_without_source_is_saved_without_an_example(make: object) -> None:
    model = make()  # type: ignore[operator]
    nbtrack.pytorch.save_model(model, "m")
    assert same_in_another_process(model)


def test_an_extractor_of_torchvision_is_saved_as_a_program() -> None:
    torchvision = pytest.importorskip("torchvision")
    from torchvision.models.feature_extraction import create_feature_extractor

    extractor = create_feature_extractor(torchvision.models.resnet18().eval(), {"layer1": "found"})
    pictures = torch.zeros(2, 3, 32, 32)
    nbtrack.pytorch.save_model(extractor, "m", input_example=pictures)
    found = nbtrack.pytorch.load_model("m")(pictures)["found"]
    assert torch.allclose(found, extractor(pictures)["found"])


def test_what_a_module_is_kept_as_is_said() -> None:
    with pytest.warns(UserWarning, match=r"saved as its exported program.*a graph of torch\.fx"):
        nbtrack.pytorch.save_model(traced(), "m", input_example=ROWS)
    with pytest.warns(UserWarning, match=r"saved as TorchScript\. 0 .*quantized"):
        nbtrack.pytorch.save_model(quantized(), "q")


class Talkative(nn.Module):  # type: ignore[misc, name-defined]
    """What neither an export nor TorchScript follows."""

    def __init__(self) -> None:
        super().__init__()
        self.graph = traced()

    def forward(self, x: object) -> object:
        if np.asarray(x.detach()).sum() > 0:  # type: ignore[attr-defined]
            return self.graph(x)  # type: ignore[operator]
        return -self.graph(x)  # type: ignore[operator]


def test_ways_out_are_those_that_work() -> None:
    model = Talkative()
    with pytest.raises(InvalidParameterError, match=r"graph .*a graph of torch\.fx.*'pickle'"):
        nbtrack.pytorch.save_model(model, "m", input_example=ROWS)
    assert not Path("m").exists()
    nbtrack.pytorch.save_model(model, "m", serialization="pickle")
    assert torch.equal(nbtrack.pytorch.load_model("m")(ROWS), model(ROWS))


def test_a_program_that_is_written_later_does_not_change() -> None:
    net = Net()
    graph = torch.fx.symbolic_trace(net)
    wanted = net(ROWS).detach()
    with nbtrack.start_run():
        info = nbtrack.pytorch.log_model(graph, name="m", input_example=ROWS, wait=False)
        with torch.no_grad():
            net.inner.weight.zero_()
        info.wait()
    assert torch.allclose(nbtrack.pytorch.load_model(info.model_uri)(ROWS), wanted)


class Answer(NamedTuple):
    mean: object
    spread: object


class Gaussian(Net):
    def forward(self, x: object) -> object:
        mean = self.inner(x)
        return Answer(mean, mean.exp())


def test_outputs_that_no_program_names_leave_the_model_as_it_is() -> None:
    model = Gaussian()
    with pytest.warns(UserWarning, match="exported program cannot be written.*saved without it"):
        nbtrack.pytorch.save_model(model, "m", input_example=ROWS)
    assert torch.equal(nbtrack.pytorch.load_model("m")(ROWS).spread, model(ROWS).spread)
    with pytest.raises(InvalidParameterError, match="namedtuple"):
        nbtrack.pytorch.save_model(model, "n", input_example=ROWS, export_model=True)


class Frozen(Net):
    def train(self, mode: bool = True) -> None:
        super().train(mode)
        self.inner.eval()


def test_a_model_whose_train_returns_nothing_predicts() -> None:
    model = Frozen()
    nbtrack.pytorch.save_model(model, "m", input_example=ROWS)
    found = nbtrack.pyfunc.load_model("m").predict(ROWS.numpy())
    assert np.allclose(found, model(ROWS).detach().numpy())


@pytest.mark.parametrize("example", [ROWS.to_sparse(), torch.utils.data.DataLoader([ROWS])])
def test_an_example_that_cannot_be_kept_leaves_the_model(example: object) -> None:
    model = Net()
    with pytest.warns(UserWarning, match="saved without its input example"):
        nbtrack.pytorch.save_model(model, "m", input_example=example)
    assert torch.equal(nbtrack.pytorch.load_model("m")(ROWS), model(ROWS))
    with warnings.catch_warnings(), nbtrack.start_run():
        warnings.simplefilter("ignore")
        nbtrack.pytorch.log_model(model, name="m", input_example=example, wait=False).wait()


def test_a_model_of_bfloat16_takes_the_arrays_of_its_example() -> None:
    model, rows = Net().bfloat16(), ROWS.bfloat16()
    nbtrack.pytorch.save_model(model, "m", input_example=rows)
    behind = nbtrack.pyfunc.load_model("m")
    found = behind.predict(behind.metadata.load_input_example("m"))
    assert np.allclose(found, model(rows).float().detach().numpy())
