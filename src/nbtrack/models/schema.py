"""What goes into a model and what comes out: columns, tensors, parameters."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nbtrack.errors import InvalidParameterError
from nbtrack.models.datatypes import DataType, Kind, as_kind, kind_from_dict
from nbtrack.models.value_types import param_value


@dataclass(frozen=True, repr=False)
class ColSpec:
    """One column.

    Parameters
    ----------
    type : DataType, Array, Object, Map, AnyType or str
        The type of its values.
    name : str, optional
        Its name.
    required : bool, optional
        Whether it must be there.

    Examples
    --------
    >>> from nbtrack.types import ColSpec
    >>> column = ColSpec("double", "x")
    >>> column.to_dict()
    {'type': 'double', 'name': 'x', 'required': True}
    >>> ColSpec.from_json_dict(**column.to_dict()) == column
    True
    """

    type: Kind
    name: Any = None
    required: bool = True

    def __init__(self, type: Kind | str, name: Any = None, required: bool = True) -> None:
        object.__setattr__(self, "type", as_kind(type))
        # columns of a frame may be numbered; other labels are kept as text
        plain = name is None or isinstance(name, str | int)
        object.__setattr__(self, "name", name if plain else str(name))
        object.__setattr__(self, "required", required)

    def __repr__(self) -> str:
        need = "required" if self.required else "optional"
        return f"{self.type!r} ({need})" if self.name is None else self._named(need)

    def _named(self, need: str) -> str:
        return f"{self.name!r}: {self.type!r} ({need})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: ``{"type": ..., "name": ..., "required": ...}``."""
        name = {} if self.name is None else {"name": self.name}
        return {**self.type.to_dict(), **name, "required": self.required}

    @classmethod
    def from_json_dict(cls, **given: Any) -> ColSpec:
        """Read the JSON form; ``optional``, which older models have, says ``required``.

        Parameters
        ----------
        **given
            Its keys.
        """
        required = given.get("required", not given.get("optional", False))
        return cls(kind_from_dict(given), given.get("name"), bool(required))


@dataclass(frozen=True, repr=False)
class TensorSpec:
    """One tensor.

    Parameters
    ----------
    type : numpy.dtype or str
        The type of its values.
    shape : sequence of int
        Its shape; -1 for a dimension of any size.
    name : str, optional
        Its name.

    Examples
    --------
    >>> import numpy as np
    >>> from nbtrack.types import TensorSpec
    >>> tensor = TensorSpec(np.dtype("float32"), (-1, 28, 28), name="image")
    >>> tensor.to_dict()["tensor-spec"]
    {'dtype': 'float32', 'shape': [-1, 28, 28]}
    >>> TensorSpec.from_json_dict(**tensor.to_dict()) == tensor
    True
    """

    type: np.dtype[Any]
    shape: tuple[int, ...]
    name: str | None = None

    def __init__(self, type: Any, shape: Sequence[int], name: str | None = None) -> None:
        object.__setattr__(self, "type", np.dtype(type))
        object.__setattr__(self, "shape", tuple(int(size) for size in shape))
        object.__setattr__(self, "name", name)

    required = True

    def __repr__(self) -> str:
        known = f"Tensor({str(self.type)!r}, {self.shape})"
        return known if self.name is None else f"{self.name!r}: {known}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with the type and the shape in ``tensor-spec``."""
        name = {} if self.name is None else {"name": self.name}
        kind = {"U": "str", "S": "bytes"}.get(self.type.kind, self.type.name)
        shape = list(self.shape)
        return {**name, "type": "tensor", "tensor-spec": {"dtype": kind, "shape": shape}}

    @classmethod
    def from_json_dict(cls, **given: Any) -> TensorSpec:
        """Read the JSON form.

        Parameters
        ----------
        **given
            Its keys.
        """
        spec = given["tensor-spec"]
        return cls(np.dtype(spec["dtype"]), spec["shape"], given.get("name"))


