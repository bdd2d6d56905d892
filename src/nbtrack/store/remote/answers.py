"""What a server has answered, on its way to the mirror: an older answer never replaces a newer.

Several processes share a mirror. One may have asked before something was made, and write what it
heard after another has written what it has heard since.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbtrack.store.reader import Reader

NAME = "answers.json"
KEPT_NS = 600 * 10**9


@dataclass(frozen=True)
class Answer:
    """Something that the server has said, to be written to the mirror.

    Attributes
    ----------
    question : str
        What was asked.
    asked : int
        When, in nanoseconds since the epoch.
    write : callable
        Writes it, given a reader that may change the mirror.
    """

    question: str
    asked: int
    write: Callable[[Reader], None]


class AnswerTimes:
    """When what the mirror holds was asked; used under the mirror's lock only.

    Parameters
    ----------
    folder : Path
        That of the mirror.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def newer(self, answers: Sequence[Answer]) -> list[Answer]:
        """Return the answers that are not older than what the mirror holds."""
        known = self._read()
        return [each for each in answers if each.asked >= known.get(each.question, 0)]

    def note(self, answers: Sequence[Answer]) -> None:
        """Remember when answers were asked that the mirror holds now."""
        now = time.time_ns()
        known = {q: asked for q, asked in self._read().items() if asked > now - KEPT_NS}
        known |= {each.question: each.asked for each in answers}
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(known), "utf-8")
        fresh.replace(self._path)

    def _read(self) -> dict[str, int]:
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):  # none yet; or torn, and then the next answer counts
            return {}
        now = time.time_ns()
        return {q: asked for q, asked in known.items() if asked <= now}  # the clock was set back
