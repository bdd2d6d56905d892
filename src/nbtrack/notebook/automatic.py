"""What is logged by itself in a tracked cell: ``--auto`` switches it on, the card shows it."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack

from nbtrack.autologging.switches import for_a_while, settings_of
from nbtrack.autologging.training import logged
from nbtrack.entities.found import Found
from nbtrack.tracking.run import ActiveRun
from nbtrack.views.metric_names import MetricName, parse_metric, rank_metrics

_SYNONYMS = {"acc": "accuracy", "learning_rate": "lr"}


class Automatic:
    """Autologging for one tracked cell.

    Parameters
    ----------
    run : ActiveRun
    wanted : bool
        Whether every library is logged until the cell ends, loops of PyTorch too. Otherwise only
        what was switched on before is.
    """

    def __init__(self, run: ActiveRun, *, wanted: bool) -> None:
        self._run = run
        self._wanted = wanted
        self._on = ExitStack()

    def start(self) -> None:
        """Switch it on."""
        if self._wanted:
            self._on.enter_context(for_a_while())

    def finish(self) -> list[Found]:
        """Switch it off, and return what it has logged to the run: metrics first."""
        if settings_of("pytorch") is not None:
            from nbtrack.autologging.loops.record import close_of

            close_of(self._run)
        self._on.close()
        found = logged(self._run)
        order = rank_metrics([each.key for each in found if each.kind == "metric"])
        ranks = {key: rank for rank, key in enumerate(order)}
        last = len(ranks)
        return sorted(found, key=lambda each: ranks[each.key] if each.kind == "metric" else last)


def is_covered(key: str, automatic: Collection[str]) -> bool:
    """Return whether a metric says what one says that was logged by itself.

    A printed ``loss`` is one with ``train_loss``, and ``val acc`` one with ``val_accuracy``.

    Parameters
    ----------
    key : str
        The name of what was found.
    automatic : collection of str
        The names of what was logged.
    """
    name = _plain(key)
    return any(
        other.group == name.group and name.split in ("", other.split)
        for other in map(_plain, automatic)
    )


def _plain(key: str) -> MetricName:
    group, split = parse_metric(key.replace(" ", "_").lower())
    return MetricName(_SYNONYMS.get(group, group), split)
