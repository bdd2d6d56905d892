"""A model is saved as it is in memory, also where its class was changed after its definition."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from changed_definitions import BASE, CASES
from programs import run

SAVE = """
import json, sys, warnings
from pathlib import Path
import torch
from IPython.core.interactiveshell import InteractiveShell
import nbtrack.pytorch
from nbtrack.errors import InvalidParameterError
torch.set_num_threads(1)
warnings.simplefilter("ignore")
base, cases = json.loads(Path("cases.json").read_text())
sys.path.insert(0, "modules")
shell = InteractiveShell.instance()
said, outputs = {}, {}
x = torch.linspace(-1, 1, 12).reshape(3, 4)
def cell(text):
    shell.run_cell(text, silent=True).raise_error()
for name, case in cases.items():
    shell.reset(new_session=False)
    for module, text in case["modules"].items():
        Path("modules", f"{module}.py").write_text(text)
    try:
        for text in [base, *case["cells"]]:
            cell(text)
        model = shell.user_ns["model"].eval()
        outputs[name] = model(x).detach()
        nbtrack.pytorch.save_model(model, f"models/{name}")
        said[name] = "saved"
    except InvalidParameterError as error:
        said[name] = error.message
    finally:
        cell(case["undo"])
torch.save((x, outputs), "outputs.pt")
json.dump(said, open("said.json", "w"))
"""
LOAD = """
import json, warnings
import torch
import nbtrack.pytorch
torch.set_num_threads(1)
warnings.simplefilter("ignore")
x, outputs = torch.load("outputs.pt")
found = {}
for name, said in json.load(open("said.json")).items():
    if said == "saved":
        try:
            model = nbtrack.pytorch.load_model(f"models/{name}").eval()
            found[name] = "same" if torch.equal(model(x), outputs[name]) else "wrong"
        except Exception as error:
            found[name] = f"{type(error).__name__}: {error}"
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[str, str | None]]:
    """What saving said of each case, and what came of it in another process."""
    folder = tmp_path_factory.mktemp("changed")
    (folder / "modules").mkdir()
    cases = {name: asdict(case) for name, case in CASES.items()}
    (folder / "cases.json").write_text(json.dumps([BASE, cases]))
    run(SAVE, cwd=folder, PYTHONWARNINGS="ignore")
    loaded = json.loads(run(LOAD, cwd=folder, PYTHONWARNINGS="ignore").splitlines()[-1])
    first: dict[str, Any] = json.loads(Path(folder, "said.json").read_text())
    return {name: (text, loaded.get(name)) for name, text in first.items()}


@pytest.mark.parametrize("name", list(CASES))
def test_what_is_saved_is_what_is_in_memory(said: Any, name: str) -> None:
    text, loaded = said[name]
    wanted = CASES[name].refused
    if wanted is None:
        assert (text, loaded) == ("saved", "same")
    else:
        assert re.search(wanted, text)
        assert loaded is None


OTHER_NAMES = """
import torch

nn = torch.nn
ACTIVATION = torch.relu


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(2, 2)

    def forward(self, x):
        return ACTIVATION(self.inner(x))
"""


def test_another_name_in_a_module_is_what_its_file_says(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    import nbtrack
    from nbtrack.errors import InvalidParameterError

    Path("other_names.py").write_text(OTHER_NAMES)
    monkeypatch.syspath_prepend(str(workdir))
    import other_names  # type: ignore[import-not-found]

    nbtrack.pytorch.save_model(other_names.Net(), "m")
    monkeypatch.setattr(other_names, "ACTIVATION", torch.tanh)
    with pytest.raises(InvalidParameterError, match=r"other_names\.ACTIVATION is not what"):
        nbtrack.pytorch.save_model(other_names.Net(), "n")


PYTHON_MODEL = """
import json
import numpy as np
from IPython.core.interactiveshell import InteractiveShell
import nbtrack
shell = InteractiveShell.instance()
def cell(text):
    shell.run_cell(text, silent=True).raise_error()
cell('''import nbtrack
class Scaler(nbtrack.pyfunc.PythonModel):
    FACTOR = 2.0
    def __init__(self, table):
        self.table = table
    def predict(self, context, model_input):
        return model_input * self.FACTOR + self.table
''')
x = np.array([1.0, 2.0])
model = shell.user_ns["Scaler"](np.array([1.0, 1.0]))
said = [model.predict(None, x).tolist()]
nbtrack.pyfunc.save_model("before", python_model=model)
cell("Scaler.FACTOR = 5.0")
cell("Scaler.predict = lambda self, context, model_input: model_input - self.FACTOR")
said.append(model.predict(None, x).tolist())
saved = nbtrack.pyfunc.save_model("after", python_model=model, input_example=x)
assert saved.verified == "outputs"
said += [nbtrack.pyfunc.load_model(name).predict(x).tolist() for name in ("before", "after")]
print(json.dumps(said))
"""
LOADED = """
import json
import numpy as np
import nbtrack
models = [nbtrack.pyfunc.load_model(name) for name in ("before", "after")]
print(json.dumps([model.predict(np.array([1.0, 2.0])).tolist() for model in models]))
"""


def test_a_python_model_is_the_one_that_was_saved_here_and_elsewhere(tmp_path: Path) -> None:
    before, after, *here = json.loads(run(PYTHON_MODEL, cwd=tmp_path).splitlines()[-1])
    assert (before, after) == ([3.0, 5.0], [-4.0, -3.0])
    assert here == [before, after]  # also where the class was changed since
    assert json.loads(run(LOADED, cwd=tmp_path).splitlines()[-1]) == [before, after]
