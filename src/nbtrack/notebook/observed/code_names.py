"""What compiled code names: global names, attributes that it stores, texts."""

from __future__ import annotations

import ast
import opcode
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType

MAX_TEXT = 4000
_LOAD_GLOBAL = opcode.opmap["LOAD_GLOBAL"]
_LOADS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_STORES = ("STORE_GLOBAL", "STORE_NAME", "DELETE_GLOBAL", "DELETE_NAME")
_LOADING = frozenset(opcode.opmap[name] for name in _LOADS if name in opcode.opmap)
_NAMING = _LOADING | {opcode.opmap[name] for name in _STORES}
_SETTING = frozenset(opcode.opmap[name] for name in ("STORE_ATTR", "DELETE_ATTR"))
_IN_TEXT = re.compile(r"@([A-Za-z_]\w*)|\b(?:from|join|update|into)\s+([A-Za-z_]\w*)", re.I)
_WORD = re.compile(r"[A-Za-z_]\w*")
_EVERYTHING = frozenset({"globals", "eval", "exec", "locals", "vars"})


@dataclass(frozen=True)
class CodeNames:
    """What code names, with the functions in it.

    Attributes
    ----------
    names : frozenset of str
        Global names.
    words : frozenset of str
        All names in it, those of attributes too.
    stored : frozenset of str
        Attributes that it sets or deletes.
    texts : frozenset of str
        Its string literals.
    """

    names: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    stored: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    @property
    def names_all(self) -> bool:
        """Whether it can get at any variable by a text."""
        return bool(_EVERYTHING & self.names)

    def with_others(self, others: Collection[CodeNames]) -> CodeNames:
        """Return what this and other code name."""
        if not others:
            return self
        return CodeNames(
            self.names.union(*(each.names for each in others)),
            self.words.union(*(each.words for each in others)),
            self.stored.union(*(each.stored for each in others)),
            self.texts.union(*(each.texts for each in others)),
        )


@lru_cache(4096)
def names_of_code(code: CodeType) -> CodeNames:
    """Return what the code of a function names."""
    found = CodeNames(
        frozenset(_named(code, _NAMING)),
        frozenset(code.co_names),
        frozenset(_named(code, _SETTING)),
        frozenset(_texts(code.co_consts)),
    )
    inner = [names_of_code(each) for each in code.co_consts if isinstance(each, CodeType)]
    return found.with_others(inner)


@lru_cache(8)
def names_of_cell(source: str) -> CodeNames:
    """Return what the Python of a cell names; what it only binds is not looked at before it.

    Variables in texts count: those of shell lines and magics, behind ``@`` (pandas's queries) and
    behind ``FROM`` (DuckDB finds frames by their names).
    """
    try:
        code = compile(source, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return CodeNames()
    found = names_of_code(code)
    bound = set(_named(code, _NAMING - _LOADING)) - set(_named(code, _LOADING))
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            bound -= names_of_code(inner).names
    names = (found.names - bound) | names_in_texts(found)
    return CodeNames(names, found.words, found.stored, found.texts)


def names_in_texts(found: CodeNames) -> set[str]:
    """Return what may be variables in the texts of code."""
    names = {name for text in found.texts for pair in _IN_TEXT.findall(text) for name in pair}
    if "get_ipython" in found.names:
        names |= {word for text in found.texts for word in _WORD.findall(text)}
    return names - {""}


def _named(code: CodeType, wanted: frozenset[int]) -> Iterator[str]:
    raw, names, extended = code.co_code, code.co_names, 0
    for at in range(0, len(raw) - 1, 2):
        operation, argument = raw[at], raw[at + 1] | extended
        if operation == opcode.EXTENDED_ARG:
            extended = argument << 8
            continue
        extended = 0
        if operation in wanted:
            yield names[argument >> 1 if operation == _LOAD_GLOBAL else argument]


def _texts(constants: Iterable[object]) -> Iterator[str]:
    for constant in constants:
        if type(constant) is str:
            yield constant[:MAX_TEXT]
        elif type(constant) is tuple or type(constant) is frozenset:
            yield from _texts(constant)
