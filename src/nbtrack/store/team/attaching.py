"""What a DuckDB instance needs for a team store: extensions, and keys of object storage.

An extension comes from where DuckDB keeps them, from a Python package, or from the network.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

import duckdb

from nbtrack.errors import MissingDependencyError
from nbtrack.variables import S3_ENDPOINT_URL

CATALOG = ("ducklake", "postgres_scanner")
OBJECT_STORAGE = ("httpfs",)


def load_extensions(connection: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """Load extensions into an instance that may still read files.

    Raises
    ------
    MissingDependencyError
        If one is neither installed nor can be.
    """
    for name in names:
        if not _load(connection, name):
            _install(connection, name)


def extension_versions() -> dict[str, str]:
    """Return the extensions of a team's store that can be loaded as things are, with versions."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        loaded = [name for name in (*CATALOG, *OBJECT_STORAGE) if _load(connection, name)]
        rows = connection.execute(
            "SELECT extension_name, extension_version, install_path FROM duckdb_extensions()"
        ).fetchall()
    return {
        name: f"{version}, {place or 'from a Python package'}"
        for name, version, place in rows
        if name in loaded
    }


def missing_extensions(names: Iterable[str]) -> list[str]:
    """Return those that cannot be loaded as things are: without asking the network."""
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        return [name for name in names if not _load(connection, name)]


def _load(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    for source in (*_packaged(name), name):
        try:
            connection.load_extension(source)
        except duckdb.Error:  # not there, or made for another version of DuckDB
            continue
        return True
    return False


def _packaged(name: str) -> list[str]:
    """Return the file of an extension that came as a Python package, for this DuckDB."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    folders = (spec.submodule_search_locations or []) if spec else []
    pattern = f"extensions/v{duckdb.__version__}/{name}.duckdb_extension"
    return [str(file) for folder in folders for file in Path(folder).glob(pattern)]


def _install(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    try:
        connection.install_extension(name)
        connection.load_extension(name)
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise MissingDependencyError(
            f"A team store needs DuckDB's extension {name}, which is not installed for DuckDB "
            f"{duckdb.__version__} and cannot be fetched: {reason[:300]} On a machine with network "
            f"access: python -c \"import duckdb; duckdb.connect().install_extension('{name}')\". "
            "Without one, the packages duckdb-extension-ducklake, -postgres-scanner and -httpfs "
            "of the same version as DuckDB have them."
        ) from error


def s3_secret(data_path: str) -> tuple[str, dict[str, str]]:
    """Return the kind of DuckDB's secret for a place of object storage, and what it says.

    Keys come from ``AWS_*``, a profile, or the machine's role, in botocore's order; the address
    from ``AWS_ENDPOINT_URL_S3``, ``AWS_ENDPOINT_URL`` or ``MLFLOW_S3_ENDPOINT_URL``.

    Raises
    ------
    MissingDependencyError
        If botocore is not installed.
    """
    try:
        import botocore.session
    except ImportError:
        raise MissingDependencyError(
            "Data in object storage needs s3fs: pip install 'nbtrack[team]'"
        ) from None
    session = botocore.session.Session(profile=os.environ.get("AWS_PROFILE"))
    bucket = data_path.partition("://")[2].partition("/")[0]
    said = {"SCOPE": f"s3://{bucket}/", "REGION": str(session.get_config_variable("region") or "")}
    credentials = session.get_credentials()
    if credentials is not None:
        keys = credentials.get_frozen_credentials()
        said |= {
            "KEY_ID": keys.access_key or "",
            "SECRET": keys.secret_key or "",
            "SESSION_TOKEN": keys.token or "",
        }
    endpoint = S3_ENDPOINT_URL.get()
    if endpoint:
        parts = urlsplit(endpoint)
        said |= {
            "ENDPOINT": f"{parts.netloc}{parts.path.rstrip('/')}",
            "USE_SSL": "false" if parts.scheme == "http" else "true",
            "URL_STYLE": "path",
        }
    return "s3", said
