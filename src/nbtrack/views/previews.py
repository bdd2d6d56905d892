"""Artifacts to look at without loading them: images, text, tables, figures, media.

Nothing of them is executed.
"""

from __future__ import annotations

import csv
import io
import json
import math
import struct
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Literal, NotRequired, TypedDict

from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.figure_json import MAX_FILE, checked_figure, figure_of_html, not_drawn
from nbtrack.views.parquet_rows import CannotShowError, first_rows

MAX_ROWS = 200
MAX_COLUMNS = 100
MAX_CELL = 500
MAX_TEXT = 500_000
MAX_JSON = 5_000_000
MAX_NESTED = 250_000
MAX_IMAGE = 10_000_000
MAX_SVG = 2_000_000
MAX_MEDIA = 50_000_000
MAX_PIXELS = 64_000_000

MediaKind = Literal["pdf", "audio", "video"]

_IMAGES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".bmp": "image/bmp",
    ".svg": "image/svg+xml",
}
_JPEG_SIZES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_MARKUP = {".md": "text/markdown", ".markdown": "text/markdown", ".py": "text/x-python"}
_HTML = (".html", ".htm")
_DELIMITED = {".csv": ",", ".tsv": "\t"}
_BINARY = {".pt", ".pth", ".pkl", ".pickle", ".npy", ".npz", ".zip", ".gz", ".tar", ".h5", ".onnx",
           ".safetensors", ".joblib", ".bin", ".pt2"}  # fmt: skip
_MEDIA: dict[str, tuple[MediaKind, str]] = {
    ".pdf": ("pdf", "application/pdf"),
    ".wav": ("audio", "audio/wav"),
    ".mp3": ("audio", "audio/mpeg"),
    ".ogg": ("audio", "audio/ogg"),
    ".oga": ("audio", "audio/ogg"),
    ".opus": ("audio", "audio/ogg"),
    ".flac": ("audio", "audio/flac"),
    ".m4a": ("audio", "audio/mp4"),
    ".mp4": ("video", "video/mp4"),
    ".webm": ("video", "video/webm"),
}

Kind = Literal["image", "text", "table", "json", "html", "figure", "pdf", "audio", "video", "none"]


class PreviewJson(TypedDict):
    """What is shown of a file; see `Preview`. Of images and media, the buffer has the bytes."""

    kind: Kind
    mime: str
    truncated: bool
    text: NotRequired[str]
    columns: NotRequired[list[str]]
    rows: NotRequired[list[list[Any]]]


@dataclass(frozen=True)
class Preview:
    """What is shown of a file.

    Attributes
    ----------
    kind : {"image", "text", "table", "json", "html", "figure", "pdf", "audio", "video", "none"}
        ``"html"`` is text; who shows it does so in a frame that runs no scripts. The text of a
        ``"figure"`` is JSON, ``{"data", "layout"}``, for the Plotly of who shows it.
    mime : str
    truncated : bool
        Whether the file has more.
    text : str or None
        Of a text; of ``"none"`` why there is no preview.
    columns : list of str
    rows : list of list
        Plain JSON; long texts are cut.
    image : bytes or None
        Of an image, of a PDF, of sound and of films: the file.
    """

    kind: Kind
    mime: str
    truncated: bool = False
    text: str | None = None
    columns: list[str] = field(default_factory=list)
    rows: list[list[Any]] = field(default_factory=list)
    image: bytes | None = None

    def as_response(self) -> tuple[PreviewJson, list[bytes]]:
        """Return the body and the buffers of the response to a request."""
        body: PreviewJson = {"kind": self.kind, "mime": self.mime, "truncated": self.truncated}
        if self.text is not None:
            body["text"] = self.text
        if self.kind == "table":
            body["columns"], body["rows"] = self.columns, self.rows
        return body, [] if self.image is None else [self.image]


def preview(folder: ArtifactFolder, path: str) -> Preview:
    """Return what there is to see of an artifact, from its first part.

    Each kind has a budget: of the bytes that are read, and of what they become. Where a kind
    cannot promise the second, as Parquet cannot, a process of its own reads it.

    Raises
    ------
    NotFoundError
        If there is no such file.
    InvalidParameterError
        If the path leaves the run's folder, or is a folder.
    """
    suffix = PurePosixPath(path).suffix.lower()
    with folder.open(path) as file:
        if suffix in _IMAGES:
            return _image(file, _IMAGES[suffix])
        if suffix == ".parquet":
            return _parquet(file)
        if suffix in _MEDIA:
            return _media(file, *_MEDIA[suffix])
        if suffix in _HTML:
            return _html(file)
        if suffix in _DELIMITED:
            return _delimited(file, _DELIMITED[suffix])
        if suffix == ".json":
            return _json(file)
        if suffix in _BINARY:
            return _none("This kind of file has no preview.")
        return _text(file, suffix)


def _image(file: BinaryIO, mime: str) -> Preview:
    most = min(MAX_IMAGE, MAX_SVG) if mime == "image/svg+xml" else MAX_IMAGE
    data = file.read(most + 1)
    if len(data) > most:
        return _none(f"The image has more than {most // 1_000_000} MB.", mime)
    width, height = picture_size(data) or (0, 0)
    if width * height > MAX_PIXELS:
        return _none(f"The image has {width:,} x {height:,} pixels: download it to see it.", mime)
    return Preview("image", mime, image=data)


