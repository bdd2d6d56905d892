"""``nbtrack artifacts``: the files of runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nbtrack.cli import options
from nbtrack.cli.command import Group
from nbtrack.cli.output import file_record, format_size, note, print_json, print_table, working
from nbtrack.cli.selection import run_of
from nbtrack.entities import FileInfo

if TYPE_CHECKING:
    from nbtrack.tracking.run_artifacts import RunArtifacts


@click.group(cls=Group)
def artifacts() -> None:
    """Look at the files of runs, fetch them, add some."""


@artifacts.command("list")
@options.run_id()
@click.option("-a", "--artifact-path", help="A folder among the run's artifacts.")
@click.option("--recursive", is_flag=True, help="All files, also those in folders.")
@options.as_json()
def list_(run_id: str, artifact_path: str | None, recursive: bool, as_json: bool) -> None:
    """List the files and folders of a run."""
    from nbtrack.cli.selection import store
    from nbtrack.tracking.run_artifacts import artifacts_of

    folder = artifacts_of(store(), run_of(run_id))
    found = folder.list(artifact_path)
    if recursive:
        found = list(_files_below(folder, found))
    if as_json:
        print_json([file_record(file) for file in found])
        return
    if not found:
        note("there are no artifacts.")
        return
    print_table(
        ["path", "size"],
        [(f"{f.path}/" if f.is_dir else f.path, format_size(f.file_size)) for f in found],
        right=("size",),
    )


def _files_below(folder: RunArtifacts, found: Iterable[FileInfo]) -> Iterator[FileInfo]:
    for file in found:
        if file.is_dir:
            yield from _files_below(folder, folder.list(file.path))
        else:
            yield file


@artifacts.command()
@options.run_id(required=False)
@click.option("-a", "--artifact-path", help="Only this file or folder of the run.")
@click.option("-u", "--artifact-uri", help="Instead of a run: runs:/ID/path, models:/..., a URI.")
@click.option("-d", "--dst-path", type=click.Path(file_okay=False), help="A folder to copy to.")
@options.as_json()
def download(
    run_id: str | None,
    artifact_path: str | None,
    artifact_uri: str | None,
    dst_path: str | None,
    as_json: bool,
) -> None:
    """Fetch files of a run and print where they are.

    Without --dst-path, what lies on this machine already is not copied.
    """
    from nbtrack.artifacts import download_artifacts

    if (run_id is None) == (artifact_uri is None):
        raise click.UsageError("Give one of --run-id and --artifact-uri.")
    with working("Fetching files"):
        path = download_artifacts(
            artifact_uri=artifact_uri,
            run_id=None if run_id is None else run_of(run_id),
            artifact_path=artifact_path,
            dst_path=dst_path,
        )
    if as_json:
        print_json({"path": path})
    else:
        click.echo(path)


@artifacts.command()
@click.option(
    "-l", "--local-file", required=True, type=click.Path(exists=True), help="The file to keep."
)
@options.run_id()
@click.option("-a", "--artifact-path", help="A folder among the run's artifacts.")
def log_artifact(local_file: str, run_id: str, artifact_path: str | None) -> None:
    """Keep a file with a run."""
    from nbtrack.client import Client

    found = run_of(run_id)
    with working(f"Keeping {local_file}"):
        Client().log_artifact(found, local_file, artifact_path)
    click.echo(f"{Path(local_file).name} is kept with run {found}.")


@artifacts.command()
@click.option(
    "-l",
    "--local-dir",
    required=True,
    type=click.Path(exists=True, file_okay=False),
    help="The folder; what it holds is kept.",
)
@options.run_id()
@click.option("-a", "--artifact-path", help="A folder among the run's artifacts.")
def log_artifacts(local_dir: str, run_id: str, artifact_path: str | None) -> None:
    """Keep the files of a folder with a run."""
    from nbtrack.client import Client

    found = run_of(run_id)
    with working(f"Keeping {local_dir}"):
        Client().log_artifacts(found, local_dir, artifact_path)
    click.echo(f"What {local_dir} holds is kept with run {found}.")


@artifacts.command("allow")
@click.argument("root")
def allow_(root: str) -> None:
    """Let artifacts be read and written at ROOT, whatever store names it.

    ROOT is a folder, or a URI such as s3://bucket/runs. It is remembered for this user.
    """
    from nbtrack.artifacts import allow

    allow(root)
    click.echo(f"Artifacts at {root} can be used.")
