"""Training loops that somebody has written, in PyTorch: logged without a change to the code.

What PyTorch calls at each loss, backward, step and batch comes together in a ``Watch`` for each
thread; what it learns goes to the ``Record`` of the open run. No object of the user's is
changed, no value is asked of a GPU, and nothing of the graph is kept.
"""

from __future__ import annotations

from nbtrack.autologging.patches import Patches


def install(patches: Patches) -> None:
    """Watch what a training loop calls.

    Parameters
    ----------
    patches : Patches
    """
    from nbtrack.autologging.loops.hooks import Hooks

    Hooks(patches).install()
