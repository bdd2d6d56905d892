"""``nbtrack models`` and ``nbtrack trust``: serve models, let them predict, let their code run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from nbtrack.cli import options
from nbtrack.cli.command import Command, Group
from nbtrack.cli.output import note, print_json, print_table, working


@click.group(cls=Group)
def models() -> None:
    """Serve models, and let them predict.

    A model is named by a URI: models:/NAME/VERSION, models:/NAME@ALIAS, runs:/RUN_ID/NAME, or a
    path.
    """


def _model_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (  # the last one comes first in the help
        click.option("--no-conda", is_flag=True, expose_value=False, hidden=True),
        click.option(
            "--trust", is_flag=True, help="Let code run of a model that you have not saved."
        ),
        click.option("--device", help="Where a PyTorch model is loaded, such as cuda."),
        click.option(
            "--env-manager",
            default="local",
            show_default=True,
            help="Only 'local': this environment is the model's.",
        ),
        click.option("-m", "--model-uri", required=True, metavar="URI", help="The model."),
    ):
        command = option(command)
    return command


@models.command(add_help_option=False)
@_model_options
@click.option(
    "-p", "--port", type=int, default=5000, show_default=True, help="The port; 0 for a free one."
)
@click.option(
    "-h", "--host", default="127.0.0.1", show_default=True, help="The address to listen at."
)
@click.option("-t", "--timeout", type=float, help="Seconds for one request.  [default: 60]")
@click.option(
    "-w",
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many processes, each with a model of its own.",
)
@click.option("--install-mlflow", is_flag=True, expose_value=False, hidden=True)
@click.option(
    "--batching",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Whether requests that come together are scored together; auto compares first.",
)
@click.option("--max-batch", type=int, help="Rows that are scored together.  [default: 512]")
@click.option("--token", help="What requests must bring.  [default: NBTRACK_SERVING_TOKEN]")
@click.option("--no-auth", is_flag=True, help="Answer everybody who reaches the host.")
@click.option("--allowed-hosts", help="More names of this server, with commas between them.")
@click.help_option("--help")
def serve(**given: Any) -> None:
    """Serve a model over HTTP until Ctrl-C: /invocations, /ping, /health, /version.

    You alone are answered without a token, on this machine; other users of it, and other machines
    where another --host is named, need one.
    """
    from nbtrack.models.serving import check_tornado
    from nbtrack.server.scoring.program import serve as start

    check_tornado()
    words: list[str] = []
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif value is not None and value is not False:  # a port may be 0
            words.append(f"{option}={value}")
    raise click.exceptions.Exit(start(words))


@models.command()
@_model_options
@click.option(
    "-i", "--input-path", help=".csv, .json, .jsonl or .parquet.  [default: standard input]"
)
@click.option("-o", "--output-path", help="The same.  [default: JSON to standard output]")
@click.option(
    "-t",
    "--content-type",
    type=click.Choice(["json", "csv", "jsonl", "parquet"]),
    default="json",
    show_default=True,
    help="For standard input, and for names that do not say it.",
)
@click.option(
    "--chunk-size",
    type=click.IntRange(min=0),
    help="Rows that are read and scored at once; 0 for all.  [default: 10000]",
)
@click.option("--install-mlflow", is_flag=True, hidden=True)
@click.option("-r", "--pip-requirements-override", hidden=True)
@click.option("--env", multiple=True, hidden=True)
def predict(
    model_uri: str,
    env_manager: str,
    input_path: str | None,
    output_path: str | None,
    content_type: str,
    chunk_size: int | None,
    install_mlflow: bool,
    pip_requirements_override: str | None,
    env: tuple[str, ...],
    device: str | None,
    trust: bool,
) -> None:
    """Write a model's predictions for a file, or for standard input."""
    from nbtrack.cli.selection import pairs
    from nbtrack.models.prediction import CHUNK_SIZE
    from nbtrack.models.prediction import predict as score

    if input_path is None and sys.stdin.isatty():
        note("reading standard input; end it with Ctrl-D")
    score(
        model_uri,
        input_path=input_path,
        content_type=content_type,
        output_path=output_path,
        env_manager=env_manager,
        install_mlflow=install_mlflow,
        pip_requirements_override=[pip_requirements_override] if pip_requirements_override else [],
        extra_envs=pairs(env, "--env"),
        device=device,
        trust=trust or None,
        chunk_size=(CHUNK_SIZE if chunk_size is None else chunk_size or None),
    )


@click.command(cls=Command)
@click.argument("place", required=False)
@click.option("--list", "listed", is_flag=True, help="Show what you trust.")
@click.option("--forget", is_flag=True, help="Trust PLACE no more.")
@options.as_json()
def trust(place: str | None, listed: bool, forget: bool, as_json: bool) -> None:
    """Let code of somebody else's models run on this machine without asking for each.

    PLACE is a store (its file, its folder, the URL of a server), or one model. Read the models
    first: loading them runs what is in them. Only what they are now is trusted; models that are
    added or changed later ask again. What you have saved yourself needs no such word.
    """
    from nbtrack.models.consent import trust as trust_models
    from nbtrack.models.trust_records import trusted

    if listed or place is None:
        if place is not None or forget:
            raise click.UsageError("--list goes without a PLACE.")
        if not listed:
            raise click.UsageError("Missing argument 'PLACE'. What you trust is shown by --list.")
        _show([asdict(each) for each in trusted()], as_json)
        return
    with working("Looking at the models"):
        found = trust_models(place, forget=forget)
    if as_json:
        print_json(found)
    elif forget:
        click.echo(f"Models of {place} ask for consent again; what you have saved is still yours.")
    else:
        click.echo(f"{len(found)} models of {place} load without asking, as they are now.")


def _show(found: list[dict[str, object]], as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found:
        print_table(["Place", "Models"], [[each["place"], each["models"]] for each in found])
    else:
        click.echo("You trust nobody's models but your own.")
