"""Putting functions of a library in the place of others, and taking all of it back."""

from __future__ import annotations

import functools
import inspect
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any

Around = Callable[..., Any]

_ABSENT = object()


class Patches:
    """The functions of one library that are wrapped; each behaves as before when it is undone."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._active = False

    def __bool__(self) -> bool:
        return bool(self._undo)

    @property
    def active(self) -> bool:
        """Whether they are in place."""
        return self._active

    def around(self, owner: Any, name: str, around: Around) -> None:
        """Call ``around(original, *args, **kwargs)`` wherever a function is called.

        Signature, name and documentation stay the original's. A function of a module that the
        user has imported by name before is replaced there, too.

        Parameters
        ----------
        owner : module or class
            Whose attribute it is. A method that a class inherits is wrapped for this class alone.
        name : str
            The attribute.
        around : callable
            For a method, the first of ``args`` is the instance, or the class.
        """
        held = inspect.getattr_static(owner, name)
        kind = type(held) if isinstance(held, staticmethod | classmethod) else None
        original = held.__func__ if kind else held

        @functools.wraps(original)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not self._active:  # held by somebody since before it was undone
                return original(*args, **kwargs)
            return around(original, *args, **kwargs)

        self.replace(owner, name, wrapper if kind is None else kind(wrapper))
        if isinstance(owner, ModuleType):
            self.replace_imported(owner, {original: wrapper})

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Set an attribute until it is undone.

        Parameters
        ----------
        owner : module or class
            Whose attribute it is.
        name : str
            The attribute.
        value : object
            What it is from now on.
        """
        before = vars(owner).get(name, _ABSENT)
        setattr(owner, name, value)
        self._active = True

        def undo() -> None:
            if vars(owner).get(name) is not value:
                return  # somebody else has wrapped it since: ours only passes calls on now
            if before is _ABSENT:
                delattr(owner, name)
            else:
                setattr(owner, name, before)

        self._undo.append(undo)

    def add_undo(self, undo: Callable[[], None]) -> None:
        """Call something when the patches are undone, such as the removal of a hook.

        Parameters
        ----------
        undo : callable
            Called once, without arguments.
        """
        self._active = True
        self._undo.append(undo)

    def undo(self) -> None:
        """Let all be as it was, the last patch first."""
        self._active = False
        while self._undo:
            self._undo.pop()()

    def replace_imported(self, owner: ModuleType, wrappers: Mapping[Any, Any]) -> None:
        """Replace functions where the user has imported them by name before.

        Parameters
        ----------
        owner : module
            Which has the wrappers already.
        wrappers : mapping
            What takes the place of each function.
        """
        by_id = {id(original): wrapper for original, wrapper in wrappers.items()}
        for module in user_modules():
            found = [
                (name, id(value)) for name, value in vars(module).items() if id(value) in by_id
            ]
            for name, key in found if module is not owner else ():
                self.replace(module, name, by_id[key])


def user_modules() -> Iterator[ModuleType]:
    """Yield the modules that are the user's own: the notebook, scripts, and files beside them."""
    libraries = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})
    for name, module in list(sys.modules.items()):
        if not isinstance(module, ModuleType) or name.partition(".")[0] == "nbtrack":
            continue
        file = getattr(module, "__file__", None)
        if name == "__main__" or (file and not str(file).startswith(libraries)):
            yield module
