"""How entities show themselves: a line of text, and a small table in a notebook.

The table has no colours of its own: it takes those of the notebook, light or dark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

MOST_LETTERS = 60  # of a text
MOST_ITEMS = 3  # of a dictionary or list in a line of text
MOST_ROWS = 20  # of a dictionary or list in a table
LONGEST = 300  # a line of text

LONGEST_ITEM = 120  # an object in a list that has a row of its own

_MARKS = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*+]\s+)")
_NO_WORDS = re.compile(r"^(?:\s*(?:`{3,}|~{3,}).*|[\s|:*_-]*)$")
_INLINE = re.compile(
    r"`([^`]+)`|\*\*(.+?)\*\*|__(.+?)__|\*([^*\s][^*]*?)\*|\[([^\]]+)\]\([^)\s]+[^)]*\)"
)
_MARKED = ("note", "description")  # Markdown
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
_NOT_SHOWN = ("mlflow.", "nbtrack.")  # tags that programs read


def fields_of(owner: Any) -> dict[str, Any]:
    """Return what is shown of an object, by label: what it has none of is left out."""
    own = getattr(owner, "_shown", None)
    fields: Mapping[str, Any] = vars(owner) if own is None else own()
    return {name: value for name, value in fields.items() if _is_something(value)}


def plain_line(markdown: str) -> str:
    """Return Markdown as one line without its marks, as ``js/shared/src/markdown.ts`` does."""
    lines = [text for text in markdown.splitlines() if not _NO_WORDS.match(text)]
    words = [_words(_MARKS.sub("", text).strip().strip("|")) for text in lines]
    return " ".join(" ".join(words).split())


def _words(text: str) -> str:
    return _INLINE.sub(lambda found: found[1] or _words(next(filter(None, found.groups()))), text)


def line(owner: Any, longest: int = LONGEST) -> str:
    """Return an object as a line of text, such as ``Experiment(experiment_id='3', ...)``."""
    fields = [f"{name}={_as_text(value)}" for name, value in fields_of(owner).items()]
    name = type(owner).__name__
    while len(", ".join(fields)) > longest and len(fields) > 1:
        fields = [*fields[: -2 if fields[-1] == "..." else -1], "..."]
    return f"{name}({', '.join(fields)})"


def table(owner: Any) -> str:
    """Return an object as HTML: a row for each of its fields."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(name)}</th>"
        f"<td style='text-align:left'>{_as_html(name, value)}</td></tr>"
        for name, value in fields_of(owner).items()
    )
    return f"<table><caption>{escape(type(owner).__name__)}</caption><tbody>{rows}</tbody></table>"


def list_line(items: Sequence[Any]) -> str:
    """Return a list as text: its first items, and how many more there are."""
    return "[" + ", ".join(_first(items, repr, MOST_ITEMS)) + "]"


def list_table(items: Sequence[Any], *, more: bool = False) -> str:
    """Return a list as HTML: a row for each of the first items.

    Parameters
    ----------
    items : sequence
    more : bool
        Whether there is another page.
    """
    shown = [fields_of(item) for item in items[:MOST_ROWS] if not isinstance(item, str)]
    names = list(dict.fromkeys(name for fields in shown for name in fields))
    head = "".join(f"<th style='text-align:left'>{escape(name)}</th>" for name in names)
    rows = "".join(
        "<tr>"
        + "".join(
            f"<td style='text-align:left'>{_in_cell(name, fields.get(name))}</td>" for name in names
        )
        + "</tr>"
        for fields in shown
    )
    count = f"{len(items):,}{' and another page' if more else ''}"
    if len(items) > len(shown):
        count = f"the first {len(shown)} of {count}"
    return (
        f"<table><caption>{count}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def plain_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that people have set."""
    return {key: value for key, value in tags.items() if not key.startswith(_NOT_SHOWN)}


def _is_something(value: Any) -> bool:
    return value is not None and not (isinstance(value, str | dict | list | tuple) and not value)


def _first(items: Iterable[Any], shown: Any, most: int) -> list[str]:
    known = list(items)
    more = [f"... {len(known) - most:,} more"] if len(known) > most else []
    return [*(shown(item) for item in known[:most]), *more]


def _cut(text: str) -> str:
    text = _LOGIN.sub("", text)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"


def _as_text(value: Any) -> str:
    if isinstance(value, dict):
        items = _first(value.items(), lambda item: f"{_cut(item[0])!r}: {_as_text(item[1])}", 3)
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_first(value, _as_text, MOST_ITEMS)) + "]"
    return repr(_cut(value)) if type(value) is str else repr(value)


def _as_html(name: str, value: Any) -> str:
    if isinstance(value, dict):
        lines = _first(value.items(), lambda item: f"{item[0]}: {_value(item[0], item[1])}", 20)
        return "<br>".join(escape(_cut(text)) for text in lines)
    if isinstance(value, list | tuple):
        return "<br>".join(escape(text) for text in _first(value, _item, MOST_ROWS))
    return escape(_cut(_value(name, value)))


def _in_cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        lines = _first(value.items(), lambda i: f"{i[0]}: {_value(i[0], i[1])}", MOST_ITEMS)
        return escape(_cut(", ".join(lines)))
    if isinstance(value, list | tuple):
        return escape(_cut(", ".join(_first(value, _item, MOST_ITEMS))))
    return escape(_cut(_value(name, value)))


def _item(value: Any) -> str:
    if isinstance(value, str):
        return _cut(value)
    return line(value, LONGEST_ITEM) if hasattr(value, "_repr_html_") else _cut(repr(value))


def _value(name: str, value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if name in _MARKED and isinstance(value, str):
        return plain_line(value)
    if type(value) is int and name.endswith(("_time", "timestamp")):
        try:
            return datetime.fromtimestamp(value / 1000).isoformat(" ", "seconds")  # noqa: DTZ006
        except (OverflowError, OSError, ValueError):
            return str(value)
    return str(value)
