"""The registry of requests: each is declared once, at its handler."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar, get_args, get_type_hints

from nbtrack.errors import InvalidParameterError
from nbtrack.rpc.request import Fields, Response, parse

Access: TypeAlias = Literal["read", "write", "execute"]
#: Takes a store (or a widget) and the parameters of a request.
Handler: TypeAlias = Callable[[Any, Any], Response[Any]]
H = TypeVar("H", bound=Handler)

#: Where the requests of a topic are answered; each module has a `Topic` named ``REQUESTS``.
TOPICS = {
    "chart": "nbtrack.rpc.chart",
    "compare": "nbtrack.rpc.comparison",
    "models": "nbtrack.rpc.models",
    "rerun": "nbtrack.rpc.rerun",
    "run": "nbtrack.rpc.run",
    "store": "nbtrack.rpc.store",
    "table": "nbtrack.rpc.table",
}


@dataclass(frozen=True)
class Declaration:
    """A request.

    Attributes
    ----------
    name : str
        ``"<topic>.<verb>"``, as the front end has it.
    access : {"read", "write", "execute"}
        What somebody has to be allowed who sends it.
    handler : callable
        Answers it; its annotations are the types of the parameters and of the body.
    """

    name: str
    access: Access
    handler: Handler

    @property
    def params(self) -> Any:
        """The dataclass of its parameters, or a union of some."""
        return self._annotations["params"]

    @property
    def body(self) -> Any:
        """The type of the body of its response."""
        return get_args(self._annotations["return"])[0]

    def respond(self, asked: Any, request: Fields) -> Response[Any]:
        """Answer it.

        Raises
        ------
        NbtrackError
            If it cannot be answered; the message is for the user.
        """
        return self.handler(asked, parse(self.params, request))

    @property
    def _annotations(self) -> dict[str, Any]:
        return get_type_hints(self.handler, include_extras=True)


class Topic:
    """Requests about one thing.

    Attributes
    ----------
    name : str
        How the names of its requests begin.
    requests : dict of str to Declaration
        By verb, which is how their names end.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.requests: dict[str, Declaration] = {}

    def reads(self, verb: str) -> Callable[[H], H]:
        """Declare a request that changes nothing; decorates what answers it."""
        return self._declare(verb, "read")

    def writes(self, verb: str) -> Callable[[H], H]:
        """Declare a request that changes the store; decorates what answers it."""
        return self._declare(verb, "write")

    def executes(self, verb: str) -> Callable[[H], H]:
        """Declare a request that runs code of the store's notebooks; decorates what answers it."""
        return self._declare(verb, "execute")

    def _declare(self, verb: str, access: Access) -> Callable[[H], H]:
        def declare(handler: H) -> H:
            self.requests[verb] = Declaration(f"{self.name}.{verb}", access, handler)
            return handler

        return declare


def find(name: str) -> Declaration:
    """Return the request of a name.

    Raises
    ------
    InvalidParameterError
        If there is none.
    """
    topic, _, verb = name.partition(".")
    found = topic_of(topic).requests.get(verb) if topic in TOPICS else None
    if found is None:
        raise InvalidParameterError(
            f"There is no question {name!r}. Are the extension and nbtrack of the same version?"
        )
    return found


def topic_of(name: str) -> Topic:
    """Return the requests of a topic; its module is imported when they are asked for."""
    requests: Topic = importlib.import_module(TOPICS[name]).REQUESTS
    return requests


def all_requests() -> list[Declaration]:
    """Return every request that a store answers, by name."""
    return [each for name in sorted(TOPICS) for each in topic_of(name).requests.values()]
