"""All that a store holds, in a form that is equal for two stores with the same content."""

from __future__ import annotations

import hashlib
from typing import Any

from nbtrack.store import Store, model_location, open_store
from nbtrack.store.artifacts import artifact_uri, local_path

OWN = {"journals", "journal_series", "migrations", "nbtrack_guard", "series", "points"}
"""Tables of one store alone; points are compared by metric."""

_OWN_COLUMNS = {
    "runs": {"artifact_uri", "host", "pid", "process_start", "place"},
    "logged_models": {"artifact_location", "host", "pid", "process_start", "place"},
    "experiments": {"artifact_location"},
    "model_versions": {"storage_location", "source"},
}


def content(store: Store | str) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of every table, ids of experiments as names, and the bytes of the files."""
    store = open_store(store) if isinstance(store, str) else store
    with store.read() as reader:
        names = dict(
            reader.rows(  # each store has made its default one itself
                "SELECT experiment_id, name || if(experiment_id = '0', '', creation_time::VARCHAR) "
                "FROM experiments"
            )
        )
        tables = [
            name
            for (name,) in reader.rows(
                "SELECT table_name FROM duckdb_tables() "
                "WHERE database_name = current_database() OR database_name = 'store'"
            )
        ]
        found = {"points": reader.rows("SELECT * FROM metrics"),
                 "series": reader.rows("SELECT * FROM latest")}  # fmt: skip
        for table in sorted(set(tables) - OWN):
            rows = reader.connection.execute(
                f"SELECT * FROM {table}" + " WHERE name <> 'Default'" * (table == "experiments")
            )
            columns = [str(column[0]) for column in rows.description or ()]
            found[table] = [
                tuple(
                    names[value] if column == "experiment_id" else value
                    for column, value in zip(columns, row, strict=True)
                    if column not in _OWN_COLUMNS.get(table, ())
                )
                for row in rows.fetchall()
            ]
        places = [
            (owner, artifact_uri(reader.folder, uri, experiment, owner))
            for owner, experiment, uri in reader.rows(
                "SELECT run_id, experiment_id, artifact_uri FROM runs"
            )
        ] + [
            (owner, model_location(reader.folder, location, experiment, owner))
            for owner, experiment, location in reader.rows(
                "SELECT model_id, experiment_id, artifact_location FROM logged_models"
            )
        ]
    found["files"] = []
    for owner, uri in places:
        top = local_path(uri)
        for file in sorted(top.rglob("*")) if top is not None else ():
            if file.is_file():
                digest = hashlib.sha256(file.read_bytes()).hexdigest()
                found["files"].append((owner, file.relative_to(top).as_posix(), digest))
    return {table: sorted(map(repr, rows)) for table, rows in found.items()}
