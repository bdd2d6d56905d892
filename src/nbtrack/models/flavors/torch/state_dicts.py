"""State dicts as artifacts: tensors by name, without the model they belong to."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.models import loading
from nbtrack.models.flavors.torch import devices, structure, weights
from nbtrack.models.flavors.torch.blocks import Digests
from nbtrack.models.flavors.torch.checkpoints import (
    artifacts_to_read,
    artifacts_to_write,
    recorded,
)
from nbtrack.models.manifest import read_manifest
from nbtrack.store.artifacts import ArtifactFolder, StoredFile, local_path
from nbtrack.tracking.model_locations import split_run_uri

FILE = "state_dict.safetensors"
MLFLOW_FILE = "state_dict.pth"
_DATA = "data"


def log_state_dict(state_dict: Mapping[str, Any], artifact_path: str, **kwargs: Any) -> None:
    """Store a state dict among the artifacts of the active run, as safetensors.

    Parameters
    ----------
    state_dict : mapping of str to Tensor
        Or to further such mappings.
    artifact_path : str
        The folder; the file in it is ``state_dict.safetensors``.
    **kwargs
        Options of ``torch.save``, which MLflow calls: they have no meaning here.

    Raises
    ------
    InvalidParameterError
        If something in it is no tensor.

    Examples
    --------
    >>> import torch
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.pytorch.log_state_dict(torch.nn.Linear(2, 1).state_dict(), "weights")
    >>> sorted(nbtrack.pytorch.load_state_dict(f"runs:/{run.info.run_id}/weights"))
    ['bias', 'weight']
    """
    tensors, notes = _flat(state_dict)

    def into(file: Path) -> StoredFile:
        digests = weights.save(file, tensors, notes, "save state dict")
        return StoredFile(digests.size, digests.sha256)

    artifacts_to_write(None).put_written(f"{artifact_path}/{FILE}", into)


def save_state_dict(
    state_dict: Mapping[str, Any], path: str | os.PathLike[str], **kwargs: Any
) -> None:
    """Write a state dict into a local folder; see ``log_state_dict``.

    Parameters
    ----------
    state_dict, **kwargs
        As in ``log_state_dict``.
    path : str or path
        The folder; it is made if need be.

    Examples
    --------
    >>> import torch
    >>> nbtrack.pytorch.save_state_dict(torch.nn.Linear(2, 1).state_dict(), "weights")
    """
    tensors, notes = _flat(state_dict)
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{FILE}.part"
    part.unlink(missing_ok=True)
    weights.save(part, tensors, notes, "save state dict")
    part.replace(folder / FILE)


@loading.reads_model
def load_state_dict(
    state_dict_uri: str | os.PathLike[str],
    device: torch.device | str | int | None = None,
    **kwargs: Any,
) -> dict[str, Any]:
    """Return a state dict that was stored, or the weights of a model; no code is run.

    Parameters
    ----------
    state_dict_uri : str or path
        ``runs:/<run>/<artifact_path>``, a folder, or the URI of a model.
    device : torch.device, str or int, optional
        By default the one that the tensors were on, or else the best there is.
    **kwargs
        Options of ``torch.load``, for a file that MLflow wrote (``state_dict.pth``).

    Raises
    ------
    NotFoundError
        If there is none.
    NbtrackError
        If the file was changed since, or is damaged.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Linear(2, 1)
    >>> nbtrack.pytorch.save_state_dict(net.state_dict(), "copy")
    >>> net.load_state_dict(nbtrack.pytorch.load_state_dict("copy"))
    <All keys matched successfully>
    """
    uri = os.fspath(state_dict_uri)
    file, digests = _find(uri)
    if file.suffix == ".pth":
        chosen, _ = devices.choose(device, None)
        options = {"map_location": chosen if device is not None else None, **kwargs}
        found: dict[str, Any] = torch.load(file, **{**options, "weights_only": True})
        return found
    header = weights.read_header(file)
    chosen, _ = devices.choose(device, header.notes.get("device"))
    loaded = weights.load(file, chosen, digests, "load state dict", header)
    nested = header.notes.get("nested")
    if nested is None:
        return OrderedDict(loaded)
    try:
        return _nested(nested, loaded)
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise NbtrackError(
            f"{file.name} is damaged: it names a tensor that it does not have ({error}). Get it "
            "anew, or save it again.",
            "DATA_LOSS",
        ) from error


def _find(uri: str) -> tuple[Path, Digests | None]:
    if uri.startswith("runs:"):
        run_id, path = split_run_uri(uri)
        artifacts = artifacts_to_read(run_id)
        for name in (path, f"{path}/{FILE}", f"{path}/{MLFLOW_FILE}"):
            if name.endswith((FILE, MLFLOW_FILE)) and artifacts.exists(name):
                return Path(artifacts.download(name)), recorded(run_id, name)
    elif not uri.startswith("models:"):
        local = local_path(uri)
        folder = local if local is not None else Path(ArtifactFolder(uri).download())
        for place in (folder, folder / FILE, folder / MLFLOW_FILE):
            if place.is_file():
                return place, None
    return _of_model(uri)


def _of_model(uri: str) -> tuple[Path, Digests | None]:
    opened = loading.open_model(uri)
    file = opened.path / _DATA / structure.WEIGHTS
    if not file.is_file():
        raise NotFoundError(
            f"The model {uri!r} has no file of weights ({_DATA}/{structure.WEIGHTS}): it was not "
            "saved by nbtrack.pytorch. Use load_model(...).state_dict()."
        )
    hashes = opened.place.hashes or read_manifest(opened.path) or {}
    inside = {name.removeprefix(f"{_DATA}/"): digest for name, digest in hashes.items()}
    return file, structure.expected(file.parent, structure.WEIGHTS, inside)


def _flat(state_dict: Mapping[str, Any]) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    if not isinstance(state_dict, Mapping):
        raise InvalidParameterError(
            f"Invalid object type for `state_dict`: {type(state_dict).__name__}. It must be a "
            "dictionary of tensors; log_model keeps a whole model."
        )
    tensors: dict[str, torch.Tensor] = {}

    def take(values: Mapping[str, Any], path: str) -> dict[str, Any]:
        names: dict[str, Any] = {}
        for key, value in values.items():
            name = f"{path}.{key}" if path else str(key)
            if isinstance(value, Mapping):
                names[str(key)] = take(value, name)
                continue
            if not isinstance(value, torch.Tensor):
                raise InvalidParameterError(
                    f"state_dict[{name!r}] is {type(value).__name__}, not a tensor. Leave it out, "
                    "or keep it with log_checkpoint(extra=...)."
                )
            while name in tensors:
                name += "_"
            tensors[name] = value
            names[str(key)] = name
        return names

    nested = take(state_dict, "")
    known = devices.facts(tensors.values(), ())
    is_flat = not any(isinstance(value, dict) for value in nested.values())
    return tensors, {"device": known["device"], **({} if is_flat else {"nested": nested})}


def _nested(names: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    return {
        key: _nested(value, tensors) if isinstance(value, Mapping) else tensors[value]
        for key, value in names.items()
    }
