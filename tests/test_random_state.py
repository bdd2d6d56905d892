"""The states of generators: read, written, and set again in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from nbtrack.errors import InvalidParameterError
from nbtrack.tracking.process_facts import process_facts
from nbtrack.tracking.random_state import MAX_BYTES, RandomState, capture
from programs import python_path

MAKE = """
import random, sys, json
import numpy as np, torch
from types import SimpleNamespace
from numpy.random import Generator, RandomState, MT19937, Philox, SFC64, PCG64DXSM
namespace = {
    "rng": np.random.default_rng(SEED), "legacy": RandomState(SEED), "own": random.Random(SEED),
    "g": torch.Generator().manual_seed(SEED), "config": {"rng": Generator(MT19937(SEED))},
    "dataset": SimpleNamespace(parts=[Generator(Philox(SEED)), Generator(SFC64(SEED))]),
    "dxsm": Generator(PCG64DXSM(SEED)),
}
random.seed(SEED); np.random.seed(SEED); torch.manual_seed(SEED)
def draw():
    n, p = namespace, namespace["dataset"].parts
    numbers = [n["rng"], n["config"]["rng"], n["dxsm"], *p]
    return [random.gauss(0, 1), np.random.standard_normal(), torch.randn(3).tolist(),
            n["own"].random(), n["legacy"].standard_normal(),
            torch.rand(2, generator=n["g"]).tolist(),
            *(int(g.integers(0, 9, dtype="uint32")) + g.random() for g in numbers)]
draw()  # the spare of two Gaussians is a part of the state, and half of an integer
"""

WORKERS = """
import sys, json, random
from pathlib import Path
import numpy as np, torch
from torch.utils.data import DataLoader, Dataset
from nbtrack.tracking.random_state import RandomState, capture
class Noisy(Dataset):
    def __len__(self): return 12
    def __getitem__(self, i): return i + torch.rand(1) + random.random() + np.random.rand()
def train(workers):
    layer = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.Dropout(0.5))
    # since Python 3.14 workers are no forks, and would not find a class of this program
    fork = "fork" if workers else None
    loader = DataLoader(Noisy(), 4, shuffle=True, num_workers=workers, multiprocessing_context=fork)
    return [layer(batch.float()).tolist() for _ in range(2) for batch in loader]
np.random  # NumPy imports it when it is first used
kept = []
if len(sys.argv) > 1:
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    kept = [RandomState.from_bytes(bytes.fromhex(text)) for text in sys.argv[1:]]
texts, found = [], []
for place, workers in enumerate((0, 2)):
    if kept:
        assert kept[place].restore({}) == []
    texts.append(capture({}).to_bytes().hex())
    found.append(train(workers))
print(json.dumps([texts, found]))
"""


def in_process(code: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": python_path(), "PATH": "", "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_each_kind_of_generator_draws_the_same_in_another_process() -> None:
    pytest.importorskip("torch")
    scope: dict[str, Any] = {}
    kept = capture({})
    exec(MAKE.replace("SEED", "7"), scope)
    states = [
        RandomState((each,)).to_bytes().decode() for each in capture(scope["namespace"]).generators
    ]
    drawn = scope["draw"]()
    kept.restore({})
    code = MAKE.replace("SEED", "8") + (
        "from nbtrack.tracking.random_state import RandomState\n"
        "for text in json.loads(sys.argv[1]):\n"
        "    assert RandomState.from_bytes(text.encode()).restore(namespace) == []\n"
        "print(json.dumps(draw()))"
    )
    assert len(states) == 11
    assert in_process(code, json.dumps(states)) == drawn


def test_loaders_with_workers_and_dropout_repeat() -> None:
    pytest.importorskip("torch")
    states, found = in_process(WORKERS)
    assert found[0] != found[1]
    assert in_process(WORKERS, *states) == [states, found]


def test_three_generators_of_a_process_fit_into_ten_kilobytes() -> None:
    pytest.importorskip("torch")
    rngs = {f"rng{i}": np.random.RandomState(i) for i in range(4)}
    state = capture(rngs)
    names = [each.name for each in state.generators]
    kept = state.only(names)
    assert len(kept.to_bytes()) <= MAX_BYTES
    assert [each.kind for each in kept.generators] == ["python", "numpy", "torch"]
    assert kept.dropped == tuple(rngs)
    assert RandomState.from_bytes(kept.to_bytes()).digest == kept.digest


def test_what_is_not_there_any_more_is_said() -> None:
    holder = SimpleNamespace(rng=np.random.default_rng(1))
    state = capture({"holder": holder}).only(["holder.rng"])
    assert state.restore({}) == ["holder.rng (it is not there)"]
    assert state.restore({"holder": SimpleNamespace(rng=3)}) == ["holder.rng (it is a int now)"]
    other = SimpleNamespace(rng=np.random.Generator(np.random.MT19937(1)))
    assert "was a PCG64" in state.restore({"holder": other})[0]


def test_properties_are_not_called_to_find_generators() -> None:
    class Loud:
        @property
        def rng(self) -> Any:
            raise AssertionError("called")

    state = capture({"loud": Loud(), "_hidden": np.random.default_rng(1)})
    assert all(each.path == () for each in state.generators)


def changed(**values: Any) -> bytes:
    entry = json.loads(capture({"r": np.random.RandomState(3)}).only(["r"]).to_bytes())
    entry["generators"][0] |= values
    return json.dumps(entry).encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04]q\x00.",
        b"[" * 9000,
        b'{"version": 2, "generators": []}',
        b'{"version": 1, "generators": [{"kind": "os", "state": {}}]}',
        b'{"version": 1, "generators": [{"kind": "python", "state": {"version": 3}}]}',
        b" " * (MAX_BYTES + 1),
    ],
)
def test_a_file_of_a_stranger_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidParameterError):
        RandomState.from_bytes(data)


def test_an_index_outside_of_the_memory_is_refused() -> None:
    state = json.loads(changed())["generators"][0]["state"]
    for position in (625, -1, 10**9, 1.0, "1"):
        inner = {**state, "state": {**state["state"], "pos": position}}
        with pytest.raises(InvalidParameterError, match="between 0 and 624"):
            RandomState.from_bytes(changed(state=inner))
    with pytest.raises(InvalidParameterError, match="bit generator"):
        RandomState.from_bytes(changed(state={**state, "bit_generator": "os.system"}))
    with pytest.raises(InvalidParameterError, match="no path"):
        RandomState.from_bytes(changed(path=[["r"]]))


def test_facts_of_a_process_are_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("PYTHONHASHSEED", "1")
    facts = json.loads(json.dumps(process_facts()))
    assert facts["threads"]["OMP_NUM_THREADS"] == "3"
    assert facts["hash_seed"] == "1"
    assert facts["hash_probe"] == hash("probe")
    if torch := sys.modules.get("torch"):
        assert facts["threads"]["torch"] == torch.get_num_threads()
        assert facts["flags"]["deterministic"] is False
