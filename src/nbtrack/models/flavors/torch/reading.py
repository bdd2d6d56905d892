"""A PyTorch model out of its folder: the module itself, or the program that computes the same."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from nbtrack.errors import InvalidParameterError, NotFoundError, UntrustedError
from nbtrack.models.consent import check_consent
from nbtrack.models.flavors.torch import devices, pickles, program, structure


def read(
    data: Path,
    facts: Mapping[str, Any],
    *,
    device: torch.device | str | int | None = None,
    own: bool,
    trust: bool | None = None,
    hashes: Mapping[str, str] | None = None,
    pickle_module: ModuleType | None = None,
    **options: Any,
) -> torch.nn.Module:
    """Return the model in a folder of files.

    Parameters
    ----------
    data : Path
        The folder ``data`` of a model, written by nbtrack or by MLflow.
    facts : mapping
        What the flavor says: ``device``, ``format``.
    device : torch.device, str or int, optional
        By default the one that the model was on, or else the best there is.
    own : bool
        Whether the model is the user's own.
    trust : bool, optional
        Whether code of it may run that is not.
    hashes : mapping of str to str, optional
        The recorded SHA-256 of files, by their paths in ``data``.
    pickle_module, **options
        For ``torch.load``, where the model is a pickle.

    Raises
    ------
    UntrustedError
        If code would run without consent.
    NotFoundError
        If there is no model in the folder.
    """
    chosen, message = devices.choose(device, facts.get("device"))
    if (data / structure.OBJECT).is_file():
        model = _module(data, chosen, device is not None, own, trust, hashes)
    elif (data / pickles.FILE).is_file():
        model = _pickled(data, chosen, own, trust, pickle_module, options)
    elif (data / program.FILE).is_file():
        check_consent("an exported program", data, own=own, trust=trust)
        model = program.load(data / program.FILE, chosen)
    else:
        raise NotFoundError(
            f"There is no model in {data}: neither {structure.OBJECT} nor {pickles.FILE} nor "
            f"{program.FILE}. Get the model anew."
        )
    if message is not None:
        say(message)
    return model


def say(text: str) -> None:
    """Tell the user something that is no warning."""
    sys.stdout.write(f"nbtrack: {text}\n")


def _module(
    data: Path,
    device: torch.device,
    asked: bool,
    own: bool,
    trust: bool | None,
    hashes: Mapping[str, str] | None,
) -> torch.nn.Module:
    refused: UntrustedError | None = None
    try:
        check_consent("the Python source that came with it", data, own=own, trust=trust)
    except UntrustedError as error:
        refused = error
    try:
        return structure.read(data, device, asked=asked, hashes=hashes, trusted=refused is None)
    except UntrustedError as error:
        # what would run is named by the one, what to do about it by the other
        raise refused or error from error
    except InvalidParameterError as error:
        if refused is not None or not (data / program.FILE).is_file():
            raise
        say(
            f"{error.message} So its exported program is loaded instead: it computes the same, and "
            "cannot be trained."
        )
        return program.load(data / program.FILE, device)


def _pickled(
    data: Path,
    device: torch.device,
    own: bool,
    trust: bool | None,
    pickle_module: ModuleType | None,
    options: dict[str, Any],
) -> torch.nn.Module:
    file = data / pickles.FILE
    if _is_torchscript(file):
        check_consent("code of TorchScript", data, own=own, trust=trust)
        jit: Any = torch.jit
        with program.quiet():
            model: torch.nn.Module = jit.load(file, map_location=device)
        return model
    check_consent("whatever its pickle holds", data, own=own, trust=trust)
    found: torch.nn.Module = pickles.load_model(data, device, pickle_module, **options)
    return found


def _is_torchscript(file: Path) -> bool:
    import zipfile

    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())
