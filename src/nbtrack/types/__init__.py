"""The types of signatures, where MLflow has them."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.models.datatypes import DataType
from nbtrack.models.schema import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

look_elsewhere(__name__)
__all__ = ["ColSpec", "DataType", "ParamSchema", "ParamSpec", "Schema", "TensorSpec"]
