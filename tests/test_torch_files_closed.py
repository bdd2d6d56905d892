"""Files of PyTorch's flavor that a stranger has written: weights, checkpoints, whole models."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import nbtrack  # noqa: E402
from nbtrack.errors import InvalidParameterError, NbtrackError, UntrustedError  # noqa: E402
from nbtrack.models.flavors.torch import (  # noqa: E402
    checkpoint_file,
    devices,
    dtypes,
    random_states,
    structure,
    weights,
)
from nbtrack.models.objects import code_in, serialize, torch_states  # noqa: E402, F401
from strange_objects import ATTACKS, call, module, named, pairs, tree_of, watched  # noqa: E402

REFUSED = (InvalidParameterError, UntrustedError)
MANY = ("the name", "an object", "a partial", "a depth")  # the last is no JSON that Python writes
CHOSEN = [name for name in ATTACKS if not name.startswith(MANY)]
CALL = tree_of(pairs(model=pairs(), random=pairs(), extra=call(named("os.getcwd"))))


def checkpoint(path: Path, tree: Any) -> Path:
    notes = {
        "kind": "checkpoint", "form": 1, "epoch": 1, "step": None, "metrics": {}, "saved": 1.0,
        "has_model": True, "tree": tree,
    }  # fmt: skip
    weights.save(path, {"model.weight": torch.ones(2, 2)}, notes, shown=False)
    return path


def restore(path: Path, **more: Any) -> Any:
    options = {"digests": None, "rng": False, "generators": None, "strict": False}
    given = {**options, "trusted": False, **more}
    return checkpoint_file.restore(path, path.name, torch.nn.Linear(2, 2), {}, **given)


def opened_only(seen: list[str], folder: Path) -> bool:
    return all(event.startswith("open") and str(folder) in event for event in seen)


def test_a_checkpoint_by_a_stranger_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(CHOSEN):
        path = checkpoint(tmp_path / f"{number}.safetensors", ATTACKS[name])
        with watched() as seen, pytest.raises(NbtrackError):
            restore(path)
        assert opened_only(seen, tmp_path), (name, seen)
    assert not (tmp_path / "was_here").exists()


def test_a_model_by_a_stranger_runs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    weights.save(tmp_path / structure.WEIGHTS, {"a": torch.zeros(1)}, shown=False)
    options: dict[str, Any] = {"asked": False, "hashes": None, "trusted": False}
    for name in CHOSEN:
        known = {"form": 1, "tree": ATTACKS[name], "elsewhere": {}, "notes": []}
        (tmp_path / structure.OBJECT).write_text(json.dumps(known))
        with watched() as seen, pytest.raises(REFUSED):
            structure.read(tmp_path, torch.device("cpu"), **options)
        assert opened_only(seen, tmp_path), (name, seen)
    assert not (tmp_path / "was_here").exists()


def test_what_is_no_module_is_no_model(tmp_path: Path) -> None:
    weights.save(tmp_path / structure.WEIGHTS, {"a": torch.zeros(1)}, shown=False)
    for text in (
        json.dumps({"form": 1, "tree": tree_of([]), "elsewhere": {}}),
        json.dumps({"form": 1, "tree": tree_of(7), "elsewhere": {}}),
        json.dumps({"form": 1, "tree": tree_of(module()), "elsewhere": 7}),
        json.dumps({"form": 1}),
        "[" * 100_000,
        "[]",
        "\u00e9",
    ):
        (tmp_path / structure.OBJECT).write_text(text)
        with pytest.raises(InvalidParameterError):
            structure.read(tmp_path, torch.device("cpu"), asked=False, hashes=None, trusted=True)


def test_the_environment_forbids_the_code_of_checkpoints_too(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nbtrack.start_run() as active:
        nbtrack.pytorch.log_checkpoint(torch.nn.Linear(2, 2), epoch=2)
        file = checkpoint(workdir / "epoch_0001.safetensors", CALL)
        nbtrack.log_artifact(file, "checkpoints")
    load = nbtrack.pytorch.load_checkpoint
    given: dict[str, Any] = {"run_id": active.info.run_id, "rng": False}
    with pytest.raises(UntrustedError, match=r"epoch_0001.*os\.getcwd"):
        load(torch.nn.Linear(2, 2), epoch=1, **given)
    assert load(torch.nn.Linear(2, 2), epoch=1, strict=False, trust=True, **given).extra
    monkeypatch.setenv("MLFLOW_ALLOW_MODEL_CODE_EXECUTION", "false")
    with pytest.raises(UntrustedError, match="MLFLOW_ALLOW_MODEL_CODE_EXECUTION"):
        load(torch.nn.Linear(2, 2), epoch=1, trust=True, **given)
    assert load(torch.nn.Linear(2, 2), epoch=2, trust=True, **given).epoch == 2


@pytest.mark.filterwarnings("ignore:.*lr_scheduler.step.*")
def test_states_of_schedules_are_data() -> None:
    kinds: Any = torch.optim.lr_scheduler
    optimizer = torch.optim.Adam(torch.nn.Linear(2, 2).parameters(), amsgrad=True)
    schedules = [
        kinds.StepLR(optimizer, 1), kinds.MultiStepLR(optimizer, [1, 2]),
        kinds.OneCycleLR(optimizer, 0.1, 10), kinds.CosineAnnealingWarmRestarts(optimizer, 3),
        kinds.ReduceLROnPlateau(optimizer), kinds.LambdaLR(optimizer, lambda epoch: 0.9),
        kinds.CyclicLR(optimizer, 0.1, 0.2, cycle_momentum=False), kinds.LinearLR(optimizer),
        kinds.SequentialLR(
            optimizer, [kinds.ConstantLR(optimizer), kinds.ExponentialLR(optimizer, 0.9)], [1]),
    ]  # fmt: skip
    for one in (optimizer, *schedules, torch.amp.GradScaler("cpu")):
        assert code_in(serialize(one.state_dict()).tree) == [], type(one).__name__


def test_headers_that_are_nearly_right_are_read_or_refused(tmp_path: Path) -> None:
    chosen = random.Random(3)
    tensors = {
        "a": torch.ones(2, 3).t(), "b": torch.ones(2, dtype=torch.complex128),
        "c": torch.zeros(1, 2, 3, 3).contiguous(memory_format=torch.channels_last),
    }  # fmt: skip
    tensors["d"] = tensors["a"]
    file = tmp_path / "a.safetensors"
    weights.save(file, tensors, {"nested": {"x": "a"}}, shown=False)
    assert set(weights.load(file)) == set(tensors)
    raw = file.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    head, body = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    values = [
        None, True, -1, 0, 2**63, 10**30, 1.5, "", "x", "a", [], {}, [1], ["a"], [-1], [2**40, 1],
        {"a": "load"}, {"a": "_dynamo"}, {"a": "qint8"}, {"a": [1]}, {"a": [10**15, 1]}, [[]],
        {"z": "a"}, {"a": "z"}, {"b": "float32"}, {"b": "int8"}, {"a": "complex64"},
    ]  # fmt: skip
    read = 0
    for _ in range(400):
        header = json.loads(json.dumps(head))
        notes = json.loads(header["__metadata__"]["nbtrack"])
        where = chosen.choice([header, header["a"], header["b"], notes, notes, notes])
        where[chosen.choice(sorted(where))] = chosen.choice(values)
        if isinstance(header["__metadata__"], dict):
            header["__metadata__"]["nbtrack"] = json.dumps(notes)
        text = json.dumps(header).encode()
        file.write_bytes(len(text).to_bytes(8, "little") + text + body)
        with watched() as seen:
            try:
                weights.load(file)
                read += 1
            except NbtrackError:
                pass
        assert opened_only(seen, tmp_path), (seen, header)
    assert read > 20


def test_types_are_no_attributes_of_torch() -> None:
    assert dtypes.named("torch.complex128") is torch.complex128
    for name in ("load", "_dynamo", "nn", "qint8", "float32.fget", "__class__", ""):
        assert dtypes.named(name) is None
    assert devices.named("cpu") == torch.device("cpu")
    assert devices.named("os.system") is devices.named("meta") is None
    assert devices.choose(None, "nonsense")[1] is not None


@pytest.mark.parametrize("name", ["python", "torch", "numpy"])
def test_random_numbers_that_are_none_are_refused(name: str) -> None:
    states = random_states.capture()
    for value in (None, 7, [], {}, {"state": {"pos": 10**6}}, torch.zeros(3)):
        with pytest.raises(InvalidParameterError, match="rng=False"):
            random_states.restore({**states, name: value})
    states["numpy"]["state"]["pos"] = 10**6  # NumPy would read what lies behind its numbers
    with pytest.raises(InvalidParameterError, match="pos"):
        random_states.restore(states)
    random_states.restore(random_states.capture())
