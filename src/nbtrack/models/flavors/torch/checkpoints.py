"""The checkpoints of a run: logged, kept or dropped, found and restored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import torch

from nbtrack.errors import InvalidParameterError, NotFoundError, UntrustedError, warn
from nbtrack.models.consent import check_consent
from nbtrack.models.flavors.torch import checkpoint_file, weights
from nbtrack.models.flavors.torch.blocks import Digests
from nbtrack.models.flavors.torch.checkpoint_file import Checkpoint, State
from nbtrack.models.flavors.torch.staging import Snapshot
from nbtrack.store import run_file_digests
from nbtrack.store.artifacts import ArtifactFolder, StoredFile
from nbtrack.tracking import background, context
from nbtrack.tracking import start as _start

FOLDER = "checkpoints"
SUFFIX = ".safetensors"
Mode = Literal["min", "max"]


def log_checkpoint(
    model: torch.nn.Module | None = None,
    optimizer: Any = None,
    scheduler: Any = None,
    scaler: Any = None,
    epoch: int | None = None,
    step: int | None = None,
    metrics: Mapping[str, float] | None = None,
    extra: Any = None,
    *,
    name: str = FOLDER,
    keep: int | None = None,
    best: str | None = None,
    mode: Mode = "min",
    generators: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    wait: bool = True,
) -> str:
    """Keep the state of a training, so that it can go on from here bit for bit.

    That is the state of what is passed and of the random numbers of Python, NumPy and PyTorch
    (on every GPU). It becomes one file of safetensors among the run's artifacts, with the
    plain values in its header: nothing is pickled, and the weights in it (``model.<name>``) can
    be read by anyone. The file appears when it is whole; a process that is killed while it
    writes leaves the checkpoints before it as they are.

    Parameters
    ----------
    model : Module, optional
        Compiled and data parallel ones are unwrapped.
    optimizer, scheduler, scaler : optional
        Each one, or a list or dictionary of several, or whatever has a ``state_dict``.
    epoch, step : int, optional
        Name the file; without both it is numbered.
    metrics : mapping of str to float, optional
        Kept with the checkpoint, for ``best``.
    extra : optional
        Plain values, lists, dictionaries, arrays, tensors.
    name : str
        A folder among the artifacts.
    keep : int, optional
        How many of the latest checkpoints of this folder stay; by default all.
    best : str, optional
        The metric whose best checkpoint stays too.
    mode : {"min", "max"}
        What is best.
    generators : mapping of str to generator, optional
        More random numbers: of a ``DataLoader``, ``torch.Generator``, ``numpy.random.Generator``.
    run_id : str, optional
        By default the active run, which is started if there is none.
    wait : bool
        False to have the state copied at once and written in the background; the end of the
        run waits for it.

    Returns
    -------
    str
        The path of the file among the run's artifacts.

    Raises
    ------
    InvalidParameterError
        If something cannot be kept as data: the message says what.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.Adam(net.parameters())
    >>> with nbtrack.start_run():
    ...     for epoch in range(3):
    ...         path = nbtrack.pytorch.log_checkpoint(net, optimizer, epoch=epoch, keep=2)
    >>> path
    'checkpoints/epoch_0002.safetensors'
    """
    if keep is not None and keep < 1:
        raise InvalidParameterError(f"keep={keep} keeps nothing. Use 1 or more, or None for all.")
    if best is not None and best not in (metrics or {}):
        raise InvalidParameterError(
            f"best={best!r} is not among the metrics of this checkpoint ({sorted(metrics or {})}). "
            f"Pass metrics={{{best!r}: ...}}."
        )
    state = checkpoint_file.take(
        model,
        {"optimizer": optimizer, "scheduler": scheduler, "scaler": scaler, "extra": extra},
        epoch=epoch,
        step=step,
        metrics=metrics,
        generators=generators,
    )
    for note in state.dropped:
        warn(note)
    artifacts = artifacts_to_write(run_id)
    path = f"{name}/{_file_name(artifacts, name, epoch, step)}{SUFFIX}"

    def write(tensors: Mapping[str, torch.Tensor], shown: bool) -> None:
        now = State(dict(tensors), state.notes, [])

        def into(file: Path) -> StoredFile:
            digests = checkpoint_file.write(file, now, shown)
            return StoredFile(digests.size, digests.sha256)

        artifacts.put_written(path, into)
        if keep is not None:
            _drop(artifacts, name, path, keep, best, mode)

    if wait:
        write(state.tensors, True)
    else:
        snapshot = Snapshot(state.tensors)
        background.start(f"The checkpoint {path}", lambda: write(snapshot.tensors(), False))
    return path


def load_checkpoint(
    model: Any = None,
    optimizer: Any = None,
    scheduler: Any = None,
    scaler: Any = None,
    run_id: str | None = None,
    epoch: int | None = None,
    step: int | None = None,
    *,
    which: Literal["latest", "best"] = "latest",
    best: str | None = None,
    mode: Mode = "min",
    name: str = FOLDER,
    rng: bool = True,
    strict: bool = True,
    generators: Mapping[str, Any] | None = None,
    trust: bool | None = None,
    global_step: int | None = None,
    kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """Put a training back to where ``log_checkpoint`` has kept it.

    Parameters
    ----------
    model, optimizer, scheduler, scaler : optional
        Get their state back; what is not passed stays as it is. A class as ``model`` is MLflow's
        form, ``load_checkpoint(model_class, run_id, epoch, global_step, kwargs)``: then a
        model is made of it and returned, and the random numbers stay as they are.
    run_id : str, optional
        By default the active run.
    epoch, step : int, optional
        Of the checkpoint; by default the latest one is taken.
    which : {"latest", "best"}
        ``"best"`` is the one with the best metric ``best``, by ``mode``.
    best : str, optional
        A metric; by default the only one.
    mode : {"min", "max"}
        Whether small or large values of it are good.
    name : str
        The folder among the artifacts.
    rng : bool
        Whether the random numbers go on from there too.
    strict : bool
        Whether the model must have the same weights, by name.
    generators : mapping of str to generator, optional
        As in ``log_checkpoint``.
    trust : bool, optional
        Whether functions of packages that the file names may be called; checkpoints hold
        none but those that are known to be harmless, unless they come from elsewhere.
    global_step : int, optional
        MLflow's word for ``step``.
    kwargs : mapping, optional
        What the class of the model is called with, in MLflow's form.

    Returns
    -------
    Checkpoint
        With ``epoch``, ``step``, ``metrics`` and ``extra``; the model in MLflow's form.

    Raises
    ------
    NotFoundError
        If there is no such checkpoint.
    InvalidParameterError
        If the checkpoint has no state of something that is passed, or one that does not fit.
    UntrustedError
        If the checkpoint names something to be called that is not known to be harmless.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.Adam(net.parameters())
    >>> with nbtrack.start_run() as run:
    ...     path = nbtrack.pytorch.log_checkpoint(net, optimizer, epoch=7)
    >>> checkpoint = nbtrack.pytorch.load_checkpoint(net, optimizer, run_id=run.info.run_id)
    >>> checkpoint.epoch  # go on with the next
    7
    """
    made = None
    if isinstance(model, type):
        # MLflow's order: model_class, run_id, epoch, global_step, kwargs
        run_id = optimizer if isinstance(optimizer, str) else run_id
        epoch = scheduler if isinstance(scheduler, int) else epoch
        step = scaler if isinstance(scaler, int) else step
        optimizer = scheduler = scaler = None
        model = made = model(**(kwargs or {}))
        rng = False
    step = global_step if step is None else step
    artifacts = artifacts_to_read(run_id)
    found = _choose(_all(artifacts, name), name, epoch, step, which, best, mode)
    refused = _refusal(found.path, trust)
    try:
        restored = checkpoint_file.restore(
            Path(artifacts.download(found.path)),
            found.path,
            model,
            {"optimizer": optimizer, "scheduler": scheduler, "scaler": scaler},
            digests=recorded(_run_id(run_id), found.path),
            rng=rng,
            generators=generators,
            strict=strict,
            trusted=refused is None,
        )
    except UntrustedError as error:
        raise (refused if refused is not None and trust else error) from None
    return restored if made is None else made


def list_checkpoints(run_id: str | None = None, name: str = FOLDER) -> list[Checkpoint]:
    """Return the checkpoints of a run, the oldest first; the active run by default.

    Parameters
    ----------
    run_id : str, optional
        By default the active run.
    name : str
        The folder among the artifacts.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Linear(2, 1)
    >>> with nbtrack.start_run():
    ...     for epoch in range(2):
    ...         path = nbtrack.pytorch.log_checkpoint(net, epoch=epoch)
    ...     print([each.epoch for each in nbtrack.pytorch.list_checkpoints()])
    [0, 1]
    """
    return _all(artifacts_to_read(run_id), name)


def _refusal(path: str, trust: bool | None) -> UntrustedError | None:
    """Return why a checkpoint may call nothing but what is known, or None if it may."""
    try:
        check_consent("functions that it names", path, own=False, trust=trust)
    except UntrustedError as error:
        return error
    return None


def _all(artifacts: ArtifactFolder, name: str) -> list[Checkpoint]:
    found = []
    for entry in artifacts.list(name):
        if entry.path.endswith(SUFFIX) and not entry.is_dir:
            with artifacts.open(entry.path) as file:
                header = weights.parse_header(file, int(entry.file_size or 0), entry.path)
            if header.notes.get("kind") == checkpoint_file.KIND:
                found.append(Checkpoint.of(entry.path, header.notes))
    return sorted(found, key=lambda checkpoint: checkpoint.saved)


def _choose(
    found: list[Checkpoint],
    name: str,
    epoch: int | None,
    step: int | None,
    which: str,
    best: str | None,
    mode: Mode,
) -> Checkpoint:
    fitting = [
        checkpoint
        for checkpoint in found
        if epoch in (None, checkpoint.epoch) and step in (None, checkpoint.step)
    ]
    if which == "best" or best is not None:
        metric = best or _only_metric(found)
        fitting = [c for c in fitting if metric in c.metrics]
        if fitting:
            return _best(fitting, metric, mode)
    if not fitting:
        has = ", ".join(Path(checkpoint.path).stem for checkpoint in found) or "none"
        raise NotFoundError(
            f"There is no such checkpoint in the folder {name!r} of this run (epoch={epoch}, "
            f"step={step}, which={which!r}). It has: {has}. Pass run_id= for another run."
        )
    return fitting[-1]


def _best(found: list[Checkpoint], metric: str, mode: Mode) -> Checkpoint:
    choose: Callable[..., Checkpoint] = min if mode == "min" else max
    return choose(found, key=lambda checkpoint: checkpoint.metrics[metric])


def _only_metric(found: list[Checkpoint]) -> str:
    names = sorted({name for checkpoint in found for name in checkpoint.metrics})
    if len(names) != 1:
        raise InvalidParameterError(
            f"The checkpoints have the metrics {names}: pass best='...' to say which one counts."
        )
    return names[0]


def _drop(
    artifacts: ArtifactFolder, name: str, path: str, keep: int, best: str | None, mode: Mode
) -> None:
    found = _all(artifacts, name)
    stay = {path, *(checkpoint.path for checkpoint in found[-keep:])}
    with_metric = [checkpoint for checkpoint in found if best in checkpoint.metrics]
    if best is not None and with_metric:
        stay.add(_best(with_metric, best, mode).path)
    for checkpoint in found:
        if checkpoint.path not in stay:
            artifacts.delete(checkpoint.path)


def _file_name(artifacts: ArtifactFolder, name: str, epoch: int | None, step: int | None) -> str:
    parts = [f"epoch_{epoch:04d}"] if epoch is not None else []
    parts += [f"step_{step:08d}"] if step is not None else []
    if parts:
        return "_".join(parts)
    taken = {Path(entry.path).stem for entry in artifacts.list(name)}
    number = 1
    while f"checkpoint_{number:04d}" in taken:
        number += 1
    return f"checkpoint_{number:04d}"


def artifacts_to_write(run_id: str | None) -> ArtifactFolder:
    """Return the artifacts of a run, by default of the active one, which is started if need be."""
    if run_id is None:
        return (context.current() or _start.start_run()).writer.artifacts
    return context.store_of(run_id).writer(run_id).artifacts


def artifacts_to_read(run_id: str | None) -> ArtifactFolder:
    """Return the artifacts of a run, by default of the active one.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    from nbtrack.store import get_run

    chosen = _run_id(run_id)
    with context.store_of(chosen).read() as reader:
        return reader.access.folder(get_run(reader, chosen).info.artifact_uri)


def _run_id(run_id: str | None) -> str:
    run = context.current()
    if run_id is None and run is None:
        raise InvalidParameterError(
            "There is no active run whose checkpoints could be meant. Pass run_id=..., or go on "
            "with the run: start_run(run_id=...)."
        )
    return run.info.run_id if run_id is None and run is not None else str(run_id)


def recorded(run_id: str, path: str) -> Digests | None:
    """Return the size and SHA-256 that the store has of a file, to compare with."""
    with context.store_of(run_id).read() as reader:
        known = run_file_digests(reader, run_id).get(path)
    return None if known is None else Digests(*known)
