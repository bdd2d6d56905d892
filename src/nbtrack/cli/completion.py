"""``nbtrack completion``, and what a shell proposes then: names, as far as that is quick."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class

from nbtrack.cli.command import Command
from nbtrack.entities import Experiment
from nbtrack.errors import NbtrackError
from nbtrack.variables import COMPLETE

MOST = 200


def experiment_names(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Propose names of experiments."""
    return _fitting(((each.name, each.experiment_id) for each in _experiments(ctx)), incomplete)


def experiment_ids(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Propose ids of experiments; their names are the help."""
    return _fitting(((each.experiment_id, each.name) for each in _experiments(ctx)), incomplete)


def run_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Propose ids of the newest runs; their names are the help."""
    return _fitting(((run_id, name) for run_id, name in _runs(ctx)), incomplete)


def runs(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Propose names of the newest runs, and their ids where an id was begun."""
    known = _runs(ctx)
    return _fitting(
        [(name, run_id) for run_id, name in known] + [(r, n) for r, n in known if incomplete],
        incomplete,
    )


def _experiments(ctx: click.Context) -> Iterable[Experiment]:
    from nbtrack.api.stores import search_experiments

    _choose(ctx)
    try:
        return search_experiments(max_results=MOST)
    except NbtrackError:
        return []


def _runs(ctx: click.Context) -> list[tuple[str, str]]:
    from nbtrack.api.runs import search_runs

    _choose(ctx)
    try:
        found = search_runs(search_all_experiments=True, max_results=MOST, output_format="list")
    except NbtrackError:
        return []
    return [(run.info.run_id, run.info.run_name) for run in found]


def _choose(ctx: click.Context) -> None:
    from nbtrack.tracking import context

    uri = ctx.meta.get("nbtrack.uri")
    if uri:
        context.set_uri(uri)


def _fitting(pairs: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    known = {value: about for value, about in pairs if value.startswith(incomplete)}
    return [CompletionItem(value, help=about) for value, about in known.items()]


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
    click.echo(made(root.command, {}, "nbtrack", COMPLETE.name).source())
