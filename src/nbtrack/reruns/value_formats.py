"""The values in files of libraries: tensors, tables, weights, each by its name.

Nothing here unpickles: of PyTorch's files only what ``weights_only=True`` allows is read.
"""

from __future__ import annotations

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

from nbtrack.reruns.object_files import counts

_GENERATORS = frozenset({"RandomStateNode", "RandomGeneratorNode"})
MOST_ROWS = 5_000_000
MOST_MEMBERS = 500_000_000
_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def read_values(kind: str, data: bytes) -> dict[str, Any] | None:
    """Return what a file holds, by name: arrays, numbers, texts; None where it cannot be read.

    Parameters
    ----------
    kind : str
        The extension of its name, in small letters.
    data : bytes

    Raises
    ------
    Exception
        If it is not what its name says.
    """
    read = _BY_KIND.get(kind)
    return None if read is None else read(data)


def read_members(data: bytes) -> dict[str, bytes]:
    """Return the files in a tar archive, compressed or not.

    Raises
    ------
    ValueError
        If they are too large together.
    tarfile.TarError
        If it is none.
    """
    found: dict[str, bytes] = {}
    room = MOST_MEMBERS
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:*") as archive:
        for member in archive:
            file = archive.extractfile(member) if member.isfile() else None
            if file is None:
                continue
            room -= member.size
            if room < 0:
                raise ValueError(f"The archive unfolds to more than {MOST_MEMBERS:,} bytes.")
            found[member.name] = file.read()
    return found


def _safetensors(data: bytes) -> dict[str, Any]:
    import numpy as np

    (length,) = struct.unpack("<Q", data[:8])
    head = json.loads(data[8 : 8 + length])
    body = memoryview(data)[8 + length :]
    found = {}
    for name, about in head.items():
        if name == "__metadata__":
            continue
        begin, end = about["data_offsets"]
        if about["dtype"] == "BF16":  # the upper half of a float32
            halves = np.frombuffer(body[begin:end], "<u2").astype("<u4")
            array = (halves << 16).view("<f4")
        elif about["dtype"] in _DTYPES:
            array = np.frombuffer(body[begin:end], _DTYPES[about["dtype"]])
        else:
            array = np.frombuffer(body[begin:end], "u1")
        found[name] = array if array.dtype == "u1" else array.reshape(about["shape"])
    return found


def _torch(data: bytes) -> dict[str, Any]:
    import torch

    loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return dict(_flat("", loaded))


def _flat(place: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what is in dicts and lists, by its place."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _flat(f"{place}.{key}" if place else str(key), each)
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _flat(f"{place}[{number}]", each)
    elif hasattr(value, "detach"):
        tensor = value.detach().cpu()
        tensor = tensor.to_dense() if tensor.is_sparse else tensor
        is_small = tensor.is_floating_point() and tensor.element_size() < 4
        yield place, (tensor.float() if is_small else tensor).numpy()
    else:
        yield place, value


def _onnx(data: bytes) -> dict[str, Any]:
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(data).graph
    found: dict[str, Any] = {
        f"weights {each.name}": numpy_helper.to_array(each) for each in graph.initializer
    }
    nodes = [
        f"{node.op_type}({', '.join(node.input)}) -> {', '.join(node.output)}"
        for node in graph.node
    ]
    return {**found, "nodes": "\n".join(nodes)}


def _hdf5(data: bytes) -> dict[str, Any]:
    import h5py  # type: ignore[import-untyped]

    found: dict[str, Any] = {}

    def take(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(io.BytesIO(data), "r") as file:
        file.visititems(take)
    return found


def _skops(data: bytes) -> dict[str, Any]:
    """Return what is in a model of skops by the names of its attributes, without times of fits."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        tree = json.loads(archive.read("schema.json"))
        return dict(_of_node("model", tree, archive))


def _of_node(place: str, node: Any, archive: zipfile.ZipFile) -> Iterator[tuple[str, Any]]:
    """Yield what is below a node; what names it in the file is its address in memory then."""
    if isinstance(node, list):
        for number, each in enumerate(node):
            yield from _of_node(f"{place}[{number}]", each, archive)
    elif not isinstance(node, dict):
        yield place, node
    elif "__loader__" not in node:  # attributes, or the items of a dictionary
        for key, each in node.items():
            if counts(key):
                yield from _of_node(f"{place}.{key}", each, archive)
    elif node["__loader__"] in _GENERATORS:
        return  # of a model without a seed it is that of the process: nothing that was learned
    elif node.get("__class__") == "MaskedArray":
        yield from _masked(place, node["content"], archive)
    else:
        for key, each in node.items():
            if key == "file":
                yield from _member(place, each, archive)
            elif key == "content" and node.get("is_json"):
                yield place, json.loads(each)
            elif key == "content":
                yield from _of_node(place, each, archive)
            elif key != "__id__":
                yield from _of_node(f"{place} ({key})", each, archive)


def _masked(place: str, parts: Any, archive: zipfile.ZipFile) -> Iterator[tuple[str, Any]]:
    """Yield an array without what is behind its mask: that is whatever the memory held."""
    import numpy as np

    found = {key: dict(_of_node(place, parts[key], archive)) for key in ("data", "mask")}
    if all(hasattr(each.get(place), "dtype") for each in found.values()):
        yield place, np.ma.masked_array(found["data"][place], found["mask"][place])
    else:
        for key, values in found.items():
            yield from (
                (f"{place} ({key}){name[len(place) :]}", each) for name, each in values.items()
            )


def _member(place: str, name: str, archive: zipfile.ZipFile) -> Iterator[tuple[str, Any]]:
    """Yield an array; one of records, such as the nodes of a tree, by their fields."""
    import numpy as np

    content = archive.read(name)
    if not name.endswith(".npy"):
        yield place, content
        return
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if not array.dtype.names:
        yield place, array
    for field in array.dtype.names or ():
        yield f"{place}.{field}", array[field]


def _parquet(data: bytes) -> dict[str, Any]:
    from nbtrack.store.bulk import parquet_columns

    found = parquet_columns(data, MOST_ROWS)
    return {name: _plain(each) if each.dtype.kind == "O" else each for name, each in found.items()}


def _plain(value: Any) -> Any:
    """Return texts, lists and structs of a column as plain values; None where there is a gap."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    return value


_BY_KIND = {
    "safetensors": _safetensors,
    **dict.fromkeys(("pt", "pth", "ckpt", "bin"), _torch),
    "onnx": _onnx,
    **dict.fromkeys(("h5", "hdf5"), _hdf5),
    "parquet": _parquet,
    "skops": _skops,
}
