"""The numbers, artifacts and models of a run as a folder ``mlruns``, which MLflow reads as well."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrack.entities import LoggedModel, Run
from nbtrack.errors import NbtrackError
from nbtrack.interop.files import every_file
from nbtrack.redaction.secrets import Secrets
from nbtrack.store import (
    Store,
    get_experiment,
    get_logged_models,
    model_ids_of_run,
)
from nbtrack.store.artifacts import ArtifactFolder, copy_in_chunks
from nbtrack.store.bulk import RunRecord, read_points, read_series

STATUSES = {"RUNNING": 1, "SCHEDULED": 2, "FINISHED": 3, "FAILED": 4, "KILLED": 5}
_READY = {"PENDING": 1, "READY": 2, "FAILED": 3}
_RECORDS = ("environment.json", "output.txt", "project.json")  # which may name new secrets


class RunFolder:
    """Writes a run into a folder.

    Parameters
    ----------
    store : Store
    run : Run
    folder : Path
        Gets the folder ``mlruns``.
    models : bool
        Whether the files of logged models come along.

    Attributes
    ----------
    left_out : list of str
        What could not come, each a sentence.
    model_folders : list of str
        Those of the models that came, relative to ``folder``.
    """

    def __init__(self, store: Store, run: Run, folder: Path, *, models: bool) -> None:
        self._store = store
        self._run = run
        self._top = folder
        self._experiment = folder / "mlruns" / run.info.experiment_id
        self._models = models
        self._secrets = Secrets()
        self.left_out: list[str] = []
        self.model_folders: list[str] = []

    def write(self) -> None:
        """Write everything."""
        record = RunRecord.of(self._run)
        with self._store.read() as reader:
            experiment = get_experiment(reader, record.experiment)
            series = read_series(reader, [record.id])
            points = read_points(reader, series)
            made = model_ids_of_run(reader, record.id)
            ids = dict.fromkeys([*made, *(each for each, _ in record.model_outputs)])
            models = get_logged_models(reader, list(ids))
        is_new = not self._experiment.exists()
        self._meta(
            self._experiment,
            {
                "experiment_id": experiment.experiment_id,
                "name": experiment.name,
                "lifecycle_stage": "active",
                "artifact_location": "",
                "creation_time": experiment.creation_time,
                "last_update_time": experiment.last_update_time,
            },
        )
        if is_new:
            self._texts(self._experiment / "tags", experiment.tags)
        folder = self._experiment / record.id
        self._meta(
            folder,
            {
                "run_id": record.id,
                "run_uuid": record.id,
                "run_name": record.name,
                "experiment_id": record.experiment,
                "status": STATUSES.get(record.status, record.status),
                "start_time": record.start,
                "end_time": record.end,
                "user_id": record.user,
                "lifecycle_stage": "active",
                "artifact_uri": f"mlruns/{record.experiment}/{record.id}/artifacts",
                "source_type": 4,
                "source_name": "",
                "entry_point_name": "",
                "source_version": "",
                "tags": [],
            },
        )
        self._texts(folder / "params", record.params)
        self._texts(folder / "tags", record.tags)
        for number, each in enumerate(series):
            at = points.series == number
            columns = (points.time[at], points.value[at], points.step[at])
            rows = zip(*(column.tolist() for column in columns), strict=True)
            text = "".join(f"{time} {value!r} {step}\n" for time, value, step in rows)
            self._put(folder / "metrics" / each.key, text, f"The metric {each.key}")
        self._write_inputs(folder, record)
        files = self._store.access.folder(self._run.info.artifact_uri)
        self._copy(files, folder / "artifacts", "artifact")
        for model in models:
            self._write_model(model)

    def _write_inputs(self, folder: Path, record: RunRecord) -> None:
        for given in record.inputs:
            name = f"{given.dataset.digest}"
            known = vars(given.dataset)
            fields = ("name", "digest", "source_type", "source", "schema", "profile")
            found = {field: known.get(field, known.get(f"_{field}")) for field in fields}
            found["source"] = self._secrets.text(str(found["source"] or ""))
            self._meta(self._experiment / "datasets" / name, found)
            tags = {tag.key: tag.value for tag in given.tags}
            self._meta(
                folder / "inputs" / name,
                {"source_type": "DATASET", "source_id": name, "destination_type": "RUN",
                 "destination_id": record.id, "tags": tags},
            )  # fmt: skip
        for model in record.model_inputs:
            found = {"source_type": "MODEL_INPUT", "source_id": model, "tags": {}}
            self._meta(folder / "inputs" / model, found)
        for model, step in record.model_outputs:
            self._meta(
                folder / "outputs" / model,
                {"source_type": "RUN_OUTPUT", "source_id": record.id, "step": step,
                 "destination_type": "MODEL_OUTPUT", "destination_id": model, "tags": {}},
            )  # fmt: skip

    def _write_model(self, model: LoggedModel) -> None:
        folder = self._experiment / "models" / model.model_id
        place = (folder / "artifacts").relative_to(self._top).as_posix()
        self._meta(
            folder,
            {
                "model_id": model.model_id,
                "experiment_id": model.experiment_id,
                "name": model.name,
                "artifact_location": place,
                "model_type": model.model_type,
                "source_run_id": model.source_run_id,
                "status": _READY.get(str(model.status), 2),
                "status_message": model.status_message,
                "lifecycle_stage": "active",
                "creation_timestamp": model.creation_timestamp,
                "last_updated_timestamp": model.last_updated_timestamp,
            },
        )
        self._texts(folder / "params", model.params)
        self._texts(folder / "tags", model.tags)
        lines: dict[str, str] = {}
        for metric in model.metrics or []:
            row = (
                f"{metric.timestamp} {metric.value!r} {metric.step} {metric.run_id or ''}".rstrip()
            )
            if metric.dataset_name and metric.run_id:
                row += f" {metric.dataset_name} {metric.dataset_digest}"
            lines[metric.key] = lines.get(metric.key, "") + row + "\n"
        for key, text in sorted(lines.items()):
            self._put(folder / "metrics" / key, text, f"The metric {key} of {model.name}")
        if not self._models:
            self.left_out.append(f"The files of the model {model.name} were not wanted.")
            return
        files = self._store.access.folder(model.artifact_location)
        self._copy(files, folder / "artifacts", f"file of the model {model.name}")
        self.model_folders.append(place)

    def _copy(self, files: ArtifactFolder, target: Path, what: str) -> None:
        try:
            found = sorted(entry.path for entry in every_file(files) if not entry.is_dir)
        except NbtrackError as error:
            self.left_out.append(f"The {what}s cannot be read: {error}")
            return
        for path in found:
            place = target / path
            try:
                place.parent.mkdir(parents=True, exist_ok=True)
                if path.startswith(".nbtrack/") and place.name in _RECORDS:
                    text = files.read_bytes(path).decode("utf-8", "replace")
                    place.write_text(self._secrets.text(text), "utf-8")
                    continue
                with files.open(path) as stream, place.open("xb") as copy:
                    copy_in_chunks(stream, copy.write)
            except (NbtrackError, OSError) as error:
                self.left_out.append(f"The {what} {path} could not be copied: {error}")

    def _meta(self, folder: Path, found: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # JSON is YAML, and the same bytes for the same content
        text = json.dumps(found, indent=1, ensure_ascii=False)
        (folder / "meta.yaml").write_text(text + "\n", "utf-8")

    def _texts(self, folder: Path, found: Mapping[str, str]) -> None:
        for key, value in sorted(found.items()):
            kept = self._secrets.named(key, value)
            self._put(folder / key, kept, f"{folder.name[:-1].capitalize()} {key}")

    def _put(self, place: Path, text: str, what: str) -> None:
        """Write a small file; a key may be a folder to another one."""
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("x", encoding="utf-8", newline="") as file:
                file.write(text)
        except OSError as error:
            self.left_out.append(f"{what} has a name that no file can have here: {error.strerror}.")
