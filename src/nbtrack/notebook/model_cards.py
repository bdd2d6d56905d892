"""The card of a model below the cell that made, found or loaded it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from nbtrack.entities import LoggedModel, ModelVersion
from nbtrack.errors import NbtrackError, NotFoundError
from nbtrack.models.info import ModelInfo
from nbtrack.tracking import context
from nbtrack.tracking.model_locations import locate
from nbtrack.views.display import Bundle, display_mode
from nbtrack.views.json_types import ModelFacts
from nbtrack.views.models.card import card_facts, model_bundle
from nbtrack.views.models.facts import logged_model, model_file, model_folder, model_version

MAX_CARDS = 32  # that can be asked; older ones still show what they know

Read = Callable[[], tuple[ModelFacts, Mapping[str, Any]]]

_cards: deque[Any] = deque()


def card_bundle(model: Any) -> Bundle:
    """Return the output for a model: a card that can be asked, or what stays of one.

    Parameters
    ----------
    model : LoggedModel, ModelVersion, ModelInfo or PyFuncModel
        Where its facts cannot be had, it is shown as text, with the reason.
    """
    read = _reader_of(model)
    try:
        mode = display_mode()
        if mode != "live":
            found = model_bundle(card_facts(read()[0]))
            return found if mode == "static" else ({"text/plain": found[0]["text/plain"]}, {})
        from nbtrack.views.widgets.model_card import ModelCard

        card = ModelCard(read, _predict_of(model))
        _keep(card)
        bundle: Bundle = card._repr_mimebundle_()
        return bundle
    except (NbtrackError, OSError) as error:
        return {"text/plain": f"{model!r}\n(There is no card of it: {error})"}, {}


def _reader_of(model: Any) -> Read:
    if isinstance(model, LoggedModel):
        model_id = model.model_id
        return lambda: logged_model(context.store_of_model(model_id), model_id)
    if isinstance(model, ModelVersion):
        name, version = model.name, model.version
        return lambda: model_version(context.registry_store(), name, version)
    if isinstance(model, ModelInfo):
        return lambda: _at(model.model_uri)
    metadata = model.metadata
    return lambda: _of_file(metadata)


def _at(uri: str) -> tuple[ModelFacts, Mapping[str, Any]]:
    place = locate(uri)
    if place.model_id is not None and place.tracked:
        return logged_model(context.store_of_model(place.model_id), place.model_id)
    return model_folder(place.folder, uri)


def _of_file(metadata: Any) -> tuple[ModelFacts, Mapping[str, Any]]:
    """Return what is known of a loaded model: by its id, else by what its MLmodel file said."""
    if metadata.model_id is not None:
        try:
            model_id = metadata.model_id
            return logged_model(context.store_of_model(model_id), model_id)
        except NotFoundError:  # it was logged to another store
            pass
    return model_file(metadata.to_dict())


def _predict_of(model: Any) -> Callable[[Any, dict[str, Any]], Any]:
    """Return what asks the model: itself, or what its URI loads when it is first asked."""
    if not isinstance(model, (LoggedModel, ModelVersion, ModelInfo)):
        return lambda data, params: model.predict(data, params=params or None)
    if isinstance(model, ModelVersion):
        uri = f"models:/{model.name}/{model.version}"
    else:
        uri = model.model_uri
    loaded: list[Any] = []

    def predict(data: Any, params: dict[str, Any]) -> Any:
        if not loaded:
            loaded.append(import_module("nbtrack.pyfunc").load_model(uri))
        return loaded[0].predict(data, params=params or None)

    return predict


def _keep(card: Any) -> None:
    _cards.append(card)
    if len(_cards) > MAX_CARDS:
        _cards.popleft().close()