def _media(file: BinaryIO, kind: MediaKind, mime: str) -> Preview:
    """Return what the browser's own viewer or player shows; the type comes from the name alone."""
    data = file.read(MAX_MEDIA + 1)
    if len(data) > MAX_MEDIA:
        return _none(f"The file has more than {MAX_MEDIA // 1_000_000} MB: download it.", mime)
    if kind == "pdf" and not data.startswith(b"%PDF-"):
        return _none("This is no PDF, whatever its name says.", mime)
    return Preview(kind, mime, image=data)


def _html(file: BinaryIO) -> Preview:
    """Return a page as text, and a figure that Plotly has written as its data."""
    data, truncated = _head(file, MAX_FILE)
    figure = None if truncated else figure_of_html(data)
    if figure is None:
        text = data[:MAX_TEXT].decode("utf-8", "replace")
        return Preview("html", "text/html", truncated or len(data) > MAX_TEXT, text)
    return _figure(*figure)


def _figure(traces: list[Any], layout: dict[str, Any]) -> Preview:
    mime = "application/vnd.plotly.v1+json"
    if others := not_drawn(traces):
        return _none(
            f"A figure of Plotly with {', '.join(others)}, which is not drawn here. Download the "
            "file and open it in a browser.",
            mime,
        )
    return Preview("figure", mime, text=json.dumps({"data": traces, "layout": layout}))


def _text(file: BinaryIO, suffix: str) -> Preview:
    data, truncated = _head(file, MAX_TEXT)
    if b"\0" in data[:8192]:
        return _none("This is no text, and this kind of file has no preview.")
    text = data.decode("utf-8", "replace")
    return Preview("text", _MARKUP.get(suffix, "text/plain"), truncated, text)


def _delimited(file: BinaryIO, delimiter: str) -> Preview:
    data, truncated = _head(file, MAX_TEXT)
    text = data.decode("utf-8-sig", "replace")
    if truncated and "\n" not in text:  # one line without an end is no table
        return Preview("text", "text/plain", True, text)
    if truncated:
        text = text[: text.rfind("\n") + 1]
    try:
        rows = []
        for row in csv.reader(io.StringIO(text), delimiter=delimiter):
            rows.append(row)
            if len(rows) > MAX_ROWS + 1:
                break
    except csv.Error:
        return Preview("text", "text/plain", truncated, text)
    head, body = (rows[0], rows[1:]) if rows else ([], [])
    return _table(head, body, "text/csv", truncated=truncated)


def _json(file: BinaryIO) -> Preview:
    data, truncated = _head(file, MAX_JSON)
    text = data.decode("utf-8", "replace")
    if truncated:
        return Preview("text", "application/json", True, text[:MAX_TEXT])
    try:
        if data.count(b"[") + data.count(b"{") > MAX_NESTED:
            raise ValueError("each list and each object takes far more memory than its bytes")
        value = json.loads(text)
        if isinstance(value, dict) and (
            figure := checked_figure(value.get("data"), value.get("layout"))
        ):
            return _figure(*figure)
        if _is_frame(value):  # as nbtrack.log_table and pandas write one
            return _table(value["columns"], value["data"], "application/json")
        pretty = _pretty(value)
    except (ValueError, RecursionError):
        return Preview("text", "application/json", len(text) > MAX_TEXT, text[:MAX_TEXT])
    return Preview("json", "application/json", len(pretty) > MAX_TEXT, pretty[:MAX_TEXT])


def _pretty(value: Any) -> str:
    """Return JSON with indents, not much longer than what is shown of it."""
    parts, size = [], 0
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
        parts.append(part)
        size += len(part)
        if size > MAX_TEXT:
            break
    return "".join(parts)


def _parquet(file: BinaryIO) -> Preview:
    mime = "application/vnd.apache.parquet"
    try:
        found = first_rows(file, MAX_ROWS, MAX_COLUMNS, MAX_CELL)
    except CannotShowError as error:
        return _none(str(error), mime)
    return _table(found["columns"], found["rows"], mime, truncated=found["truncated"])


def _table(columns: list[Any], rows: list[Any], mime: str, *, truncated: bool = False) -> Preview:
    return Preview(
        "table",
        mime,
        truncated or len(rows) > MAX_ROWS or len(columns) > MAX_COLUMNS,
        columns=[str(name)[:MAX_CELL] for name in columns[:MAX_COLUMNS]],
        rows=[[_cell(value) for value in row[:MAX_COLUMNS]] for row in rows[:MAX_ROWS]],
    )


def _cell(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    text = str(value)
    return text if len(text) <= MAX_CELL else text[: MAX_CELL - 1] + "…"


def _is_frame(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("columns"), list)
        and isinstance(value.get("data"), list)
        and all(isinstance(row, list) for row in value["data"])
    )


def _head(file: BinaryIO, limit: int) -> tuple[bytes, bool]:
    data = file.read(limit + 1)
    return data[:limit], len(data) > limit


def _none(why: str, mime: str = "application/octet-stream") -> Preview:
    return Preview("none", mime, text=why)


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG, GIF, BMP, WebP or JPEG; None where they are not told.

    The first bytes say it: nothing of the picture is decoded.
    """
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack_from(">II", data, 16)
        elif data.startswith(b"GIF8"):
            width, height = struct.unpack_from("<HH", data, 6)
        elif data.startswith(b"BM"):
            width, height = struct.unpack_from("<ii", data, 18)
        elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp(data)
        elif data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        else:
            return None
    except struct.error:
        return None
    return abs(width), abs(height)


def _webp(data: bytes) -> tuple[int, int] | None:
    kind = data[12:16]
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        width, height = data[24:27], data[27:30]
        return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    place = 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        (length,) = struct.unpack_from(">H", data, place + 2)
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, place + 5)
            return width, height
        place += 2 + length
    return None
