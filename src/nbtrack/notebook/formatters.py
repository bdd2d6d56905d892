"""Models show themselves in notebooks; their classes are named here, so that none is imported."""

from __future__ import annotations

from typing import Any

#: Module and name of each class; what is derived from one is shown like it.
SHOWN = (
    ("nbtrack.entities.logged_models", "LoggedModel"),
    ("nbtrack.entities.model_registry", "ModelVersion"),
    ("nbtrack.models.info", "ModelInfo"),
    ("nbtrack.models.pyfunc_model", "PyFuncModel"),
)


def register(shell: Any) -> None:
    """Let a shell of IPython show models as cards; again does no harm."""
    formatter = getattr(getattr(shell, "display_formatter", None), "mimebundle_formatter", None)
    if formatter is not None:
        for module, name in SHOWN:
            formatter.for_type_by_name(module, name, _show)


def _show(model: Any) -> Any:
    from nbtrack.notebook.model_cards import card_bundle

    return card_bundle(model)
