"""The command ``nbtrack``: one file for each group of commands.

``program.py`` puts them together; nothing heavy is imported before a command runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave the process with its exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.
    """
    from nbtrack.cli.output import prepare_streams
    from nbtrack.cli.program import program

    if arguments is None and any("postgres" in word for word in sys.argv):
        from nbtrack.postgres_address import hide_password

        hide_password()
    prepare_streams()
    program.main(
        args=None if arguments is None else list(arguments),
        prog_name="nbtrack",
        # a shell has expanded what should be expanded, and a param may well be '*'
        windows_expand_args=False,
    )
    sys.exit(0)
