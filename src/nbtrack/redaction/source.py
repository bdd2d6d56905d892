"""Source and notebooks without the secrets in them; source asks for its own when it runs."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from nbtrack.redaction.names import is_private, is_secret
from nbtrack.redaction.secrets import HIDDEN, MIN_GIVEN, Secrets

_MAGIC = re.compile(r"[ \t]*[%!?]")
_WORD = re.compile(r"\W+")
_NOT_KEPT = "which was not kept"
_ASK = rf"__import__\('getpass'\)\.getpass\((?:'[^\n]*?|\"[^\n]*?){_NOT_KEPT}[^\n]*?: ['\"]\)"
_GET = rf"(?:\(__import__\('os'\)\.environ\.get\('\w+'\) or {_ASK}\)|{_ASK})"
_TAKEN_OUT = re.compile(rf"(?:(?:int|float)\({_GET}\)|{_GET}(?:\.encode\(\))?)(?:\\\n)*|{HIDDEN}")
_LITERAL = (
    r"(?:[rRbBfFuU]{0,2}(?:\"{3}[\s\S]*?\"{3}|'{3}[\s\S]*?'{3}|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|[\d._]+)"
)
_IN_TEXT = r"[^\n]+?"
_GAP = "\N{REPLACEMENT CHARACTER}"  # stands for an expression in an f-string


@dataclass(frozen=True)
class CleanSource:
    """Source without secrets.

    Attributes
    ----------
    text : str
        The source; where a literal was taken out it asks for it.
    left_out : tuple of str
        What each literal is called: the name it is assigned to, or the line it stands in.
    values : frozenset of str
        The secrets: what else is captured must not hold them either.
    """

    text: str
    left_out: tuple[str, ...] = ()
    values: frozenset[str] = frozenset()


def clean_source(source: str, secrets: Secrets) -> CleanSource:
    """Take the secrets out of a cell or a file of Python.

    A literal with a secret, or one that is assigned to a private name, becomes an expression that
    reads the environment variable of that name, or asks for the value where there is none.
    Comments, docstrings, lines of magics, and what is no Python lose the secret alone.

    Parameters
    ----------
    source : str
        Python; lines may be magics.
    secrets : Secrets

    Examples
    --------
    >>> from nbtrack.redaction.secrets import Secrets
    >>> from nbtrack.redaction.source import clean_source
    >>> clean_source('api_key = "sk-proj-abc123DEF456ghi"', Secrets({})).left_out
    ('api_key',)
    """
    lines = source.splitlines(keepends=True)
    tree = _parsed(lines)
    if tree is None:
        text = secrets.text(source)
        return CleanSource(text, () if text == source else ("a line of the cell",))
    found = _secret_literals(tree, secrets)
    for literal in reversed(found):
        _replace(lines, literal, secrets)
    rest = _clean_comments(lines, secrets)
    names = [literal.name or f"line {literal.start[0]}" for literal in found]
    names += [f"line {number}" for number in rest]
    values = frozenset(value for literal in found for value in literal.values)
    return CleanSource("".join(lines), tuple(dict.fromkeys(names)), values)


def is_same_source(now: str, kept: str) -> bool:
    """Return whether source is what was kept of it, whatever stood where a secret was taken out."""
    if now == kept:
        return True
    pattern, end = "", 0
    for found in _TAKEN_OUT.finditer(kept):
        stood = _IN_TEXT if found[0] == HIDDEN else _LITERAL
        pattern, end = pattern + re.escape(kept[end : found.start()]) + stood, found.end()
    return end > 0 and bool(re.fullmatch(pattern + re.escape(kept[end:]), now))


@dataclass(frozen=True)
class _Literal:
    start: tuple[int, int]  # line from 1, column in bytes
    end: tuple[int, int]
    name: str
    kind: type
    asks: bool
    shown: str
    values: tuple[str, ...]


def _parsed(lines: list[str]) -> ast.Module | None:
    """Return the syntax tree; a line of a magic counts as ``pass``, and so does a cell of one."""
    if lines and lines[0].lstrip().startswith("%%"):
        return None
    try:
        return ast.parse("".join(_without_magics(lines)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _without_magics(lines: list[str]) -> Iterator[str]:
    for line in lines:
        indent = line[: len(line) - len(line.lstrip())]
        yield f"{indent}pass\n" if _MAGIC.match(line) else line


def _secret_literals(tree: ast.Module, secrets: Secrets) -> list[_Literal]:
    named = dict(_named(tree))
    nodes = list(ast.walk(tree))
    texts = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    inside = {
        id(part)
        for node in nodes
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if part is not node
    }
    found = []
    for node in nodes:
        if not isinstance(node, ast.Constant | ast.JoinedStr) or id(node) in inside:
            continue
        text, name = _text_of(node), named.get(id(node), "")
        if text is None:
            continue
        by_name = bool(name) and is_secret(name, text.replace(_GAP, ""))
        values = [text] if by_name and _GAP not in text else _taken(text, secrets)
        if not values:
            continue
        literal = _Literal(
            (node.lineno, node.col_offset),
            (node.end_lineno or node.lineno, node.end_col_offset or 0),
            name,
            type(node.value) if isinstance(node, ast.Constant) else str,
            id(node) not in texts,
            HIDDEN if by_name else secrets.value(text).replace(_GAP, "…")[:80],
            tuple(value for value in values if len(value) >= MIN_GIVEN),
        )
        found.append(literal)
    return sorted(found, key=lambda each: each.start)


def _text_of(node: ast.Constant | ast.JoinedStr) -> str | None:
    """Return the text of a literal; an expression in an f-string counts as a character."""
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else _GAP for part in node.values)
        return "".join(map(str, parts))
    value = node.value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return str(value)


def _taken(text: str, secrets: Secrets) -> list[str]:
    """Return the secrets that a text holds by its form; of a login its password, too.

    What an f-string puts there is none: it does not stand in the source.
    """
    left = secrets.value(text)
    if left == text:
        return []
    match = re.fullmatch("(.*?)".join(map(re.escape, left.split(HIDDEN))), text, re.DOTALL)
    parts = [part for part in (match.groups() if match else (text,)) if part]
    passwords = [part.partition(":")[2] for part in parts if ":" in part]
    found = [part for part in (*passwords, *parts) if _GAP not in part]
    return found if found or match is None else []


def _named(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the literals that have a name: what they are assigned to, their keyword or key."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _matched(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
            if node.value is not None:
                yield from _matched(node.target, node.value)
        elif isinstance(node, ast.keyword) and node.arg:
            yield id(node.value), node.arg
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield id(value), key.value
        elif isinstance(node, ast.Compare) and len(node.comparators) == 1:
            yield from _matched(node.left, node.comparators[0])
        elif isinstance(node, ast.arguments):
            positional = [*node.posonlyargs, *node.args]
            for arg, default in zip(reversed(positional), reversed(node.defaults), strict=False):
                yield id(default), arg.arg
            for arg, keyword in zip(node.kwonlyargs, node.kw_defaults, strict=True):
                if keyword is not None:
                    yield id(keyword), arg.arg
        elif isinstance(node, ast.Call):
            yield from _first_names_second(node)


def _first_names_second(node: ast.Call) -> Iterator[tuple[int, str]]:
    """Yield the second argument of a call whose first is its name: ``setdefault("TOKEN", ...)``."""
    if len(node.args) >= 2:
        first = node.args[0]
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield id(node.args[1]), first.value


def _matched(target: ast.expr, value: ast.expr) -> Iterator[tuple[int, str]]:
    if isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        for one, its in zip(target.elts, value.elts, strict=False):
            yield from _matched(one, its)
        return
    name = _name(target)
    if name:
        yield id(value), name
        if isinstance(value, ast.BinOp):  # "sk-" + "..."
            yield from ((id(part), name) for part in (value.left, value.right))
        elif isinstance(value, ast.List | ast.Tuple | ast.Set):
            yield from ((id(part), name) for part in value.elts)
        elif isinstance(value, ast.IfExp):
            yield from ((id(part), name) for part in (value.body, value.orelse))
        elif isinstance(value, ast.BoolOp):
            yield from ((id(part), name) for part in value.values)


def _name(target: ast.expr) -> str:
    if isinstance(target, ast.Name):
        return target.id
    if isinstance(target, ast.Attribute):
        return target.attr
    if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
        return str(target.slice.value)
    return ""


def _replace(lines: list[str], literal: _Literal, secrets: Secrets) -> None:
    first, last = literal.start[0] - 1, literal.end[0] - 1
    before = lines[first].encode()[: literal.start[1]].decode()
    after = lines[last].encode()[literal.end[1] :].decode()
    if literal.asks:  # line numbers stay what they were
        made = _asking(literal) + "\\\n" * (last - first)
    else:
        stood = "".join(lines[first : last + 1])
        made = secrets.value(stood[len(before) : len(stood) - len(after)])
    lines[first : last + 1] = (before + made + after).splitlines(keepends=True)


def _asking(literal: _Literal) -> str:
    """Return an expression that gives the value that was taken out; it needs no import."""
    what = literal.name or f"line {literal.start[0]}"
    shown = "" if literal.shown == HIDDEN else f" ({literal.shown})"
    prompt = f"{what}, {_NOT_KEPT}{shown}: "
    value = f"__import__('getpass').getpass({prompt!r})"
    if is_private(literal.name):
        variable = _WORD.sub("_", literal.name).upper()
        value = f"(__import__('os').environ.get({variable!r}) or {value})"
    if literal.kind in (int, float):
        return f"{literal.kind.__name__}({value})"
    return f"{value}.encode()" if literal.kind is bytes else value


def _clean_comments(lines: list[str], secrets: Secrets) -> list[int]:
    """Clean comments and lines of magics, in place; return the numbers of those that changed."""
    changed = []
    for place, line in enumerate(lines):
        if _MAGIC.match(line) and (cleaned := secrets.text(line)) != line:
            lines[place] = cleaned
            changed.append(place + 1)
    plain = io.StringIO("".join(_without_magics(lines)))
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        for token in tokenize.generate_tokens(plain.readline):
            if token.type == tokenize.COMMENT and (new := secrets.text(token.string)):
                place, column = token.start[0] - 1, token.start[1]
                if new != token.string:
                    end = lines[place][len(lines[place].rstrip("\r\n")) :]
                    lines[place] = lines[place][:column] + new + end
                    changed.append(place + 1)
    return changed


def clean_notebook(notebook: dict[str, Any]) -> list[str]:
    """Take the secrets out of a notebook, in place.

    Parameters
    ----------
    notebook : dict
        What its file holds, in the format 4.

    Returns
    -------
    list of str
        What was taken out of the code, and ``"output"``.
    """
    values: set[str] = set()
    left_out: dict[str, None] = {}
    cells = [cell for cell in notebook.get("cells", []) if isinstance(cell, dict)]
    for cell in cells:
        source = "".join(cell.get("source", ""))
        if cell.get("cell_type") == "code":
            clean = clean_source(source, Secrets(values=values))
            cell["source"] = clean.text
            values |= clean.values
            left_out |= dict.fromkeys(clean.left_out)
        else:
            cell["source"] = Secrets(values=values).text(source)
    secrets = Secrets(values=values)
    for cell in cells:
        if "outputs" in cell:
            kept = _cleaned(cell["outputs"], secrets)
            if kept != cell["outputs"]:
                cell["outputs"] = kept
                left_out["output"] = None
    return list(left_out)


def _cleaned(value: Any, secrets: Secrets) -> Any:
    """Return outputs without secrets; pictures, which are base64, stay as they are."""
    if isinstance(value, str):
        return secrets.text(value)
    if isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):  # the lines of one text
            return secrets.text("".join(value)).splitlines(keepends=True)
        return [_cleaned(item, secrets) for item in value]
    if isinstance(value, dict):
        return {
            key: item if key.startswith(("image/", "audio/", "video/")) else _cleaned(item, secrets)
            for key, item in value.items()
        }
    return value
