"""Models of the user's own making, and the one interface to models of every flavor."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from nbtrack.errors import InvalidParameterError
from nbtrack.models import logging
from nbtrack.models.code_writer import CODE_FILE, LOADER, read_pickle, write_code, write_pickle
from nbtrack.models.environment import CONDA, REQUIREMENTS, add_uv_requirements
from nbtrack.models.frozen_files import taken_apart
from nbtrack.models.info import ModelInfo
from nbtrack.models.loader_modules import load_by_module
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import PYFUNC, Model
from nbtrack.models.model_code import read_config, run_code
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out, without_effect
from nbtrack.models.pyfunc_model import PyFuncModel
from nbtrack.models.python_model import (
    LoadedPythonModel,
    PythonModelContext,
    as_python_model,
    predict_of,
    streams,
)
from nbtrack.models.type_hints import signature_of_hints, with_hints
from nbtrack.models.user_files import add_code_paths, copy_artifacts, use_code

Config = Mapping[str, Any] | str | os.PathLike[str] | None
Serialization = Literal["pickle"] | None


@spelled_out(SaveOptions)
def save_model(
    path: str | os.PathLike[str],
    loader_module: str | None = None,
    data_path: str | os.PathLike[str] | None = None,
    *,
    python_model: Any = None,
    artifacts: Mapping[str, str] | None = None,
    model_config: Config = None,
    streamable: bool | None = None,
    serialization: Serialization = None,
    infer_code_paths: bool = False,
    uv_project_path: str | os.PathLike[str] | None = None,
    uv_groups: list[str] | None = None,
    uv_extras: list[str] | None = None,
    resources: Any = None,
    auth_policy: Any = None,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a Python model: a class, a function or a file of code, as a folder.

    Parameters
    ----------
    path : str or path
        A folder that does not exist yet, or is empty.
    loader_module : str, optional
        A module with ``_load_pyfunc(data_path)``; it is the user's own and comes by
        ``code_paths``. Instead of ``python_model``.
    data_path : str or path, optional
        A file or folder that ``loader_module`` gets.
    python_model : PythonModel, callable or path
        An object with ``predict``, a function, or a Python file that calls
        ``nbtrack.models.set_model``. Objects and functions are saved as their source and their
        values, no pickle.
    artifacts : dict of str to str, optional
        Files that are copied beside the model: ``context.artifacts[name]`` is their path.
    model_config : dict or path, optional
        What ``context.model_config`` is, and ``ModelConfig`` in a file of code.
    streamable : bool, optional
        Whether it has ``predict_stream``; by default found out.
    serialization : {None, "pickle"}, optional
        ``"pickle"`` writes ``python_model.pkl`` with cloudpickle instead, which only loads with
        consent and with the same version of Python.
    infer_code_paths : bool, optional
        Keep the modules beside the notebook that a file of code or ``loader_module`` imports.
        Those that an object or a function needs are kept in any case.
    uv_project_path : path, optional
        A project of uv, whose ``uv.lock`` says what the model needs.
    uv_groups, uv_extras : list of str, optional
        Groups of dependencies and optional dependencies of that project.
    resources, auth_policy : optional
        MLflow's; they have no effect.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If there is no model, or a part of it cannot be saved: it is named.

    Examples
    --------
    >>> class Doubling(nbtrack.pyfunc.PythonModel):
    ...     def predict(self, context, model_input, params=None):
    ...         return model_input * 2
    >>> _ = nbtrack.pyfunc.save_model("doubling", python_model=Doubling())
    >>> nbtrack.pyfunc.load_model("doubling").predict(4)
    8
    """
    parts = _parts(
        loader_module, data_path, python_model, artifacts, model_config, streamable, serialization
    )
    without_effect(resources=resources, auth_policy=auth_policy)
    add_code_paths(options, python_model, loader_module, infer_code_paths)
    add_uv_requirements(options, uv_project_path, uv_groups, uv_extras)
    return logging.save(
        parts.write, path, predict=parts.predict, check=parts.check, **parts.signed(options)
    )


