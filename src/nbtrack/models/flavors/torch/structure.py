"""A module taken apart into files, and made anew of them: weights, structure, source."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.flavors.torch import devices, weights
from nbtrack.models.flavors.torch.blocks import Digests
from nbtrack.models.flavors.torch.staging import Snapshot
from nbtrack.models.frozen_files import taken_apart

WEIGHTS = "model.safetensors"
EXTRA = "extra.safetensors"
OBJECT = "object.json"
DIGESTS = "digests.json"
SOURCE = "source"
_FORM = 1


@dataclass
class ModuleParts:
    """The parts of a module, as they are saved.

    Attributes
    ----------
    tree : dict
        What it is made of.
    weights : dict of str to Tensor
        By the names of its state dict.
    extra : dict of str to Tensor
        Every other tensor.
    sources : dict of str to str
        Python files of the user's own.
    notes : list of str
        What was left out.
    modules : list of str
        The installed modules that it needs.
    facts : dict
        Device, precision, sizes.
    elsewhere : dict of str to str
        The device of each tensor that was not on the main one.
    rebuilt : Module or None
        What would be loaded, with the tensors of the module itself.
    """

    tree: dict[str, Any]
    weights: dict[str, torch.Tensor]
    extra: dict[str, torch.Tensor]
    sources: dict[str, str]
    notes: list[str]
    modules: list[str]
    facts: dict[str, Any]
    elsewhere: dict[str, str]
    rebuilt: torch.nn.Module | None = None

    @classmethod
    def of(cls, model: torch.nn.Module) -> ModuleParts:
        """Return the parts of a module; nothing is copied.

        Raises
        ------
        InvalidParameterError
            If a part of it cannot be saved: the message names it.
        """
        _check_materialized(model)
        serialized, rebuilt = taken_apart(model, "serialization='pickle'")
        named = dict(serialized.weights)
        for name, value in model.state_dict(keep_vars=True).items():
            # the other names of a tied tensor; the writer finds that they share memory
            if isinstance(value, torch.Tensor):
                named.setdefault(name, value.detach())
        extra = {name: torch.as_tensor(value) for name, value in serialized.extra.items()}
        facts = devices.facts([*model.parameters(), *model.buffers()], model.parameters())
        elsewhere = {
            name: str(tensor.device)
            for name, tensor in {**named, **extra}.items()
            if str(tensor.device) != facts["device"]
        }
        modules = list(serialized.modules)
        return cls(
            serialized.tree,
            named,
            extra,
            serialized.sources,
            serialized.notes,
            modules,
            facts,
            elsewhere,
            rebuilt,
        )

    def copied(self) -> Callable[[], ModuleParts]:
        """Copy the tensors as they are now; the answer waits for the copies and returns them."""
        now = Snapshot({**self.weights, **self.extra})

        def complete() -> ModuleParts:
            tensors = now.tensors()
            found = {name: tensors[name] for name in self.weights}
            more = {name: tensors[name] for name in self.extra}
            return ModuleParts(**{**vars(self), "weights": found, "extra": more})

        return complete

    def write(self, folder: Path, shown: bool = True) -> dict[str, str]:
        """Write the files; return the SHA-256 of those that were hashed on the way."""
        digests = {WEIGHTS: weights.save(folder / WEIGHTS, self.weights, None, "save model", shown)}
        if self.extra:
            digests[EXTRA] = weights.save(folder / EXTRA, self.extra, None, "save model", shown)
        for name, text in self.sources.items():
            place = folder / SOURCE / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, "utf-8")
        known = {"form": _FORM, "tree": self.tree, "elsewhere": self.elsewhere}
        _write_json(folder / OBJECT, {**known, "notes": self.notes})
        _write_json(folder / DIGESTS, {name: value.to_dict() for name, value in digests.items()})
        return {name: value.sha256 for name, value in digests.items()}


def read(
    folder: Path,
    device: torch.device,
    *,
    asked: bool,
    hashes: Mapping[str, str] | None,
    trusted: bool,
) -> torch.nn.Module:
    """Make a module of its files.

    Parameters
    ----------
    folder : Path
    device : torch.device
        Where the weights are made; those that were not on the model's main device return to
        theirs unless a device was ``asked`` for.
    asked : bool
    hashes : mapping of str to str, optional
        The recorded SHA-256 of the files in the folder; the bytes that are loaded are checked.
    trusted : bool
        Whether its source may run.

    Raises
    ------
    UntrustedError
        If code would run and ``trusted`` is False.
    InvalidParameterError
        If its source does not run here.
    NbtrackError
        If a file is damaged, or is not what was saved.
    """
    from nbtrack.models.objects import check_consent, deserialize

    known = _description(folder)
    check_consent(known["tree"], trusted=trusted, place=folder / SOURCE)
    elsewhere: dict[str, str] = known["elsewhere"]

    def place(name: str) -> torch.device:
        if name not in elsewhere:
            return device
        there = devices.named(elsewhere[name])
        if there is None or (there.type != "cpu" and (asked or not devices.available(there))):
            return device
        return device if asked and not name.startswith("@") else there

    found = weights.load(folder / WEIGHTS, place, expected(folder, WEIGHTS, hashes), "load model")
    if (folder / EXTRA).exists():
        found |= weights.load(folder / EXTRA, place, expected(folder, EXTRA, hashes), "load model")
    sources = source_files(folder, known["tree"])
    model = deserialize(known["tree"], found, sources, trusted=trusted, place=folder / SOURCE)
    if not isinstance(model, torch.nn.Module):
        raise InvalidParameterError(
            f"What is described in {folder / OBJECT} is a {type(model).__name__}, not a module of "
            "PyTorch: the file is damaged. Get the model anew."
        )
    return model


def _description(folder: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = json.loads((folder / OBJECT).read_text("utf-8"))
        form = known["form"]
        if form == _FORM:
            known = {"tree": known["tree"], "elsewhere": dict(known["elsewhere"])}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidParameterError(
            f"{folder / OBJECT} is no description of a model: {type(error).__name__}: {error}. "
            "Get the model anew, or save it again."
        ) from error
    if form != _FORM:
        raise NbtrackError(
            f"The model in {folder} was saved in the form {form!r}; this version of "
            f"nbtrack reads form {_FORM}. Install a newer one."
        )
    return known


def source_files(folder: Path, tree: Mapping[str, Any]) -> dict[str, str]:
    """Return the text of the source files that a tree names."""
    paths: Iterable[str] = (record["path"] for record in tree["files"].values())
    root = (folder / SOURCE).resolve()
    found = {}
    for path in paths:
        file = (root / path).resolve()
        if file.is_relative_to(root) and file.is_file():
            found[path] = file.read_text("utf-8")
    return found


def expected(folder: Path, name: str, hashes: Mapping[str, str] | None) -> Digests | None:
    """Return what a file must be, by its recorded SHA-256; None where none was recorded.

    Where neither the store nor the model's folder records its files, the digest counts that the
    weights brought along.
    """
    try:
        noted = Digests.from_dict(json.loads((folder / DIGESTS).read_text("utf-8"))[name])
    except (OSError, ValueError, KeyError, TypeError):
        noted = None
    if hashes is None or name not in hashes:
        return noted  # nobody else knows, so that it helps against damage only
    if noted is not None and noted.sha256 == hashes[name]:
        return noted
    return Digests((folder / name).stat().st_size, hashes[name])


def _check_materialized(model: torch.nn.Module) -> None:
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        weights.check(name, tensor)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, separators=(",", ":")), "utf-8")
