"""The types of columns, tensors and parameters, where MLflow has them."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.models.datatypes import AnyType, Array, DataType, Map, Object, Property
from nbtrack.models.schema import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

look_elsewhere(__name__)
__all__ = [
    "AnyType",
    "Array",
    "ColSpec",
    "DataType",
    "Map",
    "Object",
    "ParamSchema",
    "ParamSpec",
    "Property",
    "Schema",
    "TensorSpec",
]
