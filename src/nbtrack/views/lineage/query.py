"""What is known of where a run or a model comes from: from the store, and from what runs keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from nbtrack.entities import LoggedModel, ModelVersion, Run
from nbtrack.entities.runs import DATA_CONTEXT, HOST, REPRODUCED, RERUN_OF, VERDICT
from nbtrack.errors import NbtrackError, NotFoundError
from nbtrack.file_digests import TimeBudget
from nbtrack.store import (
    Reader,
    Store,
    find_experiment,
    get_logged_models,
    get_run,
    get_runs,
    model_ids_of_run,
    versions_of_logged_model,
    with_parents,
)
from nbtrack.views.code import ENVIRONMENT_FILE, read_json, source_of_run
from nbtrack.views.data_state import data_files
from nbtrack.views.lineage.facts import Ancestor, Code, Data, MadeModel, RecordedEnvironment
from nbtrack.views.lineage.tree import Lineage
from nbtrack.views.models.query import versions_of
from nbtrack.views.verdict import verdict_text

MAX_PARENTS = 20
MAX_CHILDREN = 200
MAX_MODELS = 50
SECONDS = 0.5  # for the contents of the files of the whole chain


class LineageQuery:
    """Finds where runs and models come from.

    Parameters
    ----------
    store : Store
        That of the runs and logged models.
    names : Store
        Whose registry is asked.
    """

    def __init__(self, store: Store, names: Store) -> None:
        self._store = store
        self._names = names
        self._budget = TimeBudget(SECONDS)
        self._followed: set[str] = set()

    def of_run(self, run_id: str, metric: str | None = None) -> Lineage:
        """Return where a run comes from, or one of its numbers.

        Parameters
        ----------
        run_id : str
        metric : str, optional
            Then this is the only metric that is shown.

        Raises
        ------
        NotFoundError
            If there is no such run, or it has no such metric.
        """
        with self._store.read() as reader:
            run = get_run(reader, run_id)
            metrics = dict(run.data.metrics)
            if metric is not None:
                if metric not in metrics:
                    raise NotFoundError(
                        f"The run {run.info.run_name} has no metric {metric!r}; it has "
                        f"{', '.join(metrics) or 'none'}."
                    )
                metrics = {metric: metrics[metric]}
            line = _line(reader, run_id, None, run, metrics)
            made = model_ids_of_run(reader, run_id)
        line = replace(line, metric=metric, made=self._made(made))
        return self._with_inputs(self._with_files(line))

    def of_model(
        self,
        uri: str,
        model_id: str | None,
        run_id: str | None = None,
        version: ModelVersion | None = None,
    ) -> Lineage:
        """Return where a model comes from.

        Parameters
        ----------
        uri : str
            What it is called.
        model_id, run_id : str or None
            What is known of it.
        version : ModelVersion, optional
            That was asked about.
        """
        versions = []
        if model_id is not None:
            self._followed.add(model_id)
            with self._names.read() as reader:
                versions = versions_of_logged_model(reader, model_id)
        with self._store.read() as reader:
            found = get_logged_models(reader, [model_id or ""], deleted=True)
            model = found[0] if found else None
            run = _run(reader, run_id or (model.source_run_id if model else None))
            line = _line(reader, uri, model, run, {} if run is None else dict(run.data.metrics))
        made = self._made([model.model_id] if model else [])
        line = replace(line, version=version, versions=versions, made=made)
        return self._with_inputs(self._with_files(line))

    def _made(self, model_ids: list[str]) -> list[MadeModel]:
        if not model_ids:
            return []
        with self._store.read() as reader:
            models = get_logged_models(reader, model_ids, deleted=True)
        with self._names.read() as reader:
            versions = versions_of(reader, model_ids)
        return [
            MadeModel(
                model.model_id,
                model.name,
                str(model.status),
                [(v.name, v.version, list(v.aliases)) for v in versions.get(model.model_id, ())],
            )
            for model in models
        ]

    def _with_files(self, line: Lineage) -> Lineage:
        """Add what the artifacts of the run say: its cells, its environment, its files."""
        if line.run is None:
            return line
        try:
            folder = self._store.access.folder(line.run.info.artifact_uri)
            host = line.run.data.tags.get(HOST)
            files = data_files(folder, budget=self._budget, host=host)
        except NbtrackError:  # a run of another store, whose files this one does not read
            return line
        source = source_of_run(line.run, folder)
        return replace(
            line,
            files=files,
            cells=source.needed,
            source=source.text,
            environment=_environment(read_json(folder, ENVIRONMENT_FILE)),
        )

    def _with_inputs(self, line: Lineage) -> Lineage:
        """Follow the models that a run has read to the runs that made them, each model once."""
        inputs = [
            self.of_model(f"models:/{each.id}", each.id)
            for each in line.models
            if each.id not in self._followed and len(self._followed) < MAX_MODELS
        ]
        return replace(line, inputs=inputs)


def _line(
    reader: Reader, uri: str, model: LoggedModel | None, run: Run | None, metrics: dict[str, float]
) -> Lineage:
    tags = {**(model.tags if model else {}), **(run.data.tags if run else {})}
    return Lineage(
        uri,
        model=model,
        run=run,
        experiment=_experiment(reader, run),
        code=Code.of(tags),
        data=_data(run),
        params=model.params if model else (run.data.params if run else {}),
        metrics={m.key: m.value for m in model.metrics} if model and model.metrics else metrics,
        parents=_parents(reader, run),
        variation_of=_original(reader, run),
        children=_children(reader, run),
        models=_models(reader, run),
        reproduced=tags.get(REPRODUCED),
        verdict=verdict_text(tags.get(REPRODUCED), tags.get(VERDICT)),
    )


def _run(reader: Reader, run_id: str | None) -> Run | None:
    try:
        return get_runs(reader, [run_id])[0] if run_id else None
    except NbtrackError:  # of another store, or removed for good
        return None


def _experiment(reader: Reader, run: Run | None) -> str | None:
    if run is None:
        return None
    found = find_experiment(reader, run.info.experiment_id)
    return None if found is None else found.name


def _data(run: Run | None) -> list[Data]:
    found = []
    for item in [] if run is None else run.inputs.dataset_inputs:
        tags = {tag.key: tag.value for tag in item.tags}
        known = item.dataset
        context = tags.get(DATA_CONTEXT)
        found.append(Data(known.name, known.digest, context, known.source_type, known.source))
    return found


def _parents(reader: Reader, run: Run | None) -> list[Ancestor]:
    if run is None:
        return []
    around = islice(with_parents(reader, run), 1, 1 + MAX_PARENTS)
    return [Ancestor(each.info.run_id, each.info.run_name) for each in around]


def _original(reader: Reader, run: Run | None) -> Ancestor | None:
    found = None if run is None else _run(reader, run.data.tags.get(RERUN_OF))
    return None if found is None else Ancestor(found.info.run_id, found.info.run_name)


def _children(reader: Reader, run: Run | None) -> list[Ancestor]:
    if run is None:
        return []
    reader.refresh(runs_of=[run.info.experiment_id])
    rows = reader.named("details.nested", run_id=run.info.run_id, limit=MAX_CHILDREN)
    return [Ancestor(run_id, name) for run_id, name, _ in rows]


def _models(reader: Reader, run: Run | None) -> list[Ancestor]:
    ids = [item.model_id for item in run.inputs.model_inputs] if run else []
    found = get_logged_models(reader, ids, deleted=True)
    return [Ancestor(model.model_id, model.name) for model in found]


def _environment(kept: Mapping[str, Any]) -> RecordedEnvironment | None:
    """Return what a run has kept of its environment; a record may come from somebody else."""
    if not kept:
        return None
    python, system = _mapping(kept.get("python")), _mapping(kept.get("platform"))
    gpus = kept.get("gpus")
    names = [str(_mapping(each).get("name")) for each in (gpus if isinstance(gpus, list) else ())]
    driver = kept.get("driver")
    return RecordedEnvironment(
        python=_text(python.get("version")),
        platform=" ".join(
            str(system[name]) for name in ("system", "release", "machine") if system.get(name)
        )
        or None,
        packages={str(k): str(v) for k, v in _mapping(kept.get("packages")).items()},
        gpu=", ".join(names) or None,
        driver=None if driver is None else str(driver),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
