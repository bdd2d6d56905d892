"""Whether a text of LightGBM is whole: its reader trusts what it says about its trees.

A child that is no node, a feature that the data does not have or a tree that leads back into
itself make LightGBM read elsewhere in the memory, or never end, and only when it predicts.
"""

from __future__ import annotations

import re
from itertools import pairwise

_NODES = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child")
_NODE_SUMS = ("internal_value", "internal_weight", "internal_count")
_LEAVES = ("leaf_value", "leaf_weight", "leaf_count")
_DEPTH = 10_000
_FIELDS = 22
_INTEGER = re.compile("-?[0-9]{1,9}")


def check(content: bytes) -> None:
    """Raise unless a content is a model whose trees are trees.

    Raises
    ------
    ValueError
        If it is not: the message says where.
    """
    text = content.decode("latin-1")
    if "\r" in text or "\0" in text:
        raise ValueError("it has characters that LightGBM does not write")
    start = text.find("\nTree=") + 1
    head = text[: start or text.find("\nend of trees") + 1]
    header = dict(line.split("=", 1) for line in head.split("\n") if "=" in line)
    features = _number(header, "max_feature_idx") + 1
    classes = _number(header, "num_class")
    if not 1 <= classes == _number(header, "num_tree_per_iteration"):
        raise ValueError(f"it has {classes} classes, and not a tree for each")
    named = re.search(r"num_class:(\S*)", header.get("objective", ""))
    if named and named.group(1) != str(classes):
        raise ValueError(f"its objective has {named.group(1)} classes, and it has {classes}")
    # where a tree begins is where these say, whatever stands there
    for number, size in enumerate(_numbers(header, "tree_sizes", None)):
        try:
            _check_tree(_fields(text, start), features)
        except ValueError as error:
            raise ValueError(f"tree {number}: {error}") from None
        start += size


def _fields(text: str, start: int) -> dict[str, str]:
    """Return the fields of the tree at a position, as LightGBM reads them."""
    if not text.startswith("Tree=", start):
        raise ValueError(f"there is none at byte {start}")
    found: dict[str, str] = {}
    at = text.find("\n", start) + 1
    while text[at : at + 1] not in ("\n", ""):
        end = text.find("\n", at)
        line = text[at : len(text) if end < 0 else end]
        name, equals, value = line.partition("=")
        if not equals or name in found or len(found) == _FIELDS:
            raise ValueError(f"{line[:40]!r} is no field of it")
        found[name] = value
        at += len(line) + 1
    return found


def _check_tree(tree: dict[str, str], features: int) -> None:
    leaves = _number(tree, "num_leaves")
    if leaves < 1:
        raise ValueError(f"it has {leaves} leaves")
    for name in _LEAVES:
        if leaves > 1 or tree.get(name):  # a tree of one leaf has a value alone
            _sized(tree, name, leaves)
    for name in (*_NODES, *_NODE_SUMS):
        _sized(tree, name, leaves - 1)
    if tree.get("is_linear", "0") != "0":
        _check_linear(tree, leaves, features)
    if leaves == 1:
        return
    if not all(0 <= each < features for each in _numbers(tree, "split_feature", leaves - 1)):
        raise ValueError("it splits by a feature that there is not")
    _check_links(tree, leaves)
    _check_categories(tree, leaves)


def _check_links(tree: dict[str, str], leaves: int) -> None:
    """Raise unless every node is reached once, from a node before it."""
    children = zip(
        _numbers(tree, "left_child", leaves - 1),
        _numbers(tree, "right_child", leaves - 1),
        strict=True,
    )
    depth = [0] * (leaves - 1)
    reached: set[int] = set()
    for node, pair in enumerate(children):
        for child in pair:
            if child in reached or not (node < child < leaves - 1 or 0 <= ~child < leaves):
                raise ValueError(f"its node {node} leads to {child}")
            reached.add(child)
            if child >= 0:
                depth[child] = depth[node] + 1
    if max(depth) > _DEPTH:
        raise ValueError(f"it is deeper than {_DEPTH:,} nodes")


def _check_categories(tree: dict[str, str], leaves: int) -> None:
    count = _number(tree, "num_cat")
    kinds = _numbers(tree, "decision_type", leaves - 1)
    if count < 0 or (count == 0 and any(kind & 1 for kind in kinds)):
        raise ValueError("it splits by categories that it does not have")
    if count == 0:
        return
    bounds = _numbers(tree, "cat_boundaries", count + 1)
    if bounds[0] != 0 or any(a > b for a, b in pairwise(bounds)):
        raise ValueError("its categories are not in order")
    _sized(tree, "cat_threshold", bounds[-1])
    thresholds = _words(tree, "threshold")
    for kind, threshold in zip(kinds, thresholds, strict=True):
        if kind & 1 and not (threshold.isdecimal() and int(threshold) < count):
            raise ValueError(f"it splits by the categories {threshold[:20]!r}")


def _check_linear(tree: dict[str, str], leaves: int, features: int) -> None:
    _sized(tree, "leaf_const", leaves)
    counts = _numbers(tree, "num_features", leaves)
    if any(count < 0 for count in counts):
        raise ValueError("a leaf has less than no features")
    found = _numbers(tree, "leaf_features", sum(counts))
    _sized(tree, "leaf_coeff", sum(counts))
    if not all(0 <= each < features for each in found):
        raise ValueError("a leaf computes with a feature that there is not")


def _sized(tree: dict[str, str], name: str, count: int) -> None:
    if name in tree and len(_words(tree, name)) != count:
        raise ValueError(f"{name} has not {count} values")


def _number(fields: dict[str, str], name: str) -> int:
    return _numbers(fields, name, 1)[0]


def _numbers(fields: dict[str, str], name: str, count: int | None) -> list[int]:
    words = _words(fields, name)
    if count is not None and len(words) != count:
        raise ValueError(f"{name} has not {count} values")
    if not all(map(_INTEGER.fullmatch, words)):
        raise ValueError(f"{name} holds more than numbers")
    return [int(word) for word in words]


def _words(fields: dict[str, str], name: str) -> list[str]:
    return [word for word in fields.get(name, "").split(" ") if word]
