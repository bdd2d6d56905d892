"""What every command is: it knows ``--uri``, and its errors have an exit status."""

from __future__ import annotations

from typing import Any

import click

from nbtrack.cli.exits import translated

_URI = "nbtrack.uri"


def _remember(context: click.Context, option: click.Parameter, value: str | None) -> None:
    if value:
        context.meta[_URI] = value


def uri_option(*more: str) -> click.Option:
    """Return the option ``--uri``, which is also called as ``more`` says."""
    return click.Option(
        ["store_uri", "--uri", *more],
        metavar="URI",
        expose_value=False,
        is_eager=True,
        callback=_remember,
        help="The store: a file, a folder or a URI.  [default: NBTRACK_URI, MLFLOW_TRACKING_URI, "
        "or nbtrack.duckdb here or in a folder above]",
    )


def chosen_uri() -> str | None:
    """Return what ``--uri`` says, if it was given."""
    found: str | None = click.get_current_context().meta.get(_URI)
    return found


class Command(click.Command):
    """A command that works on a store.

    Parameters
    ----------
    uri_names : tuple of str
        More names of ``--uri``.
    """

    def __init__(self, *args: Any, uri_names: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(uri_option(*uri_names))

    def invoke(self, ctx: click.Context) -> Any:
        """Choose the store, run the command, say what went wrong."""
        with translated():
            if chosen_uri() is not None:
                from nbtrack.tracking import context

                context.set_uri(chosen_uri())
            return super().invoke(ctx)


class Group(click.Group):
    """A group of such commands; they are listed in the order in which they were added."""

    command_class = Command
    group_class = type

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not any(isinstance(p, click.Option) and "--uri" in p.opts for p in self.params):
            self.params.append(uri_option())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(self.commands)
