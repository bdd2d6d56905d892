"""Questions of a whole store: its experiments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbtrack.views.questions import Answerer

QUESTIONS: Mapping[str, Answerer] = {}
