"""``NbtrackCallback``: the callback of the trainer of Hugging Face transformers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, fields
from typing import Any

from transformers import TrainerCallback

from nbtrack.autologging.params import readable
from nbtrack.autologging.settings import Settings
from nbtrack.autologging.training import Training, begin, is_first_process
from nbtrack.tracking.run import ActiveRun
from nbtrack.validation import MAX_PARAM_VALUE

NAME = "transformers"
# Said also where they have their defaults; of the rest only what differs from these.
_ARGUMENTS = {
    "num_train_epochs",
    "max_steps",
    "learning_rate",
    "per_device_train_batch_size",
    "per_device_eval_batch_size",
    "gradient_accumulation_steps",
    "weight_decay",
    "warmup_steps",
    "lr_scheduler_type",
    "optim",
    "max_grad_norm",
    "seed",
}
_CONFIG = ("model_type", "hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size")
# Of the machine or of transformers, not of the training.
_LEFT_OUT = {
    "accelerator_config",
    "logging_dir",
    "report_to",
    "transformers_version",
    "local_rank",
    "run_name",
}


class NbtrackCallback(TrainerCallback):
    """Logs what a trainer of transformers logs, without a server: ``Trainer(callbacks=[...])``.

    Params are the arguments and the model's configuration, as far as they differ from their
    defaults, and the essential ones. Metrics stand at the global step. They go to the open run;
    without one to a run that ends with the training, and goes on for what is evaluated later.

    Examples
    --------
    >>> from transformers import Trainer  # doctest: +SKIP
    >>> callback = nbtrack.transformers.NbtrackCallback()  # doctest: +SKIP
    >>> Trainer(model, args, train_dataset=data, callbacks=[callback]).train()  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._session: Training | None = None
        self._joins = False
        self._trains = False

    @contextmanager
    def joined(self, session: Training) -> Iterator[None]:
        """Log to a run that somebody else ends, in a ``with`` block.

        Parameters
        ----------
        session : Training
            Of autologging.
        """
        self._session, self._joins = session, True
        try:
            yield
        finally:
            self._joins = self._trains = False

    @property
    def run(self) -> ActiveRun | None:
        """The run, None before anything was logged."""
        return None if self._session is None else self._session.run

    def _begin(self, args: Any, model: Any, *, again: bool) -> Training:
        """Return where to log to, with the params the first time."""
        if self._joins and self._session is not None:
            return self._session
        session = begin(
            NAME,
            Settings(),
            type(model).__name__,
            self.run if again else None,
            run_name=args.run_name if args.run_name != args.output_dir else None,
            tags={},
        )
        if self._session is None or session.run.writer is not self._session.run.writer:
            session.attempt("The params", lambda: session.log_params(params_of(args, model)))
        self._session = session
        return session

    def on_train_begin(
        self, args: Any, state: Any, control: Any, model: Any = None, **kwargs: Any
    ) -> None:
        """Begin a run.

        Parameters
        ----------
        args : TrainingArguments
        state : TrainerState
        control : TrainerControl
        model : PreTrainedModel
        **kwargs
            More of what an event says.
        """
        if not (state.is_world_process_zero and is_first_process()):
            return
        if self._trains and self._session is not None and not self._joins:
            self._session.run.end("FAILED")  # no event says that a training has raised
        self._trains = True
        session = self._begin(args, model, again=False)
        if self._joins:
            session.attempt("The params", lambda: session.log_params(params_of(args, model)))

    def on_log(
        self,
        args: Any,
        state: Any,
        control: Any,
        logs: dict[str, Any] | None = None,
        model: Any = None,
        **kwargs: Any,
    ) -> None:
        """Log numbers at the global step; what is no number is left out.

        Parameters
        ----------
        args : TrainingArguments
        state : TrainerState
        control : TrainerControl
        logs : dict
            Values by name.
        model : PreTrainedModel
        **kwargs
            More of what an event says.
        """
        if not logs or not (state.is_world_process_zero and is_first_process()):
            return
        session = self._begin(args, model, again=True) if not self._trains else self._session
        if session is None:
            return
        numbers = {key: value for key, value in logs.items() if _is_number(value)}
        session.log_metrics(numbers, state.global_step)
        if not self._trains and not self._joins:
            session.end()

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """End the run, if it was opened here.

        Parameters
        ----------
        args : TrainingArguments
        state : TrainerState
        control : TrainerControl
        **kwargs
            More of what an event says.
        """
        self._trains = False
        if self._session is not None and not self._joins:
            self._session.end()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) or getattr(value, "ndim", None) == 0


def params_of(args: Any, model: Any) -> dict[str, Any]:
    """Return what a training is made of, as far as somebody has chosen it.

    Parameters
    ----------
    args : TrainingArguments
    model : PreTrainedModel
        Or another module, which has no configuration.
    """
    found: dict[str, Any] = {}
    config: Any = getattr(model, "config", None)
    if hasattr(config, "to_diff_dict"):
        whole, chosen = config.to_dict(), config.to_diff_dict()
        found |= {key: whole[key] for key in _CONFIG if whole.get(key) is not None} | chosen
    shown = args.to_dict()
    for each in fields(args):
        default = each.default if each.default_factory is MISSING else each.default_factory()
        value = shown.get(each.name)
        if each.name.endswith("_token"):
            continue
        if each.name in _ARGUMENTS or not _is_default(value, default):
            found[each.name] = value
    # MLflow's callback drops what is long
    return {
        key: str(readable(value))[:MAX_PARAM_VALUE]
        for key, value in found.items()
        if key not in _LEFT_OUT and value is not None
    }


def _is_default(value: Any, default: Any) -> bool:
    same = str(readable(value)) == str(readable(default))
    return same or value is None or (not value and not default)
