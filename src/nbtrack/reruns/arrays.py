"""Whether two arrays have the same values: by the rule of curves, without a list of their items."""

from __future__ import annotations

from typing import Any

from nbtrack.reruns.curves import OF_RANGE, RELATIVE, Curve, Result, compare_curves

FEW = 10_000


def compare_arrays(one: Any, other: Any) -> tuple[Result, str]:
    """Return whether two arrays of NumPy have the same values.

    Parameters
    ----------
    one, other : numpy.ndarray
        Floating-point numbers are close as a curve is: within 1 % of the range of the first.
    """
    import numpy as np

    if one.shape != other.shape:
        return "different", f"shape {one.shape}, now {other.shape}"
    gaps = np.ma.getmaskarray(one)
    if not np.array_equal(gaps, np.ma.getmaskarray(other)):
        return "different", "other values are missing"
    if gaps.any():
        return compare_arrays(*(np.ma.compressed(each) for each in (one, other)))
    one, other = (np.asarray(each) for each in (one, other))
    floats = one.dtype.kind == other.dtype.kind == "f"
    if np.array_equal(one, other, equal_nan=floats):
        return "exact", ""
    if not floats:
        return "different", _how_many(one, other)
    flat = [each.astype("float64").ravel() for each in (one, other)]
    if one.size <= FEW:
        steps = range(one.size)
        return compare_curves("", Curve(steps, flat[0].tolist()), Curve(steps, flat[1].tolist()))
    return _many(*flat)


def _many(one: Any, other: Any) -> tuple[Result, str]:
    """Compare many floating-point numbers; the rule is that of `compare_curves`."""
    import numpy as np

    known = np.isfinite(one) & np.isfinite(other)
    if not np.array_equal(one[~known], other[~known], equal_nan=True):
        return "different", "NaN or infinite at other places"
    one, other = one[known], other[known]
    far = float(np.abs(one - other).max())
    spread = float(one.max() - one.min())
    if np.array_equal(one, np.trunc(one)) and np.array_equal(other, np.trunc(other)):
        return "different", "whole numbers that differ"
    if spread == 0:
        near = far <= RELATIVE * max(abs(float(one[0])), 1e-12)
        return ("close" if near else "different"), f"{far:.2g} from a constant"
    share = far / spread
    return ("close" if share <= OF_RANGE else "different"), f"{share:.2g} of its range"


def _how_many(one: Any, other: Any) -> str:
    try:
        count = int((one != other).sum())
    except (TypeError, ValueError):
        return "other values"
    return f"{count:,} of {one.size:,} values differ"
