"""Scalars that ``SummaryWriter`` writes for TensorBoard, in the open run as well."""

from __future__ import annotations

from typing import Any

from nbtrack.autologging.params import flattened
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.switches import settings_of
from nbtrack.autologging.training import Training, attempt, is_first_process, is_muted
from nbtrack.tracking import context

NAME = "pytorch"


def install(patches: Patches) -> None:
    """Wrap the methods that write scalars and hyperparameters.

    Parameters
    ----------
    patches : Patches
        Of the integration.
    """
    from torch.utils.tensorboard.writer import SummaryWriter

    patches.around(SummaryWriter, "add_scalar", _add_scalar)
    patches.around(SummaryWriter, "add_scalars", _add_scalars)
    patches.around(SummaryWriter, "add_hparams", _add_hparams)


def _session() -> Training | None:
    """Return where a scalar goes: the open run; no run is opened for one."""
    settings = settings_of(NAME)
    run = context.current()
    if settings is None or run is None or settings.exclusive:
        return None
    if is_muted() or not is_first_process():
        return None
    return Training(NAME, settings, run, opened=False)


def _add_scalar(
    original: Any,
    writer: Any,
    tag: str,
    scalar_value: Any,
    global_step: int | None = None,
    walltime: float | None = None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    result = original(writer, tag, scalar_value, global_step, walltime, *args, **kwargs)
    if not isinstance(scalar_value, str):  # the name of a blob in Caffe2
        _mirror({tag: scalar_value}, global_step, walltime)
    return result


def _add_scalars(
    original: Any,
    writer: Any,
    main_tag: str,
    tag_scalar_dict: dict[str, Any],
    global_step: int | None = None,
    walltime: float | None = None,
) -> Any:
    result = original(writer, main_tag, tag_scalar_dict, global_step, walltime)
    # MLflow puts all of them under the one tag
    series = {f"{main_tag}/{name}": value for name, value in tag_scalar_dict.items()}
    _mirror(series, global_step, walltime)
    return result


def _add_hparams(
    original: Any, writer: Any, hparam_dict: Any, metric_dict: Any, *args: Any, **kwargs: Any
) -> Any:
    result = original(writer, hparam_dict, metric_dict, *args, **kwargs)  # adds the scalars
    if (session := _session()) is not None:
        attempt(NAME, "Hyperparameters", lambda: session.log_params(flattened(hparam_dict)))
    return result


def _mirror(values: dict[str, Any], step: int | None, walltime: float | None) -> None:
    session = _session()
    if session is None:
        return
    every = session.settings.more.get("log_every_n_step")
    if every and (step or 0) % every:
        return
    time_ms = None if walltime is None else int(walltime * 1000)
    attempt(NAME, "A scalar", session.run.writer.log_metrics, values, int(step or 0), time_ms)
