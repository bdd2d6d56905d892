"""Reading YAML that somebody else may have written."""

from __future__ import annotations

from typing import Any

from nbtrack.errors import InvalidParameterError

MAX_VALUES = 1_000_000


def read_yaml(text: str | bytes, name: str) -> Any:
    """Return what a text of YAML says.

    YAML can name a part again (``*name``), so that a few lines unfold into more than any memory
    holds. What it would be unfolded is counted before anything is made of it.

    Parameters
    ----------
    text : str or bytes
    name : str
        Of the file, for the message.

    Raises
    ------
    InvalidParameterError
        If it is no YAML, or unfolds into more than a million values.
    """
    import yaml

    try:
        if isinstance(text, bytes):
            text = text.decode("utf-8")
        node = yaml.compose(text, yaml.SafeLoader)
        if node is None:
            return None
        if _size(node, {}) > MAX_VALUES:
            raise ValueError(f"it unfolds into more than {MAX_VALUES:,} values")
        # constructing fails with whatever the types of Python fail with: a month 13, a key [1]
        return yaml.SafeLoader("").construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InvalidParameterError(f"{name} is no YAML that can be read: {what}") from None


def _size(node: Any, known: dict[int, int]) -> int:
    """Return how many values there are below a node, each as often as it is named."""
    found = known.get(id(node))
    if found is not None:
        return found
    known[id(node)] = MAX_VALUES + 1  # a part that is within itself has no end
    size = 1
    if isinstance(node.value, list):
        for item in node.value:
            for part in item if isinstance(item, tuple) else (item,):
                size += _size(part, known)
                if size > MAX_VALUES:
                    break
    known[id(node)] = size
    return size
