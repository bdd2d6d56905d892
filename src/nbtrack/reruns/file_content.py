"""Whether two artifacts have the same content: by values, pixels, members, lines."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Callable, Container
from typing import Any

from nbtrack.reruns.arrays import compare_arrays
from nbtrack.reruns.curves import Curve, Result, compare_curves, is_of_clock
from nbtrack.reruns.object_files import ARRAYS, OBJECT, read_arrays, read_object
from nbtrack.reruns.value_formats import read_members, read_values
from nbtrack.views.display import VIEW_MIME

MOST_BYTES = 200_000_000
MOST_PIXELS = 0.01
_STAMPS = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b\d\d:\d\d(?::\d\d(?:\.\d+)?)?\b"
    r"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b(?:m-)?[0-9a-f]{32}\b"
    r"|\b0x[0-9a-fA-F]{6,16}\b"
    r"|\b\d+(?:\.\d+)? ?(?:ms|µs|us|s|sec|seconds|it/s|s/it|ms/step|s/epoch)\b|\b1[5-9]\d{8,11}\b"
)
_PAGE_IDS = re.compile(  # of scikit-learn's, Plotly's and Matplotlib's elements
    rb"(?<=[\"#])[a-zA-Z][0-9a-f]{10}(?=[\")])|<dc:date>[^<]*</dc:date>|"
    rb"\bsk-(?:container|estimator)-id-\d+\b"
    rb"|\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"
    rb"|\b0x[0-9a-fA-F]{6,16}\b|\.\.\.x?[0-9a-f]{6,16}(?=&gt;)"  # addresses, also cut ones
    # what scikit-learn has learned, in short, with times: the model is compared itself
    rb'|<td class="fitted-att-type">[^<]*</td>\s*<td>[^<]*</td>'
)
_ADDRESSES = re.compile(r"(?<=\bat )0x[0-9a-fA-F]{6,16}\b")  # of functions and other objects
_SETS = re.compile(r"\{([^{}:]*)\}")
# lines of a model's MLmodel that say where and when it was logged, and how large its files are:
# those are compared themselves, and addresses and times of fits in them take more or less room
_OF_PLACE = re.compile(
    r"^(artifact_path|model_id|model_size_bytes|model_uuid|run_id|utc_time_created):.*\n", re.M
)
_KERNEL_FILES = re.compile(r"\S*ipykernel_\d+[\\/]\d+\.py")  # as warnings name a cell
_WIDGET = "application/vnd.jupyter.widget-view+json"  # an id that is another one each time
_NUMBER = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?")
_PICKLED = "gA"  # bytes in an object that is kept as data, such as the weights in one of skorch
_TEXTS = {"txt", "md", "json", "yaml", "yml", "log", "py", "csv", "tsv", "ini", "toml", "jsonl"}
OPAQUE = "could not be compared: other bytes, of which no values are read; not in the verdict"


def compare_content(name: str, then: bytes, now: bytes) -> tuple[Result, str]:
    """Return whether two files have the same content.

    Parameters
    ----------
    name : str
        Its extension says what is in it.
    then, now : bytes

    Returns
    -------
    result : {"exact", "close", "different"}
    detail : str
        `OPAQUE` where the bytes differ and nothing can be said about values.
    """
    if then == now:
        return "exact", ""
    kind = name.rpartition(".")[2].lower()
    if max(len(then), len(now)) > MOST_BYTES:
        return "different", OPAQUE
    try:
        if (one := read_values(kind, then)) is not None:
            return _named_values(one, read_values(kind, now) or {}, is_table=kind == "parquet")
        if zipfile.is_zipfile(io.BytesIO(then)) and zipfile.is_zipfile(io.BytesIO(now)):
            return _archives(then, now)
        if kind in ("tar", "tgz") or name.lower().endswith((".tar.gz", ".tar.bz2", ".tar.xz")):
            return _members(read_members(then), read_members(now))
        if kind == "gz":
            return compare_content(name[:-3], *map(_unzipped, (then, now)))
        if name.rpartition("/")[2] == OBJECT:
            return _worst(list(_values("", *map(read_object, (then, now)))))
        if name.rpartition("/")[2] == "MLmodel":
            return _texts(*(_OF_PLACE.sub("", data.decode("utf-8")) for data in (then, now)))
        if compare := _BY_KIND.get(kind):
            return compare(then, now)
        if kind in _TEXTS or kind == name.lower():
            return _texts(then.decode("utf-8"), now.decode("utf-8"))
    except Exception:  # noqa: BLE001  a file that is not what its name says has no values for us
        return "different", OPAQUE
    return "different", OPAQUE


def compare_file(
    path: str, then: Callable[[str], bytes], now: Callable[[str], bytes], beside: Container[str]
) -> tuple[Result, str]:
    """Return whether a file in two folders has the same content.

    Parameters
    ----------
    path : str
    then, now : callable
        Read a file by its path.
    beside : container of str
        The paths that are in both.
    """
    folder, _, name = path.rpartition("/")
    header = f"{folder}/{OBJECT}".lstrip("/")
    if name == ARRAYS and header in beside:
        try:
            one, other = (read_arrays(read(header), read(path)) for read in (then, now))
            return _named_values(one, other, is_table=False)
        except Exception:  # noqa: BLE001  it is not what its name says
            return compare_content(path, then(path), now(path))
    return compare_content(path, then(path), now(path))


def without_chance(text: str) -> str:
    """Return the text of a value without what each process has otherwise.

    These are where an object is in memory, as in ``<function f at 0x7f...>``, and the order of the
    items of a set.
    """
    return _SETS.sub(_in_order, _ADDRESSES.sub("…", text))


def _in_order(found: re.Match[str]) -> str:
    return f"{{{', '.join(sorted(each.strip() for each in found[1].split(',')))}}}"


def _archives(then: bytes, now: bytes) -> tuple[Result, str]:
    with zipfile.ZipFile(io.BytesIO(then)) as one, zipfile.ZipFile(io.BytesIO(now)) as other:
        sizes = [sum(each.file_size for each in archive.infolist()) for archive in (one, other)]
        if max(sizes) > MOST_BYTES:
            return "different", OPAQUE
        return _members(*({n: each.read(n) for n in each.namelist()} for each in (one, other)))


def _members(one: dict[str, bytes], other: dict[str, bytes]) -> tuple[Result, str]:
    if one.keys() != other.keys():
        return "different", "other members"
    return _worst([(name, *compare_content(name, one[name], other[name])) for name in one])


def _unzipped(data: bytes) -> bytes:
    with gzip.open(io.BytesIO(data)) as file:
        found = file.read(MOST_BYTES + 1)
    if len(found) > MOST_BYTES:
        raise ValueError(f"It unfolds to more than {MOST_BYTES:,} bytes.")
    return found


def _named_values(
    one: dict[str, Any], other: dict[str, Any], *, is_table: bool
) -> tuple[Result, str]:
    """Compare tensors or columns by their names; columns with times do not count."""
    if one.keys() != other.keys():
        names = sorted(one.keys() ^ other.keys())
        return "different", f"other names: {', '.join(names[:3])}"
    found = []
    for name, value in one.items():
        if is_table and is_of_clock(name):
            continue
        pair = (value, other[name])
        if all(hasattr(each, "dtype") for each in pair):
            found.append((name, *compare_arrays(*pair)))
        else:
            found += _values(name, *pair)
    return _worst(found)


def _worst(found: list[tuple[str, Result, str]]) -> tuple[Result, str]:
    for name, result, detail in found:
        if result == "different" and detail != OPAQUE:
            return "different", f"{name}: {detail}" if detail else name
    if any(result == "different" for _, result, _ in found):
        return "different", OPAQUE
    close = [f"{name}: {detail}" for name, result, detail in found if result == "close"]
    return ("close", close[0]) if close else ("exact", "")


def _arrays(then: bytes, now: bytes) -> tuple[Result, str]:
    import numpy as np

    one, other = (np.load(io.BytesIO(data), allow_pickle=False) for data in (then, now))
    return compare_arrays(one, other)


def _notebooks(then: bytes, now: bytes) -> tuple[Result, str]:
    """Compare executed notebooks; printed times and bars differ, and are no values.

    Cards and tables of nbtrack have times and names of runs; their numbers are compared elsewhere.
    """
    one, other = (_notebook(data) for data in (then, now))
    return ("exact", "") if one == other else ("different", OPAQUE)


def _notebook(data: bytes) -> list[str]:
    found = []
    for cell in json.loads(data)["cells"]:
        found.append("".join(cell.get("source", "")))
        for output in cell.get("outputs", ()):
            shown = output.get("data", {})
            if VIEW_MIME in shown:
                continue
            text = _KERNEL_FILES.sub("…", "".join(output.get("text", "")))
            found.append(_STAMPS.sub("…", text))
            kept = {kind: each for kind, each in shown.items() if kind != _WIDGET}
            found.append(json.dumps(kept, sort_keys=True))
    return found


def _pages(then: bytes, now: bytes) -> tuple[Result, str]:
    """Compare HTML without the ids of its elements; what differs then may be no value at all."""
    same = _PAGE_IDS.sub(b"", then) == _PAGE_IDS.sub(b"", now)
    return ("exact", "") if same else ("different", OPAQUE)


def _images(then: bytes, now: bytes) -> tuple[Result, str]:
    import numpy as np
    from PIL import Image

    pictures = []
    for data in (then, now):
        with Image.open(io.BytesIO(data)) as image:
            pictures.append(np.asarray(image.convert("RGBA")))
    one, other = pictures
    if one.shape != other.shape:
        return (
            "different",
            f"{one.shape[1]} x {one.shape[0]} pixels, now {other.shape[1]} x {other.shape[0]}",
        )
    share = float((one != other).any(axis=-1).mean())
    if share == 0:
        return "exact", ""
    return ("close" if share <= MOST_PIXELS else "different"), f"{share:.2%} of the pixels differ"


def _tables(then: bytes, now: bytes) -> tuple[Result, str]:
    one, other = (
        list(csv.reader(io.StringIO(data.decode("utf-8")), delimiter="\t" if b"\t" in data[:2000]
                        and b"," not in data[:2000] else ","))
        for data in (then, now)
    )  # fmt: skip
    if [len(row) for row in one] != [len(row) for row in other]:
        return "different", f"{len(one)} rows, now {len(other)}"
    found = []
    for place, name in enumerate(one[0] if one else ()):
        columns = [[row[place] for row in rows if place < len(row)] for rows in (one, other)]
        if not is_of_clock(name):
            found.append((name, *_columns(name, *columns)))
    return _worst(found)


def _columns(name: str, one: list[str], other: list[str]) -> tuple[Result, str]:
    if one == other:
        return "exact", ""
    try:
        values = [[float(cell) for cell in column[1:]] for column in (one, other)]
    except ValueError:
        return _texts("\n".join(one), "\n".join(other))
    if one[0] != other[0]:
        return "different", "another column"
    steps = range(len(values[0]))
    return compare_curves(name, Curve(steps, values[0]), Curve(steps, values[1]))


def _json(then: bytes, now: bytes) -> tuple[Result, str]:
    return _worst(list(_values("", json.loads(then), json.loads(now))))


def _values(place: str, one: Any, other: Any) -> list[tuple[str, Result, str]]:
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return [(place or "object", "different", "other keys")]
        return [
            each
            for key in one
            if not is_of_clock(str(key))
            for each in _values(f"{place}.{key}".strip("."), one[key], other[key])
        ]
    if isinstance(one, list) and isinstance(other, list):
        if len(one) != len(other):
            return [(place or "list", "different", f"{len(one)} items, now {len(other)}")]
        return [
            each
            for number, pair in enumerate(zip(one, other, strict=True))
            for each in _values(f"{place}[{number}]", *pair)
        ]
    if one == other:
        return [(place, "exact", "")]
    if isinstance(one, float) and isinstance(other, float | int):
        return [(place, *compare_curves(place, Curve([0], [one]), Curve([0], [float(other)])))]
    if isinstance(one, str) and isinstance(other, str):
        if place.endswith("value") and one.startswith(_PICKLED) and other.startswith(_PICKLED):
            return [(place, "different", OPAQUE)]
        return [(place, *_texts(one, other))]
    return [(place, "different", "other values")]


def _texts(then: str, now: str) -> tuple[Result, str]:
    """Compare texts: time stamps, durations and random ids do not count."""
    one, other = (_STAMPS.sub("…", text).splitlines() for text in (then, now))
    if one == other:
        return "exact", ""
    if len(one) != len(other):
        return "different", f"{len(one)} lines, now {len(other)}"
    near = True
    for number, (a, b) in enumerate(zip(one, other, strict=True), 1):
        if a == b:
            continue
        if _NUMBER.sub("#", a) != _NUMBER.sub("#", b):
            return "different", f"line {number}"
        for x, y in zip(_NUMBER.findall(a), _NUMBER.findall(b), strict=True):
            whole = x.lstrip("+-").isdigit() and y.lstrip("+-").isdigit()
            result, _ = compare_curves("", Curve([0], [float(x)]), Curve([0], [float(y)]))
            near = near and result != "different" and not (whole and x != y)
        if not near:
            return "different", f"line {number}"
    return "close", "numbers in it are rounded"


_BY_KIND: dict[str, Callable[[bytes, bytes], tuple[Result, str]]] = {
    "html": _pages,
    "svg": _pages,
    "ipynb": _notebooks,
    "npy": _arrays,
    "csv": _tables,
    "tsv": _tables,
    "json": _json,
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "bmp", "webp", "tif", "tiff"), _images),
}


def is_text(name: str) -> bool:
    """Return whether a file is a text, by its name."""
    kind = name.rpartition(".")[2].lower()
    return kind in _TEXTS and kind not in _BY_KIND
