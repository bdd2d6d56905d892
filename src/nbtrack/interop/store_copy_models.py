"""Logged models and the registry of one store into another."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from nbtrack.errors import InvalidParameterError
from nbtrack.interop.store_copy import RUNS_AT_ONCE, CopiedPlace, StoreCopy
from nbtrack.store import Reader, model_location, usual_model_location
from nbtrack.store.artifacts import resolve_location
from nbtrack.store.bulk import (
    Columns,
    add_rows,
    all_rows,
    chosen,
    finish_models,
    keep_version_numbers,
    known_models,
    read_model_stages,
    read_rows,
    row_count,
    rows_of,
    texts,
)
from nbtrack.validation import check_model_name, check_run_id

_OF_MODELS = ("logged_model_params", "logged_model_tags", "logged_model_metrics")
_OF_NAMES = ("registered_model_tags", "model_versions", "model_version_tags")


class ModelCopy:
    """Brings logged models, then registered ones.

    Parameters
    ----------
    copy : StoreCopy
        What has brought the runs that they belong to.

    Attributes
    ----------
    models : dict of str to CopiedPlace
    """

    def __init__(self, copy: StoreCopy) -> None:
        self._copy = copy
        self._report = copy.report
        self.models: dict[str, CopiedPlace] = {}
        self._places: dict[str, str] = {}

    def bring_models(self) -> None:
        """Bring the logged models, without their files."""
        source = self._copy.source
        with source.store.read() as reader:
            ids = list(read_model_stages(reader, source.experiment_ids))
        for first in range(0, len(ids), RUNS_AT_ONCE):
            self._bring(ids[first : first + RUNS_AT_ONCE])

    def _bring(self, ids: Sequence[str]) -> None:
        copy = self._copy
        with copy.source.store.read() as reader:
            models = read_rows(reader, "logged_models", ids)
            rows = {table: read_rows(reader, table, ids) for table in _OF_MODELS}
        sound = [self._is_sound(*pair) for pair in _pairs(models, "model_id", "experiment_id")]
        models = chosen(models, np.array(sound, dtype=bool))
        with copy.target.write() as reader:
            known = known_models(reader, models["model_id"].tolist())
            models = self._placed(models, known)
            finish_models(reader, models)
            came = add_rows(reader, "logged_models", models)
            here = set(models["model_id"].tolist())
            for table, found in rows.items():
                copy.add_pairs(reader, table, rows_of(found, "model_id", here))
        self._report.count("logged models", came=came, known=row_count(models) - came)

    def _is_sound(self, model_id: str, experiment_id: str) -> bool:
        try:
            check_run_id(model_id)
            if experiment_id not in self._copy.experiments:
                raise InvalidParameterError(f"Its experiment {experiment_id} could not be read.")
        except InvalidParameterError as error:
            self._report.fail("logged models", model_id, error)
            return False
        return True

    def _placed(self, models: Columns, known: Mapping[str, tuple[str, str | None]]) -> Columns:
        """Return models as they are kept here."""
        copy, homes, stored = self._copy, [], []
        folder = copy.source.store.folder
        triples = _pairs(models, "model_id", "experiment_id", "artifact_location")
        for model_id, experiment_id, location in triples:
            there = model_location(folder, location, experiment_id, model_id)
            home = copy.experiments[experiment_id]
            here, place = home.id, copy.place_of_new(home, f"models/{model_id}/artifacts")
            if model_id in known:
                here, place = known[model_id]
            elif location is not None:
                place = copy.remote(there) or place
            homes.append(here)
            stored.append(place)
            self.models[model_id] = CopiedPlace(here, there, place)
        return {**models, "experiment_id": texts(homes), "artifact_location": texts(stored)}

    # -- the registry --------------------------------------------------------------------------

    def bring_registry(self) -> None:
        """Bring the registered models with their versions; numbers are kept."""
        copy = self._copy
        if copy.source.is_partial:
            self._report.note("Registered models belong to no experiment, and were left out.")
            return
        with copy.source.store.read() as reader:
            models = all_rows(reader, "registered_models")
            models = chosen(models, np.array([self._is_name(n) for n in models["name"]], bool))
            names = models["name"].tolist()
            rows = {table: read_rows(reader, table, names) for table in _OF_NAMES}
            aliases = read_rows(reader, "registered_model_aliases", names)
        self._gather_places()
        with copy.target.write() as reader:
            fresh = {**models, "greatest_version": np.zeros(len(names), dtype=np.int64)}
            came = add_rows(reader, "registered_models", fresh)
            keep_version_numbers(reader, models)
            versions, taken = self._versions(reader, rows["model_versions"], names)
            new = add_rows(reader, "model_versions", versions)
            copy.add_pairs(reader, "registered_model_tags", rows["registered_model_tags"])
            tags = _without(rows["model_version_tags"], taken)
            copy.add_pairs(reader, "model_version_tags", tags)
            self._add_aliases(reader, _without(aliases, taken), names)
        self._report.count("registered models", came=came, known=len(names) - came)
        self._report.count("model versions", came=new, known=row_count(versions) - new)

    def _is_name(self, name: str) -> bool:
        try:
            check_model_name(name)
        except InvalidParameterError as error:
            self._report.fail("registered models", name, error)
            return False
        return True

    def _versions(
        self, reader: Reader, versions: Columns, names: Sequence[str]
    ) -> tuple[Columns, set[tuple[str, int]]]:
        """Return the versions as they are kept here, and those whose number another one has."""
        known = read_rows(reader, "model_versions", names)
        same = ("name", "version", "run_id", "model_id", "creation_time")
        here = {(each[0], each[1]): each[2:] for each in _pairs(known, *same)}
        taken = set()
        for name, version, *who in _pairs(versions, *same):
            if here.get((name, version), tuple(who)) != tuple(who):
                taken.add((name, version))
                self._report.fail(
                    "model versions",
                    f"{name} {version}",
                    "Another version has this number here; numbers are kept, so it was left out.",
                )
        versions = _without(versions, taken)
        shown, stored = [], []
        columns = ("name", "version", "source", "storage_location", "model_id")
        for name, version, source, location, model_id in _pairs(versions, *columns):
            place = self._place(location, model_id)
            if place is None:
                place = location
                if (name, version) not in here:
                    self._report.note(
                        f"The files of version {version} of {name} are none of a run or a model; "
                        f"they stay in {location}."
                    )
            elif not source.startswith(("models:", "runs:")):
                source = resolve_location(self._copy.target.folder, place)
            shown.append(source)
            stored.append(place)
        return {**versions, "source": texts(shown), "storage_location": texts(stored)}, taken

    def _gather_places(self) -> None:
        """Note for each folder there which one it is here, as it is stored."""
        for run_id, run in self._copy.runs.items():
            usual = f"artifacts/{run.experiment_id}/{run_id}"
            self._places[run.there.rstrip("/")] = run.stored or usual
        for model_id, model in self.models.items():
            usual = usual_model_location(model.experiment_id, model_id)
            self._places[model.there.rstrip("/")] = model.stored or usual

    def _place(self, location: str, model_id: str | None) -> str | None:
        """Return where the files of a version are now, as it is stored; None: where they were."""
        if model_id is not None and model_id in self.models:
            model = self.models[model_id]
            return model.stored or usual_model_location(model.experiment_id, model_id)
        there = resolve_location(self._copy.source.store.folder, location).rstrip("/")
        below = ""
        while there:
            if there in self._places:
                return f"{self._places[there]}{below}"
            there, slash, last = there.rpartition("/")
            below = f"{slash}{last}{below}"
        return None

    def _add_aliases(self, reader: Reader, aliases: Columns, names: Sequence[str]) -> None:
        known = read_rows(reader, "registered_model_aliases", names)
        here = {(name, alias): v for name, alias, v in _pairs(known, "name", "alias", "version")}
        for name, alias, version in _pairs(aliases, "name", "alias", "version"):
            if here.get((name, alias), version) != version:
                self._report.fail(
                    "aliases", f"{name}@{alias}", "It names another version here, and stays so."
                )
        add_rows(reader, "registered_model_aliases", aliases)


def _pairs(rows: Columns, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(rows[name].tolist() for name in names), strict=True))


def _without(rows: Columns, taken: Container[tuple[str, int]]) -> Columns:
    """Return the rows of versions that are not among some."""
    kept = [pair not in taken for pair in _pairs(rows, "name", "version")]
    return chosen(rows, np.array(kept, dtype=bool))
