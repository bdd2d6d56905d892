"""Literals inside of what a cell assigns: an item of a dict, a keyword of a call, of a class."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from nbtrack.errors import InvalidParameterError, ProjectError
from nbtrack.projects.notebook_params import (
    assigned,
    blank_magics,
    fitted,
    is_literal,
    literal_of,
    with_literal,
)


def set_inner(texts: list[str], name: str, value: Any) -> None:
    """Replace the literal of a name such as ``cfg.lr``, in the first source that has it.

    Parameters
    ----------
    texts : list of str
        Sources of cells; one of them is replaced.
    name : str
        With dots: ``cfg = dict(lr=0.1)``, ``cfg = {"lr": 0.1}``, ``class cfg: lr = 0.1``.
    value : object
        A text is read as what stands there.

    Raises
    ------
    InvalidParameterError
        If no source has such a literal, or the value does not fit.
    """
    root, *path = name.split(".")
    for place, text in enumerate(texts):
        node = next(_places(text, root, path), None)
        if node is None:
            continue
        try:
            new = literal_of(name, fitted(name, value, ast.literal_eval(node)))
        except ProjectError as error:
            raise InvalidParameterError(str(error)) from None
        texts[place] = with_literal(text, node, new)
        return
    raise InvalidParameterError(
        f"No cell of the run has a literal for {name}: {root} is to be a dict, a call with "
        f"keywords or a class there, with {path[-1]}."
    )


def _places(text: str, root: str, path: list[str]) -> Iterator[ast.expr]:
    first = assigned(text).get(root)
    for start in [first] if first is not None else _classes(text, root, path):
        node: ast.expr | None = start
        for key in path if first is not None else path[1:]:
            node = _items(node).get(key)
        if node is not None and is_literal(node):
            yield node


def _items(node: ast.expr | None) -> dict[str, ast.expr]:
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
    if isinstance(node, ast.Call):
        return {word.arg: word.value for word in node.keywords if word.arg is not None}
    return {}


def _classes(text: str, root: str, path: list[str]) -> Iterator[ast.expr]:
    try:
        tree = ast.parse(blank_magics(text))
    except SyntaxError:
        return
    for statement in tree.body:
        if not isinstance(statement, ast.ClassDef) or statement.name != root:
            continue
        for each in statement.body:
            targets = each.targets if isinstance(each, ast.Assign) else [getattr(each, "target", 0)]
            value = getattr(each, "value", None)
            if value is not None and any(getattr(t, "id", None) == path[0] for t in targets):
                yield value