@dataclass(frozen=True, repr=False)
class ParamSpec:
    """One parameter of ``predict``.

    Parameters
    ----------
    name : str
        Its name.
    dtype : DataType, Object or str
        The type of its value, or of the items where it is a list.
    default : object
        Its value where none is given.
    shape : tuple of int, optional
        ``(-1,)`` for a list.

    Examples
    --------
    >>> from nbtrack.types import ParamSpec
    >>> param = ParamSpec("temperature", "double", 0.7)
    >>> ParamSpec.from_json_dict(**param.to_dict()) == param
    True
    """

    name: str
    dtype: Kind
    default: Any
    shape: tuple[int, ...] | None = None

    def __init__(
        self, name: str, dtype: Kind | str, default: Any, shape: Sequence[int] | None = None
    ) -> None:
        object.__setattr__(self, "name", str(name))
        object.__setattr__(self, "dtype", as_kind(dtype))
        object.__setattr__(self, "shape", None if shape is None else tuple(shape))
        object.__setattr__(self, "default", param_value(self.name, self.dtype, self.shape, default))

    def __repr__(self) -> str:
        shape = "" if self.shape is None else f" (shape: {self.shape})"
        return f"{self.name!r}: {self.dtype!r} (default: {self.default}){shape}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        default = self.default
        if self.dtype is DataType.datetime and default is not None:
            default = [str(one) for one in default] if self.shape else str(default)
        shape = None if self.shape is None else list(self.shape)
        return {"name": self.name, "default": default, "shape": shape, **self.dtype.to_dict()}

    @classmethod
    def from_json_dict(cls, **given: Any) -> ParamSpec:
        """Read the JSON form; ``dtype`` is how the oldest models call ``type``.

        Parameters
        ----------
        **given
            Its keys.
        """
        kind = kind_from_dict({**given, "type": given.get("type", given.get("dtype"))})
        return cls(given["name"], kind, given["default"], given.get("shape"))


