"""One HTML file of chosen runs: a comparison with its data, without network and secrets."""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from importlib import resources
from pathlib import Path
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.store import Store
from nbtrack.views.comparison.data import Scope
from nbtrack.views.comparison.saved import (
    SavedComparison,
    SavedLimits,
    SavedView,
    names_to_hide,
    saved_comparison,
)
from nbtrack.views.formats import format_number
from nbtrack.views.redaction import Redaction
from nbtrack.views.report.origins import anchor, origins_html
from nbtrack.views.table.page import TableView

MAX_RUNS = 500
LIMITS = SavedLimits(
    runs=MAX_RUNS, curve_runs=100, curve_bytes=900_000, curve_points=600, importances=3, facts=True
)
# nothing but what is in the file itself may load, whatever a value in it says
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' blob:; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:; base-uri 'none'; form-action 'none'"
)
_TEMPLATE = "report.html"


def write_report(
    store: Store,
    scope: Scope,
    path: str | Path,
    *,
    title: str = "",
    view: SavedView | None = None,
) -> Path:
    """Write a comparison as one HTML file that opens anywhere.

    Parameters
    ----------
    store : Store
    scope : Scope
        At most 500 runs.
    path : str or Path
        The file; replaced if it exists.
    title : str
        A heading.
    view : SavedView, optional
        How it is looked at first.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InvalidParameterError
        If there are no runs or too many, the folder does not exist, or nbtrack was installed
        without its front end.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise InvalidParameterError(
            f"The folder {str(target.parent)!r} does not exist. Make it, or give another path."
        )
    bundle = _bundle()
    with store.read() as reader:
        total = scope.find(reader)[1]
    if total == 0:
        raise InvalidParameterError("There are no runs to export: no run fits.")
    if total > MAX_RUNS:
        raise InvalidParameterError(
            f"An HTML file holds at most {MAX_RUNS} runs; these are {total:,}. "
            "Choose some of them, such as runs='metrics.val_loss < 0.3'."
        )
    view = view or SavedView()
    saved = saved_comparison(store, scope, view, LIMITS)
    heading = Redaction().text(title) or f"{total} {'run' if total == 1 else 'runs'}"
    shown = saved["table"]["run_ids"]
    with store.read() as reader:
        clean = Redaction(names_to_hide(reader, shown)).text
    text = render_report(heading, saved, bundle, origins_html(store, shown, clean))
    target.write_text(text, "utf-8")
    return target


def render_report(title: str, saved: SavedComparison, bundle: str, origins: str = "") -> str:
    """Return the file's text.

    Parameters
    ----------
    title : str
    saved : dict
        From ``saved_comparison``.
    bundle : str
        The module with all views.
    origins : str
        HTML that says where the numbers come from.
    """
    packed = base64.b64encode(zlib.compress(bundle.encode(), 9)).decode("ascii")
    # the data stays readable, so that anybody can look at what is given away; no < of it can
    # end the element or begin a comment
    data = json.dumps(saved, ensure_ascii=False, separators=(",", ":"))
    data = data.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    parts = {
        "policy": html.escape(POLICY, quote=True),
        "title": html.escape(title),
        "table": _plain_table(saved["table"], origins),
        "data": data,
        "code": packed,
        "origins": origins,
    }
    text = resources.files(__package__).joinpath(_TEMPLATE).read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], text)


def _bundle() -> str:
    from nbtrack.views.bundle import bundle_code

    code = bundle_code()
    if not code:
        raise InvalidParameterError(
            "nbtrack was installed without its front end, which the HTML file needs. "
            "Put npm on the PATH and install it again."
        )
    return code


def _plain_table(table: TableView, origins: str) -> str:
    """Return the rows for readers without scripts."""
    names = table["columns"]
    head = "".join(f"<th>{html.escape(name.partition('.')[2] or name)}</th>" for name in names)
    known = set(re.findall(r'<details id="([^"]+)"', origins))
    rows = []
    for i, run_id in enumerate(table["run_ids"]):
        place = anchor(run_id) if anchor(run_id) in known else ""
        rows.append("".join(_cell(table["values"][name][i], name, place) for name in names))
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: Any, column: str, place: str) -> str:
    """Return a cell; a number that was logged leads to where it comes from."""
    text = html.escape(_text(value))
    if place and (column == "run_name" or column.startswith("metrics.")):
        text = f'<a href="#{place}">{text}</a>'
    return f"<td>{text}</td>"


def _text(value: Any) -> str:
    if value is None:
        return ""
    return format_number(value) if isinstance(value, float) else str(value)
