"""A short digest of data: equal data gives equal digests, in a fraction of a second."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MAX_BYTES = 64 << 20
MAX_ROWS = 10_000


class Digest:
    """Gathers data into eight hexadecimal digits.

    Numbers are read whole up to 64 MB for each array, above that and for text an even
    sample of the rows is; the shape and the type always count.
    """

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=4)

    def text(self) -> str:
        """Return the digits."""
        return self._hash.hexdigest()

    def words(self, *words: object) -> None:
        """Add names, shapes, types."""
        self._hash.update(repr(words).encode("utf-8", "backslashreplace"))

    def array(self, array: np.ndarray[Any, Any]) -> None:
        """Add an array of any type."""
        import numpy as np

        self.words(array.dtype.str, array.shape)
        if array.dtype.hasobject:
            cells = array.reshape(-1)
            self.words(*(repr(cells[i]) for i in _even(cells.size, MAX_ROWS)))
            return
        if array.ndim and array.nbytes > MAX_BYTES:
            array = array[_even(array.shape[0], max(1, MAX_BYTES * array.shape[0] // array.nbytes))]
        if array.size:
            self._hash.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)

    def frame(self, frame: pd.DataFrame) -> None:
        """Add a frame of pandas, with its index."""
        import numpy as np
        import pandas as pd

        self.words(len(frame), *(str(column) for column in frame.columns))
        rows = _even(len(frame), MAX_ROWS)
        for position in range(frame.shape[1]):
            column = frame.iloc[:, position]
            if isinstance(column.dtype, np.dtype) and not column.dtype.hasobject:
                self.array(column.to_numpy())
                continue
            sample = column.iloc[rows]
            self.words(str(column.dtype))
            try:
                self.array(pd.util.hash_pandas_object(sample, index=False).to_numpy())
            except TypeError:  # cells that cannot be hashed, such as lists
                self.words(*map(repr, sample))
        index = frame.index
        if isinstance(index, pd.RangeIndex):
            self.words(index.start, index.step)
        else:
            self.array(pd.util.hash_pandas_object(index[rows]).to_numpy())


def _even(count: int, most: int) -> np.ndarray[Any, Any]:
    """Return at most ``most`` row numbers below ``count``, evenly spread, first and last too."""
    import numpy as np

    if count <= most:
        return np.arange(count)
    return np.linspace(0, count - 1, most).astype(np.int64)
