"""Random number generators: how the state of each is read, written down and set again.

Only what the process has imported is looked at. What is written down is JSON with base85 in it.
What is read back may come from a stranger, and is checked before a library gets it: NumPy, for one,
does not check the position in the key of its Mersenne Twister, which is an index into memory.
"""

from __future__ import annotations

import base64
import random
import struct
import sys
import zlib
from collections.abc import Mapping
from typing import Any

from nbtrack.errors import InvalidParameterError

MAX_STATE_BYTES = 6000
MT_WORDS = 624
_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
_ARRAYS = ("key", "counter", "buffer", "state")
_BOUNDS = {"pos": MT_WORDS, "buffer_pos": 4, "has_uint32": 1, "uinteger": 2**32 - 1, "has_gauss": 1}
_CPU_SEED = 2**40  # those of the system have 53 bits or more
_NAME: Any = type.__dict__["__name__"]
_MODULE: Any = type.__dict__["__module__"]
_TORCH_DEFAULT_SEED = 67280421310721  # of a torch.Generator() that nobody has seeded


def kind_of(value: Any) -> str | None:
    """Return which kind of generator an object is; None if it is none.

    ``"python"`` is a ``random.Random``, ``"numpy"`` a ``RandomState`` or a ``Generator``,
    ``"torch"`` a ``torch.Generator``, ``"keras"`` Keras's ``SeedGenerator``.
    """
    kind = type(value)
    if kind is random.Random:
        return "python"
    name = _NAME.__get__(kind)
    if name not in ("Generator", "RandomState", "SeedGenerator"):
        return None
    module = module_of(kind)
    if name == "SeedGenerator":
        return "keras" if module.startswith("keras") else None
    if module.startswith("numpy.random"):
        return "numpy"
    return "torch" if name == "Generator" and module in ("torch", "torch._C") else None


def module_of(kind: type) -> str:
    """Return the module that defines a class, whatever its own class says; empty if unknown."""
    try:
        module = _MODULE.__get__(kind)
    except AttributeError:
        return ""
    return module if type(module) is str else ""


def read(kind: str, value: Any) -> Any:
    """Return the state of a generator, as something that can be compared by ``==``."""
    if kind == "python":
        return value.getstate()
    if kind == "numpy":
        legacy = type(value).__name__ == "RandomState"
        return _plain(value.get_state(legacy=False) if legacy else value.bit_generator.state)
    if kind == "torch":
        return str(value.device), value.get_state().numpy().tobytes()
    keras: Any = sys.modules["keras"]
    return tuple(int(word) for word in keras.ops.convert_to_numpy(value.state))


def write(kind: str, value: Any, state: Any) -> None:
    """Set the state of a generator.

    Raises
    ------
    ValueError, TypeError, RuntimeError
        If it is a generator of another kind, or no state of it.
    """
    if kind == "python":
        value.setstate(state)
    elif kind == "numpy":
        legacy = type(value).__name__ == "RandomState"
        holder = value._bit_generator if legacy else value.bit_generator
        wanted = dict(state)["bit_generator"]
        if type(holder).__name__.lstrip("_") != wanted:
            raise ValueError(f"it is a {type(holder).__name__}, and was a {wanted}")
        found = _arrays(state)
        if legacy:
            value.set_state(found)
        else:
            holder.state = found
    elif kind == "torch":
        torch: Any = sys.modules["torch"]
        device, data = state
        if str(value.device) != device:
            raise ValueError(f"it is on {value.device}, and was on {device}")
        value.set_state(torch.frombuffer(bytearray(data), dtype=torch.uint8))
    else:
        value.state.assign(sys.modules["numpy"].array(state, dtype="uint32"))


def is_seeded(kind: str, value: Any) -> bool | None:
    """Return whether a number has seeded a generator; None where nothing in it says so."""
    if kind == "torch":
        seed = value.initial_seed()
        return bool(seed < _CPU_SEED or seed == _TORCH_DEFAULT_SEED)
    if kind != "numpy":
        return None
    legacy = type(value).__name__ == "RandomState"
    sequence = (value._bit_generator if legacy else value.bit_generator).seed_seq
    if sequence is None:  # RandomState.seed was called
        return True
    entropy = getattr(sequence, "entropy", None)
    if entropy is None:
        return None
    if isinstance(entropy, int):
        return entropy.bit_length() <= 64
    return True  # a sequence of numbers that the user gave


def first_state(kind: str, value: Any) -> Any:
    """Return the state that a generator was made with, or seeded to; None where nobody knows."""
    if kind == "torch" and str(value.device) == "cpu":
        other = type(value)()
        other.manual_seed(value.initial_seed())
        return read(kind, other)
    if kind == "numpy":
        legacy = type(value).__name__ == "RandomState"
        holder = value._bit_generator if legacy else value.bit_generator
        if holder.seed_seq is not None:
            made: Any = getattr(sys.modules["numpy"].random, type(holder).__name__.lstrip("_"))
            return read(kind, type(value)(made(holder.seed_seq)))
    return None


def to_json(kind: str, state: Any) -> Any:
    """Return a state as JSON."""
    if kind == "python":
        version, words, gauss = state
        return {"version": version, "words": _packed(words), "gauss": gauss}
    if kind == "numpy":
        return {key: _jsonable(value) for key, value in state}
    if kind == "torch":
        device, data = state
        return {"device": device, "planes": _text(_planes(data))}
    return list(state)


