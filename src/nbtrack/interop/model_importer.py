"""Imports logged models and the registry."""

from __future__ import annotations

from nbtrack.errors import NbtrackError
from nbtrack.interop.files import FileImporter
from nbtrack.interop.importer import Importer
from nbtrack.interop.source import (
    LOCAL_MODEL,
    LOCAL_VERSION,
    ModelRecord,
    RegisteredRecord,
    VersionRecord,
)
from nbtrack.store import Reader, model_location, usual_model_location
from nbtrack.store.artifacts import resolve_location
from nbtrack.store.bulk import (
    ORIGIN_TAG,
    BulkModel,
    BulkVersion,
    add_model,
    add_model_version,
    add_registered_model,
    finish_registered_model,
    known_models,
    read_versions,
    recorded_model_files,
)
from nbtrack.validation import check_model_name

STATUSES = ("PENDING", "READY", "FAILED")


class ModelImporter:
    """Brings logged models, then registered ones.

    Parameters
    ----------
    importer : Importer
        What has brought the runs that they belong to.
    """

    def __init__(self, importer: Importer) -> None:
        self._importer = importer
        self._store = importer.store
        self._report = importer.report
        self._models: dict[str, str] = {}

    def run(self) -> None:
        """Bring everything."""
        progress = self._importer.progress
        progress.stage("models")
        file_importer = FileImporter(self._store, self._report, "models")
        for model in self._importer.source.models():
            try:
                self._bring(model, file_importer)
            except (NbtrackError, ValueError, TypeError) as error:
                self._report.fail("logged models", model.id, error)
            progress.step()
        file_importer.flush()
        for registered in self._importer.source.registered():
            try:
                self._register(registered)
            except (NbtrackError, ValueError, TypeError) as error:
                self._report.fail("registered models", registered.name, error)
            progress.step()

    def _bring(self, record: ModelRecord, file_importer: FileImporter) -> None:
        importer = self._importer
        if record.experiment not in importer.experiments:
            self._report.fail("logged models", record.id, "Its experiment could not be read.")
            return
        experiment_id, location = importer.experiments[record.experiment]
        stored = None if location is None else f"{location}/models/{record.id}/artifacts"
        if record.artifacts and importer.source.files(record.artifacts) is None:
            stored = importer.locator.find(record.artifacts).remote or stored
        keys = importer.keys
        with self._store.write() as reader:
            if known_models(reader, [record.tags.get(LOCAL_MODEL, "")]):
                self._report.count("logged models", known=1)  # it had gone there from here
                return
            known = known_models(reader, [record.id])
            if known:
                experiment_id, stored = known[record.id]
            add_model(
                reader,
                BulkModel(
                    record.id,
                    experiment_id,
                    record.name,
                    record.type,
                    record.run,
                    record.status if record.status in STATUSES else "READY",
                    record.message,
                    record.stage,
                    stored,
                    record.created,
                    record.updated,
                    {keys.valid(k): v for k, v in record.params.items()},
                    {**{keys.valid(k): v for k, v in record.tags.items()}, ORIGIN_TAG: self._kind},
                    record.metrics,
                ),
            )
            files = recorded_model_files(reader, record.id)
        self._report.count("logged models", came=int(not known), known=int(bool(known)))
        self._models[record.id] = stored or usual_model_location(experiment_id, record.id)
        if record.artifacts and (stored is None or ":" not in stored):
            importer.folders[record.artifacts.rstrip("/")] = self._models[record.id]
            place = model_location(self._store.folder, stored, experiment_id, record.id)
            importer.take_files(file_importer, record.id, record.artifacts, place, files)

    @property
    def _kind(self) -> str:
        return self._importer.source.kind

    def _register(self, record: RegisteredRecord) -> None:
        check_model_name(record.name)
        keys = self._importer.keys
        with self._store.write() as reader:
            new = add_registered_model(
                reader,
                record.name,
                description=record.description,
                created=record.created,
                updated=record.updated or record.created,
                tags={keys.valid(k): v for k, v in record.tags.items()},
            )
            here = {v.version for v in record.versions if self._add(reader, record.name, v)}
            taken = finish_registered_model(
                reader,
                record.name,
                greatest=max([record.greatest, *(v.version for v in record.versions)], default=0),
                aliases={a: v for a, v in record.aliases.items() if v in here},
            )
        for alias in taken:
            self._report.fail(
                "aliases", f"{record.name}@{alias}", "It names another version here, and stays so."
            )
        self._report.count("registered models", came=int(new), known=int(not new))

    def _add(self, reader: Reader, name: str, record: VersionRecord) -> bool:
        local = record.tags.get(LOCAL_VERSION)
        if local in {str(each.version) for each in read_versions(reader, name)}:
            self._report.count("model versions", known=1)  # it had gone there from here
            return False
        stored = self._stored(name, record)
        shown = record.source
        if not shown.startswith(("models:", "runs:")) and stored is not None:
            shown = resolve_location(self._store.folder, stored)
        added = add_model_version(
            reader,
            name,
            BulkVersion(
                record.version,
                shown,
                stored or record.place or record.source,
                record.stage or "None",
                record.description,
                record.user,
                record.run,
                record.run_link,
                record.model,
                record.status,
                record.message,
                record.created,
                record.updated or record.created,
                {self._importer.keys.valid(k): v for k, v in record.tags.items()},
            ),
        )
        if added is None:
            self._report.fail(
                "model versions",
                f"{name} {record.version}",
                "Another version has this number here; numbers are kept, so it was left out.",
            )
            return False
        if stored is None:
            self._report.note(
                f"The files of version {record.version} of {name} were not found: they were in "
                f"{record.place or record.source}."
            )
        self._report.count("model versions", came=int(added), known=int(not added))
        return True

    def _stored(self, name: str, record: VersionRecord) -> str | None:
        """Return where the files of a version are now, as it is stored; None for lost."""
        importer = self._importer
        if record.model is not None and record.model in self._models:
            return self._models[record.model]
        for place in (record.place, record.source):
            if place is None:
                continue
            if place.startswith("runs:/"):
                run_id, _, rest = place.removeprefix("runs:/").strip("/").partition("/")
                if run_id in importer.runs:
                    experiment_id, stored = importer.runs[run_id]
                    folder = stored or f"artifacts/{experiment_id}/{run_id}"
                    return f"{folder}/{rest}".rstrip("/")
            for there, here in importer.folders.items():
                if place == there or place.startswith(f"{there}/"):
                    return here + place[len(there) :].rstrip("/")
            if place.startswith(("models:", "runs:")):
                continue
            found = importer.locator.find(place)
            if found.closed is not None:
                self._report.fail("model versions", f"{name} {record.version}", found.why)
            if found.local is not None:
                self._store.access.choose(str(found.local))
            if found.local is not None or found.remote is not None:
                return found.remote or str(found.local)
        return None
