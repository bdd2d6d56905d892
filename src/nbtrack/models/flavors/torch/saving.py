"""A PyTorch model on its way into a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import torch

from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models.flavors.torch import pickles, program
from nbtrack.models.flavors.torch.devices import facts
from nbtrack.models.flavors.torch.predictor import Predictor
from nbtrack.models.flavors.torch.structure import ModuleParts
from nbtrack.models.flavors.torch.unwrapped import inner, plain
from nbtrack.models.model import Model
from nbtrack.models.objects.torch_modules import why_not
from nbtrack.models.verification import STRUCTURE, ask, verify

FLAVOR = "pytorch"
DATA = "data"
# The program is kept for the processor, where it runs everywhere, and MLflow cannot move it.
# A user who wants the processor says "cpu": so the two are told apart.
FOR_MLFLOW = "cpu:0"
Format = Literal["safetensors", "program", "torchscript", "pickle"]


@dataclass
class Saved:
    """A module on its way into a folder: everything that is needed of it is in here.

    Attributes
    ----------
    kind : str
        How it is kept.
    facts : dict
        What the flavor says of it.
    parts : callable or None
        Returns the module taken apart.
    exported : Program or None
        Its exported program.
    verified : str or None
        How far it was compared with what would be loaded, see ``nbtrack.models.verification``.
    whole : Module or None
        The module itself, where a pickle or TorchScript is written.
    asked : bool
        Whether the user has asked for the program, so that none is an error.
    """

    kind: Format
    facts: dict[str, Any]
    parts: Callable[[], ModuleParts] | None = None
    exported: program.Program | None = None
    whole: torch.nn.Module | None = None
    pickle_module: ModuleType | None = None
    options: Mapping[str, Any] | None = None
    shown: bool = True
    asked: bool = False
    verified: str | None = None

    def write(self, folder: Path, model: Model) -> None:
        """Write the files and say in the MLmodel what they are."""
        data = folder / DATA
        data.mkdir()
        model.requirements.add_package("torch")
        if self.kind == "safetensors":
            self._write_parts(data, model)
        elif self.kind == "program":
            self._write_program(data, None)
        elif self.kind == "torchscript":
            # MLflow reads it too: torch.load recognizes TorchScript
            (data / pickles.INFO).write_text(pickles.MLFLOW, "utf-8")
            with program.quiet():
                torch.jit.save(self.whole, data / pickles.FILE)
        else:
            model.requirements.add_package("cloudpickle")
            model.requirements.add_object(self.whole)
            pickles.save(self.whole, data, self.pickle_module, **(self.options or {}))
        code = {"code": model.code_folder} if model.code_folder else {"code": None}
        model.nbtrack |= {"device": self.facts["device"]}
        if self.verified is not None:
            model.nbtrack["verified"] = self.verified
        model.add_flavor(
            FLAVOR,
            model_data=DATA,
            pytorch_version=str(torch.__version__),
            format=self.kind,
            program=f"{DATA}/{program.FILE}" if self.exported else None,
            **code,
            **self.facts,
        )
        mlflow_reads = self.kind != "safetensors" or self.exported is not None
        model.add_pyfunc(
            "mlflow.pytorch" if mlflow_reads else "nbtrack.pytorch",
            data=DATA,
            config={"device": FOR_MLFLOW if self.exported else None},
        )

    def _write_parts(self, data: Path, model: Model) -> None:
        if self.parts is None:
            raise RuntimeError("a module is taken apart before it is written")
        parts = self.parts()
        hashes = parts.write(data, self.shown)
        model.hashes.update({f"{DATA}/{name}": digest for name, digest in hashes.items()})
        model.requirements.add_module(*parts.modules)
        for text in parts.sources.values():
            model.requirements.add_source(text)
        self._write_program(data, parts.weights)

    def _write_program(self, data: Path, weights: Mapping[str, torch.Tensor] | None) -> None:
        if self.exported is None:
            return
        try:
            self.exported.save(data / program.FILE, weights)
        except Exception as error:
            text = f"The exported program cannot be written: {type(error).__name__}: {error}"
            if self.asked or self.kind == "program":
                raise InvalidParameterError(text) from error
            (data / program.FILE).unlink(missing_ok=True)
            self.exported = None
            self.facts.pop("program_batch", None)
            warn(f"{text} The model is saved without it, and loads from its source.")


def prepare(
    model: torch.nn.Module,
    example: Any,
    *,
    export: bool | None,
    kind: Format,
    pickle_module: ModuleType | None,
    options: Mapping[str, Any],
    wait: bool,
) -> Saved:
    """Take from a module what will be written; with ``wait=False`` as copies.

    Raises
    ------
    InvalidParameterError
        If it cannot be saved this way: the message says what can be done.
    """
    if isinstance(model, torch.export.ExportedProgram):
        return _of_program(model, example, wait)
    if not isinstance(model, torch.nn.Module):
        raise TypeError(
            f"Argument 'pytorch_model' should be a torch.nn.Module, not {type(model).__name__}. "
            "log_state_dict keeps a dictionary of tensors."
        )
    root = inner(model)
    if isinstance(root, torch.jit.ScriptModule):
        kind = "torchscript"
    if kind != "safetensors":
        if not wait:
            raise InvalidParameterError(
                f"wait=False cannot be used for a model that is kept as {kind}: it is not copied. "
                "Leave it out."
            )
        if kind == "pickle":
            warn(
                "A pickle runs whatever code it holds when it is loaded, and breaks when classes "
                "move. It is written because it was asked for; the default is safetensors."
            )
        known = facts([*root.parameters(), *root.buffers()], root.parameters())
        with plain(model) as whole:
            return Saved(
                kind, known, whole=whole, pickle_module=pickle_module, options=dict(options)
            )
    with plain(model) as whole:
        reason = _part_without_source(whole)
        if reason is not None:
            return _without_source(whole, example, reason, export, wait)
        parts = ModuleParts.of(whole)
        verified = _verified(whole, parts.rebuilt, example)
        parts.rebuilt = None
        exported, note = None, None
        if export or (export is None and example is not None):
            exported, note = _exported(whole, example, asked=bool(export))
    for text in (*parts.notes, note):
        if text is not None:
            warn(text)
    known = {"class": f"{type(root).__module__}.{type(root).__qualname__}", **parts.facts}
    if exported is not None and exported.batch is not None:
        known["program_batch"] = exported.batch
    return Saved(
        "safetensors",
        known,
        parts=(lambda: parts) if wait else parts.copied(),
        exported=exported,
        shown=wait,
        asked=bool(export),
        verified=verified,
    )


def _of_program(given: Any, example: Any, wait: bool) -> Saved:
    """Return a program that the user has exported, to be written as it is."""
    known = facts([*given.parameters(), *given.buffers()], given.parameters())
    kept = program.Program(given, None, torch.device(known["device"]))
    known["class"] = "torch.export.ExportedProgram"
    return Saved("program", known, exported=kept if wait else kept.copied(), asked=True)


def _without_source(
    model: torch.nn.Module, example: Any, reason: str, export: bool | None, wait: bool
) -> Saved:
    """Return a module that no source makes again: as its program, or as TorchScript."""
    known = facts([*model.parameters(), *model.buffers()], model.parameters())
    known["class"] = f"{type(model).__module__}.{type(model).__qualname__}"
    note = None
    if example is not None and export is not False:
        exported, note = _exported(model, example, asked=False)
        if exported is not None:
            if exported.batch is not None:
                known["program_batch"] = exported.batch
            warn(
                "The model is saved as its exported program, which predicts and cannot be "
                f"trained. {reason}." + (f" {note}" if note else "")
            )
            return Saved("program", known, exported=exported if wait else exported.copied())
    compiled = None if export else _scripted(model, example)
    if compiled is None:
        raise _refused(model, reason, example, note)
    if not wait:
        raise InvalidParameterError(
            f"wait=False cannot be used for a model that is kept as TorchScript ({reason}): it is "
            "not copied. Leave it out."
        )
    warn(f"The model is saved as TorchScript. {reason}.")
    return Saved("torchscript", known, whole=compiled)


def _verified(model: torch.nn.Module, rebuilt: torch.nn.Module | None, example: Any) -> str | None:
    """Return how far what would be loaded is known to be the model.

    Raises
    ------
    UnfaithfulModelError
        If it gives other outputs for the example.
    """
    if rebuilt is None:
        return None
    if example is None:
        return STRUCTURE
    with_params = isinstance(example, tuple) and len(example) == 2 and isinstance(example[1], dict)
    data, params = example if with_params else (example, None)
    with _same_buffers(model):
        first = ask(lambda: Predictor(model).predict(data, params))
        return verify(
            first,
            lambda: Predictor(rebuilt).predict(data, params),
            lambda: Predictor(model).predict(data, params),
        )


@contextmanager
def _same_buffers(model: torch.nn.Module) -> Iterator[None]:
    """Put back what a model counts or keeps in its buffers when it is called."""
    kept = [(buffer, buffer.detach().clone()) for buffer in model.buffers()]
    try:
        yield
    finally:
        for buffer, value in kept:
            if not torch.equal(buffer, value):  # writing would end a backward pass that is to come
                buffer.detach().copy_(value)


def predictor(model: torch.nn.Module) -> Callable[..., Any]:
    """Return what answers for a module's outputs, for its signature."""
    return Predictor(program.callable_module(inner(model))).predict


