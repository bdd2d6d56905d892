"""Models and runs show themselves in notebooks; what draws them is imported when one is shown."""

from __future__ import annotations

from typing import Any

from nbtrack.tracking.kernel import in_notebook
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.start import on_start

#: Module and name of each class; what is derived from one is shown like it.
SHOWN = (
    ("nbtrack.entities.logged_models", "LoggedModel"),
    ("nbtrack.entities.model_registry", "ModelVersion"),
    ("nbtrack.models.info", "ModelInfo"),
    ("nbtrack.models.pyfunc_model", "PyFuncModel"),
)


def register(shell: Any) -> None:
    """Let a shell of IPython show models and runs as cards; again does no harm."""
    formatter = getattr(getattr(shell, "display_formatter", None), "mimebundle_formatter", None)
    if formatter is not None:
        for module, name in SHOWN:
            formatter.for_type_by_name(module, name, _show)
    show = _show_run if in_notebook() else _keep_run
    if show not in on_start:
        on_start.append(show)


def _keep_run(run: ActiveRun) -> None:
    """Keep the cell of a run in IPython without a front end: there is no card to show."""
    from nbtrack.notebook.cards import keep_source

    keep_source(run, within_cell=True)


def _show_run(run: ActiveRun) -> None:
    from nbtrack.notebook.cards import keep_source, show_card

    keep_source(run)
    show_card(run)


def _show(model: Any) -> Any:
    from nbtrack.notebook.model_cards import card_bundle

    return card_bundle(model)
