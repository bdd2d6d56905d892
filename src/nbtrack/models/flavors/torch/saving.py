"""A PyTorch model on its way into a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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

FLAVOR = "pytorch"
DATA = "data"
# The program is kept for the processor, where it runs everywhere, and MLflow cannot move it.
# A user who wants the processor says "cpu": so the two are told apart.
FOR_MLFLOW = "cpu:0"
Format = Literal["safetensors", "torchscript", "pickle"]


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
    whole : Module or None
        The module itself, where a pickle or TorchScript is written.
    """

    kind: Format
    facts: dict[str, Any]
    parts: Callable[[], ModuleParts] | None = None
    exported: program.Program | None = None
    whole: torch.nn.Module | None = None
    pickle_module: ModuleType | None = None
    options: Mapping[str, Any] | None = None
    shown: bool = True

    def write(self, folder: Path, model: Model) -> None:
        """Write the files and say in the MLmodel what they are."""
        data = folder / DATA
        data.mkdir()
        model.requirements.add_package("torch")
        if self.kind == "safetensors":
            self._write_parts(data, model)
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
        if self.exported is not None:
            self.exported.save(data / program.FILE, parts.weights)


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
        parts = ModuleParts.of(whole)
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
    )


def predictor(model: torch.nn.Module) -> Callable[..., Any]:
    """Return what answers for a module's outputs, for its signature."""
    return Predictor(inner(model)).predict


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
    if hasattr(example, "iloc"):  # a frame goes in as one array
        example = example.to_numpy(dtype="float32")
    exported, note = program.export(model, example)
    if exported is None and asked:
        raise InvalidParameterError(
            f"{note} Without export_model=True it is saved, and loads from its source."
        )
    return exported, note
