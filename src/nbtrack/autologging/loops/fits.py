"""One training: its optimizers, which step together, and what their series are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from weakref import ref

from nbtrack.autologging.loops.backwards import StepLoss

PATIENCE = 20


class Member:
    """An optimizer of a training.

    Attributes
    ----------
    optimizer : callable
        Returns it while it is there.
    label : str
        What it is called: its model's variable, else its own.
    steps : int
        How many it has made.
    has_loss : bool
        Whether backwards came before its steps that no other step had used.
    rates : dict
        The learning rate of each name at the last step, and the value to log.
    rates_step : int
        The step at which they were logged last.
    params : dict
        What is constant.
    names : dict of str to str
        What its metrics are called, once that is decided.
    """

    def __init__(self, optimizer: Any, label: str, params: dict[str, Any]) -> None:
        self.optimizer: Callable[[], Any] = (lambda: None) if optimizer is None else ref(optimizer)
        self.label = label
        self.steps = 0
        self.has_loss = False
        self.rates: dict[str, tuple[Any, Any]] = {}
        self.rates_step = 0
        self.params = params
        self.names: dict[str, str] = {}


class Fit:
    """A training: the optimizers whose steps take turns.

    Parameters
    ----------
    name : str
        What its series begin with, "" for the first of a run.
    base : int
        The step that it goes on from.

    Attributes
    ----------
    members : dict of int to Member
    expected : int
        How many optimizers the user's code names around the steps.
    kind : str or None
        The loss function that it is trained with, if that is one alone.
    terms : set of str
        The names of the losses, if they are several.
    epochs : int
    is_decided : bool
        Whether it is known what the series are called.
    """

    def __init__(self, name: str, base: int) -> None:
        self.name = name
        self.base = base
        self.members: dict[int, Member] = {}
        self.expected = 1
        self.kind: str | None = None
        self.terms: set[str] = set()
        self.epochs = 0
        self.micro_batches = 1
        self.rows = 0
        self.is_decided = False
        self._several = False

    @property
    def step(self) -> int:
        """How many steps it has made; of several optimizers the most."""
        return self.base + max((member.steps for member in self.members.values()), default=0)

    def member(self, optimizer: Any) -> Member | None:
        """Return what is known of an optimizer, None if it is not one of these."""
        found = self.members.get(id(optimizer))
        return found if found is not None and found.optimizer() is optimizer else None

    def add(self, optimizer: Any, member: Member) -> None:
        """Take an optimizer in."""
        self.members[id(optimizer)] = member
        self.expected = max(self.expected, len(self.members))

    def decides(self, *, now: bool = False) -> bool:
        """Return whether it is known from now on what the series are called.

        Not before all optimizers that the code names have made a step: each with a loss of its
        own has a series of its own.
        """
        if self.is_decided:
            return True
        first = max((member.steps for member in self.members.values()), default=0)
        if now or len(self.members) >= self.expected or first >= PATIENCE:
            self.is_decided = True
            self._several = sum(member.has_loss for member in self.members.values()) > 1
            self._make_distinct()
        return self.is_decided

    def _make_distinct(self) -> None:
        known: set[str] = set()
        for member in self.members.values():
            label, count = member.label, 2
            while member.label in known:
                member.label, count = f"{label}_{count}", count + 1
            known.add(member.label)

    def key(self, key: str, member: Member | None = None, *, own: bool = False) -> str:
        """Return the name of a metric or a param.

        Parameters
        ----------
        key : str
            Such as ``train_loss``.
        member : Member, optional
            The optimizer that it is of.
        own : bool, optional
            Whether every optimizer has it, also one without a loss of its own.
        """
        is_named = member is not None and (self._several or (own and len(self.members) > 1))
        parts = [self.name, member.label if member is not None and is_named else "", key]
        return "/".join(part for part in parts if part)

    def learns(self, loss: StepLoss) -> None:
        """Remember what the losses of the training are called, for its evaluations."""
        self.kind = loss.kind
        self.terms |= set(loss.terms)

    def params(self) -> dict[str, Any]:
        """Return what is constant, by name."""
        found: dict[str, Any] = {}
        for member in self.members.values():
            for key, value in member.params.items():
                name = self.key(key, member, own=True).replace("/", ".")
                found[name] = value
        if self.micro_batches > 1:
            found[self.key("gradient_accumulation_steps").replace("/", ".")] = self.micro_batches
        return found


def changed_rates(member: Member, optimizer: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the learning rates that are others than at the last step, and what they were.

    Parameters
    ----------
    member : Member
        Remembers them.
    optimizer : torch.optim.Optimizer

    Returns
    -------
    now, before : dict
        By name: ``lr``, of groups with different ones ``lr/`` and the group's name.
    """
    groups: list[Mapping[str, Any]] = [] if optimizer is None else optimizer.param_groups
    rates = {"lr": groups[0]["lr"]} if groups and "lr" in groups[0] else {}
    if len(groups) > 1:
        all_rates = {f"lr/{g.get('name', i)}": g["lr"] for i, g in enumerate(groups) if "lr" in g}
        differ = len(set(map(_state, all_rates.values()))) > 1
        if differ or (member.rates and "lr" not in member.rates):
            rates = all_rates
    now: dict[str, Any] = {}
    before: dict[str, Any] = {}
    for key, rate in rates.items():
        state = _state(rate)
        known = member.rates.get(key)
        if known is None or known[0] != state:
            kept = rate.detach().clone() if isinstance(state, tuple) else state
            if known is not None:
                before[key] = known[1]
            member.rates[key] = (state, kept)
            now[key] = kept
    return now, before


def _state(rate: Any) -> Any:
    """Return what tells a rate from another, without waiting for a GPU that has it."""
    return (id(rate), rate._version) if getattr(rate, "is_cuda", False) else float(rate)


def gradient_norm(optimizer: Any) -> Any:
    """Return the norm of all gradients of an optimizer, None if it has none.

    After clipping it is that of what is left.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer

    Returns
    -------
    float or torch.Tensor or None
        A tensor while it is on a GPU.
    """
    import torch

    gradients = [
        each.grad.detach()
        for group in optimizer.param_groups
        for each in group["params"]
        if each.grad is not None
    ]
    if not gradients:
        return None
    with torch.no_grad():
        norm = torch.nn.utils.get_total_norm(gradients)
        scale = getattr(optimizer, "grad_scale", None)  # a fused step takes it out itself
        if scale is not None:
            norm = norm / scale
        return norm.item() if norm.is_cpu else norm
