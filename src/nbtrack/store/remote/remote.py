"""The server of a mirror, with what sends to it and what fetches from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.protocol.endpoints import Endpoint
from nbtrack.store.remote.refresh import Refresher
from nbtrack.store.remote.sender import Sender
from nbtrack.store.remote.session import Json, MirrorStore, Session

FLUSH_S = 30.0


class Remote(Session):
    """The server of a mirror.

    Parameters
    ----------
    store : MirrorStore
    url : str
        With the name and the password that were given in it, if any.

    Attributes
    ----------
    sender : Sender
    refresher : Refresher
    """

    def __init__(self, store: MirrorStore, url: str) -> None:
        super().__init__(store, url)
        self.sender = Sender(self)
        self.refresher = Refresher(self)
        self.on_new_experiment = self.refresher.rewrite_experiments

    def after_fork(self) -> None:
        """Leave threads, locks and connections to the parent."""
        self.sender.after_fork()
        super().after_fork()

    def change(
        self, endpoint: Endpoint, fields: Mapping[str, Any], *, repeatable: bool = True
    ) -> Json:
        """Let the server change something; what is read next is asked anew."""
        try:
            return self.ask(endpoint, fields, repeatable=repeatable)
        finally:  # what is refused tells that the mirror is behind
            self.refresher.forget()

    def flush(self, seconds: float = FLUSH_S) -> None:
        """Send what was logged before; the user waits for it, but not for ever."""
        if self.sender.is_behind() and not self.is_unreachable:
            self.sender.finish(seconds)
