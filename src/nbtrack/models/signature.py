"""The signature of a model: what it takes, what it gives, which parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from nbtrack._names import look_elsewhere
from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models.datatypes import AnyType
from nbtrack.models.inference import infer_params, infer_schema
from nbtrack.models.schema import ColSpec, ParamSchema, Schema

look_elsewhere(__name__)


class ModelSignature:
    """What a model takes and what it gives.

    Parameters
    ----------
    inputs, outputs : Schema, optional
        What goes in and what comes out.
    params : ParamSchema, optional
        The parameters of ``predict`` and their defaults.
    """

    def __init__(
        self,
        inputs: Schema | None = None,
        outputs: Schema | None = None,
        params: ParamSchema | None = None,
    ) -> None:
        for name, given in (("inputs", inputs), ("outputs", outputs)):
            if given is not None and not isinstance(given, Schema):
                raise InvalidParameterError(
                    f"{name}={given!r} is no Schema. infer_signature(x, y) makes a signature "
                    "from data."
                )
        if params is not None and not isinstance(params, ParamSchema):
            raise InvalidParameterError(f"params={params!r} is no ParamSchema; see ParamSpec.")
        self.inputs = inputs
        self.outputs = outputs
        self.params = params
        self._is_signature_from_type_hint = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelSignature) and (self.inputs, self.outputs, self.params) == (
            other.inputs,
            other.outputs,
            other.params,
        )

    def __hash__(self) -> int:
        return hash(json.dumps(self.to_dict()))

    def __repr__(self) -> str:
        return (
            f"inputs: \n  {self.inputs!r}\noutputs: \n  {self.outputs!r}\n"
            f"params: \n  {self.params!r}\n"
        )

    def to_dict(self) -> dict[str, str | None]:
        """Return the form that the MLmodel file has: each part is JSON text or None."""
        parts = {"inputs": self.inputs, "outputs": self.outputs, "params": self.params}
        return {name: part.to_json() if part is not None else None for name, part in parts.items()}

    @classmethod
    def from_dict(cls, signature_dict: Mapping[str, Any]) -> ModelSignature:
        """Read what ``to_dict`` gives.

        Parameters
        ----------
        signature_dict : mapping of str to str
            JSON texts of ``inputs``, ``outputs`` and ``params``.
        """

        def part(name: str, kind: Any) -> Any:
            text = signature_dict.get(name)
            return kind.from_json(text) if text else None

        return cls(part("inputs", Schema), part("outputs", Schema), part("params", ParamSchema))


def infer_signature(
    model_input: Any = None, model_output: Any = None, params: Mapping[str, Any] | None = None
) -> ModelSignature:
    """Return the signature of a model that takes and gives data like these.

    Parameters
    ----------
    model_input, model_output : optional
        A DataFrame, Series, array, tensor of torch, sparse matrix, a dictionary of arrays, a
        list, a dictionary or a value. Arrays and tensors give tensor specs, whose first
        dimension may have any size.
    params : dict, optional
        Parameters of ``predict`` with their defaults.

    Notes
    -----
    Data whose type a schema cannot say gives a schema that checks nothing, with a warning.
    """
    found: dict[str, Schema | None] = {"model_input": None, "model_output": None}
    for name, data in (("model_input", model_input), ("model_output", model_output)):
        if data is None:
            continue
        try:
            found[name] = infer_schema(data)
        except InvalidParameterError as error:
            warn(f"The signature says nothing about {name}: {error}")
            found[name] = Schema([ColSpec(AnyType())])
    return ModelSignature(
        found["model_input"], found["model_output"], infer_params(params) if params else None
    )
