"""Previews of files that are far larger than they look: each has a budget, and says so."""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from pathlib import Path

import pytest

from nbtrack.store.artifacts.folder import ArtifactFolder
from nbtrack.views import parquet_rows, previews
from nbtrack.views.previews import picture_size


def show(folder: Path, name: str) -> previews.Preview:
    return previews.preview(ArtifactFolder(str(folder)), name)


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parquet")
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    tables = {
        "normal": {"a": list(range(1000)), "s": [f"row {i}" for i in range(1000)]},
        "kinds": {"l": [[1.0, 2.0]], "d": [{"k": 1}], "b": [b"\xff"], "nan": [float("nan")]},
        "repeated": {"t": pa.DictionaryArray.from_arrays(pa.array([0] * 200), ["x" * 500_000])},
        "unfolding": {"l": pa.array([[0.5] * 1_000_000] * 20), "n": list(range(20))},
    }
    for name, columns in tables.items():
        table = pa.table(columns)
        parquet.write_table(table, folder / f"{name}.parquet", compression="zstd")
    return folder


def test_a_parquet_file_is_read_by_another_process(parquet: Path) -> None:
    found = show(parquet, "normal.parquet")
    assert (found.kind, len(found.rows), found.truncated) == ("table", previews.MAX_ROWS, True)
    assert found.rows[7] == [7, "row 7"]
    (row,) = show(parquet, "kinds.parquet").rows
    assert row == ["[1.0, 2.0]", '{"k": 1}', "b'\\xff'", "nan"]


def test_a_text_that_is_named_often_is_unfolded_once(parquet: Path) -> None:
    assert (parquet / "repeated.parquet").stat().st_size < 10_000
    found = show(parquet, "repeated.parquet")
    assert len(found.rows) == 200
    assert all(len(str(row[0])) == previews.MAX_CELL for row in found.rows)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits a process's memory so")
def test_what_unfolds_beyond_the_memory_is_left_out(
    parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (parquet / "unfolding.parquet").stat().st_size < 10_000
    monkeypatch.setattr(parquet_rows, "MEMORY", 400_000_000)
    found = show(parquet, "unfolding.parquet")
    if found.kind == "table":
        assert [row[1] for row in found.rows] == list(range(20))
        assert found.rows[0][0] == "(too large to be shown)"
    else:
        assert "more memory than a preview may have" in str(found.text)


def test_a_preview_that_takes_too_long_or_reads_too_much_says_so(
    parquet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(parquet_rows, "SECONDS", 0)
        assert "more than 0 s" in str(show(parquet, "normal.parquet").text)
    monkeypatch.setattr(parquet_rows, "MAX_READ", 100)
    assert "to be read: download it" in str(show(parquet, "normal.parquet").text)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"PAR1" + os.urandom(200) + b"PAR1"])
def test_what_is_no_parquet_file_says_so(tmp_path: Path, data: bytes) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "x.parquet").write_bytes(data)
    found = show(tmp_path, "x.parquet")
    assert found.kind == "none"
    assert "cannot be read" in str(found.text)


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_a_picture_of_too_many_pixels_is_not_sent(tmp_path: Path) -> None:
    (tmp_path / "bomb.png").write_bytes(png(100_000, 100_000))
    found = show(tmp_path, "bomb.png")
    assert (found.kind, found.image) == ("none", None)
    assert "100,000 x 100,000 pixels" in str(found.text)
    (tmp_path / "plot.png").write_bytes(png(640, 480))
    assert show(tmp_path, "plot.png").kind == "image"


@pytest.mark.parametrize("kind", ["png", "gif", "bmp", "webp", "jpeg"])
def test_the_size_of_a_picture_is_read_from_its_head(tmp_path: Path, kind: str) -> None:
    from PIL import Image

    Image.new("RGB", (321, 123)).save(tmp_path / f"x.{kind}")
    data = (tmp_path / f"x.{kind}").read_bytes()
    assert picture_size(data) == (321, 123)
    for cut in range(0, 40, 3):
        assert picture_size(data[:cut]) in (None, (321, 123), (0, 0))