class Schema:
    """Columns, or tensors.

    Parameters
    ----------
    inputs : list of ColSpec, or list of TensorSpec
        All with a name, or only one and that without.

    Examples
    --------
    >>> from nbtrack.types import ColSpec, Schema
    >>> schema = Schema([ColSpec("double", "x"), ColSpec("long", "y", required=False)])
    >>> schema.input_names(), schema.required_input_names(), schema.optional_input_names()
    (['x', 'y'], ['x'], ['y'])
    >>> schema.has_input_names(), schema.is_tensor_spec(), schema.input_types()
    (True, False, [double, long])
    >>> sorted(schema.input_dict()), schema.input_types_dict()["x"]
    (['x', 'y'], double)
    >>> schema.numpy_types()[0], schema.pandas_types()[0]
    (dtype('float64'), dtype('float64'))
    >>> schema.to_dict()[0]
    {'type': 'double', 'name': 'x', 'required': True}
    >>> Schema.from_json(schema.to_json()) == schema
    True
    """

    def __init__(self, inputs: Sequence[ColSpec] | Sequence[TensorSpec]) -> None:
        specs: list[Any] = list(inputs)
        if len({isinstance(spec, TensorSpec) for spec in specs}) > 1:
            raise InvalidParameterError("A schema is of columns or of tensors, not of both.")
        if any(not isinstance(spec, ColSpec | TensorSpec) for spec in specs):
            raise InvalidParameterError(f"A schema is of ColSpec or TensorSpec, got {specs!r}.")
        named = [spec for spec in specs if spec.name is not None]
        if len(specs) > 1 and 0 < len(named) < len(specs):
            raise InvalidParameterError("Either all inputs of a schema have a name, or none has.")
        if len(specs) > 1 and not named and isinstance(specs[0], TensorSpec):
            raise InvalidParameterError("Several tensors need names: TensorSpec(..., name='x').")
        self._inputs = specs

    def __len__(self) -> int:
        return len(self._inputs)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._inputs)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schema) and self._inputs == other._inputs

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        return repr(self._inputs)

    @property
    def inputs(self) -> list[Any]:
        """The columns or tensors."""
        return list(self._inputs)

    def is_tensor_spec(self) -> bool:
        """Return whether it is of tensors."""
        return bool(self._inputs) and isinstance(self._inputs[0], TensorSpec)

    def has_input_names(self) -> bool:
        """Return whether the inputs have names."""
        return bool(self._inputs) and self._inputs[0].name is not None

    def input_names(self) -> list[Any]:
        """Return the names, or the numbers of inputs without names."""
        return [i if s.name is None else s.name for i, s in enumerate(self._inputs)]

    def required_input_names(self) -> list[Any]:
        """Return the names of what must be there."""
        return [n for n, s in zip(self.input_names(), self._inputs, strict=True) if s.required]

    def optional_input_names(self) -> list[Any]:
        """Return the names of what need not be there."""
        return [n for n, s in zip(self.input_names(), self._inputs, strict=True) if not s.required]

    def input_types(self) -> list[Any]:
        """Return the types, in order."""
        return [spec.type for spec in self._inputs]

    def input_types_dict(self) -> dict[str, Any]:
        """Return the type of each name."""
        return {name: spec.type for name, spec in self.input_dict().items()}

    def input_dict(self) -> dict[str, Any]:
        """Return the column or tensor of each name."""
        if not self.has_input_names():
            raise InvalidParameterError("The inputs of this schema have no names.")
        return {spec.name: spec for spec in self._inputs}

    def numpy_types(self) -> list[np.dtype[Any]]:
        """Return the NumPy types of columns of single values."""
        if self.is_tensor_spec():
            return self.input_types()
        return [kind.to_numpy() for kind in self._single_types()]

    def pandas_types(self) -> list[np.dtype[Any]]:
        """Return the types that the columns have in a frame."""
        if self.is_tensor_spec():
            raise InvalidParameterError("Tensors have no type of pandas; see numpy_types().")
        return [kind.to_pandas() for kind in self._single_types()]

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the JSON form of every input."""
        return [spec.to_dict() for spec in self._inputs]

    def to_json(self) -> str:
        """Return the schema as JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, json_str: str) -> Schema:
        """Read JSON text.

        Parameters
        ----------
        json_str : str
            A list of columns or tensors.
        """

        def read(given: Mapping[str, Any]) -> Any:
            spec = TensorSpec if given.get("type") == "tensor" else ColSpec
            return spec.from_json_dict(**given)

        return cls([read(given) for given in json.loads(json_str)])

    def _single_types(self) -> list[DataType]:
        kinds = self.input_types()
        if any(not isinstance(kind, DataType) for kind in kinds):
            raise InvalidParameterError(f"Not all columns hold single values: {self}")
        return kinds


class ParamSchema:
    """The parameters that ``predict`` takes.

    Parameters
    ----------
    params : list of ParamSpec
        Each name once.

    Examples
    --------
    >>> from nbtrack.types import ParamSchema, ParamSpec
    >>> schema = ParamSchema([ParamSpec("temperature", "double", 0.7)])
    >>> schema.to_dict()
    [{'name': 'temperature', 'default': 0.7, 'shape': None, 'type': 'double'}]
    >>> ParamSchema.from_json(schema.to_json()) == schema
    True
    """

    def __init__(self, params: Sequence[ParamSpec]) -> None:
        names = [param.name for param in params]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InvalidParameterError(f"Parameters have each name once, but twice: {twice}")
        self._params = list(params)

    def __len__(self) -> int:
        return len(self._params)

    def __iter__(self) -> Iterator[ParamSpec]:
        return iter(self._params)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ParamSchema) and self._params == other._params

    def __hash__(self) -> int:
        return hash(self.to_json())

    def __repr__(self) -> str:
        return repr(self._params)

    @property
    def params(self) -> list[ParamSpec]:
        """The parameters."""
        return list(self._params)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the JSON form of every parameter."""
        return [param.to_dict() for param in self._params]

    def to_json(self) -> str:
        """Return the parameters as JSON text."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, json_str: str) -> ParamSchema:
        """Read JSON text.

        Parameters
        ----------
        json_str : str
            A list of parameters.
        """
        return cls([ParamSpec.from_json_dict(**given) for given in json.loads(json_str)])
