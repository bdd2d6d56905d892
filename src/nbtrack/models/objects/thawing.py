"""The reader of descriptions: what may be read without consent, and what is done with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.objects.closed import ClosedThawer
from nbtrack.models.objects.form import Form, damaged
from nbtrack.models.objects.live import live_modules
from nbtrack.models.objects.safety import unknown_in, untrusted
from nbtrack.models.objects.thawer import Thawer


def thaw(
    tree: dict[str, Any],
    arrays: Mapping[str, Any],
    sources: Mapping[str, str],
    *,
    trusted: bool = False,
    place: str | os.PathLike[str] = "<model>",
) -> Any:
    """Make an object anew from what ``freeze`` has returned.

    Where this process has the very classes the object was made of, with the same source,
    they are used; else they are made of the saved source, in modules of their own. Without
    trust a description is a closed language: of known names and data, and nothing is imported
    or called before all of it is found to be so.

    Parameters
    ----------
    tree : dict
    arrays : mapping of str to torch.Tensor or numpy.ndarray
        ``weights`` and ``extra`` together. Tensors are used as they are, on their device.
    sources : mapping of str to str
    trusted : bool
        Whether the source may run, and whatever else the description names.
    place : path
        The folder of the sources, named in tracebacks.

    Raises
    ------
    UntrustedError
        If code would run and ``trusted`` is False.
    InvalidParameterError
        If something that the object needs is not there (an array, a package, a function), or
        the description is none that ``freeze`` returns.
    """
    form = Form.of(tree)
    _check_consent(form, trusted, place)
    try:
        return _thawer(form, arrays, sources, trusted, os.fspath(place)).thaw()
    except NbtrackError:
        raise
    except RecursionError as error:
        raise damaged("its values lie too deep in each other") from error
    except Exception as error:  # what a damaged description, or a class of the user's, raises
        raise InvalidParameterError(
            f"This object cannot be put together: {type(error).__name__}: {error}. Its files are "
            "damaged, or the packages of its requirements.txt are not those it was saved with."
        ) from error


def check_consent(
    tree: Any, *, trusted: bool = False, place: str | os.PathLike[str] = "<model>"
) -> None:
    """Raise what ``thaw`` would raise for want of consent, before any array has been read."""
    _check_consent(Form.of(tree), trusted, place)


def _check_consent(form: Form, trusted: bool, place: str | os.PathLike[str]) -> None:
    if not trusted and (found := unknown_in(form)):
        raise untrusted(found, place)


def _thawer(
    form: Form, arrays: Mapping[str, Any], sources: Mapping[str, str], trusted: bool, place: str
) -> Thawer:
    if not trusted:
        return ClosedThawer(form, arrays, place)
    missing = [r["path"] for r in form.files.values() if r["path"] not in sources]
    if missing:
        raise InvalidParameterError(
            f"The source {missing[0]!r} of this model is missing: its files are not complete."
        )
    return Thawer(form, arrays, dict(sources), place, live_modules(form, sources, arrays))
