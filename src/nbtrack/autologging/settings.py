"""What autologging of one library shall log: the arguments of its ``autolog``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict


class AutologOptions(TypedDict, total=False):
    """What ``autolog`` of every library takes; see :class:`Settings`."""

    log_input_examples: bool
    log_model_signatures: bool
    log_models: bool
    log_datasets: bool
    disable: bool
    exclusive: bool
    disable_for_unsupported_versions: bool
    silent: bool
    registered_model_name: str | None
    extra_tags: Mapping[str, str] | None


@dataclass(frozen=True)
class Settings:
    """What is logged of a library.

    Attributes
    ----------
    log_input_examples : bool
        Whether the models are logged with a sample of the data; needs ``log_models``.
    log_model_signatures : bool
        Whether the models are logged with their signature.
    log_models : bool
        Whether the trained models are logged.
    log_datasets : bool
        Whether the data is described: name, digest, schema, size.
    disable : bool
        Whether nothing is logged.
    exclusive : bool
        Whether runs that the user has opened are left alone.
    disable_for_unsupported_versions : bool
        Whether nothing is logged of a version that is older than the oldest tested one.
    silent : bool
        Whether nothing is said, neither of errors nor of what is left out.
    registered_model_name : str or None
        The registered model that each trained model is a new version of.
    extra_tags : mapping of str to str or None
        Tags of the runs that autologging opens.
    more : mapping
        What only this library's ``autolog`` takes.
    """

    log_input_examples: bool = False
    log_model_signatures: bool = True
    log_models: bool = True
    log_datasets: bool = True
    disable: bool = False
    exclusive: bool = False
    disable_for_unsupported_versions: bool = False
    silent: bool = False
    registered_model_name: str | None = None
    extra_tags: Mapping[str, str] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


DEFAULTS: dict[str, Any] = {
    each.name: each.default for each in fields(Settings) if each.name != "more"
}


def settings_from(given: Mapping[str, Any]) -> Settings:
    """Return settings; what is no common option is the library's own.

    Parameters
    ----------
    given : mapping
        The arguments of an ``autolog``.
    """
    common = {name: value for name, value in given.items() if name in DEFAULTS}
    more = {name: value for name, value in given.items() if name not in DEFAULTS}
    return Settings(**common, more=more)
