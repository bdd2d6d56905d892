"""Parses the body of a scoring request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nbtrack.errors import NbtrackError
from nbtrack.models.scoring.expected import Expected, bad_input
from nbtrack.models.scoring.shapes import FIELDS, INPUTS, from_field
from nbtrack.models.scoring.tables import from_csv, from_parquet

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
CONTENT_TYPES = (CSV, JSON, PARQUET)

_LLM = ("messages", "prompt", "input")


@dataclass(frozen=True)
class Payload:
    """Data for a model.

    Attributes
    ----------
    data : object
        What ``predict`` takes.
    params : dict or None
    bare : bool
        The response goes out as the model gives it, without ``{"predictions": ...}``.
    """

    data: Any
    params: dict[str, Any] | None = None
    bare: bool = False


def read_payload(body: bytes, content_type: str | None, expected: Expected) -> Payload:
    """Return what a request asks a model to score.

    Parameters
    ----------
    body : bytes
    content_type : str or None
        As HTTP names it: JSON, CSV or Parquet, in UTF-8.
    expected : Expected

    Raises
    ------
    NbtrackError
        ``UNSUPPORTED_MEDIA_TYPE`` for another content type, ``BAD_REQUEST`` for a body that cannot
        be read or does not fit the signature.
    """
    kind = _content_kind(content_type)
    if kind == PARQUET:
        return Payload(from_parquet(body))
    if kind == CSV:
        return Payload(from_csv(_text(body), expected))
    return from_json(_json(body), expected)


def from_json(found: Any, expected: Expected) -> Payload:
    """Return what a JSON document asks a model to score.

    A dictionary with exactly one of ``dataframe_split``, ``dataframe_records``, ``instances`` and
    ``inputs``, and perhaps ``params``. One with ``messages``, ``prompt`` or ``input``, as chat
    models take it, goes to the model as it is.
    """
    if not isinstance(found, dict):
        kind = "list" if isinstance(found, list) else type(found).__name__
        raise bad_input(f"{_one_field()}. It is a {kind}.")
    if any(name in found for name in _LLM):
        named = {name: value for name, value in found.items() if name in expected.params}
        data = {name: value for name, value in found.items() if name not in expected.params}
        return Payload(data, named or None, bare=True)
    given = [name for name in found if name in FIELDS]
    if len(given) != 1:
        raise bad_input(f"{_one_field()}. It has the fields {_shortened(found)}.")
    params = _params(found)
    if expected.hinted:
        if given != [INPUTS]:
            raise bad_input(
                f"This model's predict has a type hint: send its data as {{{INPUTS!r}: ...}}, not "
                f"as {given[0]!r}."
            )
        return Payload(found[INPUTS], params)
    if "signature_name" in found:
        raise bad_input('"signature_name" is not supported: leave it out.')
    return Payload(from_field(given[0], found[given[0]], expected), params)


def _params(found: Mapping[str, Any]) -> dict[str, Any] | None:
    params = found.get("params")
    if params is not None and not isinstance(params, dict):
        raise bad_input(f"'params' must be a dictionary, not {type(params).__name__}.")
    return params


def _content_kind(content_type: str | None) -> str:
    kind, *settings = [part.strip() for part in (content_type or "").split(";")]
    kind = kind.lower()
    if kind not in CONTENT_TYPES:
        raise _unsupported(
            f"This server reads {', '.join(CONTENT_TYPES)}; the content type of the request is "
            f"{content_type!r}."
        )
    for setting in filter(None, settings):
        name, _, value = setting.partition("=")
        if name.strip().lower() != "charset":
            raise _unsupported(f"{setting!r} in the content type is not known; leave it out.")
        if value.strip("\"' ").lower() not in ("utf-8", "utf8"):
            raise _unsupported(f"This server reads UTF-8 only, not {value!r}.")
    return kind


def _unsupported(message: str) -> NbtrackError:
    return NbtrackError(message, "UNSUPPORTED_MEDIA_TYPE")


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad_input(f"The body is no UTF-8: {error}") from None


def _json(body: bytes) -> Any:
    """Read JSON; NaN and Infinity are taken, as Python's json and pandas write them."""
    try:
        return json.loads(_text(body))
    except (ValueError, RecursionError) as error:
        raise bad_input(f"The body is no JSON: {error}") from None


def _one_field() -> str:
    names = ", ".join(map(repr, FIELDS))
    return f"The input must be a JSON dictionary with exactly one of the input fields {{{names}}}"


def _shortened(found: Mapping[str, Any]) -> str:
    names = [name if len(name) <= 40 else f"{name[:40]}..." for name in found]
    return str(names if len(names) <= 10 else [*names[:10], "..."])
