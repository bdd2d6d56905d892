"""The card of a model, with a form that asks the model in the kernel."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import traitlets as t

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.views.display import Bundle, plain_json
from nbtrack.views.formats import shareable
from nbtrack.views.models.card import card_facts, model_bundle
from nbtrack.views.models.form import form_of, input_of
from nbtrack.views.models.predictions import prediction
from nbtrack.views.questions import Answer, Question
from nbtrack.views.widgets.view import View

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

    facts = t.Dict().tag(sync=True)
    form = t.Dict(allow_none=True, default_value=None).tag(sync=True)

    def __init__(
        self,
        read: Callable[[], tuple[Mapping[str, Any], Mapping[str, Any]]],
        predict: Predict | None = None,
    ) -> None:
        self._read = read
        self._predict = predict
        self._asking = threading.Lock()
        super().__init__(**self._now())

    def answer(self, question: Question) -> Answer:
        """Answer the form, or say how the model is now.

        Raises
        ------
        NbtrackError
            If the model cannot be asked so, or fails.
        """
        kind = question.text("type")
        if kind == "model.refresh":
            for name, value in self._now().items():
                setattr(self, name, value)
            return Answer({})
        if kind != "model.predict":
            raise InvalidParameterError(f"A model's card does not know the question {kind!r}.")
        form, predict = self.form, self._predict
        if form is None or predict is None:
            raise InvalidParameterError("This model cannot be asked here: it has no predict.")
        data, params = input_of(form, question.fields)
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
        return Answer({**plain_json(found), "seconds": round(took, 4)})

    def finished_bundle(self) -> Bundle:
        """Return the card that stays in the notebook, without the form."""
        return model_bundle(self.facts)

    def _now(self) -> dict[str, Any]:
        facts, example = self._read()
        form = None
        if self._predict is not None and facts.get("state") in (None, "READY"):
            form = form_of(facts, example)
        return {"facts": plain_json(card_facts(facts)), "form": plain_json(shareable(form))}
