"""The card of a model, with a form that asks the model in the kernel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import traitlets as t

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.rpc import Fields, Response, name_of
from nbtrack.rpc.models import CARD
from nbtrack.views.display import Bundle, plain_json
from nbtrack.views.formats import shareable
from nbtrack.views.models.card import CardFacts, card_facts, model_bundle
from nbtrack.views.models.form import ModelForm, form_of, input_of
from nbtrack.views.models.predictions import Prediction, prediction
from nbtrack.views.widgets.view import Synced, View, synced

Predict = Callable[[Any, dict[str, Any]], Any]


class ModelCard(View):
    """What is known of a model, the line that loads it, and a form to try it.

    Parameters
    ----------
    read : callable
        Returns the facts of the model, as `nbtrack.views.models.facts` has them, and its input
        example as a scoring server takes it. Called again while the model is being written.
    predict : callable, optional
        Takes data and params, and returns what the model predicts; it loads the model when it
        is first called. Without it there is no form.
    """

    _entry = "model_card"
    facts: Synced[CardFacts] = synced(t.Dict())
    form: Synced[ModelForm | None] = synced(t.Dict(allow_none=True, default_value=None))

    def __init__(
        self,
        read: Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]]],
        predict: Predict | None = None,
    ) -> None:
        self._read = read
        self._predict = predict
        self._asking = threading.Lock()
        super().__init__(**self._now())

    def respond(self, request: Fields) -> Response[Any]:
        """Answer the form, or say how the model is now.

        Raises
        ------
        NbtrackError
            If the model cannot be asked so, or fails.
        """
        kind = name_of(request)
        topic, _, verb = kind.partition(".")
        if topic != CARD.name or verb not in CARD.requests:
            raise InvalidParameterError(f"A model's card does not know the question {kind!r}.")
        return CARD.requests[verb].respond(self, request)

    def refresh(self) -> None:
        """Show what the model is now."""
        now = self._now()
        with self.hold_sync():
            for name, value in now.items():
                setattr(self, name, value)

    def predict(self, given: Mapping[str, Any]) -> Prediction:
        """Return what the model predicts for what stands in the form.

        Raises
        ------
        NbtrackError
            If the model cannot be asked so, or fails.
        """
        form, predict = self.form, self._predict
        if form is None or predict is None:
            raise InvalidParameterError("This model cannot be asked here: it has no predict.")
        data, params = input_of(form, given)
        # the first answer loads the model; two at once would load it twice
        with self._asking:
            begin = time.perf_counter()
            try:
                found = prediction(predict(data, params))
            except NbtrackError:
                raise
            except Exception as error:
                raise InvalidParameterError(f"{type(error).__name__}: {error}") from error
        took = time.perf_counter() - begin
        shown: Prediction = plain_json(found)
        shown["seconds"] = round(took, 4)
        return shown

    def finished_bundle(self) -> Bundle:
        """Return the card that stays in the notebook, without the form."""
        return model_bundle(self.facts)

    def _now(self) -> dict[str, Any]:
        facts, example = self._read()
        form = None
        if self._predict is not None and facts.get("state") in (None, "READY"):
            form = form_of(facts, example)
        return {"facts": plain_json(card_facts(facts)), "form": plain_json(shareable(form))}
