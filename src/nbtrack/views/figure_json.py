"""The figure in an HTML file that Plotly has written: its JSON, and none of the scripts."""

from __future__ import annotations

import json
from typing import Any

MAX_FILE = 30_000_000  # with Plotly's own five
MAX_FIGURE = 8_000_000
_CALL = b"Plotly.newPlot("
_SPACE = b" \t\r\n,"
_DRAWN = frozenset({  # by the front end's Plotly, its cartesian bundle
    "bar", "box", "contour", "heatmap", "histogram", "histogram2d", "histogram2dcontour", "image",
    "pie", "scatter", "scatterternary", "violin",
})  # fmt: skip

JsonObject = dict[str, Any]


def figure_of_html(data: bytes) -> tuple[list[JsonObject], JsonObject] | None:
    """Return the traces and the layout of a figure; None where the file has none.

    Parameters
    ----------
    data : bytes
        The whole file. Its last call of ``Plotly.newPlot(id, traces, layout, config)`` counts: the
        library before it names the function, too.
    """
    place = data.rfind(_CALL)
    if place < 0 or len(data) - place > MAX_FIGURE:
        return None
    text = data[place + len(_CALL) :].decode("utf-8", "replace")
    found: list[Any] = []
    at = 0
    decoder = json.JSONDecoder()
    try:
        for _ in range(3):
            while at < len(text) and text[at] in _SPACE.decode():
                at += 1
            value, at = decoder.raw_decode(text, at)
            found.append(value)
    except (ValueError, RecursionError):
        return None
    return checked_figure(found[1], found[2])


def checked_figure(traces: Any, layout: Any) -> tuple[list[JsonObject], JsonObject] | None:
    """Return traces and layout if they are those of a figure."""
    if not isinstance(traces, list) or not traces or not isinstance(layout, dict):
        return None
    if not all(isinstance(trace, dict) for trace in traces):
        return None
    # pictures of a layout may be anywhere, and would be fetched from there
    kept = {key: value for key, value in layout.items() if key not in ("images", "mapbox", "map")}
    if isinstance(template := kept.get("template"), dict):
        kept["template"] = {
            key: value for key, value in template.items() if key in ("layout", "data")
        }
        inner = kept["template"].get("layout")
        if isinstance(inner, dict):
            kept["template"]["layout"] = {k: v for k, v in inner.items() if k != "images"}
    return traces, kept


def not_drawn(traces: list[JsonObject]) -> list[str]:
    """Return the kinds of traces that the front end cannot draw, such as those in 3D and maps."""
    kinds = {str(trace.get("type", "scatter")) for trace in traces}
    return sorted({"scatter" if kind == "scattergl" else kind for kind in kinds} - _DRAWN)
