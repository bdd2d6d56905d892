"""How good a model is: scores, figures, tables, and ``evaluate``, which logs them.

The names are those of ``mlflow.models.evaluation``; each is imported when it is first used.
"""

from __future__ import annotations

from nbtrack._names import attach

__getattr__, __dir__ = attach("nbtrack.models.evaluation", "nbtrack.models.evaluation")
