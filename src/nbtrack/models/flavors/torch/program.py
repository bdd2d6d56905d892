"""The exported program: a model that runs without the source of its class."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from nbtrack.callables import parameters_of
from nbtrack.errors import InvalidStateError, NbtrackError

FILE = "model.pt2"


@dataclass(frozen=True)
class Inputs:
    """What a model is called with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def mapped(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Inputs:
        """Return the same with every tensor changed."""
        from torch.utils._pytree import tree_map_only

        args, kwargs = tree_map_only(torch.Tensor, change, (self.args, self.kwargs))
        return Inputs(args, kwargs)

    def tensors(self) -> list[torch.Tensor]:
        """Return the tensors among them."""
        from torch.utils._pytree import tree_leaves

        leaves = tree_leaves((self.args, self.kwargs))
        return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]


@dataclass(frozen=True)
class Program:
    """An exported program, and what sizes of batches it takes.

    Attributes
    ----------
    exported : torch.export.ExportedProgram
    batch : int or None
        The only size that it takes, or None for any.
    device : torch.device
        Where the model was.
    """

    exported: Any
    batch: int | None
    device: torch.device

    def save(self, path: Path, weights: Mapping[str, torch.Tensor] | None = None) -> None:
        """Write the program to a file, with other weights than those it was exported with.

        What is written runs on the processor, so that it can be read anywhere; ``load``
        moves it to the device that is wanted.
        """
        program = self.exported
        if weights is not None:
            program._state_dict = {
                name: _like(tensor, weights[name]) if name in weights else tensor
                for name, tensor in program.state_dict.items()
            }
        with quiet():
            if self.device.type != "cpu":
                program = _moved(program, torch.device("cpu"))
            torch.export.save(program, path)

    def copied(self) -> Program:
        """Return the program with weights of its own, which a training does not change."""
        import copy

        found = copy.copy(self.exported)
        found._state_dict = {
            name: _like(tensor, tensor.detach().clone())
            for name, tensor in self.exported.state_dict.items()
        }
        return Program(found, self.batch, self.device)


class ExportedModel(torch.nn.Module):
    """A model that is an exported program: it can be called, but not trained.

    Parameters
    ----------
    program : torch.nn.Module
        What ``torch.export`` gives back.
    """

    def __init__(self, program: torch.nn.Module) -> None:
        super().__init__()
        # no part of this module: its train() and eval() must not be called
        self.__dict__["program"] = program
        self.training = False

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program."""
        program: Any = self.program
        return program(*args, **kwargs)

    def train(self, mode: bool = True) -> ExportedModel:
        """Refuse to train: the program was exported for evaluation."""
        if mode:
            raise InvalidStateError(
                "This model is an exported program, which computes as in eval() and cannot be "
                "trained. Load it where its source can be run to train it."
            )
        return self

    def named_parameters(self, *args: Any, **kwargs: Any) -> Any:
        """Return the parameters by their names in the model."""
        program: Any = self.program
        return program.named_parameters(*args, **kwargs)

    def named_buffers(self, *args: Any, **kwargs: Any) -> Any:
        """Return the buffers by their names in the model."""
        program: Any = self.program
        return program.named_buffers(*args, **kwargs)

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the weights by their names in the model."""
        program: Any = self.program
        return program.state_dict(*args, **kwargs)


def callable_module(model: Any) -> torch.nn.Module:
    """Return what is called to predict: the module of an exported program, or the model itself."""
    if isinstance(model, torch.export.ExportedProgram):
        return ExportedModel(model.module())
    found: torch.nn.Module = model
    return found


def inputs_of(example: Any, model: torch.nn.Module) -> Inputs:
    """Return how a model is called with an example.

    A tuple or list holds the arguments in order. A dictionary holds them by name where they are
    parameters of ``forward``, and is the only argument else. Arrays become tensors on the
    model's device, and floats of 64 bits get the model's precision, as NumPy makes them
    by default.
    """
    if isinstance(example, tuple | list) and any(_is_array(item) for item in example):
        args, kwargs = tuple(example), {}
    elif isinstance(example, Mapping):
        known = parameters_of(model.forward)
        named = all(name in known for name in example)
        args, kwargs = ((), dict(example)) if named else ((dict(example),), {})
    else:
        args, kwargs = (example,), {}
    dtype, device = _type_and_device(model)

    def tensor(value: Any) -> Any:
        if not _is_array(value):
            return value
        given = isinstance(value, torch.Tensor)
        made = value if given else torch.as_tensor(_writable(value))
        # NumPy has no bfloat16: its arrays stand for such tensors as float32
        wide = made.dtype == torch.float64 or (made.dtype, dtype) == (torch.float32, torch.bfloat16)
        if not given and wide and dtype is not None:
            made = made.to(dtype)
        return made.detach().to(device)

    return Inputs(
        tuple(_each(arg, tensor) for arg in args),
        {name: _each(value, tensor) for name, value in kwargs.items()},
    )


