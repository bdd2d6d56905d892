"""The file MLmodel: what a model folder says about itself."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nbtrack._names import look_elsewhere
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.models.manifest import MLMODEL, file_of
from nbtrack.models.requirements import Requirements
from nbtrack.models.signature import ModelSignature
from nbtrack.untrusted_files import read_yaml

look_elsewhere(__name__)

if TYPE_CHECKING:
    from nbtrack.models.info import ModelInfo
    from nbtrack.models.schema import ParamSchema, Schema

PYFUNC = "python_function"
FORMAT = "3.17.2"
"""The version of MLflow whose model folder is written."""

ENVIRONMENT = {"conda": "conda.yaml", "virtualenv": "python_env.yaml"}


class Model:
    """What the file MLmodel holds.

    Parameters are the keys of the file; those that are not named here are kept as they are.

    Parameters
    ----------
    artifact_path : str, optional
        Where the model's files are.
    run_id : str, optional
        The run that it came out of.
    utc_time_created : str, optional
        ``YYYY-MM-DD HH:MM:SS.ffffff``; by default now.
    flavors : dict, optional
        What each flavor says about its files.
    signature : ModelSignature, optional
        What goes in and what comes out.
    metadata : dict, optional
        Whatever the user wants to keep with the model.
    model_id : str, optional
        The id of the logged model.
    saved_input_example_info, model_uuid, mlflow_version, model_size_bytes, resources : optional
        As MLflow writes them.
    env_vars, auth_policy, prompts, **unknown : optional
        As MLflow writes them.

    Attributes
    ----------
    requirements : Requirements
        The packages that the model needs, filled while it is written.
    code_folder : str or None
        The folder with the user's own code (``code_paths``), while the model is written.
    extra_files : list of dict
        The user's own files beside the model's, as a flavor says them in MLmodel.
    hashes : dict of str to str
        The SHA-256 of files that were hashed while they were written, by path.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from nbtrack.models import Model
    >>> fitted = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    >>> _ = nbtrack.sklearn.save_model(fitted, "doubling", input_example=[[1.0]])
    >>> model = Model.load("doubling")
    >>> sorted(model.flavors), model.get_params_schema() is None
    (['python_function', 'sklearn'], True)
    >>> model.get_input_schema().to_dict() == model.get_model_info().signature.inputs.to_dict()
    True
    >>> model.load_input_example("doubling")
    [[1.0]]
    >>> print(model.get_serving_input("doubling"))
    {"inputs": [[1.0]]}
    >>> Model.from_dict(model.to_dict()) == Model.parse(model.to_yaml(), "MLmodel")
    True
    >>> model.add_flavor("mine", version="1.0").save("MLmodel")
    """

    _plain: ClassVar = (
        *("artifact_path", "run_id", "model_id", "model_uuid", "utc_time_created", "flavors"),
        *("saved_input_example_info", "mlflow_version", "metadata", "model_size_bytes"),
        *("resources", "env_vars", "auth_policy", "prompts", "type_hint_from_example", "nbtrack"),
    )

    def __init__(
        self,
        artifact_path: str | None = None,
        run_id: str | None = None,
        utc_time_created: Any = None,
        flavors: dict[str, dict[str, Any]] | None = None,
        signature: ModelSignature | None = None,
        saved_input_example_info: dict[str, Any] | None = None,
        model_uuid: str | None = None,
        mlflow_version: str | None = FORMAT,
        metadata: dict[str, Any] | None = None,
        model_size_bytes: int | None = None,
        resources: Any = None,
        env_vars: list[str] | None = None,
        auth_policy: Any = None,
        model_id: str | None = None,
        prompts: list[str] | None = None,
        **unknown: Any,
    ) -> None:
        self.artifact_path = artifact_path
        self.run_id = run_id
        self.utc_time_created = str(utc_time_created or datetime.now(UTC).replace(tzinfo=None))
        self.flavors: dict[str, dict[str, Any]] = flavors or {}
        self.signature = signature
        self.saved_input_example_info = saved_input_example_info
        self.model_uuid = model_uuid or model_id or uuid.uuid4().hex
        self.mlflow_version = mlflow_version
        self.metadata = metadata
        self.model_size_bytes = model_size_bytes
        self.resources = resources
        self.env_vars = env_vars
        self.auth_policy = auth_policy
        self.model_id = model_id
        self.prompts = prompts
        self.type_hint_from_example: bool | None = unknown.pop("type_hint_from_example", None)
        self.nbtrack: dict[str, Any] = unknown.pop("nbtrack", None) or {}
        self.unknown = unknown
        self.requirements = Requirements()
        self.code_folder: str | None = None
        self.extra_files: list[dict[str, str]] = []
        self.hashes: dict[str, str] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Model) and self.to_dict() == other.to_dict()

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"<Model {self.model_id or self.model_uuid}: {', '.join(self.flavors)}>"

    @property
    def device(self) -> str | None:
        """The device that the model was on when it was saved, where its flavor knows."""
        return self.nbtrack.get("device")

    @property
    def verified(self) -> str | None:
        """How far it was compared with the model in memory when it was saved."""
        found = self.nbtrack.get("verified")
        return found if isinstance(found, str) else None

    @property
    def flavor(self) -> str:
        """The name of its own flavor: the first one that is not ``python_function``."""
        return next((name for name in self.flavors if name != PYFUNC), PYFUNC)

    @property
    def is_signature_from_type_hint(self) -> bool:
        """Whether the type hint of ``predict`` is what the signature was made from."""
        return self.signature is not None and self.signature._is_signature_from_type_hint

    @property
    def signature_dict(self) -> dict[str, Any] | None:
        """The signature as the file has it."""
        return None if self.signature is None else self.signature.to_dict()

    def add_flavor(self, name: str, **params: Any) -> Model:
        """Add what a flavor says about its files, and return the model.

        Parameters
        ----------
        name : str
            Of the flavor.
        **params
            What it says.
        """
        self.flavors[name] = params
        return self

    def add_pyfunc(self, loader_module: str, **params: Any) -> Model:
        """Let ``pyfunc`` load the model: ``loader_module`` has a function ``_load_pyfunc(path)``.

        Parameters
        ----------
        loader_module : str
            ``mlflow.<flavor>`` where MLflow can read the files too.
        **params
            More keys: ``data`` or ``model_path`` name what the function gets, relative to the
            folder; it gets the folder where there is neither.
        """
        import platform

        more = {"code": self.code_folder} if self.code_folder else {}
        return self.add_flavor(
            PYFUNC,
            loader_module=loader_module,
            python_version=platform.python_version(),
            env=dict(ENVIRONMENT),
            **more,
            **params,
        )

    def get_input_schema(self) -> Schema | None:
        """Return what goes in."""
        return None if self.signature is None else self.signature.inputs

    def get_output_schema(self) -> Schema | None:
        """Return what comes out."""
        return None if self.signature is None else self.signature.outputs

    def get_params_schema(self) -> ParamSchema | None:
        """Return the parameters of ``predict``."""
        return None if self.signature is None else self.signature.params

    def load_input_example(self, path: str | os.PathLike[str] | None = None) -> Any:
        """Return the input example that was saved with the model; None without one.

        Parameters
        ----------
        path : str or path, optional
            The model's folder or URI; by default where the model says that it is.
        """
        from nbtrack.models.input_example import read_example

        found = read_example(self._folder(path), self.saved_input_example_info, self.signature)
        return None if found is None else found.data

    def load_input_example_params(self, path: str | os.PathLike[str]) -> dict[str, Any] | None:
        """Return the parameters that were saved with the input example; None without any.

        Parameters
        ----------
        path : str or path
            The model's folder or URI.
        """
        from nbtrack.models.input_example import read_example

        found = read_example(self._folder(path), self.saved_input_example_info, self.signature)
        return None if found is None else found.params

    def get_serving_input(self, path: str | os.PathLike[str]) -> str | None:
        """Return the input example as the JSON text that a scoring server takes.

        Parameters
        ----------
        path : str or path
            The model's folder or URI.
        """
        name = (self.saved_input_example_info or {}).get("serving_input_path")
        return None if name is None else file_of(self._folder(path), name).read_text("utf-8")

    def get_model_info(self) -> ModelInfo:
        """Return what there is to know about the model."""
        from nbtrack.models.info import ModelInfo

        return ModelInfo.of(self)

    def to_dict(self) -> dict[str, Any]:
        """Return the keys of the file."""
        known = {name: getattr(self, name) for name in self._plain}
        found = {name: value for name, value in known.items() if value not in (None, {})}
        found = {**self.unknown, "flavors": self.flavors, **found}
        if self.signature is not None:
            found["signature"] = self.signature.to_dict()
            found["is_signature_from_type_hint"] = self.is_signature_from_type_hint
        return found

    def to_yaml(self, stream: Any = None) -> str | None:
        """Return the file's text, or write it to a stream.

        Parameters
        ----------
        stream : file, optional
            Where to write.
        """
        import yaml

        text: str | None = yaml.safe_dump(self.to_dict(), stream, allow_unicode=True)
        return text

    def to_json(self) -> str:
        """Return the keys of the file as JSON text."""
        return json.dumps(self.to_dict())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the file.

        Parameters
        ----------
        path : str or path
            The file.
        """
        Path(path).write_text(self.to_yaml() or "", "utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """Read the file of a model.

        Parameters
        ----------
        path : str or path
            The file, the folder that it is in, or a URI of a model.

        Raises
        ------
        NotFoundError
            If there is no such model.
        InvalidParameterError
            If the file is no MLmodel.
        """
        place = Path(path)
        if not place.exists():
            return cls._find(path)[1]
        file = place / MLMODEL if place.is_dir() else place
        if not file.is_file():
            raise NotFoundError(
                f"{str(place)!r} is no model folder: there is no file {MLMODEL} in it."
            )
        return cls.parse(file.read_bytes(), str(file))

    @classmethod
    def parse(cls, content: bytes, name: str) -> Model:
        """Return the model that the content of a file says.

        Parameters
        ----------
        content : bytes
            What an ``MLmodel`` file holds: YAML.
        name : str
            The file's name, for the message.

        Raises
        ------
        InvalidParameterError
            If it is no MLmodel.
        """
        given = read_yaml(content, name)
        flavors = given.get("flavors", {}) if isinstance(given, dict) else None
        if not isinstance(flavors, dict) or not all(isinstance(f, dict) for f in flavors.values()):
            raise InvalidParameterError(f"{name!r} is no MLmodel file: it has no flavors.")
        try:
            return cls.from_dict(given)
        except NbtrackError:
            raise
        except Exception as error:
            raise InvalidParameterError(
                f"{name!r} is no MLmodel file that can be read: {type(error).__name__}: {error}. "
                "Get the model anew."
            ) from error

    @classmethod
    def from_dict(cls, model_dict: Mapping[str, Any]) -> Model:
        """Return the model that the keys of a file describe; unknown keys are kept.

        Parameters
        ----------
        model_dict : mapping
            The keys.
        """
        given = {"mlflow_version": None, **model_dict}
        from_hint = given.pop("is_signature_from_type_hint", None)
        signature = given.pop("signature", None)
        if isinstance(signature, Mapping):
            signature = ModelSignature.from_dict(signature)
            signature._is_signature_from_type_hint = bool(from_hint)
        return cls(signature=signature, **given)

    def _folder(self, path: str | os.PathLike[str] | None) -> Path:
        given = self.artifact_path if path is None else path
        if given is None:
            raise InvalidParameterError("The model does not know its folder: pass it as path.")
        if Path(given).is_dir():
            return Path(given)
        return self._find(given)[0]

    @classmethod
    def _find(cls, uri: str | os.PathLike[str]) -> tuple[Path, Model]:
        from nbtrack.models.folder import find_model

        folder, content = find_model(uri)
        return folder.path, cls.parse(content, str(folder.path / MLMODEL))
