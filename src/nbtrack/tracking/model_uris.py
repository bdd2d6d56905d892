"""URIs of models: ``models:/...`` taken apart."""

from __future__ import annotations

from typing import NamedTuple

from nbtrack.errors import InvalidParameterError

SCHEME = "models:"


class ModelUri(NamedTuple):
    """What a ``models:/`` URI names: a logged model by its id, or one version of a registered one.

    With a name alone it is the greatest version of all.
    """

    model_id: str | None = None
    name: str | None = None
    version: int | None = None
    stage: str | None = None
    alias: str | None = None


def is_model_uri(uri: str) -> bool:
    """Return whether a URI begins with ``models:``."""
    return uri.startswith(SCHEME)


def parse_model_uri(uri: str) -> ModelUri:
    """Return what a ``models:/`` URI names.

    Raises
    ------
    InvalidParameterError
        If it is none.
    """
    found, rest = split_model_uri(uri)
    if rest:
        raise _improper(uri)
    return found


def split_model_uri(uri: str) -> tuple[ModelUri, str]:
    """Return what a ``models:/`` URI names, and the path in the model's folder behind it."""
    scheme, _, path = uri.partition(":")
    if scheme != "models" or not path.startswith("/") or path.startswith("//"):
        raise _improper(uri)
    first, *rest = path[1:].rstrip("/").split("/")
    if not first.strip():
        raise _improper(uri)
    name, at, alias = first.rpartition("@")
    if at:
        if not name or not alias.strip():
            raise _improper(uri)
        return ModelUri(name=name, alias=alias), "/".join(rest)
    if is_model_id(first):
        return ModelUri(model_id=first), "/".join(rest)
    if not rest:
        return ModelUri(model_id=first), ""
    suffix, *inner = rest
    if not suffix.strip():
        raise _improper(uri)
    if suffix.isascii() and suffix.isdigit():
        return ModelUri(name=first, version=int(suffix)), "/".join(inner)
    if suffix.lower() == "latest":
        return ModelUri(name=first), "/".join(inner)
    return ModelUri(name=first, stage=suffix), "/".join(inner)


def is_model_id(text: str) -> bool:
    """Return whether a text has the form of the id of a logged model."""
    return len(text) == 34 and text.startswith("m-") and text[2:].isalnum()


def _improper(uri: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"Not a proper models:/ URI: {uri}. Models URIs must be of the form "
        "'models:/name/suffix' or 'models:/name@alias' where suffix is a version, stage, or the "
        "string 'latest' and where alias is a registered model alias, or 'models:/<model id>'. "
        "Only one of suffix or alias can be defined at a time."
    )
