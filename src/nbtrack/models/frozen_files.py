"""Objects as data, kept in files: their tree, their source, their arrays."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtrack.errors import InvalidParameterError, MissingDependencyError, NbtrackError
from nbtrack.models.objects import (
    SerializedObject,
    check_consent,
    deserialize,
    serialize_and_rebuild,
)
from nbtrack.models.objects.arrays import NoDataError
from nbtrack.models.requirements import framework
from nbtrack.untrusted_files import check_archive

if TYPE_CHECKING:
    from nbtrack.models.model import Model

OBJECT = "object.json"
ARRAYS = "arrays.npz"
TENSORS = "tensors.safetensors"


def taken_apart(value: Any, pickled: str) -> tuple[SerializedObject, Any]:
    """Return an object taken apart, and what would be loaded; see ``serialize_and_rebuild``.

    Parameters
    ----------
    value : object
    pickled : str
        The option that pickles it instead, for the error.

    Raises
    ------
    InvalidParameterError
        If a part of it cannot be saved: its path, the reason, and a way out that has been tried.
    """
    try:
        return serialize_and_rebuild(value)
    except NoDataError as error:
        raise InvalidParameterError(f"{error.message} {_way_out(value, pickled)}") from error


def _way_out(value: Any, pickled: str) -> str:
    try:
        with Path(os.devnull).open("wb") as nowhere:
            framework("cloudpickle").dump(value, nowhere)
    except Exception:  # noqa: BLE001  whatever the methods of its parts raise
        return (
            "No format keeps that. Remove it before the model is saved, or leave it out of what "
            "__getstate__ of its class returns."
        )
    return f"Pass {pickled}, which keeps it, and asks for consent where the model is loaded."


def write_frozen(serialized: SerializedObject, folder: Path) -> None:
    """Write an object that was taken apart into a folder."""
    folder.mkdir(parents=True)
    for path, text in serialized.sources.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, "utf-8")
    arrays = {**serialized.weights, **serialized.extra}
    plain = {name: value for name, value in arrays.items() if isinstance(value, np.ndarray)}
    tensors = {name: value for name, value in arrays.items() if name not in plain}
    if plain:
        # names are kept apart: as keys of the file they would be file names in an archive
        columns = {f"a{number}": value for number, value in enumerate(plain.values())}
        np.savez(folder / ARRAYS, **columns)  # type: ignore[arg-type]
    if tensors:
        _safetensors().save_file(
            {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()},
            folder / TENSORS,
        )
    header = {
        "tree": serialized.tree,
        "sources": list(serialized.sources),
        "arrays": list(plain),
        "devices": {name: str(value.device) for name, value in tensors.items()},
    }
    (folder / OBJECT).write_text(json.dumps(header), "utf-8")


def read_frozen(folder: Path, *, trusted: bool) -> Any:
    """Return the object that was written into a folder.

    Tensors go to the device that they were on, where there is one here, else to the CPU.

    Parameters
    ----------
    folder : Path
        The folder.
    trusted : bool
        Whether its source may run.

    Raises
    ------
    UntrustedError
        If code would run and may not.
    InvalidParameterError
        If a part is missing.
    """
    try:
        header = json.loads((folder / OBJECT).read_text("utf-8"))
        check_consent(header["tree"], trusted=trusted, place=folder)
        sources = {path: _inside(folder, path).read_text("utf-8") for path in header["sources"]}
        arrays: dict[str, Any] = {}
        if header["arrays"]:
            check_archive(folder / ARRAYS)
            with np.load(folder / ARRAYS, allow_pickle=False) as file:
                arrays = {name: file[f"a{number}"] for number, name in enumerate(header["arrays"])}
        if header["devices"]:
            arrays.update(_on_devices(folder / TENSORS, header["devices"]))
    except NbtrackError:
        raise
    except Exception as error:  # what JSON, NumPy and safetensors say to a damaged file
        raise InvalidParameterError(
            f"The object in {folder} cannot be read: {type(error).__name__}: {error}. Get it anew."
        ) from error
    return deserialize(header["tree"], arrays, sources, trusted=trusted, place=folder)


def add_requirements(serialized: SerializedObject, model: Model) -> None:
    """Note what a model needs that has a serialized object in it."""
    model.requirements.add_module(*serialized.modules)


def _inside(folder: Path, path: str) -> Path:
    if not (folder / path).resolve().is_relative_to(folder.resolve()):
        raise InvalidParameterError(f"{path!r} is no file of the object in {folder}.")
    return folder / path


def _on_devices(file: Path, devices: dict[str, str]) -> dict[str, Any]:
    import torch

    def here(device: str) -> str:
        kind, _, number = device.partition(":")
        if kind == "cuda":
            return device if int(number or 0) < torch.cuda.device_count() else "cpu"
        return device if kind == "mps" and torch.backends.mps.is_available() else "cpu"

    loaded = _safetensors().load_file(file)
    return {name: value.to(here(devices.get(name, "cpu"))) for name, value in loaded.items()}


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError:
        raise MissingDependencyError(
            "Tensors are kept by the package safetensors: pip install 'nbtrack[torch]'."
        ) from None
    return safetensors.torch
