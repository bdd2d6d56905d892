"""Parses the body of a scoring request: JSON, CSV or Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbtrack.errors import NbtrackError
from nbtrack.models.scoring.coercion import NUMPY, coerce_frame
from nbtrack.models.scoring.expected import Expected, bad_input
from nbtrack.models.scoring.shapes import FIELDS, INPUTS, from_field

if TYPE_CHECKING:
    import pandas as pd

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"
CONTENT_TYPES = (CSV, JSON, PARQUET)

TO_THE_MODEL = ("messages", "prompt", "input")
"""Fields of chat models: what has one goes to the model as it is."""


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
    if any(name in found for name in TO_THE_MODEL):
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


def csv_options(expected: Expected) -> dict[str, Any]:
    """Return how `pandas.read_csv` reads the columns of a signature."""
    named = expected.by_name
    dtypes: dict[str, Any] = {
        name: NUMPY[field.kind]
        for name, field in named.items()
        if field.kind in NUMPY and field.required
    }
    dtypes |= {name: f.dtype for name, f in named.items() if f.kind == "tensor"}
    # texts stay texts: "007" is no number, "NA" may be Namibia only where it is quoted
    dtypes |= {name: str for name, f in named.items() if f.kind in ("string", "binary")}
    return {"dtype": dtypes} if dtypes else {}


def from_csv(text: str, expected: Expected) -> pd.DataFrame:
    """Return a table in CSV with a header, its columns typed by the signature.

    Raises
    ------
    NbtrackError
        ``BAD_REQUEST`` where it cannot be read.
    """
    import pandas as pd

    try:
        frame = pd.read_csv(io.StringIO(text), **csv_options(expected))
    except Exception as error:  # noqa: BLE001  pandas fails in many ways, all the sender's
        raise bad_input(
            f"The body cannot be read as CSV with a header row and the columns of the model's "
            f"signature: {error}"
        ) from None
    return finished_csv(frame, expected)


def finished_csv(frame: pd.DataFrame, expected: Expected) -> pd.DataFrame:
    """Return a table read from CSV with what `pandas.read_csv` leaves undone."""
    later = tuple(
        f for f in expected.fields if f.name is not None and f.kind in ("datetime", "binary")
    )
    return coerce_frame(frame, Expected(later)) if later else frame


def from_parquet(body: bytes) -> pd.DataFrame:
    """Return a table in Parquet.

    Raises
    ------
    NbtrackError
        ``BAD_REQUEST`` where it is none.
    """
    import pandas as pd

    try:
        return pd.read_parquet(io.BytesIO(body))
    except ImportError as error:
        raise bad_input(
            f"This server cannot read Parquet: {error}. Install pyarrow where it runs."
        ) from None
    except Exception as error:  # noqa: BLE001  the sender's as well
        raise bad_input(f"The body cannot be read as Parquet: {error}") from None
