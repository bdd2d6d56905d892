"""What there is to know about a saved model, without loading it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbtrack.models.signature import ModelSignature


class SavedModel(Protocol):
    """What a model's file MLmodel says of it; ``nbtrack.models.model.Model`` reads the file."""

    artifact_path: str | None
    run_id: str | None
    model_id: str | None
    model_uuid: str
    utc_time_created: str
    flavors: dict[str, dict[str, Any]]
    signature: ModelSignature | None
    saved_input_example_info: dict[str, Any] | None
    mlflow_version: str | None
    metadata: dict[str, Any] | None
    model_size_bytes: int | None
    env_vars: list[str] | None
    prompts: list[str] | None

    @property
    def device(self) -> str | None:
        """The device that it was on when it was saved."""

    @property
    def verified(self) -> str | None:
        """How far it was compared with the model in memory when it was saved."""


@dataclass
class ModelInfo:
    """What ``log_model`` and ``get_model_info`` answer; the names are MLflow's.

    Attributes
    ----------
    artifact_path : str
        Where the model's files are.
    flavors : dict
        What each flavor says about its files.
    model_uri : str
        ``models:/<model id>`` for a logged model, else the folder.
    model_size_bytes : int or None
        The size of all its files.
    device : str or None
        The device that it was on when it was saved.
    verified : str or None
        How far what would be loaded was compared with the model in memory when it was saved:
        ``"outputs"``, both gave the same for the input example; ``"structure"``, its classes,
        functions and attributes are the same; None, not at all (pickles, MLflow's models).
    registered_model_version : int or None
        Its version, if it was registered while it was logged.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> info = nbtrack.sklearn.log_model(LinearRegression(), name="line", wait=False)
    >>> sorted(info.wait().flavors)
    ['python_function', 'sklearn']
    >>> print(info.load_code())
    nbtrack.sklearn.load_model('models:/m-...')
    """

    artifact_path: str
    flavors: dict[str, Any]
    model_uri: str
    model_uuid: str
    run_id: str | None
    saved_input_example_info: dict[str, Any] | None
    signature: ModelSignature | None
    utc_time_created: str
    mlflow_version: str | None
    metadata: dict[str, Any] | None = None
    registered_model_version: int | None = None
    env_vars: list[str] | None = None
    prompts: list[str] | None = None
    model_id: str | None = None
    name: str | None = None
    params: dict[str, str] | None = None
    metrics: Any = None
    tags: dict[str, str] | None = None
    creation_timestamp: int | None = None
    model_size_bytes: int | None = None
    device: str | None = None
    verified: str | None = None
    waits: Callable[[float | None], None] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of(cls, model: SavedModel, model_uri: str | None = None, **more: Any) -> ModelInfo:
        """Return what the file MLmodel of a model says.

        Parameters
        ----------
        model : SavedModel
            The file.
        model_uri : str, optional
            What loads it; by default its model id, else its folder.
        **more
            What the file does not know.
        """
        place = model.artifact_path or ""
        uri = model_uri or (f"models:/{model.model_id}" if model.model_id else place)
        known = {
            "flavors": model.flavors,
            "model_uuid": model.model_uuid,
            "run_id": model.run_id,
            "saved_input_example_info": model.saved_input_example_info,
            "signature": model.signature,
            "utc_time_created": model.utc_time_created,
            "mlflow_version": model.mlflow_version,
            "metadata": model.metadata,
            "env_vars": model.env_vars,
            "prompts": model.prompts,
            "model_id": model.model_id,
            "model_size_bytes": model.model_size_bytes,
            "device": model.device,
            "verified": model.verified,
        }
        return cls(**{"artifact_path": place, "model_uri": uri, **known, **more})

    @property
    def signature_dict(self) -> dict[str, Any] | None:
        """The signature as the file MLmodel has it."""
        return None if self.signature is None else self.signature.to_dict()

    def load_code(self) -> str:
        """Return the line of Python that loads the model."""
        own = next((name for name in self.flavors if name != "python_function"), "pyfunc")
        return f"nbtrack.{own}.load_model({self.model_uri!r})"

    def wait(self, timeout: float | None = None) -> ModelInfo:
        """Wait until the model is written (``log_model(..., wait=False)``), and return this.

        Parameters
        ----------
        timeout : float, optional
            Seconds.

        Raises
        ------
        NbtrackError
            If writing it failed, or goes on after ``timeout``.
        """
        if self.waits is not None:
            self.waits(timeout)
        return self
