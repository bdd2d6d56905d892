"""``nbtrack.statsmodels.autolog``: what ``fit`` of any model of statsmodels gives."""

from __future__ import annotations

import math
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from numbers import Real
from typing import Any, Unpack

from nbtrack.autologging import fits
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.settings import DEFAULTS, AutologOptions
from nbtrack.autologging.switches import switch
from nbtrack.autologging.training import Training, training
from nbtrack.models.flavors import statsmodels as flavor
from nbtrack.models.options import spelled_out

NAME = "statsmodels"
METRICS = (
    *("aic", "bic", "centered_tss", "condition_number", "df_model", "df_resid", "ess", "f_pvalue"),
    *("fvalue", "llf", "mse_model", "mse_resid", "mse_total", "rsquared", "rsquared_adj", "scale"),
    *("ssr", "uncentered_tss"),
    *("deviance", "hqic", "llr_pvalue", "nobs", "prsquared"),  # these are not MLflow's
)
# what says only how much is printed, and what is data
_JUNK = (
    "self",
    "callback",
    "disp",
    "full_output",
    "low_memory",
    "retall",
    "return_params",
    "verbose",
)
_REST = ("kwargs", "fit_kwargs", "args")  # what takes any other name
# tests and plots of these fit many models, of which nobody wants a run
_INNER = re.compile(r"(statsmodels|seaborn|pmdarima)\b")


@spelled_out(AutologOptions, DEFAULTS)
def autolog(**options: Unpack[AutologOptions]) -> None:
    """Log what statsmodels fits: ``fit`` of every model, also of those made from a formula.

    Fits that statsmodels does for itself, such as those of its tests, are not logged.

    Parameters
    ----------
    **options
        What every ``autolog`` takes, see :func:`nbtrack.autolog`.

    Examples
    --------
    >>> import nbtrack
    >>> nbtrack.statsmodels.autolog(log_models=False)
    >>> nbtrack.statsmodels.autolog(disable=True)
    """
    switch(NAME, options)


def install(patches: Patches) -> None:
    """Wrap ``fit`` of all classes of models, and of those that are imported later.

    Parameters
    ----------
    patches : Patches
    """
    from statsmodels.base.model import Model

    def wrap(kind: type) -> None:
        if "fit" in vars(kind) and kind.__module__.startswith(f"{NAME}."):
            patches.around(kind, "fit", _fit)

    def __init_subclass__(kind: type, /, **kwargs: Any) -> None:  # noqa: N807
        super(Model, kind).__init_subclass__(**kwargs)
        wrap(kind)

    for kind in {*_below(Model)}:
        wrap(kind)
    patches.replace(Model, "__init_subclass__", classmethod(__init_subclass__))


def _below(kind: type) -> Iterator[type]:
    found: list[type] = kind.__subclasses__()
    for each in found:
        yield each
        yield from _below(each)


def _fit(original: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
    caller = sys._getframe(2).f_globals.get("__name__", "")  # between them is the wrapper
    call = fits.arguments(original, (model, *args), kwargs)
    if call is None or _INNER.match(caller):
        return original(model, *args, **kwargs)
    with training(NAME, type(model).__name__) as session:
        if session is None:
            return original(model, *args, **kwargs)
        session.attempt("The params", _log_params, session, model, call)
        session.attempt("The class", fits.log_class, session, model)
        session.attempt("The data", _log_data, session, model)
        results = original(model, *args, **kwargs)
        session.log_metrics(_numbers(results))
        session.attempt("The summary", _log_summary, session, results)
        session.attempt("The model", _log_model, session, model, results)
        return results


def _log_params(session: Training, model: Any, call: Mapping[str, Any]) -> None:
    more: dict[str, Any] = {}
    for name in _REST:
        if isinstance(call.get(name), dict):
            more |= call[name]
    given = fits.params_set({**call, **more}.items(), *_JUNK, *_REST)
    made = {
        key: type(value).__name__ if key == "family" else value
        for key, value in model._get_init_kwds().items()
        if key == "family" or isinstance(value, str | Real | tuple)
    }
    formula = getattr(model, "formula", None)
    made |= {} if formula is None else {"formula": str(formula)}
    session.log_params({**made, **given})


def _log_data(session: Training, model: Any) -> None:
    data = model.data
    frame = getattr(data, "frame", None)
    if frame is not None:
        fits.log_data(session, frame)
    elif _is_series(model) or data.orig_exog is None:
        fits.log_data(session, data.orig_endog)
    else:
        fits.log_data(session, data.orig_exog, data.orig_endog)


def _is_series(model: Any) -> bool:
    from statsmodels.tsa.base.tsa_model import TimeSeriesModel

    return isinstance(model, TimeSeriesModel)


def _numbers(results: Any) -> dict[str, float]:
    found = {}
    with warnings.catch_warnings():  # such as that of the BIC of a GLM, on how it is defined
        warnings.simplefilter("ignore")
        for name in METRICS:
            with suppress(Exception):  # not every result can say every number
                value = getattr(results, name)
                if isinstance(value, Real) and math.isfinite(value):
                    found[name] = float(value)
    return found


def _log_summary(session: Training, results: Any) -> None:
    if not hasattr(results, "summary"):
        return
    with warnings.catch_warnings():  # such as that there are too few observations for a test
        warnings.simplefilter("ignore")
        summary = results.summary()
        text = summary.as_text() if hasattr(summary, "as_text") else str(summary)
    session.log_text(text, "model_summary.txt")


def _log_model(session: Training, model: Any, results: Any) -> None:
    from statsmodels.base.model import Results
    from statsmodels.base.wrapper import ResultsWrapper

    if isinstance(results, Results | ResultsWrapper):
        fits.log_model(session, flavor, results, _rows(model), 0)


def _rows(model: Any) -> Any:
    """Return the first rows of what the results predict from, None of a time series."""
    frame = getattr(model.data, "frame", None)
    if frame is None:
        return None if _is_series(model) else fits.rows_of(model.data.orig_exog)
    right = str(model.formula).partition("~")[2]
    words = set(re.findall(r"\w+", right))
    return fits.rows_of(frame[[c for c in frame if c in words or f'"{c}"' in right]])