def format_of(serialization: str | None, serialization_format: str | None) -> Format:
    """Return how a model is kept, from nbtrack's word for it and MLflow's.

    Raises
    ------
    InvalidParameterError
        If there is no such format, or the two do not fit.
    """
    known: dict[str | None, Format] = {
        None: "safetensors",
        "safetensors": "safetensors",
        "pt2": "safetensors",
        "pickle": "pickle",
    }
    for word in (serialization, serialization_format):
        if word not in known:
            raise InvalidParameterError(
                f"The format {word!r} is not known. Use 'safetensors' (the default), 'pt2' (with "
                "an exported program besides) or 'pickle'."
            )
    chosen = {known[word] for word in (serialization, serialization_format) if word is not None}
    if len(chosen) > 1:
        raise InvalidParameterError(
            f"serialization={serialization!r} and serialization_format={serialization_format!r} "
            "do not fit. Pass one of them."
        )
    return chosen.pop() if chosen else "safetensors"


def _exported(
    model: torch.nn.Module, example: Any, *, asked: bool
) -> tuple[program.Program | None, str | None]:
    if example is None:
        raise InvalidParameterError(
            "An exported program needs an input example: pass input_example= (a tensor, an array, "
            "a tuple or a dictionary of those)."
        )
    if isinstance(example, tuple) and len(example) == 2 and isinstance(example[1], dict):
        example = example[0]  # the second one has parameters of predict
    try:
        if hasattr(example, "iloc"):  # a frame goes in as one array
            example = example.to_numpy(dtype="float32")
        exported, note = program.export(model, example)
    except Exception as error:  # noqa: BLE001  an example that is no input of the model
        exported, note = (
            None,
            (
                "The model was saved without an exported program, since the input example "
                f"cannot be given to it: {type(error).__name__}: {error}"
            ),
        )
    if exported is None and asked:
        raise InvalidParameterError(
            f"{note} Without export_model=True it is saved, and loads from its source."
        )
    return exported, note


