"""Questions that a front end asks about a store.

A question is a JSON object with a ``type`` such as ``"table.rows"``; an answer is a JSON object and
binary buffers. Who carries them (the comm of a widget, a server) does not matter here.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from nbtrack.errors import InvalidParameterError
from nbtrack.store.store import Store
from nbtrack.views.questions.question import Answer, Question

__all__ = ["Answer", "Question", "answer"]

Answerer: TypeAlias = Callable[[Store, Question], Answer]

#: Where the questions of a topic are answered; each module has a dict ``QUESTIONS`` by verb.
TOPICS = {
    "chart": "nbtrack.views.questions.chart",
    "compare": "nbtrack.views.questions.compare",
    "models": "nbtrack.views.questions.models",
    "run": "nbtrack.views.questions.run",
    "store": "nbtrack.views.questions.store",
    "table": "nbtrack.views.questions.table",
}


def answer(store: Store, question: Mapping[str, Any]) -> Answer:
    """Answer a question about a store.

    Parameters
    ----------
    store : Store
    question : mapping
        ``type`` is ``"<topic>.<verb>"``; the rest is what that question needs.

    Raises
    ------
    NbtrackError
        If it cannot be answered; the message is for the user.
    """
    asked = Question(question)
    kind = asked.text("type")
    topic, _, verb = kind.partition(".")
    answerers: Mapping[str, Answerer] = {}
    if topic in TOPICS:
        answerers = importlib.import_module(TOPICS[topic]).QUESTIONS
    if verb not in answerers:
        raise InvalidParameterError(
            f"There is no question {kind!r}. Are the extension and nbtrack of the same version?"
        )
    return answerers[verb](store, asked)
