"""Questions of charts: the points of a part of the x axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbtrack.views.questions import Answerer

QUESTIONS: Mapping[str, Answerer] = {}
