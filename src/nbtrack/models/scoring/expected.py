"""The input that a model expects, from its signature."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from nbtrack.errors import NbtrackError


class Scored(Protocol):
    """A model that can be scored: what `nbtrack.pyfunc.load_model` returns."""

    @property
    def metadata(self) -> Any:
        """The model's description, with its ``signature``."""

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return predictions for data."""


@dataclass(frozen=True)
class Field:
    """One input of a model.

    Attributes
    ----------
    name : str or None
        None where inputs have no names.
    kind : str
        ``"tensor"``, or a column's type: ``"long"``, ``"double"``, ``"string"``, ``"array"``, ...
    dtype : str or None
        NumPy's name of a tensor's type.
    required : bool
    """

    name: str | None
    kind: str
    dtype: str | None = None
    required: bool = True


@dataclass(frozen=True)
class Expected:
    """The inputs of a model.

    Attributes
    ----------
    fields : tuple of Field
        Empty where the model has no signature.
    params : frozenset of str
        The names of its params.
    hinted : bool
        Whether the signature comes from the type hint of ``predict``: data goes in as it is.
    """

    fields: tuple[Field, ...] = ()
    params: frozenset[str] = frozenset()
    hinted: bool = False

    @classmethod
    def of(cls, model: Scored) -> Expected:
        """Return what a model expects; read from the JSON form of its signature."""
        signature = getattr(model.metadata, "signature", None)
        if signature is None:
            return cls()
        hinted = bool(getattr(signature, "_is_signature_from_type_hint", False))
        described = signature.to_dict()
        fields = tuple(_field(entry) for entry in _entries(described.get("inputs")))
        params = frozenset(str(entry["name"]) for entry in _entries(described.get("params")))
        return cls(fields, params, hinted)

    @property
    def by_name(self) -> dict[str, Field]:
        """The fields that have names."""
        return {field.name: field for field in self.fields if field.name is not None}

    @property
    def tensors(self) -> bool:
        """Whether the inputs are tensors."""
        return bool(self.fields) and self.fields[0].kind == "tensor"


def bad_input(message: str) -> NbtrackError:
    """Return the error for a request that cannot be understood."""
    return NbtrackError(f"Invalid input. {message}", "BAD_REQUEST")


def _entries(described: Any) -> list[Mapping[str, Any]]:
    found = json.loads(described) if isinstance(described, str) else described
    return list(found or [])


def _field(entry: Mapping[str, Any]) -> Field:
    name = entry.get("name")
    if entry["type"] == "tensor":
        return Field(name, "tensor", entry["tensor-spec"]["dtype"])
    required = entry.get("required", not entry.get("optional", False))
    return Field(name, str(entry["type"]), required=bool(required))
