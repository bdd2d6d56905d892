"""Training loops that somebody has written, in PyTorch: logged without a change to the code."""

from __future__ import annotations

from nbtrack.autologging.patches import Patches


def install(patches: Patches) -> None:
    """Watch what a training loop calls.

    Parameters
    ----------
    patches : Patches
    """
