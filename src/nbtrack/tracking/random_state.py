"""The states of the random number generators of a process, kept so that a cell can draw again."""

from __future__ import annotations

import hashlib
import importlib
import json
import random
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError
from nbtrack.tracking import random_generators as generators
from nbtrack.tracking.process_facts import process_facts as process_facts
from nbtrack.tracking.random_reach import Found, Path, at_path, generators_in_reach, path_text

if TYPE_CHECKING:
    from nbtrack.store.artifacts import ArtifactFolder

MAX_BYTES = 10_240
FOLDER = ".nbtrack/random"
_OF_THE_PROCESS = {
    "python": "Python's generator",
    "numpy": "NumPy's generator",
    "torch": "PyTorch's generator",
    "keras": "Keras's generator",
}


@dataclass(frozen=True)
class Generator:
    """The state of one generator.

    Attributes
    ----------
    kind : {"python", "numpy", "torch", "keras"}
    path : tuple
        Where it is found from the variables; empty for the one of the process.
    state : object
        As ``random_generators.read`` returns it.
    device : int or None
        The number of the GPU, for the generator of the process on it.
    """

    kind: str
    path: Path
    state: Any
    device: int | None = None

    @property
    def name(self) -> str:
        """What to call it in a message."""
        return name_of(self.kind, self.path, self.device)


