"""A model is compared with what would be loaded, before it is saved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import nbtrack  # noqa: E402
from nbtrack.models import get_model_info  # noqa: E402
from nbtrack.models.verification import UnfaithfulModelError, same_outputs  # noqa: E402

pytestmark = pytest.mark.usefixtures("workdir")
X = torch.linspace(-1, 1, 12).reshape(3, 4)


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(4, 2)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Any) -> Any:
        self.calls += 1
        return self.inner(x)


class Forgetful(torch.nn.Linear):
    """A module that leaves out of its state what it computes with."""

    factor = 1.0

    def __init__(self) -> None:
        super().__init__(4, 2)
        self.factor = 3.0

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "factor"}

    def forward(self, x: Any) -> Any:
        return super().forward(x) * self.factor


class Random(torch.nn.Linear):
    count = 0

    def forward(self, x: Any) -> Any:
        Random.count += 1
        return super().forward(x) + torch.rand(()) + Random.count


class Scaler(nbtrack.pyfunc.PythonModel):
    def __init__(self, factor: float) -> None:
        self.factor = factor

    def predict(self, context: Any, model_input: Any) -> Any:
        return model_input * self.factor


class ForgetfulScaler(Scaler):
    factor = 1.0

    def __getstate__(self) -> dict[str, Any]:
        return {}


def test_what_was_compared_is_said() -> None:
    with nbtrack.start_run():
        alone = nbtrack.pytorch.log_model(torch.nn.Linear(4, 2), name="alone")
        asked = nbtrack.pytorch.log_model(torch.nn.Linear(4, 2), name="asked", input_example=X)
    assert (alone.verified, asked.verified) == ("structure", "outputs")
    assert get_model_info(asked.model_uri).verified == "outputs"


def test_a_model_that_would_answer_differently_is_not_saved() -> None:
    with nbtrack.start_run(), pytest.raises(UnfaithfulModelError, match="other outputs"):
        nbtrack.pytorch.log_model(Forgetful(), name="forgetful", input_example=X)
    example = np.array([1.0, 2.0])
    with pytest.raises(UnfaithfulModelError, match="other outputs"):
        nbtrack.pyfunc.save_model(
            "scaler", python_model=ForgetfulScaler(3.0), input_example=example
        )
    model = nbtrack.pyfunc.save_model("right", python_model=Scaler(3.0), input_example=example)
    assert model.verified == "outputs"


def test_comparing_changes_neither_buffers_nor_random_numbers() -> None:
    model = Net().eval()
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    nbtrack.pytorch.save_model(model, "net", input_example=X, signature=False, export_model=False)
    assert torch.equal(torch.rand(3), expected)
    assert model.calls == 0


def test_a_model_that_never_answers_the_same_is_compared_by_its_structure() -> None:
    with nbtrack.start_run():
        info = nbtrack.pytorch.log_model(
            Random(4, 2).eval(), name="random", input_example=X, export_model=False
        )
    assert info.verified == "structure"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (np.array([1.0, np.nan]), np.array([1.0 + 1e-9, np.nan]), True),
        (np.array([1.0]), np.array([1.1]), False),
        (np.array(["a"]), np.array(["b"]), False),
        ({"a": [1.0]}, {"a": [1.0]}, True),
        ({"a": [1.0]}, {"b": [1.0]}, False),
        (["x", None], ["x", None], True),
        ("x", "y", False),
        (torch.ones(2), torch.ones(3), False),
        (torch.ones(2).bfloat16(), torch.ones(2).bfloat16(), True),
        (float("nan"), float("nan"), True),
        (object(), object(), True),
    ],
)
def test_outputs_are_compared_by_value(one: Any, other: Any, same: bool) -> None:
    assert same_outputs(one, other) is same
