"""What the user's code calls things: loaders, models, optimizers, losses."""

from __future__ import annotations

import dis
import inspect
import sys
import sysconfig
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

_LIBRARIES = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
_OWN = __file__.rpartition("autologging")[0]
MAX_FRAMES = 60

# by the id of the code, which is kept with it: to hash code is to hash all of its bytes
_users: dict[int, tuple[CodeType, bool]] = {}
_assigned: dict[tuple[int, int], tuple[CodeType, str | None]] = {}


def is_users(code: CodeType) -> bool:
    """Return whether code is the user's own: no library, and nothing of ours."""
    known = _users.get(id(code))
    if known is None:
        file = code.co_filename
        users = not file.startswith((*_LIBRARIES, _OWN, "<frozen", "<__array"))
        known = _users[id(code)] = (code, users)
    return known[1]


def user_frame(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame that runs code of the user's, None if there is none."""
    for _ in range(MAX_FRAMES):
        if frame is None:
            return None
        known = _users.get(id(frame.f_code))  # called at every loss and backward
        if is_users(frame.f_code) if known is None else known[1]:
            return frame
        frame = frame.f_back
    return None


def user_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the frames that run code of the user's, the innermost first."""
    for _ in range(MAX_FRAMES):
        frame = user_frame(frame)
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def assigned_name(frame: FrameType | None) -> str | None:
    """Return the variable that takes the result of the call that a frame is at.

    Parameters
    ----------
    frame : frame or None
        One of the user's.
    """
    if frame is None:
        return None
    at = (id(frame.f_code), frame.f_lasti)
    if at not in _assigned:
        _assigned[at] = (frame.f_code, _stored(frame.f_code, frame.f_lasti))
    return _assigned[at][1]


def _stored(code: CodeType, at: int) -> str | None:
    following = (each for each in dis.get_instructions(code) if each.offset > at)
    for instruction in following:
        if instruction.opname in ("STORE_NAME", "STORE_FAST", "STORE_GLOBAL", "STORE_DEREF"):
            return str(instruction.argval)
        if instruction.opname.startswith("STORE_FAST_"):  # since 3.13: also what is next to it
            return str(instruction.argval[0])
        if instruction.opname not in ("CACHE", "EXTENDED_ARG"):
            return None
    return None


def place(frame: FrameType | None) -> object:
    """Return what tells one call of the user's code from others."""
    return None if frame is None else (id(frame.f_code), frame.f_lasti)


def locals_of(frame: FrameType) -> dict[str, Any]:
    """Return a copy of the local variables of a frame.

    Up to Python 3.12 a frame keeps the dictionary that it was asked for, and with it the batch
    and the outputs of this moment for as long as the function runs: it is emptied, unless the
    user holds it, as the result of ``locals()``.
    """
    snapshot = frame.f_locals
    copy = dict(snapshot)
    is_function = frame.f_code.co_flags & inspect.CO_OPTIMIZED
    # one reference is the frame's, one is ours, one is that of the call
    if is_function and type(snapshot) is dict and sys.getrefcount(snapshot) <= 3:
        snapshot.clear()
    return copy


def variables(frame: FrameType) -> dict[str, Any]:
    """Return the variables that the code of a frame uses, by name.

    Those of a notebook's earlier cells are left out, as far as this code does not name them.
    Attributes are those of ``self`` and of other objects that the code names.
    """
    code, found = frame.f_code, {}
    local, outer = locals_of(frame), frame.f_globals
    for name in (*code.co_varnames, *code.co_cellvars, *code.co_freevars, *code.co_names):
        if name in local:
            found[name] = local[name]
        elif name in outer:
            found[name] = outer[name]
    for owner in list(found.values()):
        space = getattr(owner, "__dict__", None)
        if isinstance(space, dict) and not isinstance(owner, type) and is_of_user(owner):
            modules = space.get("_modules")
            both = {**modules, **space} if isinstance(modules, dict) else space
            for name in code.co_names:
                if name in both and name not in found:
                    found[name] = both[name]
    return found


def is_of_user(owner: Any) -> bool:
    """Return whether an object is of a class that the user has written."""
    module = sys.modules.get(type(owner).__module__)
    file = getattr(module, "__file__", None)
    return module is not None and (file is None or not file.startswith(_LIBRARIES))


def names_of(value: Any, frame: FrameType | None) -> Iterator[str]:
    """Yield the names that an object has in the user's code, the innermost function first.

    Parameters
    ----------
    value : object
    frame : frame or None
        Where to begin.
    """
    for each in user_frames(frame):
        local = locals_of(each)
        for name, found in local.items():
            if found is value:
                yield name
            elif type(found) is dict and len(found) <= 100:
                yield from (str(key) for key, item in found.items() if item is value)
        space = getattr(local.get("self"), "__dict__", {})
        yield from (name for name, found in list(space.items()) if found is value)


def mentions(frame: FrameType | None) -> frozenset[str]:
    """Return the texts that the user's running code has in it, such as names of metrics."""
    found: set[str] = set()
    for each in user_frames(frame):
        found |= _texts(each.f_code)
    return frozenset(found)


def _texts(code: CodeType) -> frozenset[str]:
    found: set[str] = set()
    for each in code.co_consts:
        if isinstance(each, CodeType):
            found |= _texts(each)
        elif isinstance(each, str):
            found.add(each)
        elif isinstance(each, tuple):
            found |= {item for item in each if isinstance(item, str)}
    return frozenset(found)