@dataclass(frozen=True)
class RandomState:
    """The states of generators at one moment.

    Attributes
    ----------
    generators : tuple of Generator
    dropped : tuple of str
        The names of those that did not fit into 10 kB.
    """

    generators: tuple[Generator, ...]
    dropped: tuple[str, ...] = ()

    @cached_property
    def _bytes(self) -> bytes:
        body = {"version": 1, "generators": [_entry(each) for each in self.generators]}
        return json.dumps(body, separators=(",", ":")).encode("ascii")

    def to_bytes(self) -> bytes:
        """Return it as JSON."""
        return self._bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of its JSON."""
        return hashlib.sha256(self._bytes).hexdigest()

    @classmethod
    def from_bytes(cls, data: bytes) -> RandomState:
        """Return what ``to_bytes`` has written; whoever wrote it is not trusted.

        Raises
        ------
        InvalidParameterError
            If it is something else.
        """
        if len(data) > MAX_BYTES:
            raise InvalidParameterError(
                f"A state of the generators has {MAX_BYTES:,} bytes at most, not {len(data):,}."
            )
        try:
            body = json.loads(data)
            if body["version"] != 1:
                raise ValueError(f"version {body['version']!r}")
            return cls(tuple(_generator(each) for each in body["generators"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InvalidParameterError(f"Not a state of generators: {error!r}") from None

    def only(self, names: Iterable[str]) -> RandomState:
        """Return the states of some of its generators, as many as fit into 10 kB."""
        wanted = set(names)
        kept: list[Generator] = []
        dropped: list[str] = []
        for each in self.generators:
            if each.name not in wanted:
                continue
            if len(RandomState((*kept, each)).to_bytes()) <= MAX_BYTES:
                kept.append(each)
            else:
                dropped.append(each.name)
        return RandomState(tuple(kept), tuple(dropped))

    def restore(self, namespace: Mapping[str, Any]) -> list[str]:
        """Set the generators to these states.

        Parameters
        ----------
        namespace : mapping of str to object
            The variables that reach them.

        Returns
        -------
        list of str
            Those that could not be set, each with the reason.
        """
        for kind in {each.kind for each in self.generators} & {"numpy", "torch"}:
            try:  # before the first is set: an import may draw
                importlib.import_module("numpy.random" if kind == "numpy" else "torch")
            except ImportError:
                continue
        failed = []
        for each in self.generators:
            try:
                _restore(each, namespace)
            except (LookupError, ValueError, TypeError, RuntimeError, AttributeError) as error:
                missing = isinstance(error, LookupError)
                failed.append(f"{each.name} ({'it is not there' if missing else error})")
        return failed


def capture(namespace: Mapping[str, Any]) -> RandomState:
    """Return the states of the generators of the process, and of those that variables reach.

    Nothing is imported, and no GPU is initialized, for it.
    """
    return states_of([*of_the_process(), *generators_in_reach(namespace)])


def of_the_process() -> list[Found]:
    """Return the generators that functions such as ``random.random`` draw from.

    The path of one on a GPU is its number.
    """
    found = [Found((), "python", getattr(random, "_inst"))]  # noqa: B009  typeshed hides it
    mtrand: Any = sys.modules.get("numpy.random.mtrand")
    if (inner := getattr(mtrand, "_rand", None)) is not None:
        found.append(Found((), "numpy", inner))
    torch: Any = sys.modules.get("torch")
    if (default := getattr(torch, "default_generator", None)) is not None:
        found.append(Found((), "torch", default))
        found += [Found((device,), "torch", each) for device, each in enumerate(_on_gpus(torch))]
    if (keras := _of_keras()) is not None:
        found.append(Found((), "keras", keras))
    return found


def states_of(found: Iterable[Found]) -> RandomState:
    """Return the states of some generators; one that cannot be read is left out."""
    once = {id(each.value): each for each in reversed(list(found))}
    states = (state_of(each) for each in reversed(once.values()))
    return RandomState(tuple(state for state in states if state is not None))


def state_of(found: Found) -> Generator | None:
    """Return the state of a generator; None if it cannot be read."""
    try:
        state = generators.read(found.kind, found.value)
    except Exception:  # noqa: BLE001  libraries raise what they like; others are read
        return None
    if found.path and isinstance(found.path[0], int):
        return Generator(found.kind, (), state, found.path[0])
    return Generator(found.kind, found.path, state)


def keep_random_states(artifacts: ArtifactFolder, states: Iterable[RandomState]) -> None:
    """Put states into the artifacts of a run, each once, as ``.nbtrack/random/<digest>.json``."""
    for digest, state in {each.digest: each for each in states}.items():
        artifacts.put_bytes(f"{FOLDER}/{digest}.json", state.to_bytes())


def read_random_state(artifacts: ArtifactFolder, digest: str) -> RandomState:
    """Return a state that was kept with a run.

    Raises
    ------
    NotFoundError
        If it is not there.
    InvalidParameterError
        If it is no state, or has been changed since.
    """
    if len(digest) != 64 or set(digest) - set("0123456789abcdef"):
        raise InvalidParameterError(f"{digest!r} is no digest of a state of the generators.")
    with artifacts.open(f"{FOLDER}/{digest}.json") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) <= MAX_BYTES and hashlib.sha256(data).hexdigest() != digest:
        raise InvalidParameterError(
            f"The state of the generators {digest[:12]} has been changed since it was kept; "
            "it is not restored."
        )
    return RandomState.from_bytes(data)


def name_of(kind: str, path: Path, device: int | None = None) -> str:
    """Return what to call a generator in a message."""
    if device is not None:
        return f"PyTorch's generator of GPU {device}"
    return path_text(path) if path else _OF_THE_PROCESS[kind]


def _restore(each: Generator, namespace: Mapping[str, Any]) -> None:
    if each.device is not None:
        torch: Any = sys.modules["torch"]
        data = torch.frombuffer(bytearray(each.state[1]), dtype=torch.uint8)
        if not torch.cuda.is_available():
            raise ValueError("there is no such GPU")
        torch.cuda.set_rng_state(data, each.device)
        return
    if each.path:
        value = at_path(namespace, each.path)
        if generators.kind_of(value) != each.kind:
            raise ValueError(f"it is a {type(value).__name__} now")
    else:
        value = {f.kind: f.value for f in reversed(of_the_process()) if f.path == ()}[each.kind]
    generators.write(each.kind, value, each.state)


def _on_gpus(torch: Any) -> tuple[Any, ...]:
    """Return the generators on GPUs: none before CUDA is used, nor while graphs are captured."""
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized() or cuda.is_current_stream_capturing():
        return ()
    return tuple(cuda.default_generators)


def _of_keras() -> Any:
    state: Any = sys.modules.get("keras.src.backend.common.global_state")
    if state is None or "keras" not in sys.modules:
        return None
    return state.get_global_attribute("global_seed_generator")


def _entry(each: Generator) -> dict[str, Any]:
    entry: dict[str, Any] = {"kind": each.kind, "state": generators.to_json(each.kind, each.state)}
    if each.path:
        entry["path"] = list(each.path)
    if each.device is not None:
        entry["device"] = each.device
    return entry


def _generator(entry: Any) -> Generator:
    kind, path, device = entry["kind"], entry.get("path", []), entry.get("device")
    if not isinstance(kind, str) or not isinstance(path, list):
        raise ValueError("a generator has a kind and a path")
    if any(type(step) not in (str, int) for step in path) or (path and type(path[0]) is not str):
        raise ValueError(f"no path: {path!r}")
    if device is not None and (type(device) is not int or device < 0 or kind != "torch"):
        raise ValueError(f"no GPU: {device!r}")
    return Generator(kind, tuple(path), generators.from_json(kind, entry["state"]), device)
