"""The one path that every flavor's ``save_model`` and ``log_model`` takes."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from nbtrack.errors import InvalidParameterError, NbtrackError, warn
from nbtrack.models.column_types import CATEGORIES, categories_of
from nbtrack.models.environment import Given, write_environment
from nbtrack.models.info import ModelInfo
from nbtrack.models.input_example import EXAMPLE, SERVING, Example
from nbtrack.models.manifest import MLMODEL, files_below, write_manifest
from nbtrack.models.model import Model
from nbtrack.models.options import SaveOptions
from nbtrack.models.progress import working
from nbtrack.models.signature import ModelSignature, infer_signature
from nbtrack.models.trust_records import digest_of, remember
from nbtrack.models.user_files import copy_code
from nbtrack.models.verification import Answer, ask, verify
from nbtrack.store import Store
from nbtrack.tracking import background, context, logged_models, registration

Write = Callable[[Path, Model], None]
Predict = Callable[..., Any]


def save(
    write: Write,
    path: str | os.PathLike[str],
    *,
    mlflow_model: Model | None = None,
    signature: ModelSignature | Literal[False] | None = None,
    input_example: Any = None,
    pip_requirements: Given = None,
    extra_pip_requirements: Given = None,
    conda_env: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    code_paths: Iterable[str | os.PathLike[str]] | None = None,
    extra_files: Iterable[str | os.PathLike[str]] | None = None,
    metadata: dict[str, Any] | None = None,
    predict: Predict | None = None,
    check: Callable[[Path], Predict] | None = None,
    progress: bool = True,
) -> Model:
    """Write a model folder, whole or not at all.

    Parameters
    ----------
    write : callable
        ``write(folder, model)``, the flavor's own part: writes its files below ``folder`` and
        adds its flavors to ``model`` (``add_flavor``, ``add_pyfunc``). What it needs goes to
        ``model.requirements``; digests of what it has hashed anyway to ``model.hashes``.
    path : str or path
        A folder that does not exist yet, or is empty.
    mlflow_model : Model, optional
        What is known about the model already.
    signature : ModelSignature or False, optional
        By default inferred from ``input_example`` with ``predict``; False for none.
    input_example : optional
        A DataFrame, array, tensor, dictionary, list, value, sparse matrix; or a tuple of one
        of these and a dictionary of parameters. A warning says if it cannot be kept; the model
        is saved without it then.
    pip_requirements, extra_pip_requirements, conda_env : optional
        Instead of, or besides, the packages that the model is found to need.
    code_paths : list of path, optional
        Files and folders that are put on ``sys.path`` where the model is loaded.
    extra_files : list of path, optional
        Files that are kept in ``extra_files/`` of the model.
    metadata : dict, optional
        Whatever is to be kept in the MLmodel file.
    predict : callable, optional
        ``predict(data)`` or ``predict(data, params)``, for the outputs of the signature.
    check : callable, optional
        ``check(folder)`` loads what was written and returns its ``predict``: it must answer the
        example as the model in memory does.
    progress : bool, optional
        Whether to show a bar while ``write`` works longer than a second; False where it shows
        its own.

    Raises
    ------
    InvalidParameterError
        If the folder is there and not empty, or an option cannot be used.
    UnfaithfulModelError
        If what was written gives other outputs for the example.
    """
    folder = Path(path)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidParameterError(
            f"Path '{path}' already exists and is not empty. Save the model to another folder, or "
            "remove this one first."
        )
    _check_options(signature, metadata)
    model = Model() if mlflow_model is None else mlflow_model
    if metadata is not None:
        model.metadata = metadata
    # a save into a folder of the user's leaves the folder when it fails, and nothing in it
    existed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        model.code_folder = copy_code(folder, code_paths)
        example = None if input_example is None else _kept_example(folder, model, input_example)
        inferred = signature is None and model.signature is None and example is not None
        answered = None
        if example is not None and predict is not None and (inferred or check is not None):
            answered = ask(_asking(predict, example, input_example))
        if isinstance(signature, ModelSignature):
            model.signature = signature
        elif inferred and example is not None:
            model.signature = _inferred(example, answered)
        known = categories_of(input_example) or getattr(model.signature, "_categories", None)
        if known:
            model.nbtrack[CATEGORIES] = known
        model.extra_files = _copy_extra(folder, extra_files)
        with working("save model", folder, progress):
            write(folder, model)
        if check is not None and predict is not None and example is not None and answered:
            model.nbtrack["verified"] = verify(
                answered,
                lambda: _asking(check(folder), example, input_example)(),
                _asking(predict, example, input_example),
            )
        write_environment(
            folder, model.requirements, pip_requirements, extra_pip_requirements, conda_env
        )
        paths = files_below(folder)
        model.model_size_bytes = sum((folder / name).stat().st_size for name in paths)
        model.save(folder / MLMODEL)
        model.hashes = write_manifest(folder, model.hashes, shown=progress)
        remember(digest_of(model.hashes))
    except BaseException:
        _empty(folder, keep=existed)
        raise
    return model


def log(
    write: Write,
    name: str | None = None,
    *,
    artifact_path: str | None = None,
    registered_model_name: str | None = None,
    await_registration_for: float | None = 300,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    run_id: str | None = None,
    wait: bool = True,
    predict: Predict | None = None,
    check: Callable[[Path], Predict] | None = None,
    progress: bool = True,
    config: Mapping[str, Any] | None = None,
    **options: Unpack[SaveOptions],
) -> ModelInfo:
    """Write a model folder as a logged model of the store.

    Parameters
    ----------
    write : callable
        See :func:`save`, which takes the other options too.
    name, artifact_path : str, optional
        The model's name, by either word; by default a random one. An ``artifact_path`` may
        have folders: ``models/classifier``.
    registered_model_name : str, optional
        Make it the next version of this registered model, too.
    await_registration_for : float, optional
        MLflow's; a registration is done when it returns.
    params, tags : mapping, optional
        What to keep with the model besides the params of its run.
    model_type : str, optional
        Any text, to find models of one kind by.
    step : int, optional
        The step of the run that the model belongs to.
    model_id : str, optional
        A logged model that exists and gets these files.
    run_id : str, optional
        The run that it comes out of; by default the active one, if any.
    wait : bool, optional
        False to write in the background: ``ModelInfo.wait()`` and the end of the run wait.
    config : mapping, optional
        Settings that the model is saved with; they become params of it and of its run.

    Raises
    ------
    InvalidParameterError
        If the name or an option cannot be used.
    """
    if name is not None and artifact_path is not None and name != artifact_path:
        raise InvalidParameterError(
            f"name={name!r} and artifact_path={artifact_path!r} both name the model. Pass name."
        )
    stores = registration.Stores(_store_of(run_id, model_id), context.registry_store())
    pending = logged_models.start(
        stores.models,
        artifact_path if name is None else name,
        run_id=run_id,
        params={**_flat(config or {}), **(params or {})},
        tags=tags,
        model_type=model_type,
        step=step,
        model_id=model_id,
        folders=name is None,
    )
    _log_config(stores.models, pending, config)
    model = options.get("mlflow_model") or Model()
    options["mlflow_model"] = model
    model.artifact_path, model.run_id = pending.artifact_location, pending.run_id
    model.model_id = model.model_uuid = pending.model_id
    info = ModelInfo.of(model, name=pending.name)

    def work() -> None:
        try:
            # a bar of work in the background would be drawn into another cell
            save(
                write,
                pending.place,
                predict=predict,
                check=check,
                progress=progress and wait,
                **options,
            )
            logged = pending.finish(model.hashes)
        except BaseException as error:
            pending.fail(f"{type(error).__name__}: {error}")
            raise
        done = ModelInfo.of(
            model,
            name=logged.name,
            params=logged.params,
            tags=logged.tags,
            creation_timestamp=logged.creation_timestamp,
        )
        if registered_model_name is not None:
            uri = done.model_uri
            version = registration.register_model(stores, uri, registered_model_name)
            done.registered_model_version = version.version
        vars(info).update({**vars(done), "waits": info.waits})

    if wait:
        work()
    else:
        info.waits = background.start(f"The model {pending.name!r}", work).wait
    return info


def _log_config(
    store: Store, pending: logged_models.PendingModel, config: Mapping[str, Any] | None
) -> None:
    """Log the settings of a model as params of its run."""
    if not config or pending.run_id is None:
        return
    try:
        store.writer(pending.run_id).log_params(_flat(config))
    except NbtrackError as error:  # such as a param that has another value
        warn(f"The settings of the model are no params of its run: {error.message}")


def _flat(config: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{above}{key}"
        found |= _flat(value, f"{name}/") if isinstance(value, Mapping) else {name: value}
    return found


def _store_of(run_id: str | None, model_id: str | None) -> Store:
    """Return the store of the run or the model that a model is logged to."""
    if model_id is not None:
        return context.store_of_model(model_id)
    return context.active_store() if run_id is None else context.store_of(run_id)


def _copy_extra(
    folder: Path, files: Iterable[str | os.PathLike[str]] | None
) -> list[dict[str, str]]:
    found = []
    for given in files or ():
        source = Path(given)
        if not source.is_file():
            raise InvalidParameterError(f"extra_files has {str(given)!r}, which is no file.")
        target = folder / "extra_files" / source.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(source, target)
        found.append({"path": f"extra_files/{source.name}"})
    return found


def _kept_example(folder: Path, model: Model, given: Any) -> Example | None:
    """Keep the input example; a model whose example cannot be kept is saved without it."""
    try:
        example = Example.of(given)
        model.saved_input_example_info = example.save(folder)
    except Exception as error:  # noqa: BLE001 - whatever the methods of an object of the user raise
        for name in (EXAMPLE, SERVING):
            (folder / name).unlink(missing_ok=True)
        reason = error.message if isinstance(error, NbtrackError) else f"{error}"
        warn(f"The model is saved without its input example, which cannot be kept: {reason}")
        return None
    return example


def _asking(predict: Predict, example: Example, given: Any) -> Callable[[], Any]:
    def asking() -> Any:
        # a model may change what it is given
        known = copy.deepcopy(given)
        return predict(known) if example.params is None else predict(known[0], example.params)

    return asking


def _inferred(example: Example, answered: Answer | None) -> ModelSignature | None:
    if answered is not None and answered.error is not None:
        error = answered.error
        warn(
            f"The signature says nothing of the outputs: the model fails on the input example "
            f"({type(error).__name__}: {error}). Pass signature=infer_signature(x, y)."
        )
    output = None if answered is None else answered.value
    try:
        return infer_signature(example.data, output, example.params)
    except Exception as error:  # noqa: BLE001 - nor is it lost for want of a signature
        warn(f"The model is saved without a signature, since none says what it takes: {error}")
        return None


def _check_options(signature: Any, metadata: Any) -> None:
    if signature not in (None, False) and not isinstance(signature, ModelSignature):
        raise InvalidParameterError(
            f"signature={signature!r} is no ModelSignature. "
            "Use infer_signature(x, y), or False for a model without one."
        )
    if metadata is not None and not isinstance(metadata, dict):
        raise InvalidParameterError(f"metadata={metadata!r} is no dictionary.")


def _empty(folder: Path, keep: bool) -> None:
    if not keep:
        shutil.rmtree(folder, ignore_errors=True)
        return
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
