"""A flavor of somebody else's: what writes models of a kind, and what reads them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Unpack

from nbtrack.errors import InvalidParameterError
from nbtrack.models import logging
from nbtrack.models.flavors.native_files import describe, described
from nbtrack.models.folder import check_files
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import default_requirements

Predict = Callable[[Any, Any, Mapping[str, Any]], Any]


class Flavor:
    """Models of a kind that nbtrack does not know: how they are written and read.

    A package that has the entry point ``name`` in the group ``nbtrack.flavors`` brings it along:
    it is ``nbtrack.<name>`` then, and ``nbtrack.pyfunc`` loads its models. Signatures, examples,
    requirements, digests, logged models and the registry come by themselves.

    Parameters
    ----------
    name : str
        The flavor, and the name of its entry point.
    write : callable
        ``write(model, folder)`` writes the files of a model into an empty folder. It may return
        a dictionary, which the MLmodel file keeps.
    read : callable
        ``read(folder, known)`` returns the model again; ``known`` is that dictionary.
    predict : callable, optional
        ``predict(model, data, params)`` for ``nbtrack.pyfunc``; without it models only load.
    packages : list of str, optional
        What models need besides the package that ``write`` comes from.
    asks : str, optional
        What reading runs that the files hold, such as ``"a pickle"``: models that are not the
        user's own need consent then. Leave it out only if the files are nothing but data.

    Raises
    ------
    InvalidParameterError
        If the name cannot be one of Python.

    Examples
    --------
    >>> import json
    >>> from pathlib import Path
    >>> from nbtrack.models import Flavor
    >>> def write(model, folder):
    ...     Path(folder, "model.json").write_text(json.dumps(model))
    >>> def read(folder, facts):
    ...     return json.loads(Path(folder, "model.json").read_text())
    >>> flavor = Flavor("my_json", write=write, read=read)
    >>> info = flavor.log_model({"slope": 2.0}, name="line")
    >>> flavor.load_model(info.model_uri)
    {'slope': 2.0}
    >>> _ = flavor.save_model({"slope": 3.0}, "line")
    """

    def __init__(
        self,
        name: str,
        *,
        write: Callable[[Any, Path], dict[str, Any] | None],
        read: Callable[[Path, dict[str, Any]], Any],
        predict: Predict | None = None,
        packages: Iterable[str] = (),
        asks: str | None = None,
    ) -> None:
        if not name.isidentifier() or name.startswith("_"):
            raise InvalidParameterError(f"{name!r} cannot be the name of a flavor: nbtrack.{name}.")
        self.name = name
        self._write, self._read, self._predict = write, read, predict
        self._packages, self._asks = tuple(packages), asks
        self.get_default_pip_requirements = default_requirements(*self._packages)

    def __repr__(self) -> str:
        return f"<Flavor {self.name}>"

    @spelled_out(SaveOptions)
    def save_model(
        self, model: Any, path: str | os.PathLike[str], **options: Unpack[SaveOptions]
    ) -> Model:
        """Save a model as a folder.

        Parameters
        ----------
        model : object
            The model.
        path : str or path
            A folder that does not exist yet, or is empty.
        **options
            As for every flavor: signature, input_example, pip_requirements, ...
        """
        return logging.save(path=path, **self._parts(model), **options)

    @spelled_out(LogOptions)
    def log_model(
        self, model: Any, artifact_path: str | None = None, **options: Unpack[LogOptions]
    ) -> ModelInfo:
        """Log a model.

        Parameters
        ----------
        model : object
            The model.
        artifact_path : str, optional
            The model's name; better said as ``name=``.
        **options
            As for every flavor: name, registered_model_name, signature, input_example, ...
        """
        return logging.log(artifact_path=artifact_path, **self._parts(model), **options)

    def load_model(
        self,
        model_uri: str | os.PathLike[str],
        dst_path: str | os.PathLike[str] | None = None,
        *,
        trust: bool | None = None,
    ) -> Any:
        """Load a model.

        Parameters
        ----------
        model_uri : str or path
            The model.
        dst_path : str or path, optional
            The folder to copy it to.
        trust : bool, optional
            True lets code run that you have not saved yourself.
        """
        return _found(model_uri, self, dst_path, trust)

    def _load_pyfunc(
        self,
        path: str | OpenedModel,
        model_config: Mapping[str, Any] | None = None,
        trust: bool | None = None,
    ) -> Predictor:
        """Load the model for ``pyfunc``."""
        return Predictor(_opened(path, self, trust), self._predict)

    def _parts(self, model: Any) -> dict[str, Any]:
        said: dict[str, Any] = {}

        def write(folder: Path, known: Model) -> None:
            (folder / self.name).mkdir()
            said.update(self._write(model, folder / self.name) or {})
            known.requirements.add_package("nbtrack", *self._packages)
            known.requirements.add_module(str(self._write.__module__))
            describe(
                known,
                self.name,
                loader=None if self._predict is None else f"nbtrack.{self.name}",
                pyfunc={"data": self.name},
                data=self.name,
                known=said,
            )

        def check(folder: Path) -> Callable[..., Any]:
            return Predictor(self._read(folder / self.name, said), self._predict).predict

        predicts = None if self._predict is None else Predictor(model, self._predict).predict
        return {"write": write, "predict": predicts, "check": check}


class Predictor:
    """A model that predicts by a function of its flavor.

    Parameters
    ----------
    model : object
    predict : callable
    """

    def __init__(self, model: Any, predict: Predict | None) -> None:
        self.model = model
        self._predict = predict

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the predictions."""
        if self._predict is None:
            raise InvalidParameterError(f"{type(self.model).__name__} does not predict.")
        return self._predict(self.model, data, params or {})

    def get_raw_model(self) -> Any:
        """Return the model itself."""
        return self.model


@reads_model
def _found(
    model_uri: str | os.PathLike[str],
    flavor: Flavor,
    dst_path: str | os.PathLike[str] | None,
    trust: bool | None,
) -> Any:
    return _loaded(open_model(model_uri, dst_path), flavor, trust)


@reads_model
def _opened(path: str | OpenedModel, flavor: Flavor, trust: bool | None) -> Any:
    return _loaded(as_opened(path), flavor, trust)


def _loaded(opened: OpenedModel, flavor: Flavor, trust: bool | None) -> Any:
    known = described(opened, flavor.name, trust)
    name = str(known.get("data", flavor.name))
    check_files(opened, [name])
    if flavor._asks is not None:
        opened.ask(flavor._asks, trust)
    with working("load model"):
        return flavor._read(opened.file(name), known.get("known") or {})
