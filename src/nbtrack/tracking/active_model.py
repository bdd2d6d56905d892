"""The active model: what is logged while it is active is the model's too."""

from __future__ import annotations

from types import TracebackType

from nbtrack.entities import LoggedModel
from nbtrack.errors import InvalidParameterError, warn
from nbtrack.store import Store, model_ids_of_name
from nbtrack.tracking import context
from nbtrack.tracking.model_edits import create_external, get
from nbtrack.tracking.start import active_experiment_id
from nbtrack.variables import ACTIVE_MODEL_ID


class ActiveModel(LoggedModel):
    """A logged model that is active; also a context manager, which makes it so for a while.

    Examples
    --------
    >>> with nbtrack.set_active_model(name="net") as model:
    ...     print(nbtrack.get_active_model_id() == model.model_id)
    True
    """

    __slots__ = ("_before",)  # the model that was active before; no field of the entity

    _before: str | None

    def __enter__(self) -> ActiveModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        context.set_active_model(self._before)


def set_active_model(
    store: Store, *, name: str | None = None, model_id: str | None = None
) -> ActiveModel:
    """Make a model the active one of this thread.

    Parameters
    ----------
    store : Store
    name : str, optional
        The latest model of this name in the active experiment; an external one is made if there
        is none.
    model_id : str, optional

    Raises
    ------
    InvalidParameterError
        If neither is given, or they do not fit.
    NotFoundError
        If there is no model with this id.
    """
    if name is None and model_id is None:
        raise InvalidParameterError("Either name or model_id must be provided")
    if model_id is not None:
        model = get(store, model_id)
        if name is not None and model.name != name:
            raise InvalidParameterError(
                f"LoggedModel with model_id {model_id!r} has name {model.name!r}, which does not "
                f"match the provided name {name!r}."
            )
    else:
        model = _of_name(store, str(name))
    active = ActiveModel(**vars(model))
    object.__setattr__(active, "_before", context.active_model())
    context.set_active_model(model.model_id)
    return active


def _of_name(store: Store, name: str) -> LoggedModel:
    experiment_id = active_experiment_id(store)
    with store.read() as reader:
        found = model_ids_of_name(reader, name, experiment_id)
    if len(found) > 1:
        warn(f"Multiple LoggedModels found with name {name!r}: the latest one is the active model.")
    if found:
        return get(store, found[0])
    return create_external(store, name, experiment_id=experiment_id)


def clear_active_model() -> None:
    """Let no model be active, neither by ``set_active_model`` nor by the environment."""
    ACTIVE_MODEL_ID.unset()
    context.set_active_model(None)