@spelled_out(LogOptions)
def log_model(
    artifact_path: str | None = None,
    loader_module: str | None = None,
    data_path: str | os.PathLike[str] | None = None,
    *,
    python_model: Any = None,
    artifacts: Mapping[str, str] | None = None,
    model_config: Config = None,
    streamable: bool | None = None,
    serialization: Serialization = None,
    infer_code_paths: bool = False,
    uv_project_path: str | os.PathLike[str] | None = None,
    uv_groups: list[str] | None = None,
    uv_extras: list[str] | None = None,
    resources: Any = None,
    auth_policy: Any = None,
    prompts: Any = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a Python model: a class, a function or a file of code; see :func:`save_model`.

    Parameters
    ----------
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    loader_module, data_path, python_model, artifacts, model_config, streamable, serialization
        As in :func:`save_model`. The settings of ``model_config`` become params of the run.
    infer_code_paths, uv_project_path, uv_groups, uv_extras
        As in :func:`save_model`.
    resources, auth_policy, prompts : optional
        MLflow's; they have no effect.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> class Doubling(nbtrack.pyfunc.PythonModel):
    ...     def predict(self, context, model_input, params=None):
    ...         return model_input * 2
    >>> with nbtrack.start_run():
    ...     info = nbtrack.pyfunc.log_model(name="doubling", python_model=Doubling())
    >>> nbtrack.pyfunc.load_model(info.model_uri).predict(4)
    8
    """
    parts = _parts(
        loader_module, data_path, python_model, artifacts, model_config, streamable, serialization
    )
    without_effect(resources=resources, auth_policy=auth_policy, prompts=prompts)
    add_code_paths(options, python_model, loader_module, infer_code_paths)
    add_uv_requirements(options, uv_project_path, uv_groups, uv_extras)
    return logging.log(
        parts.write,
        artifact_path=artifact_path,
        predict=parts.predict,
        check=parts.check,
        config=read_config(_config(model_config)),
        **parts.signed(options),
    )


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    suppress_warnings: bool = False,
    dst_path: str | os.PathLike[str] | None = None,
    model_config: Config = None,
    *,
    trust: bool | None = None,
) -> PyFuncModel:
    """Load a model of any flavor behind the one interface ``predict(data, params)``.

    Parameters
    ----------
    model_uri : str or path
        ``runs:/<run>/<name>``, ``models:/<name>/<version>``, ``models:/<name>@<alias>``,
        ``models:/<model id>``, or a folder.
    suppress_warnings : bool, optional
        MLflow's; not used.
    dst_path : str or path, optional
        The folder to copy the model to.
    model_config : dict or path, optional
        Settings over those that the model was saved with.
    trust : bool, optional
        True lets code of a model run that you have not saved yourself; False lets none run.

    Raises
    ------
    UntrustedError
        If the model would run code that nobody has consented to.
    ChangedModelError
        If a file is not the one that was saved.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    >>> info = nbtrack.sklearn.log_model(model, name="doubling")
    >>> nbtrack.pyfunc.load_model(info.model_uri).predict([[3.0]])  # of whatever flavor it is
    array([6.])
    """
    opened = open_model(model_uri, dst_path)
    flavor = opened.flavor(PYFUNC)
    if flavor.get("code"):
        opened.ask("the code that came with it", trust)
        use_code(opened.file(flavor["code"]))
    config = {**(flavor.get("config") or {}), **(read_config(_config(model_config)) or {})}
    if str(flavor["loader_module"]) in (LOADER, "mlflow.pyfunc", "nbtrack.pyfunc"):
        loaded: Any = _load_pyfunc(opened, config or None, trust)
    else:
        loaded = load_by_module(opened, flavor, config or None, trust)
    predict = flavor.get("predict_fn", "predict")
    return PyFuncModel(opened.model, loaded, predict if hasattr(loaded, predict) else "predict")


@reads_model
def get_model_dependencies(
    model_uri: str | os.PathLike[str], format: Literal["pip", "conda"] = "pip"
) -> str:
    """Return the path of the file that says which packages a model needs.

    Parameters
    ----------
    model_uri : str or path
        Of the model, such as ``"models:/digits/1"``.
    format : {"pip", "conda"}
        Whether it is the ``requirements.txt`` or the ``conda.yaml``.

    Raises
    ------
    InvalidParameterError
        If there is no such file.

    Examples
    --------
    >>> from pathlib import Path
    >>> from sklearn.linear_model import LinearRegression
    >>> info = nbtrack.sklearn.log_model(LinearRegression(), name="line")
    >>> print(Path(nbtrack.pyfunc.get_model_dependencies(info.model_uri)).read_text())
    scikit-learn==...
    """
    names = {"pip": REQUIREMENTS, "conda": CONDA}
    if format not in names:
        raise InvalidParameterError(f"format={format!r} is none of 'pip', 'conda'.")
    file = open_model(model_uri).path / names[format]
    if not file.is_file():
        raise InvalidParameterError(f"The model {os.fspath(model_uri)!r} has no {names[format]}.")
    return str(file)


@reads_model
def _load_pyfunc(
    path: str | OpenedModel,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> LoadedPythonModel:
    """Load a Python model; the folder has a file of code, or a pickle."""
    opened = as_opened(path)
    flavor = opened.flavor(PYFUNC)
    if flavor.get("model_code_path"):
        opened.ask("the source that came with it", trust)
        found = run_code(opened.file(Path(flavor["model_code_path"]).name), model_config)
    else:
        opened.ask("a pickle", trust)
        found = read_pickle(opened.file(flavor.get("python_model")), flavor)
    artifacts = {
        name: str(opened.file(known["path"]))
        for name, known in (flavor.get("artifacts") or {}).items()
    }
    hinted = opened.model.is_signature_from_type_hint
    return LoadedPythonModel(found, PythonModelContext(artifacts, model_config), hinted)


class _Parts:
    """What a Python model is written from."""

    def __init__(
        self,
        write: Callable[[Path, Model], None],
        model: Any,
        context: Any,
        check: Callable[[Path], Callable[..., Any]] | None = None,
    ) -> None:
        self.write = write
        self.check = check
        self._model = model
        self._context = context
        hints = None if model is None else signature_of_hints(predict_of(as_python_model(model)))
        self._hints = hints

    def signed(self, options: Any) -> Any:
        """Return the options, with the signature that the type hints give."""
        given = options.get("signature")
        if self._hints is None or given is False:
            return options
        return {**options, "signature": with_hints(given, self._hints)}

    @property
    def predict(self) -> Callable[..., Any] | None:
        """The model's own ``predict(data, params)``, for its signature."""
        if self._model is None:
            return None

        def predict(data: Any, params: dict[str, Any] | None = None) -> Any:
            return LoadedPythonModel(self._model, self._context, False).predict(data, params)

        return predict


def _parts(
    loader_module: str | None,
    data_path: str | os.PathLike[str] | None,
    python_model: Any,
    artifacts: Mapping[str, str] | None,
    model_config: Config,
    streamable: bool | None,
    serialization: Serialization,
) -> _Parts:
    if (loader_module is None) == (python_model is None):
        raise InvalidParameterError("Pass either python_model or loader_module, and not both.")
    if serialization not in (None, "pickle"):
        raise InvalidParameterError(f"serialization={serialization!r} is none of None, 'pickle'.")
    config = read_config(_config(model_config))
    more: dict[str, Any] = {} if config is None else {"config": config}
    if loader_module is not None:
        return _Parts(_write_data(loader_module, data_path, more), None, None)
    file = Path(python_model) if isinstance(python_model, str | os.PathLike) else None
    if file is not None and not file.is_file():
        raise InvalidParameterError(f"python_model={str(file)!r}: there is no such file.")
    model = python_model if file is None else run_code(file, config)
    as_python_model(model)
    local = {
        name: str(Path(uri).expanduser().absolute()) for name, uri in (artifacts or {}).items()
    }
    more["streamable"] = streams(model) if streamable is None else streamable
    # taken apart first: predicting on the example may change the object
    kept_as_source = file is None and serialization is None
    serialized = taken_apart(model, "serialization='pickle'")[0] if kept_as_source else None

    def write(folder: Path, known: Model) -> None:
        if copied := copy_artifacts(folder, artifacts):
            more["artifacts"] = copied
        if file is not None:
            shutil.copyfile(file, folder / file.name)
            known.requirements.add_source(file.read_text("utf-8"))
            known.add_pyfunc(LOADER, model_code_path=file.name, **more)
        elif serialized is not None:
            known.requirements.add_module(*serialized.modules)
            if write_code(serialized, model, folder):
                known.requirements.add_package("nbtrack")
            known.add_pyfunc(LOADER, model_code_path=CODE_FILE, **more)
        else:
            write_pickle(model, folder, known, more)

    context = PythonModelContext(local, config)

    def check(folder: Path) -> Callable[..., Any]:
        return LoadedPythonModel(run_code(folder / CODE_FILE, config), context, False).predict

    return _Parts(write, model, context, None if serialized is None else check)


def _write_data(
    loader_module: str, data_path: str | os.PathLike[str] | None, more: dict[str, Any]
) -> Callable[[Path, Model], None]:
    def write(folder: Path, known: Model) -> None:
        if data_path is not None:
            source = Path(data_path)
            target = folder / "data" / source.name
            target.parent.mkdir()
            if source.is_dir():
                shutil.copytree(source, target)
            elif source.is_file():
                shutil.copyfile(source, target)
            else:
                raise InvalidParameterError(f"data_path={str(source)!r} is not there.")
            more["data"] = f"data/{source.name}"
        known.add_pyfunc(loader_module, **more)

    return write


def _config(given: Config) -> Any:
    return given if isinstance(given, Mapping | None) else Path(given)
