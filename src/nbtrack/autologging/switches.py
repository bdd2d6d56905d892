"""Which libraries are logged: switched on and off one by one or all at once, the last call wins."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from nbtrack.autologging.imports import no_more, when_imported
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.settings import Settings, settings_from
from nbtrack.errors import warn
from nbtrack.suggestions import closest


@dataclass(frozen=True)
class Integration:
    """A library whose trainings can be logged.

    Attributes
    ----------
    wraps : mapping of str to str
        The packages, or modules of them, that are wrapped once they are imported; and for each
        the module below ``nbtrack.autologging`` that does it, in ``install(patches)`` or in the
        function behind a colon.
    distribution : str
        Its name on PyPI.
    oldest : str
        The oldest version that is tested.
    """

    wraps: Mapping[str, str]
    distribution: str
    oldest: str


INTEGRATIONS: dict[str, Integration] = {
    "catboost": Integration({"catboost": "catboost"}, "catboost", "1.2.8"),
    "pytorch": Integration(
        {
            "torch": "loops",
            "lightning": "lightning",
            "pytorch_lightning": "lightning:install_classic",
            "torch.utils.tensorboard": "summary_writer",
        },
        "torch",
        "2.10",
    ),
    "lightgbm": Integration({"lightgbm": "lightgbm"}, "lightgbm", "4.7"),
    "optuna": Integration({"optuna": "optuna"}, "optuna", "4.5"),
    "statsmodels": Integration({"statsmodels.base.model": "statsmodels"}, "statsmodels", "0.14.4"),
    "keras": Integration({"keras": "keras_fits"}, "keras", "3.12"),
    "transformers": Integration({"transformers.trainer": "transformers"}, "transformers", "5.0"),
    "xgboost": Integration({"xgboost": "xgboost"}, "xgboost", "3.2"),
    "sklearn": Integration(
        {
            "sklearn": "sklearn",
            "sklearn.metrics": "estimators.metric_functions",
            "sklearn.model_selection": "estimators.cross_validation",
        },
        "scikit-learn",
        "1.9",
    ),
}
"""By the name of the module that has ``autolog``, as ``exclude_flavors`` has it."""


class _Switch:
    """The state of one integration."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.patches: dict[str, Patches] = {}
        self.said: set[str] = set()


_switches: dict[str, _Switch] = {name: _Switch() for name in INTEGRATIONS}


def switch(name: str, given: Mapping[str, Any] | Settings) -> None:
    """Log a library from now on as the arguments of ``autolog`` say, or no longer.

    Nothing is imported: a library that is not there yet is wrapped when it is imported.

    Parameters
    ----------
    name : str
        One of ``INTEGRATIONS``.
    given : mapping or Settings
        The arguments.
    """
    chosen = given if isinstance(given, Settings) else settings_from(given)
    integration, state = INTEGRATIONS[name], _switches[name]
    state.said.clear()
    if chosen.disable:
        state.settings = None
        for package in integration.wraps:
            no_more(f"{name}:{package}")
        for patches in state.patches.values():
            patches.undo()
        state.patches.clear()
        return
    state.settings = chosen
    for package in integration.wraps:
        if package not in state.patches:
            when_imported(package, f"{name}:{package}", partial(_install, name, package))


def _install(name: str, package: str) -> None:
    state, integration = _switches[name], INTEGRATIONS[name]
    if state.settings is None or package in state.patches:
        return
    if state.settings.disable_for_unsupported_versions and not _is_supported(integration):
        return
    patches = Patches()
    try:
        where, _, function = integration.wraps[package].partition(":")
        module = importlib.import_module(f"nbtrack.autologging.{where}")
        getattr(module, function or "install")(patches)
    except Exception as error:  # noqa: BLE001  whatever the library has become, it must work
        patches.undo()
        report(name, "Autologging could not be switched on", error)
        return
    state.patches[package] = patches


def _is_supported(integration: Integration) -> bool:
    try:
        found = version(integration.distribution)
    except PackageNotFoundError:
        return True
    return _numbers(found) >= _numbers(integration.oldest)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(".")[:3] if part.isdigit()]


def settings_of(name: str) -> Settings | None:
    """Return how a library is logged now, None if it is not.

    Parameters
    ----------
    name : str
        One of ``INTEGRATIONS``.
    """
    return _switches[name].settings


def report(name: str, what: str, error: Exception | None = None) -> None:
    """Tell the user once what went wrong, or was left out; the training goes on.

    Parameters
    ----------
    name : str
        The integration.
    what : str
        What happened, without a full stop.
    error : Exception, optional
        Why.
    """
    state = _switches[name]
    if what in state.said or (state.settings is not None and state.settings.silent):
        return
    state.said.add(what)
    why = "" if error is None else f": {type(error).__name__}: {error}".rstrip(".")
    warn(f"{name}: {what}{why}. The training is not affected.", stacklevel=3)


def autolog(
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    log_models: bool = True,
    log_datasets: bool = True,
    log_traces: bool = True,
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    extra_tags: Mapping[str, str] | None = None,
    exclude_flavors: list[str] | None = None,
) -> None:
    """Log what every known library trains, be it imported already or later.

    A training is logged to the open run. Without one it gets a run of its own, which ends with
    it. A second training in a run gets a run of its own below that run.

    Parameters
    ----------
    log_input_examples : bool, optional
        Whether the models are logged with a sample of the data.
    log_model_signatures : bool, optional
        Whether the models are logged with their signature.
    log_models : bool, optional
        Whether the trained models are logged.
    log_datasets : bool, optional
        Whether the data is described: name, digest, schema, size.
    log_traces : bool, optional
        MLflow's; has no effect.
    disable : bool, optional
        True for nothing any more, whatever was switched on before.
    exclusive : bool, optional
        Whether runs that the user has opened are left alone.
    disable_for_unsupported_versions : bool, optional
        Whether nothing is logged of versions that are older than the oldest tested ones.
    silent : bool, optional
        Whether nothing is said, neither of errors nor of what is left out.
    extra_tags : mapping of str to str, optional
        Tags of the runs that autologging opens.
    exclude_flavors : list of str, optional
        Libraries that stay as they are, such as ``["sklearn"]``.

    Examples
    --------
    >>> import nbtrack
    >>> nbtrack.autolog(log_models=False)
    >>> nbtrack.autolog(disable=True)
    """
    excluded = set(exclude_flavors or ())
    for name in excluded:  # others of MLflow's are never logged here
        meant = closest(name, INTEGRATIONS, 0.8)
        if meant not in (None, name):
            warn(f"exclude_flavors has {name!r}. Did you mean {meant!r}?")
    given: dict[str, Any] = {
        "log_input_examples": log_input_examples,
        "log_model_signatures": log_model_signatures,
        "log_models": log_models,
        "log_datasets": log_datasets,
        "disable": disable,
        "exclusive": exclusive,
        "disable_for_unsupported_versions": disable_for_unsupported_versions,
        "silent": silent,
        "extra_tags": extra_tags,
    }
    for name in INTEGRATIONS:
        if name not in excluded:
            switch(name, given)


@contextmanager
def for_a_while(given: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Log every library in a ``with`` block; afterwards each is as it was before.

    Parameters
    ----------
    given : mapping, optional
        The arguments of ``autolog``, for the libraries that are not switched on already.
    """
    chosen = settings_from(given or {})
    for name, state in _switches.items():
        if state.settings is None:
            switch(name, chosen)
    try:
        yield
    finally:
        for name, state in _switches.items():
            if state.settings is chosen:  # the block itself has not switched it
                switch(name, {"disable": True})
