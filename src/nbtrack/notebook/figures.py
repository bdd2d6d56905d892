"""The figures that a cell shows: kept as they were shown."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import sys
from collections import OrderedDict
from typing import Any

from nbtrack.notebook.observed.kinds import module_of
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.display import VIEW_MIME

MAX_FIGURES = 20
PLOTLY_MIME = "application/vnd.plotly.v1+json"
_PICTURES = {"image/png": "png", "image/svg+xml": "svg", "image/jpeg": "jpg"}
_LIBRARIES = ("matplotlib", "plotly", "seaborn", "PIL", "altair", "plotnine")

Shown = tuple[str, bytes]


class ShownFigures:
    """Listens to the display publisher of a shell from ``start`` to ``stop``.

    A display that is updated counts once, as it was last; of many figures the last
    ones are kept.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._found: OrderedDict[str, Shown] = OrderedDict()
        self._open: set[int] = set()

    def start(self) -> None:
        """Begin to listen."""
        self._open = set(_open_figures())
        hook = getattr(self._shell.display_pub, "register_hook", None)
        if hook is not None:
            hook(self._on_message)

    def stop(self, result: Any = None) -> None:
        """Stop listening; look at the cell's result and at figures that it left open."""
        unhook = getattr(self._shell.display_pub, "unregister_hook", None)
        if unhook is not None:
            unhook(self._on_message)
        # what displays itself has gone through the publisher, and would be shown once more
        of_library = module_of(type(result)).partition(".")[0] in _LIBRARIES
        if of_library and not hasattr(result, "_ipython_display_"):
            data, _ = self._shell.display_formatter.format(result)
            self._keep(data, None)
        for number in sorted(set(_open_figures()) - self._open):
            self._keep({"image/png": _drawn(number)}, None)

    def store(self, folder: ArtifactFolder) -> int:
        """Put the figures among the artifacts, under ``figures/``; return how many there are."""
        for number, (kind, data) in enumerate(self._found.values(), start=1):
            name = f"figures/figure_{number}"
            if kind == "plotly":
                _store_plotly(folder, f"{name}.html", data)
            else:
                folder.put_bytes(f"{name}.{kind}", data)
        return len(self._found)

    def _on_message(self, message: dict[str, Any]) -> dict[str, Any]:
        content = message.get("content", {})
        if "data" in content:
            self._keep(content["data"], content.get("transient", {}).get("display_id"))
        return message

    def _keep(self, data: dict[str, Any], display_id: str | None) -> None:
        found = None if VIEW_MIME in data else _picture(data)
        if found is None:
            return
        key = display_id or hashlib.sha256(found[1]).hexdigest()
        self._found[key] = found
        self._found.move_to_end(key)
        if len(self._found) > MAX_FIGURES:
            self._found.popitem(last=False)


def _picture(data: dict[str, Any]) -> Shown | None:
    if PLOTLY_MIME in data:
        return "plotly", json.dumps(data[PLOTLY_MIME]).encode()
    for mime, suffix in _PICTURES.items():
        value = data.get(mime)
        if isinstance(value, bytes):
            return suffix, value
        if isinstance(value, str):
            if suffix == "svg":
                return suffix, value.encode()
            try:
                return suffix, base64.b64decode(value)
            except binascii.Error:
                return None
    return None


def _store_plotly(folder: ArtifactFolder, name: str, data: bytes) -> None:
    import plotly.io as pio
    from plotly.offline import get_plotlyjs

    figure = pio.from_json(_without_config(data), skip_invalid=True)
    folder.put_bytes("figures/plotly.min.js", get_plotlyjs().encode())
    folder.put_bytes(name, figure.to_html(include_plotlyjs="directory").encode())


def _without_config(data: bytes) -> str:
    figure = json.loads(data)
    return json.dumps({key: figure[key] for key in ("data", "layout", "frames") if key in figure})


def _open_figures() -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return list(pyplot.get_fignums()) if pyplot is not None else []


def _drawn(number: int) -> bytes:
    buffer = io.BytesIO()
    sys.modules["matplotlib._pylab_helpers"].Gcf.figs[number].canvas.figure.savefig(
        buffer, format="png"
    )
    return buffer.getvalue()
