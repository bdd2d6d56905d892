"""``nbtrack completion``: what a shell has to know to complete commands and names."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from nbtrack.cli.command import Command

_VARIABLE = "_NBTRACK_COMPLETE"


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what completes commands and names in a shell.

    bash and zsh: eval "$(nbtrack completion bash)" in ~/.bashrc or ~/.zshrc. fish: nbtrack
    completion fish > ~/.config/fish/completions/nbtrack.fish
    """
    made = get_completion_class(shell)
    assert made is not None  # noqa: S101  click has all three
    root = click.get_current_context().find_root()
    click.echo(made(root.command, {}, "nbtrack", _VARIABLE).source())
