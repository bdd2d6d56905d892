"""Tables as bytes: CSV and Parquet."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from nbtrack.models.scoring.coercion import NUMPY, coerce_frame
from nbtrack.models.scoring.expected import Expected, bad_input

if TYPE_CHECKING:
    import pandas as pd


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
