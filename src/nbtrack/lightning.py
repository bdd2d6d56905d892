"""Lightning: ``NbtrackLogger``, for ``Trainer(logger=...)``.

Without it, ``nbtrack.pytorch.autolog()`` logs each training. It serves the trainers of both
``lightning`` and ``pytorch_lightning``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbtrack._names import look_elsewhere

if TYPE_CHECKING:
    from nbtrack.autologging.lightning_logger import NbtrackLogger

look_elsewhere(__name__, NbtrackLogger="nbtrack.autologging.lightning_logger")
__all__ = ["NbtrackLogger"]