def export(model: torch.nn.Module, example: Any) -> tuple[Program | None, str | None]:
    """Export a model in evaluation mode, for batches of any size where that is possible.

    Returns
    -------
    program : Program or None
        None if the model cannot be exported.
    note : str or None
        What the user should know: why there is no program, or what it does not take.
    """
    inputs = inputs_of(example, model)
    batched = [tensor for tensor in inputs.tensors() if tensor.dim()]
    size = batched[0].shape[0] if batched else 0
    _, device = _type_and_device(model)
    with evaluating(model), torch.no_grad(), quiet():
        if size:
            # sizes of 0 and 1 are taken as constants: the example is doubled
            traced = inputs if size > 1 else _batch(inputs, size, 2)
            for dim in _dynamic():
                try:
                    program = _export(model, traced, 2 if size == 1 else size, dim)
                    _try(program, inputs, size)
                except Exception:  # noqa: BLE001  torch.export raises what it likes
                    program = None
                else:
                    return Program(program, None, device), None
        try:
            program = _export(model, inputs, 0, None)
        except Exception as error:  # noqa: BLE001  what cannot be exported has no common error
            first = next(iter(str(error).strip().splitlines()), type(error).__name__)
            return None, (
                "The model was saved without an exported program, since torch.export cannot "
                f"follow its forward(): {type(error).__name__}: {first[:200]}"
            )
    if not size:
        return Program(program, None, device), None
    return Program(program, size, device), (
        f"The exported program takes inputs of the example's size only ({size} along the first "
        "dimension), since that size decides what forward() does."
    )


def load(path: Path, device: torch.device) -> ExportedModel:
    """Return an exported program as a model on a device.

    ``torch.export.load`` unpickles parts of the file that say they are pickles, evaluates
    the expressions of shapes, and loads compiled libraries: the caller asks for consent.
    """
    with quiet():
        try:
            program = torch.export.load(path)
            if device.type != "cpu" or _is_elsewhere(program):
                program = _moved(program, device)
        except Exception as error:
            raise NbtrackError(
                f"The exported program {path} cannot be read with PyTorch {torch.__version__}: "
                f"{type(error).__name__}: {error}"
            ) from error
        return ExportedModel(program.module())


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Have a model in evaluation mode; afterwards each part is in the mode it was in."""
    # threads that ask a model in evaluation mode at once must not see it in another one
    training = [module for module in model.modules() if module.training]
    try:
        for module in training:
            module.training = False
        yield
    finally:
        for module in training:
            module.training = True


def _export(model: torch.nn.Module, inputs: Inputs, size: int, dim: Any) -> Any:
    from torch.utils._pytree import tree_map

    def shapes(value: Any) -> Any:
        if dim is None or not isinstance(value, torch.Tensor) or not value.dim():
            return None
        return {0: dim} if value.shape[0] == size else None

    dynamic: Any = None
    if dim is not None:
        args, kwargs = tree_map(shapes, (inputs.args, inputs.kwargs))
        dynamic = kwargs if inputs.kwargs else args
    # a graph that cannot be finished is printed there; the note says what is wrong
    with redirect_stderr(io.StringIO()):
        return torch.export.export(
            model, inputs.args, inputs.kwargs, dynamic_shapes=dynamic, strict=False
        )


def _try(program: Any, inputs: Inputs, size: int) -> None:
    """Raise if a program does not take batches of other sizes."""
    module = program.module()
    for other in (1, size + 1):
        changed = _batch(inputs, size, other)
        module(*changed.args, **changed.kwargs)


def _batch(inputs: Inputs, size: int, wanted: int) -> Inputs:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        if not tensor.dim() or tensor.shape[0] != size:
            return tensor
        return torch.cat([tensor] * -(-wanted // size))[:wanted].contiguous()

    return inputs.mapped(change)


def _dynamic() -> list[Any]:
    dim: Any = torch.export.Dim
    found = [getattr(dim, name) for name in ("DYNAMIC", "AUTO") if hasattr(dim, name)]
    return found or [dim("batch")]


def _moved(program: Any, device: torch.device) -> Any:
    try:
        from torch.export.passes import move_to_device_pass
    except ImportError:  # PyTorch before 2.7
        return program
    return move_to_device_pass(program, str(device))


def _is_elsewhere(program: Any) -> bool:
    tensors = [*program.state_dict.values(), *program.constants.values()]
    return any(isinstance(t, torch.Tensor) and t.device.type != "cpu" for t in tensors)


def _like(old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
    if isinstance(old, torch.nn.Parameter):
        return torch.nn.Parameter(new, requires_grad=old.requires_grad)
    return new


def _type_and_device(model: torch.nn.Module) -> tuple[torch.dtype | None, torch.device]:
    tensors = [*model.parameters(), *model.buffers()]
    floating = [tensor.dtype for tensor in tensors if tensor.is_floating_point()]
    device = tensors[0].device if tensors else torch.device("cpu")
    return (floating[0] if floating else None), device


def _each(value: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(value, Mapping):
        return {key: _each(item, change) for key, item in value.items()}
    if isinstance(value, tuple | list):
        items = [_each(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return change(value)


def _is_array(value: Any) -> bool:
    import numpy as np

    return isinstance(value, torch.Tensor | np.ndarray)


def _writable(array: Any) -> Any:
    return array if array.flags.writeable else array.copy()


@contextmanager
def quiet() -> Iterator[None]:
    """Keep to itself what PyTorch says on the way: its deprecations, the graph that failed."""
    names = [name for name in logging.root.manager.loggerDict if name.startswith("torch.")]
    loggers = [logging.getLogger(name) for name in names]
    talking = [logger for logger in loggers if not logger.disabled]
    for logger in talking:
        logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger in talking:
            logger.disabled = False
