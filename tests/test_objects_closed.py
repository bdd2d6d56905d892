"""Without consent a description is a closed language, whoever has written it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from nbtrack.errors import InvalidParameterError, UntrustedError  # noqa: E402
from nbtrack.models.objects import code_in, deserialize, serialize  # noqa: E402
from strange_objects import (  # noqa: E402
    ATTACKS,
    Mutations,
    call,
    described,
    known_objects,
    module,
    named,
    part,
    tree_of,
    watched,
)

REFUSED = (InvalidParameterError, UntrustedError)


def sweep(count: int, seed: int) -> dict[str, int]:
    """Read so many descriptions without consent; return how many were read, and how many not.

    What is read is then looked at as a loaded model is: it must do nothing either.
    """
    for value in known_objects().values():
        tree, arrays = described(value)
        deserialize(tree, arrays, {})  # what is loaded at the first use is here now
    made = Mutations(seed)
    found = {"read": 0, "refused": 0}
    for number in range(count):
        tree, arrays = made.next()
        with watched() as seen, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # to be shown, a line of PyTorch would be read
            try:
                value = deserialize(tree, arrays, {})
                found["read"] += 1
            except REFUSED:
                found["refused"] += 1
                value = None
            except Exception as error:
                raise AssertionError(f"{seed}/{number}: {json.dumps(tree)[:2000]}") from error
            if isinstance(value, torch.nn.Module):
                with contextlib.suppress(Exception):  # it may be a model that cannot be used
                    value.eval()
                    repr(value)
                    value.state_dict()
        assert not seen, (seed, number, seen, json.dumps(tree)[:2000])
    return found


@pytest.mark.parametrize("name", list(known_objects()))
def test_known_layers_and_plain_values_need_no_consent(name: str) -> None:
    value = known_objects()[name]
    tree, arrays = described(value)
    assert code_in(tree) == []
    deserialize(tree, arrays, {})  # what is loaded at the first use is here now
    with watched() as seen:
        found = deserialize(tree, arrays, {})
    assert seen == []
    assert type(found).__name__ == type(value).__name__
    again, _ = described(found)
    assert again["root"] == tree["root"]


@pytest.mark.parametrize("name", list(ATTACKS))
def test_what_a_stranger_writes_runs_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with watched() as seen, pytest.raises(REFUSED):
        deserialize(ATTACKS[name], {"a": torch.zeros(1)}, {"notebook.py": "open('was_here', 'w')"})
    assert seen == []
    assert not list(tmp_path.iterdir())


def test_descriptions_that_are_nearly_right_run_nothing() -> None:
    found = sweep(2000, seed=1)
    assert found["read"] > 50
    assert found["refused"] > 1000


def test_what_would_run_is_named() -> None:
    tree = ATTACKS["a shell through the globals of a function"]
    assert "the method __globals__" in code_in(tree)
    with pytest.raises(UntrustedError, match=r"the method system.*trust=True"):
        deserialize(tree, {}, {})
    with pytest.raises(UntrustedError, match=r"subprocess\.Popen"):
        deserialize(tree_of(call(named("subprocess.Popen"), "ls")), {}, {})
    for name in ("os.fine.\nPass trust=True", "\x1b[2J.x", "os." + "x" * 100_000):
        with pytest.raises(UntrustedError) as caught:
            deserialize(tree_of(named(name)), {}, {})
        assert caught.value.message.isprintable()
        assert len(caught.value.message) < 400


def test_with_consent_all_is_as_it_was() -> None:
    tree = ATTACKS["a shell through the globals of a function"]
    tree = json.loads(json.dumps(tree).replace("touch was_here", "exit 3"))
    assert deserialize(tree, {}, {}, trusted=True) >> 8 == 3
    serialized = serialize({"call": subprocess.run, "path": Path("x"), "method": [].append})
    assert deserialize(serialized.tree, {}, {}, trusted=True)["call"] is subprocess.run


def test_a_damaged_description_is_our_error_with_consent_too() -> None:
    for name, tree in ATTACKS.items():
        if name.startswith(("a node of the kind", "a root", "no ", "a file that", "a depth")):
            with pytest.raises(InvalidParameterError):
                deserialize(tree, {}, {}, trusted=True)


def test_what_is_read_computes_and_does_nothing_else() -> None:
    steps = part(named("torch.nn.functional.leaky_relu"), 2)
    model = deserialize(
        tree_of(module("torch.nn.TripletMarginWithDistanceLoss", distance_function=steps)), {}, {}
    )
    with watched() as seen:
        repr(model), model.eval(), model.state_dict()
    assert seen == []


def test_a_class_of_this_process_asks_for_consent() -> None:
    """What a class of the user's does with a stranger's state is the user's to say."""
    record = {"path": "x.py", "origin": __name__, "package": False, "whole": True, "values": {}}
    tree = tree_of({"~": "own", "file": "x", "name": "subprocess.run"}, {"x": record})
    text = Path(__file__).read_text("utf-8")
    with pytest.raises(UntrustedError, match=r"x\.py"):
        deserialize(tree, {}, {"x.py": text})


def test_a_folder_that_has_a_known_name_is_not_imported(tmp_path: Path) -> None:
    for name in ("torch", "torchvision"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("open('was_here', 'w').close()\n")
    program = (
        "import json, sys\nfrom nbtrack.models.objects import deserialize\n"
        "for tree in json.loads(sys.argv[1]):\n"
        "    try: deserialize(tree, {}, {})\n"
        "    except Exception as error: print(type(error).__name__)\n"
    )
    source = str(Path(__file__).parents[1] / "src")
    names = ("torchvision.models.resnet.ResNet", "torch.nn.functional.relu", "torch.nn.Linear")
    tensor = tree_of({"~": "tensor", "name": "x"})
    trees = json.dumps([*(tree_of(named(name)) for name in names), tensor])
    done = subprocess.run(
        [sys.executable, "-c", program, trees],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={"PATH": "", "HOME": str(tmp_path), "PYTHONPATH": source},
    )
    assert done.stdout.split() == ["UntrustedError"] * 4, done.stderr
    assert not (tmp_path / "was_here").exists()


if __name__ == "__main__":
    print(sweep(int(sys.argv[1]), int(sys.argv[2])))
