"""Which combinations a grid runs, and in which order: all of them, random ones, Optuna's."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from nbtrack.errors import InvalidParameterError, MissingDependencyError
from nbtrack.tracking.grid_values import Range, Values

if TYPE_CHECKING:
    import optuna

SAMPLERS = ("grid", "random", "optuna")
MAX_RUNS = 10_000


class Sampler(Protocol):
    """Proposes what to run next.

    Attributes
    ----------
    total : int
        How many runs there will be.
    """

    total: int

    def ask(self) -> tuple[Any, dict[str, Any]] | None:
        """Return a combination with what ``tell`` wants to know it by; None after the last."""

    def tell(self, key: Any, value: float | None) -> None:
        """Say how good a combination was; None for a run that has failed."""


class ProductSampler:
    """All combinations of the values; the last name changes fastest."""

    def __init__(self, space: Mapping[str, Values]) -> None:
        ranges = [f"{name}={values}" for name, values in space.items() if isinstance(values, Range)]
        if ranges:
            raise InvalidParameterError(
                f"{ranges[0]} is a range, and a grid runs all values: give a list of them, or a "
                "sampler and how many runs it may make (sampler random or optuna, trials 50)."
            )
        lists = [list(values) for values in space.values() if not isinstance(values, Range)]
        self.total = math.prod(map(len, lists))
        if self.total > MAX_RUNS:
            raise InvalidParameterError(
                f"This grid has {self.total:,} runs; {MAX_RUNS:,} is the most. A sampler tries "
                "some of them (sampler random or optuna, trials 50)."
            )
        self._left: Iterator[tuple[Any, ...]] = itertools.product(*lists)
        self._names = list(space)

    def ask(self) -> tuple[Any, dict[str, Any]] | None:
        """Return the next combination."""
        values = next(self._left, None)
        return None if values is None else (None, dict(zip(self._names, values, strict=True)))

    def tell(self, key: Any, value: float | None) -> None:
        """Do nothing: all combinations are run."""


class RandomSampler:
    """Combinations drawn at random; the same ones for the same seed."""

    def __init__(self, space: Mapping[str, Values], trials: int, seed: int | None) -> None:
        self._space = dict(space)
        self._random = random.Random(seed)  # noqa: S311  no secret hangs on it
        self.total = trials
        self._asked = 0

    def ask(self) -> tuple[Any, dict[str, Any]] | None:
        """Return another combination."""
        if self._asked >= self.total:
            return None
        self._asked += 1
        return None, {name: self._draw(values) for name, values in self._space.items()}

    def _draw(self, values: Values) -> Any:
        if not isinstance(values, Range):
            return self._random.choice(values)
        if values.kind == "int":
            return self._random.randint(int(values.low), int(values.high))
        if values.kind == "log":
            drawn = math.exp(self._random.uniform(math.log(values.low), math.log(values.high)))
            return _rounded(min(max(drawn, values.low), values.high))
        return _rounded(self._random.uniform(values.low, values.high))

    def tell(self, key: Any, value: float | None) -> None:
        """Do nothing: what is drawn next does not depend on it."""


class OptunaSampler:
    """What Optuna proposes after it has seen the runs before.

    Attributes
    ----------
    study : optuna.study.Study
    """

    def __init__(
        self,
        space: Mapping[str, Values],
        trials: int,
        seed: int | None,
        direction: Literal["min", "max"],
    ) -> None:
        try:
            import optuna
        except ImportError:
            raise MissingDependencyError(
                "The sampler optuna needs Optuna, which is not installed: pip install optuna. "
                "The sampler random needs nothing."
            ) from None
        said = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # nobody asks for the study's name
        try:
            self.study: optuna.study.Study = optuna.create_study(
                direction="minimize" if direction == "min" else "maximize",
                sampler=optuna.samplers.TPESampler(seed=seed),
            )
        finally:
            optuna.logging.set_verbosity(said)
        self.total = trials
        self._asked = 0
        # texts stand for values that Optuna cannot keep, such as tuples
        self._choices = {
            name: {_choice(value): value for value in values}
            for name, values in space.items()
            if not isinstance(values, Range)
        }
        self._space = {name: _distribution(values) for name, values in space.items()}

    def ask(self) -> tuple[Any, dict[str, Any]] | None:
        """Return what Optuna proposes."""
        if self._asked >= self.total:
            return None
        self._asked += 1
        trial = self.study.ask(self._space)
        found = {
            name: self._choices[name][value] if name in self._choices else value
            for name, value in trial.params.items()
        }
        return trial, {name: found[name] for name in self._space}

    def tell(self, key: Any, value: float | None) -> None:
        """Tell Optuna."""
        from optuna.trial import TrialState

        if value is None or math.isnan(value):
            self.study.tell(key, state=TrialState.FAIL)
        else:
            self.study.tell(key, value)


def make_sampler(
    name: str,
    space: Mapping[str, Values],
    trials: int | None,
    seed: int | None,
    direction: Literal["min", "max"] | None,
) -> Sampler:
    """Return the sampler of a name.

    Raises
    ------
    InvalidParameterError
        If there is none, or what it needs is not given.
    MissingDependencyError
        If Optuna is wanted and not installed.
    """
    if name not in SAMPLERS:
        raise InvalidParameterError(
            f"There is no sampler {name!r}; use one of {', '.join(SAMPLERS)}."
        )
    if name == "grid":
        if trials is not None:
            raise InvalidParameterError(
                f"A grid runs all combinations; trials={trials} needs the sampler random or optuna."
            )
        return ProductSampler(space)
    if trials is None or not 0 < trials <= MAX_RUNS:
        raise InvalidParameterError(
            f"The sampler {name} needs to know how many runs to make (trials, from 1 to "
            f"{MAX_RUNS:,}), not {trials}."
        )
    if name == "random":
        return RandomSampler(space, trials, seed)
    if direction is None:
        raise InvalidParameterError(
            "The sampler optuna needs the metric that it is about: minimize val_loss, for example, "
            "or maximize accuracy."
        )
    return OptunaSampler(space, trials, seed, direction)


def _distribution(values: Values) -> optuna.distributions.BaseDistribution:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if not isinstance(values, Range):
        return CategoricalDistribution([_choice(value) for value in values])
    if values.kind == "int":
        return IntDistribution(int(values.low), int(values.high))
    return FloatDistribution(values.low, values.high, log=values.kind == "log")


def _choice(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