def test_json_that_is_nested_does_not_unfold(tmp_path: Path) -> None:
    deep = "[" * 900 + "]" * 900
    texts = {
        "deep": f"[{','.join([deep] * 130)}]",  # with indents it would be 200 times as long
        "deeper": "[" * 100_000,
        "many": f"[{','.join(['[]'] * 400_000)}]",
        "long": json.dumps({"a": "x" * 3_000_000}),
        "plain": '{"k": [1, 2]}',
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.json").write_text(text)
        found = show(tmp_path, f"{name}.json")
        assert found.kind in ("json", "text")
        assert len(str(found.text)) <= previews.MAX_TEXT
    assert '\n  "k": [' in str(found.text)


def test_a_csv_of_one_endless_line_is_text(tmp_path: Path) -> None:
    (tmp_path / "line.csv").write_text("," * (previews.MAX_TEXT + 10))
    assert show(tmp_path, "line.csv").kind == "text"
    (tmp_path / "wide.csv").write_text("a," * 100_000 + "\n1\n")
    found = show(tmp_path, "wide.csv")
    assert (found.kind, len(found.columns), found.truncated) == (
        "table",
        previews.MAX_COLUMNS,
        True,
    )


def test_a_figure_of_plotly_is_shown_from_its_data(tmp_path: Path) -> None:
    go = pytest.importorskip("plotly.graph_objects")
    outside = {"source": "https://evil.example/pixel.png"}
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4]), {"title": "<i>a</i>", "images": [outside]})
    for included in (True, "cdn"):
        figure.write_html(tmp_path / "figure.html", include_plotlyjs=included)
        found = show(tmp_path, "figure.html")
        assert (found.kind, found.truncated) == ("figure", False)
        shown = json.loads(str(found.text))
        assert shown["data"][0]["type"] == "scatter"
        assert shown["layout"]["title"] == {"text": "<i>a</i>"}
        assert "evil" not in str(found.text)
    figure.write_json(tmp_path / "figure.json")
    assert show(tmp_path, "figure.json").kind == "figure"


def test_a_figure_that_is_not_drawn_and_a_page_that_is_none_say_so(tmp_path: Path) -> None:
    go = pytest.importorskip("plotly.graph_objects")
    go.Figure(go.Heatmap(z=[[1, 2]])).write_html(tmp_path / "map.html")
    assert show(tmp_path, "map.html").kind == "figure"
    go.Figure(go.Surface(z=[[1, 2]])).write_html(tmp_path / "surface.html")
    found = show(tmp_path, "surface.html")
    assert found.kind == "none"
    assert "surface" in str(found.text)
    for call in ('newPlot("a", [1, ', "newPlot(a, b, c)", 'newPlot("a", 1, 2)'):
        (tmp_path / "page.html").write_text(f"<h1>Page</h1><script>Plotly.{call}</script>")
        assert show(tmp_path, "page.html").kind == "html"
    (tmp_path / "deep.html").write_text("Plotly.newPlot(" + "[" * 1_000_000)
    assert show(tmp_path, "deep.html").kind == "html"


def test_media_are_for_the_browser_with_a_type_of_ours(tmp_path: Path) -> None:
    (tmp_path / "sound.wav").write_bytes(b"RIFF")
    found = show(tmp_path, "sound.wav")
    assert (found.kind, found.mime, found.image) == ("audio", "audio/wav", b"RIFF")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF-1.4")
    assert show(tmp_path, "paper.pdf").mime == "application/pdf"
    (tmp_path / "page.pdf").write_bytes(b"<script>evil()</script>")
    assert show(tmp_path, "page.pdf").kind == "none"
    with (tmp_path / "long.mp4").open("wb") as file:
        file.truncate(previews.MAX_MEDIA + 1)
    assert "download it" in str(show(tmp_path, "long.mp4").text)