def from_json(kind: str, found: Any) -> Any:
    """Return a state from JSON; raise ``InvalidParameterError`` if it is none."""
    try:
        if kind == "python":
            words = struct.unpack(f"<{MT_WORDS + 1}I", _data(found["words"]))
            gauss = found["gauss"]
            if found["version"] != 3 or words[-1] > MT_WORDS or not _is_gauss(gauss):
                raise ValueError("not a state of Python's generator")
            return 3, words, gauss
        if kind == "numpy":
            return _numpy_state(found)
        if kind == "torch":
            return str(found["device"]), _from_planes(_data(found["planes"]))
        if kind == "keras" and len(found) == 2:
            return tuple(_whole(word, 2**32 - 1) for word in found)
    except (KeyError, TypeError, ValueError, AttributeError, struct.error, zlib.error) as error:
        raise InvalidParameterError(f"No state of a generator ({kind!r}): {error!r}") from None
    raise InvalidParameterError(f"No generator of nbtrack's: {kind!r}")


def _plain(state: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return what NumPy gives as tuples, arrays as their type and bytes."""
    return tuple(
        (key, _plain(value) if isinstance(value, dict) else _plain_value(value))
        for key, value in state.items()
    )


def _plain_value(value: Any) -> Any:
    if hasattr(value, "tobytes") and getattr(value, "ndim", False):
        return value.dtype.name, value.tobytes()
    return value if isinstance(value, str | float) else int(value)


def _arrays(state: Any) -> dict[str, Any]:
    numpy: Any = sys.modules["numpy"]
    found: dict[str, Any] = {}
    for key, value in state:
        if not isinstance(value, tuple):
            found[key] = value
        elif value and isinstance(value[0], tuple):
            found[key] = _arrays(value)
        else:
            found[key] = numpy.frombuffer(value[1], dtype=value[0]).copy()
    return found


def _jsonable(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    if value and isinstance(value[0], tuple):
        return {key: _jsonable(each) for key, each in value}
    return {"dtype": value[0], "bytes": _text(value[1])}


_SHAPES = {  # of each bit generator: its arrays, in bytes
    "MT19937": {"key": ("uint32", 4 * MT_WORDS)},
    "PCG64": {},
    "PCG64DXSM": {},
    "Philox": {"counter": ("uint64", 32), "key": ("uint64", 16), "buffer": ("uint64", 32)},
    "SFC64": {"state": ("uint64", 32)},
}


def _numpy_state(found: Mapping[str, Any]) -> Any:
    name = found["bit_generator"]
    if name not in _BIT_GENERATORS:
        raise ValueError(f"bit generator {name!r}")
    return tuple((str(key), _numpy_value(name, key, value)) for key, value in found.items())


def _numpy_value(name: str, key: str, value: Any) -> Any:
    if key == "bit_generator":
        return name
    if key == "gauss":
        if not isinstance(value, float | int):
            raise ValueError(f"gauss is {value!r}")
        return float(value)
    if isinstance(value, dict) and "bytes" in value:
        dtype, size = _SHAPES[name][key]
        data = _data(value["bytes"])
        if value["dtype"] != dtype or len(data) != size:
            raise ValueError(f"{key} has {len(data)} bytes")
        return dtype, data
    if isinstance(value, dict) and key == "state":
        return tuple((str(k), _numpy_value(name, k, v)) for k, v in value.items())
    return _whole(value, _BOUNDS.get(key, 2**128 - 1))


def _whole(value: Any, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{value!r} is not between 0 and {most}")
    return value


def _is_gauss(value: Any) -> bool:
    return value is None or type(value) in (float, int)


def _packed(words: tuple[int, ...]) -> str:
    return _text(struct.pack(f"<{len(words)}I", *words))


def _planes(data: bytes) -> bytes:
    """Return the first bytes of all words, then the second: PyTorch's have 32 bits of 64 in use."""
    return b"".join(data[place::8] for place in range(8))


def _from_planes(data: bytes) -> bytes:
    found = bytearray(len(data))
    begin = 0
    for place in range(8):
        size = len(found[place::8])
        found[place::8] = data[begin : begin + size]
        begin += size
    return bytes(found)


def is_at_seed(kind: str, value: Any, state: Any) -> bool:
    """Return whether a generator that was just seeded has drawn nothing since."""
    if kind == "python":
        return bool(state[1][-1] == MT_WORDS)
    if kind == "numpy":
        inner = dict(dict(state)["state"])
        return inner.get("pos") == MT_WORDS
    return kind == "torch" and first_state(kind, value) == state


def _text(data: bytes) -> str:
    return base64.b85encode(zlib.compress(data)).decode("ascii")


def _data(text: Any) -> bytes:
    if not isinstance(text, str) or len(text) > 2 * MAX_STATE_BYTES:
        raise ValueError("bytes are too many, or no text")
    reader = zlib.decompressobj()
    data = reader.decompress(base64.b85decode(text), MAX_STATE_BYTES)
    if not reader.eof:
        raise ValueError("it unfolds into more than a state has")
    return data
