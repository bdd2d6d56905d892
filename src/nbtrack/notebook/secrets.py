"""What must not be kept of a notebook's cells: secrets in their code and in what they print."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from nbtrack.redaction.secrets import Secrets, is_wanted, secrets_in_scope
from nbtrack.redaction.source import clean_source
from nbtrack.tracking.run import ActiveRun


class SecretsOfCells:
    """Cleans what is kept of cells with a run, and tells the run what was left out.

    What was found to be a secret in one place is taken out of all that is cleaned later.

    Parameters
    ----------
    run : ActiveRun
    namespace : mapping of str to object
        The variables of the notebook; those whose names say so hold secrets.
    """

    def __init__(self, run: ActiveRun, namespace: Mapping[str, Any]) -> None:
        self._run = run
        self._namespace = namespace
        self._found: set[str] = set()
        self._guard = threading.Lock()
        self._wanted = is_wanted()

    def source(self, source: str) -> str:
        """Return the code of a cell as it may be kept."""
        if not self._wanted:
            return source
        clean = clean_source(source, self._secrets())
        with self._guard:
            self._found |= clean.values
        for what in clean.left_out:
            self._run.leave_out(what)
        return clean.text

    def value(self, value: Any) -> Any:
        """Return a literal of a cell as it may be kept; where it stood is told by the source."""
        if not self._wanted or not isinstance(value, str):
            return value
        return self._secrets().value(value)

    def output(self, text: str, what: str) -> str:
        """Return what a cell has printed as it may be kept."""
        if not self._wanted:
            return text
        kept = self._secrets(dense=True).text(text)
        if kept != text:
            self._run.leave_out(what)
        return kept

    def _secrets(self, *, dense: bool = False) -> Secrets:
        with self._guard:
            found = self._found | secrets_in_scope(self._namespace)
        return Secrets(values=found, dense=dense)