def _part_without_source(model: torch.nn.Module) -> str | None:
    """Return which part of a module no source makes again, and why; None where there is none."""
    for name, module in model.named_modules():
        if (reason := why_not(module)) is not None:
            return f"{name or 'the model'} ({type(module).__qualname__}): {reason}"
    return None


def _scripted(model: torch.nn.Module, example: Any) -> torch.nn.Module | None:
    """Return a module as TorchScript; None where it cannot be, or gives other outputs then.

    Parameters
    ----------
    model : Module
    example : optional
        What the two are compared on.
    """
    jit: Any = torch.jit
    try:
        with program.quiet(), program.evaluating(model):
            found: torch.nn.Module = jit.script(model)
        if example is not None:
            wanted, got = (Predictor(each).predict(example) for each in (model, found))
            torch.testing.assert_close(got, wanted, equal_nan=True)
    except Exception:  # noqa: BLE001  what cannot be compiled has no common error
        return None
    return found


def _refused(model: torch.nn.Module, reason: str, example: Any, note: str | None) -> Exception:
    """Return the error for a module that is kept neither way, with a way out that works."""
    ways = []
    if example is None:
        ways.append(
            "Pass input_example= (a tensor, an array, or a tuple or dictionary of those) to save "
            "its exported program"
        )
    try:
        with Path(os.devnull).open("wb") as nowhere:
            torch.save(model, nowhere, pickle_module=pickles)
        ways.append(
            "pass serialization='pickle', which only loads with consent and with the same packages"
        )
    except Exception:  # noqa: BLE001  whatever the methods of its parts raise
        pass
    way_out = ", or ".join(ways) or "Save its state_dict with log_state_dict"
    return InvalidParameterError(
        f"This model cannot be saved as source and weights. {reason}. "
        f"{note + ' ' if note else ''}{way_out[0].upper()}{way_out[1:]}."
    )
